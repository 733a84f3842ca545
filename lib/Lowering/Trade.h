//===- Trade.h - Whether a rewrite is worth it ---------------------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What one site costs today against what its replacement adds, weighed by the
// goal that the user chose. Passes fill in a Trade; the rules are here, so
// that all of them mean the same by a goal.
//===----------------------------------------------------------------------===//
#ifndef PREPATCH_LOWERING_TRADE_H
#define PREPATCH_LOWERING_TRADE_H

#include "Lowering/Pass.h"

namespace prepatch {

/// One rewrite, in microseconds of load time over all programs that hold it.
struct Trade {
  double SavedUs = 0;       ///< patching that goes away
  double AddedUs = 0;       ///< what the verifier does more, over all visits
  double Visits = 0;        ///< at which AddedUs was reckoned
  bool RemovesPatch = true; ///< the site is gone, not merely smaller
  bool SlowsRun = false;    ///< the program executes more than before
  bool IsHot = false;       ///< in a loop or a callback
};

struct Verdict {
  bool Take = false;
  std::string Reason; ///< with the numbers that decided
  double NetUs = 0;
};

/// The rules of the goals:
/// - patches: what removes a patch is taken;
/// - load: the load gets shorter by the model;
/// - balanced: it gets shorter even if what is added costs half as much again,
///   and nothing is slowed down in a loop or callback;
/// - run: it gets shorter and nothing is slowed down anywhere.
Verdict weigh(Goal G, const Trade &T);

/// Whether \p BB is in a loop of its function, or in a callback, which a
/// helper runs in a loop.
bool isHot(const Analyses &A, const BasicBlock &BB);

} // namespace prepatch

#endif
