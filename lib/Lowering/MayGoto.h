//===- MayGoto.h - Counted loops that the verifier may leave -------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the pass `may-goto` does, for whoever wants to choose the loops.
//===----------------------------------------------------------------------===//
#ifndef PREPATCH_LOWERING_MAYGOTO_H
#define PREPATCH_LOWERING_MAYGOTO_H

#include "Lowering/CountedLoops.h"

namespace prepatch {

/// Most may_goto that one call of a function may execute for none of them ever
/// to jump. Kernels with the timed form set a clock after 65 535 of them, and
/// look at it after as many more for the first time; those without allow
/// 8 388 608.
inline constexpr uint64_t MayGotoRounds = 2 * 65535 - 1;

/// Why \p L can have no may_goto; empty if it can.
std::string whyNoMayGoto(const CountedLoop &L, Analyses &A);

/// Puts a may_goto before the branch that ends each of \p Loops, which
/// whyNoMayGoto lets through; it leads where that branch does. An error, and
/// nothing is changed, if together they may run more often in one call of a
/// function than none jumps. Analyses become invalid.
llvm::Error insertMayGoto(Program &P, llvm::ArrayRef<CountedLoop> Loops);

} // namespace prepatch

#endif
