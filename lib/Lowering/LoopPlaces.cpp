//===- LoopPlaces.cpp - What places hold after a round of a loop ---------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Lowering/LoopPlaces.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallSet.h"

using namespace llvm;

namespace prepatch {

static constexpr int64_t FrameStart = -512;

/// x ^= y twice, by which a program makes the verifier forget x.
static bool isSecondOfXorPair(const Insn &I) {
  const Insn *Before = I.prev();
  return Before && I.raw() == Before->raw() && I.kind() == InsnKind::Alu &&
         aluOp(I.opcode()) == AluXor && usesSrcReg(I.opcode()) &&
         insnClass(I.opcode()) == ClassAlu64 && I.dst() != I.src();
}

RoundFollower::RoundFollower(Function &F, Analyses &A) : A(A) {
  SmallSet<int32_t, 16> Known;
  bool Escapes = false;
  for (BasicBlock &BB : F)
    A.Kinds.forEach(BB, [&](Insn &I, const RegState &S) {
      bool IsMemory = I.kind() == InsnKind::Load || I.kind() == InsnKind::Store;
      if (IsMemory && memBytes(I.opcode()) == 8 && I.off() % 8 == 0 &&
          (I.kind() == InsnKind::Load ? I.src() : I.dst()) == RegFp)
        Known.insert(I.off());
      // Once a pointer into the frame is in memory, anybody may write there.
      if ((I.kind() == InsnKind::Store || I.kind() == InsnKind::Atomic) &&
          S[I.src()].mayPointToStack())
        Escapes = true;
    });
  if (Escapes)
    return;
  Slots.assign(Known.begin(), Known.end());
  llvm::sort(Slots);
}

LoopExprs RoundFollower::start() const {
  LoopExprs P;
  for (size_t I = 0; I < count(); ++I)
    P.At.push_back(LoopExpr::of(uint16_t(I)));
  return P;
}

/// What the arithmetic instruction \p I leaves in its destination.
LoopExpr RoundFollower::computed(const LoopExprs &P, const Insn &I) const {
  if (I.hasCoreRecord() || I.relocation())
    return LoopExpr::any(); // a loader fills the number in
  LoopExpr Dst = P.At[I.dst()];
  bool Wide = insnClass(I.opcode()) == ClassAlu64;
  bool ByReg = usesSrcReg(I.opcode());
  LoopExpr Src = LoopExpr::constant(uint64_t(int64_t(I.imm())));
  if (ByReg)
    Src = I.src() == RegFp ? LoopExpr::any() : P.At[I.src()];

  switch (aluOp(I.opcode())) {
  case AluMov: {
    if (I.off() == 0 && Wide)
      return Src;
    if (I.off() != 0 && !(Wide && I.off() == 32))
      return LoopExpr::any();
    ExprEnding To = I.off() == 32 ? ExprEnding::Sign : ExprEnding::Zero;
    if (Src.Kind == LoopExpr::Constant)
      return LoopExpr::constant(shape(To, Src.Add));
    // The low halves of all forms but one are those of the sum.
    if (Src.Kind != LoopExpr::Sum || Src.How == ExprEnding::Upper)
      return LoopExpr::any();
    Src.How = To;
    return Src;
  }
  case AluAdd:
  case AluSub: {
    if (Src.Kind != LoopExpr::Constant || ByReg)
      return LoopExpr::any();
    uint64_t Delta = aluOp(I.opcode()) == AluAdd ? Src.Add : -Src.Add;
    if (Dst.Kind == LoopExpr::Constant)
      return LoopExpr::constant(
          shape(Wide ? ExprEnding::Full : ExprEnding::Zero, Dst.Add + Delta));
    if (Dst.Kind != LoopExpr::Sum || (Wide && Dst.How != ExprEnding::Full) ||
        Dst.How == ExprEnding::Upper)
      return LoopExpr::any();
    Dst.Add += Delta;
    Dst.How = Wide ? ExprEnding::Full : ExprEnding::Zero;
    return Dst;
  }
  case AluLsh:
    if (Dst.Kind != LoopExpr::Sum || ByReg || !Wide || I.imm() != 32 ||
        Dst.How == ExprEnding::Upper)
      return LoopExpr::any();
    Dst.How = ExprEnding::Upper;
    return Dst;
  case AluRsh:
  case AluArsh:
    if (Dst.Kind != LoopExpr::Sum || ByReg || !Wide || I.imm() != 32 ||
        Dst.How != ExprEnding::Upper)
      return LoopExpr::any();
    Dst.How = aluOp(I.opcode()) == AluRsh ? ExprEnding::Zero : ExprEnding::Sign;
    return Dst;
  default:
    return LoopExpr::any();
  }
}

void RoundFollower::step(LoopExprs &P, const Insn &I, const RegState &S) const {
  switch (I.kind()) {
  case InsnKind::Alu:
    P.At[I.dst()] = computed(P, I);
    return;
  case InsnKind::Load: {
    uint16_t Slot = I.src() == RegFp && memBytes(I.opcode()) == 8 &&
                            memMode(I.opcode()) == ModeMem
                        ? slotNumber(I.off())
                        : 0;
    P.At[I.dst()] = Slot ? P.At[Slot] : LoopExpr::any();
    return;
  }
  case InsnKind::Store:
  case InsnKind::StoreImm:
  case InsnKind::Atomic: {
    RegValue Base = S[I.dst()];
    if (!Base.mayPointToStack() || Base.is(ValueKind::CallerStack))
      break;
    if (!Base.is(ValueKind::Stack) || !Base.hasKnownOffset()) {
      forget(P, FrameStart, 0);
      break;
    }
    int64_t From = int64_t(Base.offset()) + I.off();
    forget(P, From, From + memBytes(I.opcode()));
    if (I.kind() == InsnKind::Store && I.dst() == RegFp &&
        memBytes(I.opcode()) == 8)
      if (uint16_t Slot = slotNumber(I.off()))
        P.At[Slot] = I.src() == RegFp ? LoopExpr::any() : P.At[I.src()];
    break;
  }
  case InsnKind::HelperCall:
  case InsnKind::BpfCall:
  case InsnKind::KfuncCall: {
    // The kernel stays at and above what it is handed; functions of the
    // program, which a helper may call, too, go where they like.
    bool IsOurs = I.kind() == InsnKind::BpfCall && I.callee();
    for (unsigned Reg = 1; Reg <= 5; ++Reg)
      IsOurs |= S[Reg].is(ValueKind::FunctionPtr);
    for (unsigned Reg = 1; Reg <= 5; ++Reg) {
      RegValue V = S[Reg];
      if (!(A.Live.reads(I) & regBit(Reg)) || !V.mayPointToStack() ||
          V.is(ValueKind::CallerStack))
        continue;
      bool Exact = !IsOurs && V.is(ValueKind::Stack) && V.hasKnownOffset();
      forget(P, Exact ? V.offset() : FrameStart, 0);
    }
    break;
  }
  default:
    break;
  }
  for (unsigned Reg = 0; Reg < RegFp; ++Reg)
    if (I.writes() & regBit(Reg))
      P.At[Reg] = LoopExpr::any();
}

LoopExprs RoundFollower::through(const BasicBlock &BB, LoopExprs P,
                                 const Insn *End) const {
  bool Done = false;
  LoopExpr BeforeXor;
  A.Kinds.forEach(BB, [&](Insn &I, const RegState &S) {
    Done |= &I == End;
    if (Done)
      return;
    if (isSecondOfXorPair(I)) {
      P.At[I.dst()] = BeforeXor;
      BeforeXor = LoopExpr::any(); // of a third one
      return;
    }
    if (I.kind() == InsnKind::Alu)
      BeforeXor = P.At[I.dst()];
    step(P, I, S);
  });
  return P;
}

LoopExprs RoundFollower::constantsAfter(const BasicBlock &BB) const {
  LoopExprs P = allUnknown();
  const RegState &S = A.Kinds.stateAtEntry(BB);
  for (size_t I = 0; I < count(); ++I) {
    CounterPlace C = place(uint16_t(I));
    RegValue V = C.Reg == RegFp ? S.slot(C.Off) : S.reg(C.Reg);
    if (V.isConstant())
      P.At[I] = LoopExpr::constant(V.constant());
  }
  return through(BB, std::move(P));
}

} // namespace prepatch
