//===- HeldFacts.cpp - Which registers still hold a loaded fact ----------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Lowering/HeldFacts.h"
#include "llvm/ADT/BitVector.h"

using namespace llvm;

namespace prepatch {

std::optional<FactKey> factAskedAt(const PatchSite &S,
                                   const KernelProfile &Profile) {
  FactKey Key;
  if (S.Kind == SiteKind::ContextRead) {
    Key.Offset = S.Offset;
    Key.Size = S.Size;
    Key.SignExtend = S.Access == AccessKind::ReadSignExtend;
    for (const Attachment *At = S.I->attachments(); At; At = At->Next)
      if (At->Kind == Attachment::Core)
        Key.Core = {At->CoreInfo.TypeId, At->CoreInfo.AccessStrOff,
                    At->CoreInfo.Kind};
    return Key;
  }
  if (S.Kind != SiteKind::Helper)
    return std::nullopt;
  const HelperInfo *H = Profile.helper(S.Helper);
  if (!H || !H->ConstantPerRun || H->Return != HelperReturn::Scalar)
    return std::nullopt;
  // What it is given must be the same: nothing, or the context.
  for (unsigned N = 0; N < H->numArgs(); ++N)
    if (H->Args[N] != HelperArg::Ctx)
      return std::nullopt;
  Key.Helper = S.Helper;
  return Key;
}

//===----------------------------------------------------------------------===//
// HeldState
//===----------------------------------------------------------------------===//

uint16_t HeldState::slot(int32_t Off) const {
  for (auto [At, Fact] : Slots)
    if (At == Off)
      return Fact;
  return None;
}

std::optional<HeldPlace> HeldState::find(uint16_t Fact, unsigned Wanted) const {
  if (reg(Wanted) == Fact)
    return HeldPlace{false, Wanted, 0};
  for (unsigned R : {6, 7, 8, 9, 0, 1, 2, 3, 4, 5})
    if (Regs[R] == Fact)
      return HeldPlace{false, R, 0};
  for (auto [At, Held] : Slots)
    if (Held == Fact)
      return HeldPlace{true, 0, At};
  return std::nullopt;
}

bool HeldState::join(const HeldState &Other) {
  if (!Other.Reached)
    return false;
  if (!Reached) {
    *this = Other;
    return true;
  }
  bool Changed = false;
  for (unsigned R = 0; R < RegFp; ++R)
    if (Regs[R] != None && Regs[R] != Other.Regs[R]) {
      Regs[R] = None;
      Changed = true;
    }
  size_t Before = Slots.size();
  erase_if(Slots,
           [&](const auto &S) { return Other.slot(S.first) != S.second; });
  return Changed || Slots.size() != Before;
}

//===----------------------------------------------------------------------===//
// What changes the context
//===----------------------------------------------------------------------===//

bool storeMayChangeContext(const RegValue &Base) {
  switch (Base.kind()) {
  case ValueKind::Context:
  case ValueKind::BtfPtr: // the kernel's own structures
  case ValueKind::Unknown:
  case ValueKind::Uninit:
  case ValueKind::Scalar: // as much as unknown, here
  case ValueKind::SockCommon:
  case ValueKind::Sock:
  case ValueKind::TcpSock:
  case ValueKind::XdpSock:
    return true;
  default:
    return false;
  }
}

bool ContextEffects::helperMayChange(uint32_t Id) const {
  const HelperInfo *H = Profile.helper(Id);
  if (!H)
    return true;
  if (H->Pure || H->ConstantPerRun)
    return false;
  return H->MayWriteCtx || H->ChangesPacket || H->CallsBack || H->MaySleep;
}

bool ContextEffects::mayChange(const Function &F) {
  auto [It, New] = Known.try_emplace(&F, Running);
  if (!New)
    return It->second != No; // one that calls itself is not looked into
  auto look = [&] {
    if (F.isOpaque() || !A.Kinds.isAnalysed(F))
      return true;
    bool Changes = false;
    const Cfg &Flow = A.Kinds.cfg(F);
    for (unsigned B = 0; B < Flow.size() && !Changes; ++B)
      A.Kinds.forEach(Flow.block(B), [&](Insn &I, const RegState &S) {
        switch (I.kind()) {
        case InsnKind::Store:
        case InsnKind::StoreImm:
          Changes |= storeMayChangeContext(S[I.dst()]);
          break;
        case InsnKind::Atomic:
          Changes |=
              I.imm() != AtomicLoadAcquire && storeMayChangeContext(S[I.dst()]);
          break;
        case InsnKind::HelperCall:
          Changes |= helperMayChange(uint32_t(I.imm()));
          break;
        case InsnKind::BpfCall:
          Changes |= !I.callee() || mayChange(*I.callee());
          break;
        case InsnKind::KfuncCall:
        case InsnKind::Unknown:
          Changes = true;
          break;
        default:
          break;
        }
      });
    return Changes;
  };
  bool Changes = look();
  Known[&F] = Changes ? Yes : No;
  return Changes;
}

//===----------------------------------------------------------------------===//
// HeldFacts
//===----------------------------------------------------------------------===//

HeldFacts::HeldFacts(Function &F, const Analyses &A,
                     const KernelProfile &Profile, ContextEffects &Effects,
                     ArrayRef<FactKey> Keys,
                     const DenseMap<const Insn *, uint16_t> &FactOf)
    : F(F), A(A), Profile(Profile), Effects(Effects), Keys(Keys),
      FactOf(FactOf) {
  solve();
}

void HeldFacts::endContext(HeldState &S) const {
  for (uint16_t &Fact : S.Regs)
    if (Fact != HeldState::None && Keys[Fact].isContext())
      Fact = HeldState::None;
  erase_if(S.Slots,
           [&](const auto &Slot) { return Keys[Slot.second].isContext(); });
}

void HeldFacts::memoryWrite(HeldState &S, const Insn &I,
                            const RegState &Known) const {
  RegValue Base = Known[I.dst()];
  if (storeMayChangeContext(Base))
    endContext(S);
  if (!Base.mayPointToStack() && !Base.is(ValueKind::Unknown))
    return;
  if (Base.is(ValueKind::CallerStack))
    return; // another frame
  if (!Base.is(ValueKind::Stack) || !Base.hasKnownOffset()) {
    S.Slots.clear();
    return;
  }
  int32_t At = Base.offset() + I.off();
  int32_t Size = int32_t(memBytes(I.opcode()));
  erase_if(S.Slots, [&](const auto &Slot) {
    return Slot.first < At + Size && At < Slot.first + 8;
  });
  if (I.kind() != InsnKind::Store || Size != 8 || At % 8 != 0)
    return;
  if (uint16_t Fact = S.reg(I.src()); Fact != HeldState::None) {
    S.Slots.push_back({At, Fact});
    llvm::sort(S.Slots);
  }
}

void HeldFacts::call(HeldState &S, const Insn &I, const RegState &Known) const {
  bool Changes = true;
  bool MayTakeAnyStack = true;
  const HelperInfo *H = nullptr;
  if (I.kind() == InsnKind::HelperCall) {
    H = Profile.helper(uint32_t(I.imm()));
    Changes = Effects.helperMayChange(uint32_t(I.imm()));
    MayTakeAnyStack = !H;
  } else if (I.kind() == InsnKind::BpfCall && I.callee()) {
    Changes = Effects.mayChange(*I.callee());
  } else if (I.kind() == InsnKind::LoadAbs || I.kind() == InsnKind::LoadInd) {
    Changes = MayTakeAnyStack = false;
  }
  if (Changes)
    endContext(S);

  unsigned Arguments = MayTakeAnyStack ? 5 : H ? H->numArgs() : 0;
  for (unsigned R = 1; R <= Arguments; ++R) {
    if (H && (H->Args[R - 1] == HelperArg::MapKey ||
              H->Args[R - 1] == HelperArg::ConstStr))
      continue; // read only
    RegValue V = Known[R];
    if (V.mayPointToStack() && !V.is(ValueKind::CallerStack))
      S.Slots.clear();
  }
  for (unsigned R = 0; R <= 5; ++R)
    S.Regs[R] = HeldState::None;
}

void HeldFacts::step(HeldState &S, const Insn &I, const RegState &Known) const {
  // What the instruction puts into its register, worked out before the write.
  uint16_t Fact = HeldState::None;
  auto It = FactOf.find(&I);
  if (It != FactOf.end())
    Fact = It->second;
  switch (I.kind()) {
  case InsnKind::Store:
  case InsnKind::StoreImm:
    return memoryWrite(S, I, Known);
  case InsnKind::Atomic:
    if (I.imm() != AtomicLoadAcquire)
      memoryWrite(S, I, Known);
    break;
  case InsnKind::HelperCall:
  case InsnKind::BpfCall:
  case InsnKind::KfuncCall:
  case InsnKind::LoadAbs:
  case InsnKind::LoadInd:
    call(S, I, Known);
    if (Fact != HeldState::None)
      S.Regs[0] = Fact;
    return;
  case InsnKind::Load:
    if (Fact == HeldState::None && I.src() == RegFp &&
        memMode(I.opcode()) == ModeMem && memBytes(I.opcode()) == 8)
      Fact = S.slot(I.off());
    S.Regs[I.dst()] = Fact;
    return;
  case InsnKind::Alu: {
    bool IsMove = I.opcode() == OpMov64Reg && I.off() == 0;
    bool IsMove32 = I.opcode() == OpMov32Reg && I.off() == 0;
    uint16_t From = IsMove || IsMove32 ? S.reg(I.src()) : HeldState::None;
    if (IsMove32 && From != HeldState::None && !Keys[From].fitsLowWord())
      From = HeldState::None;
    S.Regs[I.dst()] = From;
    return;
  }
  default:
    break;
  }
  RegSet Written = I.writes();
  for (unsigned R = 0; R < RegFp; ++R)
    if (Written & regBit(R))
      S.Regs[R] = HeldState::None;
}

void HeldFacts::forEach(
    const BasicBlock &BB,
    function_ref<void(Insn &, const HeldState &)> Visit) const {
  HeldState S = In[BB.number()];
  if (!S.isReached())
    return;
  A.Kinds.forEach(BB, [&](Insn &I, const RegState &Known) {
    Visit(I, S);
    step(S, I, Known);
  });
}

void HeldFacts::solve() {
  const Cfg &Flow = A.Kinds.cfg(F);
  In.assign(Flow.size(), HeldState());
  if (!Flow.size())
    return;
  In[0].Reached = true;
  ArrayRef<unsigned> Order = Flow.reversePostOrder();
  BitVector Dirty(unsigned(Order.size()));
  Dirty.set(0);
  for (int At = Dirty.find_first(); At >= 0;) {
    Dirty.reset(unsigned(At));
    unsigned B = Order[unsigned(At)];
    HeldState S = In[B];
    unsigned Steps = 0, Count = 0;
    A.Kinds.forEach(Flow.block(B), [&](Insn &I, const RegState &Known) {
      step(S, I, Known);
      ++Steps;
    });
    for (Insn &I : Flow.block(B)) {
      (void)I;
      ++Count;
    }
    // Where RegKinds sees no way on, nothing flows on.
    if (Steps == Count)
      for (unsigned N : Flow.successors(B))
        if (In[N].join(S))
          Dirty.set(Flow.orderIndex(N));
    At = Dirty.find_next(unsigned(At));
    if (At < 0)
      At = Dirty.find_first();
  }
}

} // namespace prepatch
