//===- Visits.h - How often the verifier looks at an instruction ---------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The unit is visits: how often do_check() processes an instruction while it
// verifies all loaded programs that hold it. An instruction that a lowering
// adds costs its time at every visit, so counts decide whether a patch that
// is saved is worth it. They are measured (from a state log) or estimated
// from the shape of the code. The estimate is cautious: rather too high.
//===----------------------------------------------------------------------===//
#ifndef PREPATCH_ANALYSIS_VISITS_H
#define PREPATCH_ANALYSIS_VISITS_H

#include "Analysis/RegKinds.h"
#include "llvm/ADT/StringMap.h"

namespace prepatch {

/// Visits of one instruction, as a log gives them. Several entries for one
/// place (programs that share a function) are added up.
struct VisitRecord {
  llvm::StringRef Function;
  uint32_t Index; ///< slots from the start of the function, in the input
  uint64_t Visits;
};

class VisitCounts {
public:
  /// From the shape alone. Rules, with numbers that real programs suggest
  /// (19 visits an instruction on average, 1 to 2 in straight unrolled code):
  /// - a branch is followed both ways each time, unless constants decide it;
  /// - where ways meet, most arrivals are pruned: the busiest one and a
  ///   twentieth of the others go on, up to 20 in all;
  /// - the body of a loop is walked once for each round: 32; that of an
  ///   iterator, of may_goto or of a callback, until states meet: 4;
  /// - a static function is walked at each visit of a call of it, a global
  ///   one once for each program.
  static VisitCounts estimate(const RegKinds &Kinds);
  /// From a log. Functions without any record are not known to it and answer
  /// 0 visits: the verifier never came there.
  static VisitCounts measured(const CallGraph &Graph,
                              llvm::ArrayRef<VisitRecord> Records);

  bool isMeasured() const { return Measured; }
  /// Visits of \p I in \p F. An instruction that no input held counts as the
  /// next one after it in its block that did, else the last before it.
  double visits(const Function &F, const Insn &I) const;
  double visitsAtEntry(const Function &F) const;

private:
  struct PerFunction {
    std::vector<float> BySlot; ///< by original index
    /// Code without original indices that was there already.
    llvm::DenseMap<const Insn *, float> Inserted;
    float AtEntry = 0;
  };

  void boundBy(const CallGraph &Graph, double Bound);

  llvm::DenseMap<const Function *, PerFunction> Functions;
  bool Measured = false;
};

} // namespace prepatch

#endif
