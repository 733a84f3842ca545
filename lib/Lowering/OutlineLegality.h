//===- OutlineLegality.h - May a function call one more subprogram -------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef PREPATCH_LOWERING_OUTLINELEGALITY_H
#define PREPATCH_LOWERING_OUTLINELEGALITY_H

#include "Lowering/Pass.h"

namespace prepatch {

/// Why \p L must not get a subprogram that it had not; empty if it may.
std::string whyNoSubprogram(const LoadedProgram &L);

/// Why \p F must not get a call of a new subprogram that uses \p StackBytes,
/// in the words of a report; empty if it may.
std::string whyNoCall(const Function &F, unsigned StackBytes, Analyses &A);

} // namespace prepatch

#endif
