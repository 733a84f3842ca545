//===- DefinedRegs.cpp - Registers that are written on every way ----------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Analysis/DefinedRegs.h"

namespace prepatch {

static constexpr RegSet All = (1u << NumRegs) - 1;

/// What is defined after \p I if \p Set is before it.
static RegSet step(RegSet Set, const Insn &I) {
  Set |= I.writes();
  // A call leaves r1 to r5 unreadable.
  bool IsCall = isCall(I.kind()) || I.kind() == InsnKind::LoadAbs ||
                I.kind() == InsnKind::LoadInd;
  return IsCall ? Set & ~CallArguments : Set;
}

DefinedRegs::DefinedRegs(const Cfg &Flow) : In(Flow.size(), All) {
  RegSet AtEntry = regBit(RegFp);
  if (Flow.function().isEntry())
    AtEntry |= regBit(1);
  std::vector<RegSet> Out(Flow.size(), All);
  for (bool Changed = true; Changed;) {
    Changed = false;
    for (unsigned B : Flow.reversePostOrder()) {
      RegSet Set = B == 0 ? AtEntry : All;
      for (unsigned Pred : Flow.predecessors(B))
        if (Flow.isReachable(Pred))
          Set &= Out[Pred];
      In[B] = Set;
      for (const Insn &I : Flow.block(B))
        Set = step(Set, I);
      Changed |= Set != Out[B];
      Out[B] = Set;
    }
  }
}

RegSet DefinedRegs::before(const BasicBlock &BB, const Insn &I) const {
  RegSet Set = In[BB.number()];
  for (const Insn &At : BB) {
    if (&At == &I)
      break;
    Set = step(Set, At);
  }
  return Set;
}

} // namespace prepatch
