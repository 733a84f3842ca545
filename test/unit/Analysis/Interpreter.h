//===- Interpreter.h - What instructions compute, for tests --------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Written after RFC 9669, apart from what the libraries do, to judge them.
//===----------------------------------------------------------------------===//
#ifndef PREPATCH_TEST_UNIT_ANALYSIS_INTERPRETER_H
#define PREPATCH_TEST_UNIT_ANALYSIS_INTERPRETER_H

#include "ISA/Encoding.h"
#include "ISA/Opcodes.h"
#include <random>

namespace prepatch {

inline uint64_t byteSwapped(uint64_t V, unsigned Bits) {
  uint64_t R = 0;
  for (unsigned B = 0; B < Bits; B += 8)
    R |= (V >> B & 0xff) << (Bits - 8 - B);
  return R;
}

/// The result of the arithmetic \p I; \p B is the source, an immediate
/// sign-extended.
inline uint64_t evaluateAlu(const RawInsn &I, uint64_t A, uint64_t B) {
  bool Is64 = insnClass(I.Opcode) == ClassAlu64;
  uint8_t Op = aluOp(I.Opcode);
  if (Op == AluEnd) {
    uint64_t Low = I.Imm == 64 ? A : A & ((1ull << I.Imm) - 1);
    return Is64 || usesSrcReg(I.Opcode) ? byteSwapped(Low, unsigned(I.Imm))
                                        : Low;
  }
  if (Op == AluMov) {
    uint64_t V = I.Off == 8    ? uint64_t(int8_t(B))
                 : I.Off == 16 ? uint64_t(int16_t(B))
                 : I.Off == 32 ? uint64_t(int32_t(B))
                               : B;
    return Is64 ? V : uint32_t(V);
  }
  if (!Is64)
    A = uint32_t(A), B = uint32_t(B);
  int64_t SA = Is64 ? int64_t(A) : int32_t(A);
  int64_t SB = Is64 ? int64_t(B) : int32_t(B);
  unsigned Places = unsigned(B & (Is64 ? 63 : 31));
  uint64_t V = 0;
  switch (Op) {
  case AluAdd:
    V = A + B;
    break;
  case AluSub:
    V = A - B;
    break;
  case AluMul:
    V = A * B;
    break;
  case AluDiv:
    V = !B ? 0 : !I.Off ? A / B : SB == -1 ? 0 - A : uint64_t(SA / SB);
    break;
  case AluMod:
    V = !B ? A : !I.Off ? A % B : SB == -1 ? 0 : uint64_t(SA % SB);
    break;
  case AluOr:
    V = A | B;
    break;
  case AluAnd:
    V = A & B;
    break;
  case AluXor:
    V = A ^ B;
    break;
  case AluLsh:
    V = A << Places;
    break;
  case AluRsh:
    V = A >> Places;
    break;
  case AluArsh:
    V = uint64_t(SA >> Places);
    break;
  case AluNeg:
    V = 0 - A;
    break;
  }
  return Is64 ? V : uint32_t(V);
}

inline bool evaluateBranch(const RawInsn &I, uint64_t A, uint64_t B) {
  bool Is64 = insnClass(I.Opcode) == ClassJmp;
  if (!Is64)
    A = uint32_t(A), B = uint32_t(B);
  int64_t SA = Is64 ? int64_t(A) : int32_t(A);
  int64_t SB = Is64 ? int64_t(B) : int32_t(B);
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
  case JmpSgt:
    return SA > SB;
  case JmpSge:
    return SA >= SB;
  case JmpSlt:
    return SA < SB;
  case JmpSle:
    return SA <= SB;
  default:
    return A & B;
  }
}

/// Numbers with many near the edges of types and near each other.
class NumberSource {
public:
  explicit NumberSource(unsigned Seed) : Engine(Seed) {}

  unsigned below(unsigned N) { return unsigned(Engine() % N); }
  uint64_t number() {
    switch (below(5)) {
    case 0:
      return below(8);
    case 1:
      return uint64_t(-int64_t(below(8)));
    case 2:
      return (1ull << below(64)) + below(5) - 2;
    case 3:
      return 0 - (1ull << below(64)) + below(5) - 2;
    default:
      return Engine() >> below(64);
    }
  }
  int32_t immediate() {
    return below(3) ? int32_t(number()) : int32_t(below(70));
  }

private:
  std::mt19937_64 Engine;
};

/// A random arithmetic instruction that classify() knows, between \p Dst and
/// \p Src or an immediate.
inline RawInsn randomAlu(NumberSource &Numbers, unsigned Dst, unsigned Src) {
  static constexpr uint8_t Ops[] = {
      AluAdd, AluAdd, AluSub, AluMul, AluDiv, AluOr,  AluAnd,  AluAnd, AluLsh,
      AluRsh, AluNeg, AluMod, AluXor, AluMov, AluMov, AluArsh, AluEnd};
  uint8_t Op = Ops[Numbers.below(std::size(Ops))];
  bool Is64 = Numbers.below(2), FromReg = Numbers.below(2);
  RawInsn I{uint8_t(Op | (Is64 ? ClassAlu64 : ClassAlu)), uint8_t(Dst), 0, 0,
            0};
  static constexpr int32_t Widths[] = {16, 32, 64};
  if (Op == AluNeg)
    return I;
  if (Op == AluEnd) {
    I.Imm = Widths[Numbers.below(3)];
    I.Opcode |= !Is64 && FromReg ? SrcReg : 0;
    return I;
  }
  if (FromReg) {
    I.Opcode |= SrcReg;
    I.Src = uint8_t(Src);
  } else {
    I.Imm = Numbers.immediate();
    if (Op == AluLsh || Op == AluRsh || Op == AluArsh)
      I.Imm &= Is64 ? 63 : 31;
  }
  if (Op == AluMov && FromReg)
    I.Off = int16_t(Numbers.below(2) * 8 << Numbers.below(Is64 ? 3 : 2));
  if (Op == AluDiv || Op == AluMod) {
    I.Off = int16_t(Numbers.below(2));
    if (!FromReg && !I.Imm)
      I.Imm = 7;
  }
  return I;
}

inline RawInsn randomBranch(NumberSource &Numbers, unsigned Dst, unsigned Src) {
  static constexpr uint8_t Ops[] = {JmpEq,  JmpGt, JmpGe, JmpSet, JmpNe, JmpSgt,
                                    JmpSge, JmpLt, JmpLe, JmpSlt, JmpSle};
  RawInsn I{uint8_t(Ops[Numbers.below(std::size(Ops))] |
                    (Numbers.below(3) ? ClassJmp : ClassJmp32)),
            uint8_t(Dst), 0, 0, 0};
  if (Numbers.below(2)) {
    I.Opcode |= SrcReg;
    I.Src = uint8_t(Src);
  } else {
    I.Imm = Numbers.immediate();
  }
  return I;
}

} // namespace prepatch

#endif
