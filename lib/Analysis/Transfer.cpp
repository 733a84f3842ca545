//===- Transfer.cpp - What one instruction does to a RegState ------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Analysis/Transfer.h"
#include "Analysis/ConstantFold.h"
#include "Analysis/ContextFields.h"
#include "llvm/ADT/STLExtras.h"

using namespace llvm;

namespace prepatch {

void Transfer::step(const Insn &I) {
  switch (I.kind()) {
  case InsnKind::Alu:
    return alu(I);
  case InsnKind::AddrSpaceCast:
    return setReg(I.dst(), RegValue::unknown());
  case InsnKind::Load:
    return load(I);
  case InsnKind::Store:
    return store(I, S.reg(I.src()));
  case InsnKind::StoreImm:
    return store(I, I.hasCoreRecord() ? RegValue::scalar()
                                      : RegValue::constant(int64_t(I.imm())));
  case InsnKind::Atomic:
    return atomic(I);
  case InsnKind::LoadImm64:
    return loadImm64(I);
  case InsnKind::LoadAbs:
  case InsnKind::LoadInd:
    return clobberCall(RegValue::scalar());
  case InsnKind::HelperCall:
    return callHelper(I);
  case InsnKind::BpfCall:
    return I.callee() ? callFunction(I) : callKfunc(I);
  case InsnKind::KfuncCall:
    return callKfunc(I);
  case InsnKind::Unknown:
    for (unsigned R = 0; R < RegFp; ++R)
      S.Regs[R] = RegValue::unknown(true);
    S.Slots.forgetAll();
    S.CallerSlots.forgetAll();
    return;
  case InsnKind::End:
  case InsnKind::Jump:
  case InsnKind::CondJump:
  case InsnKind::MayGoto:
  case InsnKind::IndirectJump:
  case InsnKind::Exit:
    return;
  }
}

//===----------------------------------------------------------------------===//
// Arithmetic and branches
//===----------------------------------------------------------------------===//

void Transfer::alu(const Insn &I) {
  RegValue Src = usesSrcReg(I.opcode()) && aluOp(I.opcode()) != AluEnd
                     ? S.reg(I.src())
                 // What CO-RE puts there is known when the program is loaded.
                 : I.hasCoreRecord() ? RegValue::scalar()
                                     : RegValue::constant(int64_t(I.imm()));
  RegValue Dst = S.reg(I.dst());
  ValueRange R = aluRange(I.raw(), Dst.signedRange(), Src.signedRange());
  setReg(I.dst(), aluResult(I, Dst, Src).within(R));
}

/// Whether arithmetic gives a number that is not below 0. Sums and products
/// of such numbers are taken to be none as well: an index whose sign bit was
/// reached by overflow is refused by the verifier.
static bool isResultNonNegative(const Insn &I, const RegValue &Dst,
                                const RegValue &Src) {
  if (insnClass(I.opcode()) == ClassAlu)
    return aluOp(I.opcode()) != AluEnd || I.imm() < 64;
  switch (aluOp(I.opcode())) {
  case AluAnd:
    return Dst.isNonNegative() || Src.isNonNegative();
  case AluAdd:
  case AluMul:
  case AluOr:
  case AluXor:
    return Dst.isNonNegative() && Src.isNonNegative();
  case AluRsh:
    return Dst.isNonNegative() || (Src.isConstant() && (Src.constant() & 63));
  case AluLsh:
    return Dst.isNonNegative() && Src.isConstant() && Src.constant() < 32;
  case AluArsh:
    return Dst.isNonNegative();
  case AluDiv:
  case AluMod:
    return I.off() == 0 && Dst.isNonNegative();
  case AluEnd:
    return I.imm() < 64;
  default:
    return false;
  }
}

RegValue Transfer::aluResult(const Insn &I, const RegValue &Dst,
                             const RegValue &Src) const {
  uint8_t Op = aluOp(I.opcode());
  bool Is64 = insnClass(I.opcode()) == ClassAlu64;
  if (Op == AluMov && Is64 && I.off() == 0)
    return Src;
  if (Src.isConstant() && (Op == AluMov || Dst.isConstant()))
    if (auto V = foldAlu(I.raw(), Dst.constant(), Src.constant()))
      return RegValue::constant(*V);
  if (!Is64 || (Op != AluAdd && Op != AluSub))
    return RegValue::scalar(isResultNonNegative(I, Dst, Src));

  // The verifier accepts pointer + scalar, scalar + pointer, pointer - scalar
  // and pointer - pointer, so the other operand of a pointer is a scalar even
  // if it is unknown here.
  if (Op == AluSub) {
    if (Src.isPointer())
      return RegValue::scalar();
    if (Src.isConstant())
      return Dst.is(ValueKind::Scalar) ? RegValue::scalar()
                                       : Dst.moved(-int64_t(Src.constant()));
    if (Src.is(ValueKind::Scalar))
      return Dst.is(ValueKind::Scalar) ? RegValue::scalar()
                                       : Dst.movedUnknown(false);
    return RegValue::unknown(Dst.mayPointToStack());
  }
  if (Dst.is(ValueKind::Scalar) && Src.is(ValueKind::Scalar))
    return RegValue::scalar(isResultNonNegative(I, Dst, Src));
  if (Dst.isPointer())
    return Src.isConstant() ? Dst.moved(int64_t(Src.constant()))
                            : Dst.movedUnknown(Src.isNonNegative());
  if (Src.isPointer())
    return Dst.isConstant() ? Src.moved(int64_t(Dst.constant()))
                            : Src.movedUnknown(Dst.isNonNegative());
  return RegValue::unknown(Dst.mayPointToStack() || Src.mayPointToStack());
}

/// Pointers that the verifier takes to be other than 0 in a comparison.
static bool isSurelyNotNull(const RegValue &V) {
  if (V.mayBeNull())
    return false;
  return V.is(ValueKind::MapValue) || V.is(ValueKind::MapKey) ||
         V.is(ValueKind::SockCommon) || V.is(ValueKind::Sock) ||
         V.is(ValueKind::TcpSock);
}

std::optional<bool> Transfer::decide(const Insn &I) const {
  if (I.kind() != InsnKind::CondJump || I.hasCoreRecord())
    return std::nullopt;
  bool FromReg = usesSrcReg(I.opcode());
  if (FromReg && I.src() == I.dst())
    return std::nullopt;
  RegValue Left = S.reg(I.dst());
  RegValue Right =
      FromReg ? S.reg(I.src()) : RegValue::constant(int64_t(I.imm()));
  if (Left.isConstant() && Right.isConstant())
    return foldBranch(I.raw(), Left.constant(), Right.constant());
  if (insnClass(I.opcode()) == ClassJmp && Right.isZero() &&
      isSurelyNotNull(Left)) {
    if (jmpOp(I.opcode()) == JmpEq)
      return false;
    if (jmpOp(I.opcode()) == JmpNe)
      return true;
  }
  return std::nullopt;
}

/// Whether the outcome says that the left side is not below 0, given that the
/// right side is not.
static bool boundsBelow(uint8_t Op, bool Taken) {
  switch (Op) {
  case JmpLt:
  case JmpLe:
  case JmpSgt:
  case JmpSge:
    return Taken;
  case JmpGt:
  case JmpGe:
  case JmpSlt:
  case JmpSle:
    return !Taken;
  default:
    return false;
  }
}

void Transfer::refineRange(const Insn &I, bool Taken) {
  bool FromReg = usesSrcReg(I.opcode());
  if (FromReg && I.src() == I.dst())
    return;
  ValueRange Left = S.reg(I.dst()).signedRange();
  ValueRange Right = FromReg ? S.reg(I.src()).signedRange()
                             : ValueRange::constant(uint64_t(int64_t(I.imm())));
  refineRanges(I.raw(), Taken, Left, Right);
  setReg(I.dst(), S.reg(I.dst()).within(Left));
  if (FromReg)
    setReg(I.src(), S.reg(I.src()).within(Right));
}

void Transfer::refine(const Insn &I, bool Taken) {
  if (I.kind() == InsnKind::CondJump && !I.hasCoreRecord())
    refineRange(I, Taken);
  if (I.kind() != InsnKind::CondJump || insnClass(I.opcode()) != ClassJmp ||
      I.hasCoreRecord())
    return;
  uint8_t Op = jmpOp(I.opcode());
  RegValue Left = S.reg(I.dst());
  RegValue Right = usesSrcReg(I.opcode())
                       ? S.reg(I.src())
                       : RegValue::constant(int64_t(I.imm()));
  if (Op != JmpEq && Op != JmpNe) {
    if (Left.is(ValueKind::Scalar) && !Left.isConstant() &&
        Right.isNonNegative() && boundsBelow(Op, Taken))
      setReg(I.dst(),
             RegValue::scalar(/*NonNegative=*/true).within(Left.signedRange()));
    return;
  }
  bool Equal = Taken == (Op == JmpEq);
  if (!Right.isConstant())
    return;
  if (Left.isPointer()) {
    if (Right.isZero() && Left.mayBeNull())
      setReg(I.dst(), Equal ? RegValue::constant(0) : Left.nonNull());
  } else if (Equal && Left.is(ValueKind::Scalar)) {
    setReg(I.dst(), Right);
  }
}

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

void Transfer::loadImm64(const Insn &I) {
  auto value = [&] {
    if (I.isFunctionPointer())
      return RegValue::function(I.callee());
    if (const Relocation *R = I.relocation()) {
      const Map *M = Kinds.Graph.program().mapOf(I);
      if (M && !M->IsInternal)
        return RegValue::map(M);
      RegValue V = RegValue::data(R->Sym, I.imm());
      // A weak kernel symbol that is not there is 0.
      return R->Sym->Kind == Symbol::Undefined ? V.orNull() : V;
    }
    switch (I.src()) {
    case PseudoNone:
      return I.hasCoreRecord() ? RegValue::scalar()
                               : RegValue::constant(I.imm64());
    case PseudoMapFd:
    case PseudoMapIdx:
      return RegValue::map(nullptr);
    case PseudoMapValue:
    case PseudoMapIdxValue:
      return RegValue::data(nullptr, I.immHigh());
    case PseudoFunc:
      return RegValue::function(nullptr);
    default:
      return RegValue::unknown();
    }
  };
  setReg(I.dst(), value());
}

RegValue Transfer::loaded(const RegValue &Base, int32_t Off,
                          unsigned Size) const {
  int32_t At = Base.offset() + Off;
  switch (Base.kind()) {
  case ValueKind::Context: {
    RegValue V;
    if (Base.hasKnownOffset())
      for (uint32_t Type : Info.ProgTypes)
        V.join(contextField(Type, At, Size));
    return V.is(ValueKind::Uninit) ? RegValue::unknown() : V;
  }
  case ValueKind::Stack:
    if (Size < 8)
      return RegValue::scalar(true);
    if (Base.hasKnownOffset())
      return S.slot(At);
    return RegValue::unknown(S.EscapedFrom < 0);
  case ValueKind::CallerStack:
    if (Size < 8)
      return RegValue::scalar(true);
    if (Base.hasKnownOffset()) {
      RegValue V = S.CallerSlots.get(At);
      return V.is(ValueKind::Unknown)
                 ? RegValue::unknown(true).within(V.signedRange())
                 : V;
    }
    return RegValue::unknown(true);
  case ValueKind::Packet:
  case ValueKind::PacketMeta:
  case ValueKind::SockCommon:
  case ValueKind::Sock:
  case ValueKind::TcpSock:
  case ValueKind::XdpSock:
    return RegValue::scalar(Size < 8);
  default:
    // Map values, variables and kernel objects may hold pointers.
    return Size < 8 ? RegValue::scalar(true)
                    : RegValue::unknown(Base.mayPointToStack());
  }
}

/// Whether a load that is shorter than a pointer may give one: the kernel
/// makes 8-byte loads of 4-byte fields of a packet's context.
bool Transfer::mayGivePointer(const RegValue &Base, unsigned Size) const {
  bool IsContext = Base.is(ValueKind::Context);
  if (Size != 4 || (!IsContext && !Base.is(ValueKind::Unknown)))
    return false;
  bool AtKnownOffset = IsContext && Base.hasKnownOffset();
  return Info.ProgTypes.empty() || any_of(Info.ProgTypes, [&](uint32_t Type) {
           return mayGivePointerByWord(Type, AtKnownOffset);
         });
}

void Transfer::load(const Insn &I) {
  RegValue Base = S.reg(I.src());
  unsigned Size = memBytes(I.opcode());
  bool SignExtend = memMode(I.opcode()) == ModeMemSx;
  RegValue V = SignExtend ? RegValue::scalar() : loaded(Base, I.off(), Size);
  if (I.hasCoreRecord()) {
    // The loader puts in the offset and the width that the kernel has.
    if (Base.mayPointToStack() && Size == 8)
      V = RegValue::unknown(true);
  } else if (SignExtend) {
    V = V.within(ValueRange::ofSignedBits(8 * Size));
  } else if (!mayGivePointer(Base, Size)) {
    V = V.within(ValueRange::ofBits(8 * Size));
  }
  setReg(I.dst(), V);
}

void Transfer::escape(const RegValue &V) {
  if (V.is(ValueKind::Stack))
    S.EscapedFrom = std::min(S.EscapedFrom, V.offset());
  else if (V.mayPointToStack())
    S.EscapedFrom = FrameStart;
}

void Transfer::store(const Insn &I, const RegValue &V) {
  RegValue Base = S.reg(I.dst());
  // The offset and the width are the loader's, from the object's begin on.
  if (I.hasCoreRecord() && Base.hasKnownOffset())
    Base = Base.movedUnknown(/*Forward=*/false);
  store(Base, I.hasCoreRecord() ? 0 : I.off(), memBytes(I.opcode()), V);
}

void Transfer::store(const RegValue &Base, int32_t Off, unsigned Size,
                     const RegValue &V) {
  int32_t At = Base.offset() + Off;
  if (Base.is(ValueKind::Stack)) {
    escape(V);
    if (!Base.hasKnownOffset())
      S.Slots.forgetFrom(At, Base.isBoundGuessed());
    else if (Size == 8 && At % 8 == 0)
      S.Slots.set(At, V);
    else
      S.Slots.forget(At, At + int32_t(Size));
    return;
  }
  if (!Base.mayPointToStack())
    return;
  if (Base.is(ValueKind::CallerStack)) {
    if (!Base.hasKnownOffset())
      S.CallerSlots.forgetFrom(At, Base.isBoundGuessed());
    else if (Size == 8 && At % 8 == 0)
      S.CallerSlots.set(At, V);
    else
      S.CallerSlots.forget(At, At + int32_t(Size));
    return;
  }
  escape(V);
  S.CallerSlots.forgetAll();
  S.Slots.forgetAll();
}

void Transfer::atomic(const Insn &I) {
  unsigned Size = memBytes(I.opcode());
  if (I.imm() == AtomicLoadAcquire)
    return load(I);
  store(S.reg(I.dst()), I.off(), Size,
        I.imm() == AtomicStoreRelease ? S.reg(I.src()) : RegValue::scalar());
  RegSet Written = I.writes();
  for (unsigned R = 0; R < RegFp; ++R)
    if (Written & regBit(R))
      setReg(R, RegValue::scalar());
}

void Transfer::mayWrite(const RegValue &V, std::optional<uint64_t> Size) {
  if (!V.mayPointToStack())
    return;
  if (!V.is(ValueKind::Stack) && !V.is(ValueKind::CallerStack)) {
    S.CallerSlots.forgetAll();
    S.Slots.forgetAll();
    return escape(V);
  }
  StackSlots &Slots = V.is(ValueKind::Stack) ? S.Slots : S.CallerSlots;
  if (V.hasKnownOffset() && Size && *Size < FrameEnd - FrameStart)
    Slots.forget(V.offset(), V.offset() + int32_t(*Size));
  else { // where the end is not known, all from the pointer on
    int32_t From = V.offset();
    // What it points to may hold addresses of slots below itself.
    if (!Size && V.is(ValueKind::Stack))
      From = std::min(From, S.EscapedFrom);
    Slots.forgetFrom(From, V.isBoundGuessed());
  }
  if (!Size)
    escape(V);
}

//===----------------------------------------------------------------------===//
// Calls
//===----------------------------------------------------------------------===//

} // namespace prepatch
