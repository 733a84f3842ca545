//===- Fastcall.cpp - Spills around calls that keep registers ------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Analysis/Fastcall.h"
#include "llvm/ADT/DenseSet.h"

using namespace llvm;

namespace prepatch {

static bool isSpill(const Insn *I) {
  return I && I->kind() == InsnKind::Store && memBytes(I->opcode()) == 8 &&
         I->dst() == RegFp;
}

static bool isFill(const Insn *I) {
  return I && I->kind() == InsnKind::Load && memBytes(I->opcode()) == 8 &&
         memMode(I->opcode()) == ModeMem && I->src() == RegFp;
}

/// The caller-saved registers that a fastcall leaves alone; none if it is not
/// one.
static RegSet keptRegs(const Insn &I, const KernelProfile &Profile) {
  RegSet Touched = 0;
  if (I.kind() == InsnKind::HelperCall) {
    if (!Profile.isFastcallHelper(uint32_t(I.imm())))
      return 0;
    const HelperInfo *H = Profile.helper(uint32_t(I.imm()));
    unsigned Args = H ? H->numArgs() : 5;
    Touched = RegSet((1u << (Args + 1)) - 1);
    if (H && H->Return == HelperReturn::Void)
      Touched &= ~regBit(0);
  } else {
    StringRef Name = calledKfunc(I);
    if (Name.empty() || !Profile.kfunc(Name).Fastcall)
      return 0;
    // Their prototypes are in the kernel's BTF only; those known so far are
    // casts of one pointer, with a type id that counts as an argument.
    Touched = regBit(0) | regBit(1);
    if (Name == "bpf_rdonly_cast")
      Touched |= regBit(2);
  }
  return CallClobbered & ~Touched;
}

std::vector<FastcallPair> findFastcallPairs(Function &F, const RegKinds &Kinds,
                                            const KernelProfile &Profile) {
  std::vector<FastcallPair> Pairs;
  if (!Profile.features().Fastcall || F.isOpaque())
    return Pairs;
  int Lowest = 0;
  bool HasFastcall = false;
  for (BasicBlock &BB : F)
    for (Insn &I : BB) {
      if (isSpill(&I))
        Lowest = std::min(Lowest, int(I.off()));
      else if (isCall(I.kind()))
        HasFastcall |= keptRegs(I, Profile) != 0;
    }
  if (!HasFastcall || Lowest == 0)
    return Pairs;

  int End = 0; // the lowest end of the patterns' part of the stack
  DenseSet<const Insn *> InPattern;
  for (BasicBlock &BB : F)
    for (Insn &I : BB) {
      if (!isCall(I.kind()))
        continue;
      RegSet Kept = keptRegs(I, Profile);
      int Off = Lowest;
      Insn *Spill = I.prev(), *Fill = I.next();
      while (isSpill(Spill) && isFill(Fill) && Spill->src() == Fill->dst() &&
             (Kept & regBit(Spill->src())) && Spill->off() == Off &&
             Fill->off() == Off) {
        Kept &= ~regBit(Spill->src());
        Pairs.push_back({&BB, &I, Spill, Fill});
        InPattern.insert(Spill);
        InPattern.insert(Fill);
        Off += 8;
        Spill = Spill->prev();
        Fill = Fill->next();
      }
      if (Off != Lowest)
        End = std::min(End, Off);
    }
  if (Pairs.empty())
    return Pairs;

  // Any other use of that part, and the kernel leaves the whole function as
  // it is (check_fastcall_stack_contract).
  bool Broken = false;
  auto use = [&](const RegValue &V, int32_t Off) {
    Broken |= V.is(ValueKind::Stack) &&
              (V.offset() + Off < End || V.isBoundGuessed());
  };
  for (BasicBlock &BB : F)
    Kinds.forEach(BB, [&](Insn &I, const RegState &S) {
      if (InPattern.contains(&I))
        return;
      if (I.kind() == InsnKind::Load)
        use(S[I.src()], I.off());
      else if (I.kind() == InsnKind::Store || I.kind() == InsnKind::StoreImm ||
               I.kind() == InsnKind::Atomic)
        use(S[I.dst()], I.off());
      else if (isCall(I.kind()))
        for (unsigned R = 1; R <= 5; ++R)
          use(S[R], 0);
    });
  if (Broken)
    Pairs.clear();
  return Pairs;
}

} // namespace prepatch
