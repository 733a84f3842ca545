//===- ConstantFold.cpp - Arithmetic on known values ---------------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Analysis/ConstantFold.h"
#include "ISA/Opcodes.h"

namespace prepatch {

static std::optional<uint64_t> foldMov(const RawInsn &I, bool Is64,
                                       uint64_t Src) {
  switch (I.Off) { // movsx
  case 0:
    return Is64 ? Src : uint32_t(Src);
  case 8:
    return Is64 ? uint64_t(int8_t(Src)) : uint32_t(int8_t(Src));
  case 16:
    return Is64 ? uint64_t(int16_t(Src)) : uint32_t(int16_t(Src));
  case 32:
    return uint64_t(int32_t(Src));
  default:
    return std::nullopt;
  }
}

std::optional<uint64_t> foldAlu(const RawInsn &I, uint64_t Dst, uint64_t Src) {
  bool Is64 = insnClass(I.Opcode) == ClassAlu64;
  unsigned Shift = unsigned(Src & (Is64 ? 63 : 31));
  uint64_t V;
  switch (aluOp(I.Opcode)) {
  case AluMov:
    return foldMov(I, Is64, Src);
  case AluAdd:
    V = Dst + Src;
    break;
  case AluSub:
    V = Dst - Src;
    break;
  case AluMul:
    V = Dst * Src;
    break;
  case AluOr:
    V = Dst | Src;
    break;
  case AluAnd:
    V = Dst & Src;
    break;
  case AluXor:
    V = Dst ^ Src;
    break;
  case AluLsh:
    V = Dst << Shift;
    break;
  case AluRsh:
    V = (Is64 ? Dst : uint32_t(Dst)) >> Shift;
    break;
  case AluArsh:
    V = Is64 ? uint64_t(int64_t(Dst) >> Shift)
             : uint64_t(int32_t(Dst) >> Shift);
    break;
  default:
    return std::nullopt;
  }
  return Is64 ? V : uint32_t(V);
}

std::optional<bool> foldBranch(const RawInsn &I, uint64_t A, uint64_t B) {
  if (insnClass(I.Opcode) == ClassJmp32) {
    // Both orders are those of the low halves.
    A = uint64_t(int64_t(int32_t(A)));
    B = uint64_t(int64_t(int32_t(B)));
  }
  switch (jmpOp(I.Opcode)) {
  case JmpEq:
    return A == B;
  case JmpNe:
    return A != B;
  case JmpGt:
    return A > B;
  case JmpGe:
    return A >= B;
  case JmpLt:
    return A < B;
  case JmpLe:
    return A <= B;
  case JmpSet:
    return (A & B) != 0;
  case JmpSgt:
    return int64_t(A) > int64_t(B);
  case JmpSge:
    return int64_t(A) >= int64_t(B);
  case JmpSlt:
    return int64_t(A) < int64_t(B);
  case JmpSle:
    return int64_t(A) <= int64_t(B);
  default:
    return std::nullopt;
  }
}

} // namespace prepatch
