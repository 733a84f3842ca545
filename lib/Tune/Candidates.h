//===- Candidates.h - What may be worth forgetting -----------------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// From a state log: at every point the locations that are live, always hold a
// scalar, had several values, and were asked for precisely. A scalar that
// nobody wants precisely never keeps two states apart (regsafe(), 6.18); but
// for loops of iterators, callbacks and may_goto, whose states are compared by
// ranges whatever was asked for.
//===----------------------------------------------------------------------===//
#ifndef PREPATCH_TUNE_CANDIDATES_H
#define PREPATCH_TUNE_CANDIDATES_H

#include "Tune/ProgramModel.h"

namespace prepatch {

/// Copies of one place, as unrolling and inlining make them, that forget the
/// same location: mostly all of them or none are worth it.
struct CopyClass {
  uint32_t Fn = 0;
  Location Where;
  uint64_t Code = 0; ///< fingerprint
  auto operator<=>(const CopyClass &) const = default;
};

struct Candidate {
  CodePlace At;
  Location Where;
  llvm::SmallVector<Widening, 4> Ways; ///< the best first; never empty
  CopyClass Class;
  uint64_t Visits = 0; ///< of the place
  uint32_t Merge = 0;  ///< states that would be one without this location
  bool IsJoin = false; ///< several ways lead here
  /// Whether the verifier asked for its value. If not, it matters only where a
  /// loop is left by the kernel's own means.
  bool IsAsked = false;

  Choice choice(unsigned Way = 0) const { return {At, Ways[Way]}; }
};

/// In order of places.
std::vector<Candidate> findCandidates(const ProgramModel &Model,
                                      const StateProfile &Profile);

CopyClass classOf(const ObjectModel &Obj, const Choice &C);

} // namespace prepatch

#endif
