//===- DeadCode.cpp - What the kernel deletes in one function ------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// As the kernel does for privileged loaders, in its order
// (opt_hard_wire_dead_code_branches, opt_remove_dead_code, opt_remove_nops):
// a conditional jump with a side that was never seen becomes a goto, each
// maximal run of unseen instructions is cut out, and each goto that then
// leads to the next instruction is cut out by itself.
//===----------------------------------------------------------------------===//

#include "Analysis/Fastcall.h"
#include "Analysis/SiteFinder.h"

using namespace llvm;

namespace prepatch {

void SiteFinder::findDeletions() {
  const Cfg &Flow = Kinds.cfg(F);
  auto isBlockSeen = [&](const BasicBlock *BB) {
    return BB && Reached[BB->number()] > 0;
  };

  // Runs of unseen code. Slots are counted anew: visit() saw only the rest.
  PatchSite *Run = nullptr;
  Slot = 0;
  for (unsigned B = 0; B < Flow.size(); ++B) {
    BasicBlock &BB = Flow.block(B);
    unsigned N = 0;
    for (Insn &I : BB) {
      if (N++ < Reached[B]) {
        Run = nullptr;
      } else {
        if (!Run)
          Run = &add(SiteKind::Unreachable, BB, I);
        Run->Grows -= int(I.slots());
      }
      Slot += I.slots();
    }
  }

  // The next block that is left, by block.
  std::vector<BasicBlock *> NextSeen(Flow.size());
  BasicBlock *Next = nullptr;
  for (unsigned B = Flow.size(); B-- > 0;) {
    NextSeen[B] = Next;
    if (Reached[B])
      Next = &Flow.block(B);
  }
  Slot = 0;
  for (unsigned B = 0; B < Flow.size(); ++B) {
    BasicBlock &BB = Flow.block(B);
    Insn *Last = BB.back();
    unsigned Count = 0;
    for (Insn &I : BB) {
      ++Count;
      Slot += I.slots();
    }
    if (!Last || Reached[B] < Count || !isBranch(Last->kind()) ||
        !Last->target())
      continue;
    --Slot; // no branch has two
    bool ToNext = Last->target() == NextSeen[B];
    if (Last->kind() == InsnKind::CondJump) {
      // One that is left as a goto to the end of the run it jumps over, or
      // as a goto +0 as nobody was seen to jump.
      if (!isBlockSeen(BB.next()) ? ToNext : !isBlockSeen(Last->target()))
        add(SiteKind::DecidedBranch, BB, *Last, -1);
    } else if (ToNext) {
      if (Last->opcode() == OpJa)
        add(SiteKind::NopJump, BB, *Last, -1);
      else if (Last->kind() == InsnKind::MayGoto && Last->target() == BB.next())
        add(SiteKind::NopMayGoto, BB, *Last, -1);
    }
    ++Slot;
  }

  for (const FastcallPair &P : findFastcallPairs(F, Kinds, Profile)) {
    unsigned B = P.BB->number(), N = 0;
    Slot = StartSlot[B];
    for (Insn &I : *P.BB) {
      if (N++ == Reached[B])
        break;
      if (&I == P.Spill || &I == P.Fill)
        add(SiteKind::FastcallSpill, *P.BB, I, -1);
      Slot += I.slots();
    }
  }
}

} // namespace prepatch
