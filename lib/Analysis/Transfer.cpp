//===- Transfer.cpp - What one instruction does to a RegState ------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Analysis/Transfer.h"
#include "Analysis/ConstantFold.h"
#include "Analysis/ContextFields.h"

using namespace llvm;

namespace prepatch {

/// The largest frame that the verifier accepts.
static constexpr int32_t FrameEnd = 0, FrameStart = -512;

void Transfer::clobberCall(const RegValue &Result) {
  S.Regs[0] = Result;
  for (unsigned R = 1; R <= 5; ++R)
    S.Regs[R] = RegValue();
}

void Transfer::step(const Insn &I) {
  switch (I.kind()) {
  case InsnKind::Alu:
    return alu(I);
  case InsnKind::AddrSpaceCast:
    return setReg(I.dst(), RegValue::unknown());
  case InsnKind::Load:
    return load(I.dst(), S.reg(I.src()), I.off(), memBytes(I.opcode()),
                memMode(I.opcode()) == ModeMemSx);
  case InsnKind::Store:
    return store(S.reg(I.dst()), I.off(), memBytes(I.opcode()), S.reg(I.src()));
  case InsnKind::StoreImm:
    return store(S.reg(I.dst()), I.off(), memBytes(I.opcode()),
                 I.hasCoreRecord() ? RegValue::scalar()
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
  setReg(I.dst(), aluResult(I, S.reg(I.dst()), Src));
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

void Transfer::refine(const Insn &I, bool Taken) {
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
      setReg(I.dst(), RegValue::scalar(/*NonNegative=*/true));
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
    if (Base.hasKnownOffset())
      if (RegValue V = S.CallerSlots.get(At); !V.is(ValueKind::Unknown))
        return V;
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

void Transfer::load(unsigned Dst, const RegValue &Base, int32_t Off,
                    unsigned Size, bool SignExtend) {
  RegValue V = loaded(Base, Off, Size);
  setReg(Dst, SignExtend ? RegValue::scalar() : V);
}

void Transfer::escape(const RegValue &V) {
  if (V.is(ValueKind::Stack))
    S.EscapedFrom = std::min(S.EscapedFrom, V.offset());
  else if (V.mayPointToStack())
    S.EscapedFrom = FrameStart;
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
    return load(I.dst(), S.reg(I.src()), I.off(), Size, false);
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

RegState Transfer::argumentsFor(const Function &Callee) const {
  RegState Args;
  Args.Reached = true;
  bool Stack = false;
  for (unsigned R = 1; R <= 5; ++R) {
    RegValue V = S.Regs[R];
    Stack |= V.mayPointToStack();
    if (Callee.isGlobal() || Callee.isEntry()) {
      // Verified on its own: a context, a scalar, or memory by BTF.
      if (V.is(ValueKind::Scalar))
        V = RegValue::scalar();
      else if (V.isPointer() && !V.is(ValueKind::Context))
        V = RegValue::pointer(ValueKind::Memory).orNull();
      Stack = false;
    } else if (V.is(ValueKind::Stack) || V.is(ValueKind::CallerStack)) {
      V = V.asCallerStack();
    }
    Args.Regs[R] = V;
  }
  if (Stack)
    Args.CallerSlots = S.Slots.forCallee();
  return Args;
}

void Transfer::callFunction(const Insn &I) {
  Function &Callee = *I.callee();
  const RegKinds::FunctionInfo &Target = Kinds.info(Callee);
  bool Separate = Callee.isGlobal() || Callee.isEntry();
  if (Solver)
    Solver->enter(Callee, argumentsFor(Callee));
  if (!Separate && !Callee.isOpaque() && !Target.Returns) {
    S.Reached = false;
    return;
  }
  for (unsigned R = 1; R <= 5; ++R)
    mayWrite(S.Regs[R], std::nullopt);
  if (Separate || Callee.isOpaque())
    return clobberCall(Separate ? RegValue::scalar() : RegValue::unknown(true));
  adoptSlots(Target.LeftToCaller, ArrayRef(S.Regs).slice(1, 5));
  RegValue Result = Target.Return;
  if (Result.mayPointToStack())
    Result = RegValue::unknown(true);
  clobberCall(Result);
}

void Transfer::adoptSlots(const StackSlots &Left, ArrayRef<RegValue> Args) {
  int32_t From = FrameEnd;
  for (const RegValue &V : Args) {
    if (V.is(ValueKind::Stack))
      From = std::min(From, V.offset());
    else if (V.mayPointToStack())
      return; // nobody knows which slots of which frame were in reach
  }
  // The callee finds addresses of other slots behind its arguments, too.
  if (From < FrameEnd)
    S.Slots.adopt(Left, std::min(From, S.EscapedFrom));
}

void Transfer::callKfunc(const Insn &I) {
  StringRef Name = calledKfunc(I);
  for (unsigned R = 1; R <= 5; ++R) {
    if (S.Regs[R].is(ValueKind::FunctionPtr))
      enterAny(S.Regs[R]);
    mayWrite(S.Regs[R], std::nullopt);
  }
  if (Name == "bpf_throw") {
    S.Reached = false;
    return;
  }
  if (Name == "bpf_rdonly_cast" || Name == "bpf_cast_to_kern_ctx")
    return clobberCall(RegValue::pointer(ValueKind::BtfPtr));
  if (Name.starts_with("bpf_dynptr_slice"))
    return clobberCall(RegValue::pointer(ValueKind::Memory).orNull());
  clobberCall(RegValue::unknown());
}

/// How many bytes a helper may write through argument \p N, if it may.
static std::optional<uint64_t> writtenBytes(const HelperInfo &H, unsigned N,
                                            const RegState &S) {
  auto sizeInNext = [&]() -> std::optional<uint64_t> {
    if (N + 1 < 5 && H.Args[N + 1] == HelperArg::Size &&
        S.reg(N + 2).isConstant())
      return S.reg(N + 2).constant();
    return std::nullopt;
  };
  switch (H.Args[N]) {
  case HelperArg::None:
  case HelperArg::Scalar:
  case HelperArg::Ctx:
  case HelperArg::Map:
  case HelperArg::MapKey:
  case HelperArg::Size:
  case HelperArg::Callback:
  case HelperArg::Socket:
  case HelperArg::ConstStr:
    return 0;
  case HelperArg::MapValue:
    if (const Map *M = S.reg(1).map())
      return M->ValueSize;
    return std::nullopt;
  case HelperArg::Mem:
  case HelperArg::MemOut:
    return sizeInNext();
  case HelperArg::FixedMem:
    return 8;
  case HelperArg::Dynptr:
  case HelperArg::Timer:
    return 16;
  default:
    return std::nullopt;
  }
}

void Transfer::callHelper(const Insn &I) {
  const HelperInfo *H = Kinds.Profile.helper(uint32_t(I.imm()));
  if (!H) {
    for (unsigned R = 1; R <= 5; ++R) {
      enterAny(S.Regs[R]);
      mayWrite(S.Regs[R], std::nullopt);
    }
    return clobberCall(RegValue::unknown(true));
  }
  for (unsigned N = 0; N < H->numArgs(); ++N)
    if (H->Args[N] == HelperArg::Callback)
      enterCallback(*H, N + 1);
  RegValue Result = helperResult(*H);
  for (unsigned N = 0; N < H->numArgs(); ++N) {
    std::optional<uint64_t> Bytes = writtenBytes(*H, N, S);
    if (!Bytes || *Bytes)
      mayWrite(S.Regs[N + 1], Bytes);
  }
  for (unsigned N = 0; N < H->numArgs(); ++N) {
    if (H->Args[N] != HelperArg::Callback)
      continue;
    // It runs any number of times: what it begins with covers all of them.
    Function *F = S.reg(N + 1).function();
    if (F && N + 1 < 5 && Kinds.isAnalysed(*F) &&
        H->Args[N + 1] == HelperArg::CallbackCtx)
      adoptSlots(Kinds.info(*F).In[0].CallerSlots, S.reg(N + 2));
  }
  clobberCall(Result);
}

static RegValue lookupResult(const Map *M) {
  switch (M ? M->Type : uint32_t(MapType::Unspec)) {
  case MapType::ArrayOfMaps:
  case MapType::HashOfMaps:
    return RegValue::map(M->Inner);
  case MapType::Xskmap:
    return RegValue::pointer(ValueKind::XdpSock);
  case MapType::Sockmap:
  case MapType::Sockhash:
    return RegValue::pointer(ValueKind::Sock);
  default:
    return RegValue::mapValue(M);
  }
}

RegValue Transfer::helperResult(const HelperInfo &H) const {
  auto map = [&]() -> const Map * {
    for (unsigned N = 0; N < 5; ++N)
      if (H.Args[N] == HelperArg::Map)
        return S.reg(N + 1).map();
    return nullptr;
  };
  switch (H.Return) {
  case HelperReturn::Void:
    return RegValue();
  case HelperReturn::Scalar:
    return RegValue::scalar();
  case HelperReturn::MapValueOrNull:
    return lookupResult(map()).orNull();
  case HelperReturn::MapValue:
    return RegValue::mapValue(map());
  case HelperReturn::MemOrNull:
    return RegValue::pointer(ValueKind::Memory).orNull();
  case HelperReturn::SocketOrNull:
    return RegValue::pointer(ValueKind::Sock).orNull();
  case HelperReturn::SockCommonOrNull:
    return RegValue::pointer(ValueKind::SockCommon).orNull();
  case HelperReturn::TcpSockOrNull:
    return RegValue::pointer(ValueKind::TcpSock).orNull();
  case HelperReturn::BtfPtrOrNull:
    return RegValue::pointer(ValueKind::BtfPtr).orNull();
  case HelperReturn::BtfPtr:
    return RegValue::pointer(ValueKind::BtfPtr);
  case HelperReturn::MemOrBtfPtr:
    return RegValue::pointer(ValueKind::Memory);
  case HelperReturn::MemOrBtfPtrOrNull:
    return RegValue::pointer(ValueKind::Memory).orNull();
  case HelperReturn::Unknown:
    break;
  }
  return RegValue::unknown();
}

void Transfer::enterAny(const RegValue &Callback) {
  if (!Solver)
    return;
  RegState Args;
  Args.Reached = true;
  for (unsigned R = 1; R <= 5; ++R)
    Args.Regs[R] = RegValue::unknown(true);
  if (Function *F = Callback.function())
    Solver->enter(*F, Args);
  else if (Callback.is(ValueKind::FunctionPtr) ||
           Callback.is(ValueKind::Unknown))
    for (Function *F : Kinds.Graph.functions())
      if (Kinds.Graph.isCallback(*F))
        Solver->enter(*F, Args);
}

/// What the verifier's set_*_callback_state functions put into the registers
/// of a callback.
static void setCallbackArgs(const HelperInfo &H, RegValue *Regs,
                            const RegValue &MapArg, const RegValue &Ctx) {
  RegValue TheMap =
      MapArg.is(ValueKind::MapPtr) ? MapArg : RegValue::map(MapArg.map());
  RegValue Key = RegValue::pointer(ValueKind::MapKey);
  RegValue Value = RegValue::mapValue(TheMap.map());
  if (H.Name == "loop") {
    Regs[1] = RegValue::scalar();
    Regs[2] = Ctx;
  } else if (H.Name == "for_each_map_elem") {
    Regs[1] = TheMap;
    Regs[2] = Key;
    Regs[3] = Value;
    Regs[4] = Ctx;
  } else if (H.Name == "timer_set_callback") {
    Regs[1] = TheMap;
    Regs[2] = Key;
    Regs[3] = Value;
  } else if (H.Name == "find_vma") {
    Regs[1] = Regs[2] = RegValue::pointer(ValueKind::BtfPtr);
    Regs[3] = Ctx;
  } else if (H.Name == "user_ringbuf_drain") {
    Regs[1] = RegValue::unknown();
    Regs[2] = Ctx;
  } else {
    for (unsigned R = 1; R <= 5; ++R)
      Regs[R] = RegValue::unknown(true);
  }
}

void Transfer::enterCallback(const HelperInfo &H, unsigned Arg) {
  Function *F = S.reg(Arg).function();
  if (!F)
    return enterAny(S.reg(Arg));
  if (!Solver)
    return;
  RegValue Ctx;
  for (unsigned N = 0; N < 5; ++N)
    if (H.Args[N] == HelperArg::CallbackCtx)
      Ctx = S.reg(N + 1);
  RegState Args;
  Args.Reached = true;
  if (Ctx.mayPointToStack()) {
    Args.CallerSlots = S.Slots.forCallee();
    if (Ctx.isPointer())
      Ctx = Ctx.asCallerStack();
  }
  setCallbackArgs(H, Args.Regs, S.reg(1), Ctx);
  Solver->addCallbackUser(*F, *Info.Fn, Block);
  Solver->enter(*F, Args);
}

} // namespace prepatch
