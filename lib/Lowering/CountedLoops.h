//===- CountedLoops.h - Loops whose rounds are known to end --------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Finds natural loops that count: a register or stack slot starts at a
// constant, changes by a constant in every round, and is compared with a
// constant or with a number that cannot be large. The rounds are then counted
// by doing them: the proof of a bound is a run of the counter alone.
//===----------------------------------------------------------------------===//
#ifndef PREPATCH_LOWERING_COUNTEDLOOPS_H
#define PREPATCH_LOWERING_COUNTEDLOOPS_H

#include "Lowering/Pass.h"

namespace prepatch {

/// A register, or 8 bytes of the own frame.
struct CounterPlace {
  uint8_t Reg = RegFp; ///< r0 to r9; RegFp: the slot at Off
  int32_t Off = 0;     ///< from r10, a negative multiple of 8

  bool operator==(const CounterPlace &) const = default;
};

struct CountedLoop {
  Function *F = nullptr;
  BasicBlock *Head = nullptr;
  /// Ends the block that every round passes: the loop is left here when the
  /// counter ends.
  Insn *Branch = nullptr;
  BasicBlock *Exit = nullptr; ///< where it goes then
  CounterPlace Counter;       ///< as it is at the head
  /// Most times that Branch is executed each time the loop is entered; 0 if
  /// that is not known to end.
  uint64_t Rounds = 0;
  /// The same for one call of the function: times the rounds of the loops
  /// around it. 0 if one of them is not counted.
  uint64_t TotalRounds = 0;
  /// Why it is not counted; empty if it is.
  std::string Uncounted;
};

/// All natural loops of \p F by layout order of their heads. Rounds above
/// \p Limit count as endless.
std::vector<CountedLoop> findCountedLoops(Function &F, Analyses &A,
                                          uint64_t Limit);

/// "r6" or "fp-16".
std::string describe(const CounterPlace &P);

} // namespace prepatch

#endif
