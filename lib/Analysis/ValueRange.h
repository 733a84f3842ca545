//===- ValueRange.h - Between what bounds a number lies ------------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Bounds that hold at run time, for every input: proofs rest on them. They
// follow from what instructions compute, never from what the verifier would
// refuse. Kept as signed numbers, because error codes and lengths share
// registers; asked for as unsigned ones.
//===----------------------------------------------------------------------===//
#ifndef PREPATCH_ANALYSIS_VALUERANGE_H
#define PREPATCH_ANALYSIS_VALUERANGE_H

#include "ISA/Encoding.h"

namespace prepatch {

/// Min <= x <= Max, both of 64 bits and signed.
struct ValueRange {
  int64_t Min = INT64_MIN;
  int64_t Max = INT64_MAX;

  static ValueRange constant(uint64_t V) { return {int64_t(V), int64_t(V)}; }
  /// What a zero-extended number of \p Bits can be.
  static ValueRange ofBits(unsigned Bits) {
    return Bits >= 64 ? ValueRange()
                      : ValueRange{0, int64_t(~0ull >> (64 - Bits))};
  }
  /// The same of a sign-extended one.
  static ValueRange ofSignedBits(unsigned Bits) {
    int64_t Half = int64_t(~0ull >> (65 - Bits));
    return {-Half - 1, Half};
  }
  bool isFull() const { return Min == INT64_MIN && Max == INT64_MAX; }
  bool isSingle() const { return Min == Max; }
  bool contains(ValueRange R) const { return Min <= R.Min && R.Max <= Max; }
  bool contains(uint64_t V) const { return contains(constant(V)); }
  /// The least range that holds both.
  ValueRange hull(ValueRange R) const {
    return {Min < R.Min ? Min : R.Min, Max > R.Max ? Max : R.Max};
  }
  bool operator==(const ValueRange &) const = default;
};

/// The same as unsigned numbers: Min <= x <= Max.
struct UnsignedRange {
  uint64_t Min = 0;
  uint64_t Max = ~0ull;

  /// 0..~0 where the signed range holds numbers on both sides of 0.
  static UnsignedRange of(ValueRange R) {
    if (R.Min < 0 && R.Max >= 0)
      return {};
    return {uint64_t(R.Min), uint64_t(R.Max)};
  }
  bool operator==(const UnsignedRange &) const = default;
};

/// Bounds of the result of the arithmetic \p I (an immediate is passed
/// sign-extended).
ValueRange aluRange(const RawInsn &I, ValueRange Dst, ValueRange Src);

/// Narrows both operands of the conditional jump \p I by its outcome. On a way
/// that nothing takes any bounds are right.
void refineRanges(const RawInsn &I, bool Taken, ValueRange &Dst,
                  ValueRange &Src);

} // namespace prepatch

#endif
