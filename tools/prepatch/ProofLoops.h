//===- ProofLoops.h - The may_goto that a proof lets through -------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A may_goto is no no-op: it may jump, unless the loop around it is proved to
// end before. That proof is done again here, on the object before.
//===----------------------------------------------------------------------===//
#ifndef PREPATCH_TOOLS_PROOFLOOPS_H
#define PREPATCH_TOOLS_PROOFLOOPS_H

#include "Widening/Strip.h"

namespace prepatch {

/// What came of the may_goto that AFTER has more than BEFORE.
struct ProofLoops {
  /// Most executions of each in one call of its function, in layout order.
  std::vector<uint64_t> Rounds;
  /// One that can not be proved never to jump.
  std::optional<ProofDifference> Difference;
};

/// Puts into \p Before the may_goto that \p After has more, each where the pass
/// `may-goto` would. A comparison of the two has to show that they are the
/// same there.
ProofLoops addProvenMayGotos(Object &Before, Object &After,
                             const KernelProfile &Profile);

} // namespace prepatch

#endif
