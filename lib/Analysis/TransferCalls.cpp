//===- TransferCalls.cpp - What a call does to a RegState ----------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Calls of functions of the program, of kernel functions and of helpers, and
// the callbacks that helpers run.
//===----------------------------------------------------------------------===//

#include "Analysis/ContextFields.h"
#include "Analysis/Transfer.h"

using namespace llvm;

namespace prepatch {

void Transfer::clobberCall(const RegValue &Result) {
  S.Regs[0] = Result;
  for (unsigned R = 1; R <= 5; ++R)
    S.Regs[R] = RegValue();
}

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
        S.reg(N + 2).is(ValueKind::Scalar))
      // The verifier makes sure of a bound, so that no size is below 0.
      return S.reg(N + 2).range().Max;
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

/// What a helper's C function returns. Bounds that the verifier knows besides.
static ValueRange helperRange(const HelperInfo &H, const RegState &S) {
  if (H.Name == "get_smp_processor_id" || H.Name == "get_prandom_u32")
    return ValueRange::ofBits(32);
  // The length with its end mark, at most the size of the buffer, or an error;
  // the verifier's do_refine_retval_range takes the same for granted.
  if (H.Name == "probe_read_str" || H.Name == "probe_read_kernel_str" ||
      H.Name == "probe_read_user_str") {
    ValueRange Size = S.reg(2).signedRange();
    if (Size.Min >= 0 && Size.Max <= INT32_MAX)
      return {-4095, Size.Max};
    return ValueRange::ofSignedBits(32);
  }
  return {};
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
    return RegValue::scalar().within(helperRange(H, S));
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
    // A counter of 32 bits, from 0 up to the number of rounds.
    ValueRange Rounds = MapArg.signedRange(), Word = ValueRange::ofBits(32);
    int64_t Most = Word.contains(Rounds) ? Rounds.Max : Word.Max;
    Regs[1] = RegValue::scalar().within({0, std::max<int64_t>(Most, 1) - 1});
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
