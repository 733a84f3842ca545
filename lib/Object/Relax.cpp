//===- Relax.cpp - Branches that no longer reach -------------------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Object/Relax.h"
#include "IR/Builder.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/STLExtras.h"
#include <algorithm>

using namespace llvm;

namespace prepatch {

namespace {

class Relaxer {
public:
  Relaxer(Program &P, Function &F, const BranchReach &Reach)
      : F(F), Reach(Reach), B(P) {}

  bool run() {
    bool Changed = false;
    // Each round repairs what is too long by the layout at its start. What it
    // inserts may stretch others; room is kept, so a few rounds do. Where they
    // do not, emitting says which branch does not fit.
    for (unsigned Round = 0; Round < MaxRounds && repair(); ++Round)
      Changed = true;
    return Changed;
  }

private:
  static constexpr unsigned MaxRounds = 100;

  struct Island {
    BasicBlock *Block;
    int64_t Slot; ///< by the layout at the start of the round
  };

  bool repair();
  void measure();
  BasicBlock &islandFor(BasicBlock &From, BasicBlock &Target);
  BasicBlock &makeIsland(BasicBlock &Behind, int64_t Slot, BasicBlock &Target);
  BasicBlock &splitNear(int64_t &Slot);

  /// Islands stand within three quarters of the reach of their branch.
  int64_t islandDistance() const { return Reach.Limit * 3 / 4; }
  int64_t end(const BasicBlock &BB) const { return Ends[BB.number()]; }
  int64_t start(const BasicBlock &BB) const {
    return BB.number() ? Ends[BB.number() - 1] : 0;
  }

  Function &F;
  const BranchReach &Reach;
  Builder B;
  std::vector<BasicBlock *> Blocks; ///< at the start of the round
  std::vector<int64_t> Ends;        ///< slot behind each of them
  /// Islands of this round by where they lead: one serves all in its reach.
  DenseMap<BasicBlock *, SmallVector<Island, 2>> Islands;
};

void Relaxer::measure() {
  Blocks.clear();
  Ends.clear();
  Islands.clear();
  F.numberBlocks();
  int64_t Slot = 0;
  for (BasicBlock &BB : F) {
    for (Insn &I : BB)
      Slot += I.slots();
    Blocks.push_back(&BB);
    Ends.push_back(Slot);
  }
}

/// Makes an island to \p Target behind \p Behind, which ends at \p Slot.
BasicBlock &Relaxer::makeIsland(BasicBlock &Behind, int64_t Slot,
                                BasicBlock &Target) {
  BasicBlock *Next = Behind.next();
  bool FallsThrough = Behind.fallsThrough();
  BasicBlock &Block = B.createBlock(F, &Behind);
  B.setInsertPoint(Block);
  Insn *Jump = B.create({Reach.HasGotol ? OpGotol : OpJa, 0, 0, 0, 0});
  Jump->setTarget(&Target);
  if (FallsThrough) {
    // A block of its own, as the one before may end in a conditional branch.
    BasicBlock &Around = B.createBlock(F, &Behind);
    B.setInsertPoint(Around);
    B.jump(*Next);
  }
  Islands[&Target].push_back({&Block, Slot});
  return Block;
}

/// Splits the block that holds \p Slot there, or leaves it if that was done in
/// this round. Returns the first part and sets \p Slot to its end.
BasicBlock &Relaxer::splitNear(int64_t &Slot) {
  size_t N = llvm::upper_bound(Ends, Slot) - Ends.begin();
  BasicBlock &BB = *Blocks[N];
  int64_t Here = start(BB);
  for (Insn &I : BB) {
    if (Here >= Slot && &I != BB.front()) {
      B.splitBefore(BB, I);
      break;
    }
    Here += I.slots();
  }
  Slot = Here;
  return BB;
}

BasicBlock &Relaxer::islandFor(BasicBlock &From, BasicBlock &Target) {
  int64_t Here = end(From);
  bool Forward = start(Target) > Here;
  for (const Island &I : Islands[&Target])
    if (std::abs(I.Slot - Here) <= islandDistance())
      return *I.Block;
  // The farthest place towards the target that nothing runs into; if that
  // gains little, the farthest between two blocks; if that does, inside one.
  BasicBlock *Quiet = nullptr, *Farthest = &From;
  int Step = Forward ? 1 : -1;
  for (int64_t N = From.number(); N >= 0 && N + 1 < int64_t(Blocks.size());
       N += Step) {
    if (std::abs(Ends[N] - Here) > islandDistance())
      break;
    Farthest = Blocks[N];
    if (!Farthest->fallsThrough())
      Quiet = Farthest;
  }
  auto gains = [&](const BasicBlock &BB) {
    return std::abs(end(BB) - Here) * 4 > islandDistance();
  };
  if (Quiet && gains(*Quiet))
    return makeIsland(*Quiet, end(*Quiet), Target);
  if (gains(*Farthest))
    return makeIsland(*Farthest, end(*Farthest), Target);
  int64_t Slot =
      std::clamp<int64_t>(Here + Step * islandDistance(), 0, Ends.back() - 1);
  BasicBlock &Behind = splitNear(Slot);
  return makeIsland(Behind, Slot, Target);
}

bool Relaxer::repair() {
  measure();
  bool Changed = false;
  for (BasicBlock *BB : Blocks) {
    Insn *I = BB->back();
    if (!I || !isBranch(I->kind()) || I->opcode() == OpGotol)
      continue;
    BasicBlock &Target = *I->target();
    int64_t Distance = start(Target) - end(*BB);
    if (Distance <= Reach.Limit && Distance >= -Reach.Limit - 1)
      continue;
    if (I->kind() == InsnKind::Jump && Reach.HasGotol)
      Builder::rewrite(*I, {OpGotol, 0, 0, 0, 0});
    else
      I->setTarget(&islandFor(*BB, Target));
    Changed = true;
  }
  return Changed;
}

bool isCpuV4(const Insn &I) {
  switch (I.kind()) {
  case InsnKind::Jump:
    return I.opcode() == OpGotol;
  case InsnKind::IndirectJump:
    return true;
  case InsnKind::Load:
    return memMode(I.opcode()) == ModeMemSx;
  case InsnKind::Alu: {
    bool SwapOnly =
        insnClass(I.opcode()) == ClassAlu64 && aluOp(I.opcode()) == AluEnd;
    return I.off() != 0 || SwapOnly; // movsx, signed division, bswap
  }
  default:
    return false;
  }
}

} // namespace

bool usesCpuV4(Program &P) {
  for (CodeSection &S : P.Sections)
    for (Function &F : S.Functions)
      for (BasicBlock &BB : F)
        for (Insn &I : BB)
          if (isCpuV4(I))
            return true;
  return false;
}

bool relaxBranches(Program &P, const BranchReach &Reach) {
  bool Changed = false;
  for (CodeSection &S : P.Sections)
    for (Function &F : S.Functions) {
      if (F.isOpaque())
        continue;
      // Nothing in a short function can be out of reach.
      if (int64_t(F.countSlots()) > Reach.Limit)
        Changed |= Relaxer(P, F, Reach).run();
    }
  return Changed;
}

} // namespace prepatch
