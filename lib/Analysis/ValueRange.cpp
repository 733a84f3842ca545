//===- ValueRange.cpp - Between what bounds a number lies ----------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Results are computed in 128 bits, where none of these operations overflows;
// what does not fit its register then may be anything.
//===----------------------------------------------------------------------===//

#include "Analysis/ValueRange.h"
#include "ISA/Opcodes.h"
#include "llvm/ADT/bit.h"
#include <algorithm>
#include <limits>
#include <utility>

namespace prepatch {

__extension__ using Wide = __int128;

static constexpr int64_t Max32 = int64_t(UINT32_MAX);

static ValueRange fit(Wide Min, Wide Max) {
  if (Min < INT64_MIN || Max > INT64_MAX)
    return {};
  return {int64_t(Min), int64_t(Max)};
}

/// The low halves, zero-extended, of numbers from \p Min to \p Max.
static ValueRange lowHalves(Wide Min, Wide Max) {
  if ((Min >> 32) != (Max >> 32))
    return ValueRange::ofBits(32);
  return {int64_t(Min & Max32), int64_t(Max & Max32)};
}
static ValueRange lowHalves(ValueRange R) { return lowHalves(R.Min, R.Max); }

/// Low halves, zero-extended, read as signed numbers of 32 bits.
static ValueRange asSigned32(ValueRange R) {
  if (R.Max <= INT32_MAX)
    return R;
  if (R.Min > INT32_MAX)
    return {int64_t(int32_t(R.Min)), int64_t(int32_t(R.Max))};
  return ValueRange::ofSignedBits(32);
}

/// The least number of the form 2^n - 1 that is not below \p V.
static int64_t allOnesFrom(int64_t V) {
  return V ? int64_t(~0ull >> llvm::countl_zero(uint64_t(V))) : 0;
}

/// Products and shifts reach their extremes in the corners.
static std::pair<Wide, Wide> corners(Wide A, Wide B, Wide C, Wide D) {
  return {std::min({A, B, C, D}), std::max({A, B, C, D})};
}

static ValueRange bitwise(uint8_t Op, ValueRange A, ValueRange B) {
  bool BothPositive = A.Min >= 0 && B.Min >= 0;
  if (Op == AluAnd) {
    if (BothPositive)
      return {0, std::min(A.Max, B.Max)};
    if (A.Min >= 0)
      return {0, A.Max};
    return B.Min >= 0 ? ValueRange{0, B.Max} : ValueRange();
  }
  if (!BothPositive)
    return {};
  return {Op == AluOr ? std::max(A.Min, B.Min) : 0,
          allOnesFrom(std::max(A.Max, B.Max))};
}

/// Division and modulo of unsigned numbers. By 0 they give 0 and the dividend.
static ValueRange divide(bool Modulo, ValueRange A, ValueRange B) {
  bool Small = A.Min >= 0;
  if (B.Min <= 0) // perhaps 0, perhaps very large
    return Small ? ValueRange{0, A.Max} : ValueRange();
  if (Modulo)
    return {Small && A.Max < B.Min ? A.Min : 0,
            Small ? std::min(A.Max, B.Max - 1) : B.Max - 1};
  if (Small)
    return {A.Min / B.Max, A.Max / B.Min};
  uint64_t Max = UINT64_MAX / uint64_t(B.Min);
  return Max > uint64_t(INT64_MAX) ? ValueRange() : ValueRange{0, int64_t(Max)};
}

/// \p A of \p Bits, as unsigned if small and to the right, by \p By places.
static ValueRange shift(uint8_t Op, ValueRange A, ValueRange By,
                        unsigned Bits) {
  // The places are taken modulo the width.
  if (By.Min < 0 || By.Max >= int64_t(Bits)) {
    if (!By.isSingle())
      return Op == AluLsh || A.Min < 0 ? ValueRange() : ValueRange{0, A.Max};
    By = ValueRange::constant(uint64_t(By.Min) & (Bits - 1));
  }
  unsigned Least = unsigned(By.Min), Most = unsigned(By.Max);
  if (Op == AluLsh) {
    auto [Min, Max] = corners(
        Wide(A.Min) * (Wide(1) << Least), Wide(A.Min) * (Wide(1) << Most),
        Wide(A.Max) * (Wide(1) << Least), Wide(A.Max) * (Wide(1) << Most));
    return Bits == 64 ? fit(Min, Max) : lowHalves(Min, Max);
  }
  if (Op == AluRsh && A.Min < 0)
    return Least ? ValueRange::ofBits(64 - Least) : ValueRange();
  auto [Min, Max] =
      corners(A.Min >> Least, A.Min >> Most, A.Max >> Least, A.Max >> Most);
  return {int64_t(Min), int64_t(Max)};
}

static ValueRange moved(const RawInsn &I, bool Is64, ValueRange Src) {
  if (I.Off) { // movsx
    // The bits above the source's do not count.
    ValueRange Signed = ValueRange::ofSignedBits(unsigned(I.Off));
    Src = Signed.contains(Src) ? Src : Signed;
  }
  return Is64 ? Src : lowHalves(Src);
}

ValueRange aluRange(const RawInsn &I, ValueRange Dst, ValueRange Src) {
  bool Is64 = insnClass(I.Opcode) == ClassAlu64;
  uint8_t Op = aluOp(I.Opcode);
  if (Op == AluMov)
    return moved(I, Is64, Src);
  if (Op == AluEnd)
    return ValueRange::ofBits(unsigned(I.Imm));
  if (!Is64) {
    Dst = lowHalves(Dst);
    Src = lowHalves(Src);
  }
  auto result = [&](Wide Min, Wide Max) {
    return Is64 ? fit(Min, Max) : lowHalves(Min, Max);
  };
  switch (Op) {
  case AluAdd:
    return result(Wide(Dst.Min) + Src.Min, Wide(Dst.Max) + Src.Max);
  case AluSub:
    return result(Wide(Dst.Min) - Src.Max, Wide(Dst.Max) - Src.Min);
  case AluMul: {
    auto [Min, Max] = corners(Wide(Dst.Min) * Src.Min, Wide(Dst.Min) * Src.Max,
                              Wide(Dst.Max) * Src.Min, Wide(Dst.Max) * Src.Max);
    return result(Min, Max);
  }
  case AluNeg:
    return result(-Wide(Dst.Max), -Wide(Dst.Min));
  case AluAnd:
  case AluOr:
  case AluXor:
    return bitwise(Op, Dst, Src);
  case AluDiv:
  case AluMod: {
    // Signed ones agree where no sign bit is set.
    int64_t Largest = Is64 ? INT64_MAX : INT32_MAX;
    if (I.Off &&
        (Dst.Min < 0 || Dst.Max > Largest || Src.Min <= 0 || Src.Max > Largest))
      return Is64 ? ValueRange() : ValueRange::ofBits(32);
    return divide(Op == AluMod, Dst, Src);
  }
  case AluLsh:
  case AluRsh: {
    ValueRange R = shift(Op, Dst, Src, Is64 ? 64 : 32);
    return Is64 || ValueRange::ofBits(32).contains(R) ? R
                                                      : ValueRange::ofBits(32);
  }
  case AluArsh:
    return Is64 ? shift(Op, Dst, Src, 64)
                : lowHalves(shift(Op, asSigned32(Dst), Src, 32));
  default:
    return Is64 ? ValueRange() : ValueRange::ofBits(32);
  }
}

//===----------------------------------------------------------------------===//
// Branches
//===----------------------------------------------------------------------===//

/// The comparison that holds where \p Op does not.
static uint8_t inverse(uint8_t Op) {
  switch (Op) {
  case JmpEq:
    return JmpNe;
  case JmpNe:
    return JmpEq;
  case JmpGt:
    return JmpLe;
  case JmpLe:
    return JmpGt;
  case JmpGe:
    return JmpLt;
  case JmpLt:
    return JmpGe;
  case JmpSgt:
    return JmpSle;
  case JmpSle:
    return JmpSgt;
  case JmpSge:
    return JmpSlt;
  case JmpSlt:
    return JmpSge;
  default:
    return JmpSet;
  }
}

/// What both have in common. Nothing is where nobody gets: then one number
/// will do, that of \p B next to \p A, so that joins do not lose by it.
template <typename T> static void meet(T &A, T B) {
  A.Min = std::max(A.Min, B.Min);
  A.Max = std::min(A.Max, B.Max);
  if (A.Min > A.Max)
    A = A.Min == B.Min ? T{B.Min, B.Min} : T{B.Max, B.Max};
}

/// A less than B by \p Gap at least, 0 or 1.
template <typename T, typename Number>
static void order(T &A, T &B, Number Gap) {
  using Limits = std::numeric_limits<Number>;
  if (Gap && (B.Max == Limits::min() || A.Min == Limits::max()))
    return; // never
  T Below{Limits::min(), B.Max - Gap}, Above{A.Min + Gap, Limits::max()};
  meet(A, Below);
  meet(B, Above);
}

static ValueRange fromUnsigned(UnsignedRange R) {
  if (R.Min <= uint64_t(INT64_MAX) && R.Max > uint64_t(INT64_MAX))
    return {};
  return {int64_t(R.Min), int64_t(R.Max)};
}

static void orderUnsigned(ValueRange &A, ValueRange &B, bool Strict) {
  UnsignedRange L = UnsignedRange::of(A), R = UnsignedRange::of(B);
  order<UnsignedRange, uint64_t>(L, R, Strict);
  meet(A, fromUnsigned(L));
  meet(B, fromUnsigned(R));
}

/// \p A is not the number \p B.
static void exclude(ValueRange &A, ValueRange B) {
  if (!B.isSingle() || A.isSingle())
    return;
  if (A.Min == B.Min)
    ++A.Min;
  else if (A.Max == B.Max)
    --A.Max;
}

static bool isSignedOrder(uint8_t Op) {
  return Op == JmpSgt || Op == JmpSge || Op == JmpSlt || Op == JmpSle;
}

static void refine64(uint8_t Op, ValueRange &A, ValueRange &B) {
  ValueRange OldA = A, OldB = B;
  switch (Op) {
  case JmpEq:
    meet(A, OldB);
    return meet(B, OldA);
  case JmpNe:
    exclude(A, OldB);
    return exclude(B, OldA);
  case JmpLt:
  case JmpLe:
    return orderUnsigned(A, B, Op == JmpLt);
  case JmpGt:
  case JmpGe:
    return orderUnsigned(B, A, Op == JmpGt);
  case JmpSlt:
  case JmpSle:
    return order<ValueRange, int64_t>(A, B, Op == JmpSlt);
  case JmpSgt:
  case JmpSge:
    return order<ValueRange, int64_t>(B, A, Op == JmpSgt);
  default:
    return;
  }
}

/// Takes over into \p R what is known now of its low half, zero-extended.
static void narrowByLowHalf(ValueRange &R, ValueRange Low) {
  if (ValueRange::ofBits(32).contains(R))
    meet(R, Low);
  else if (ValueRange::ofSignedBits(32).contains(R) &&
           (Low.Max <= INT32_MAX || Low.Min > INT32_MAX))
    meet(R, asSigned32(Low));
}

void refineRanges(const RawInsn &I, bool Taken, ValueRange &Dst,
                  ValueRange &Src) {
  uint8_t Op = jmpOp(I.Opcode);
  Op = Taken ? Op : inverse(Op);
  if (insnClass(I.Opcode) != ClassJmp32)
    return refine64(Op, Dst, Src);
  ValueRange A = lowHalves(Dst), B = lowHalves(Src);
  if (isSignedOrder(Op)) {
    A = asSigned32(A);
    B = asSigned32(B);
  }
  refine64(Op, A, B);
  narrowByLowHalf(Dst, lowHalves(A));
  narrowByLowHalf(Src, lowHalves(B));
}

} // namespace prepatch
