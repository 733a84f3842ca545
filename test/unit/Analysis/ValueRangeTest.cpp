//===- ValueRangeTest.cpp - Bounds of arithmetic and of branches ---------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Examples that must be exact, and random ranges with random numbers in them,
// which must never leave what is computed for the range.
//===----------------------------------------------------------------------===//

#include "Analysis/ValueRange.h"
#include "ISA/Classify.h"
#include "Interpreter.h"
#include "gtest/gtest.h"

using namespace prepatch;

namespace {

constexpr int64_t Word = int64_t(UINT32_MAX);

ValueRange alu(uint8_t Op, ValueRange A, ValueRange B, bool Is64 = true) {
  return aluRange({uint8_t(Op | (Is64 ? ClassAlu64 : ClassAlu)), 0, 0, 0, 0}, A,
                  B);
}
ValueRange only(int64_t V) { return {V, V}; }

void expect(ValueRange Got, int64_t Min, int64_t Max) {
  EXPECT_EQ(Got.Min, Min);
  EXPECT_EQ(Got.Max, Max);
}

TEST(ValueRange, Arithmetic) {
  ValueRange Index{0, 90}, Full;
  expect(alu(AluAdd, Index, only(1)), 1, 91);
  expect(alu(AluAdd, {1, 91}, only(-1), false), 0, 90);
  expect(alu(AluAdd, {0, INT64_MAX}, only(1)), INT64_MIN, INT64_MAX);
  expect(alu(AluAdd, {0, Word}, only(1), false), 0, Word);
  expect(alu(AluSub, only(0), {1, 5}), -5, -1);
  expect(alu(AluSub, only(0), {1, 5}, false), Word - 4, Word);
  expect(alu(AluMul, Index, only(8)), 0, 720);
  expect(alu(AluLsh, Index, only(3)), 0, 720);
  expect(alu(AluLsh, Full, only(32)), INT64_MIN, INT64_MAX);
  expect(alu(AluRsh, Full, only(32)), 0, Word);
  expect(alu(AluArsh, Full, only(32)), INT32_MIN, INT32_MAX);
  expect(alu(AluAnd, Full, only(0x7f)), 0, 0x7f);
  expect(alu(AluAnd, Index, only(-8)), 0, 90);
  expect(alu(AluOr, {64, 90}, only(7)), 64, 127);
  expect(alu(AluDiv, Full, only(1000)), 0, 18446744073709551);
  expect(alu(AluMod, Full, only(10)), 0, 9);
  expect(alu(AluMod, {3, 5}, only(10)), 3, 5);
  expect(alu(AluNeg, {3, 5}, Full), -5, -3);
  expect(alu(AluMov, Full, {-1, 5}, false), 0, Word);
  expect(alu(AluMov, Full, {0, 5}, false), 0, 5);
}

/// Bounds of both sides after the branch.
std::pair<ValueRange, ValueRange> after(uint8_t Op, bool Taken, ValueRange A,
                                        ValueRange B, bool Is64 = true) {
  refineRanges({uint8_t(Op | (Is64 ? ClassJmp : ClassJmp32)), 0, 0, 0, 0},
               Taken, A, B);
  return {A, B};
}

TEST(ValueRange, Branches) {
  ValueRange Full;
  expect(after(JmpGt, false, Full, only(100)).first, 0, 100);
  expect(after(JmpGt, true, Full, only(100)).first, INT64_MIN, INT64_MAX);
  expect(after(JmpGt, true, {0, 500}, only(100)).first, 101, 500);
  expect(after(JmpLt, true, Full, {5, 10}).first, 0, 9);
  expect(after(JmpLt, true, {5, 10}, Full).second, INT64_MIN, INT64_MAX);
  expect(after(JmpSlt, true, {5, 10}, Full).second, 6, INT64_MAX);
  expect(after(JmpSgt, true, {-4095, 256}, only(0)).first, 1, 256);
  expect(after(JmpSgt, true, {-4095, 256}, only(0), false).first, 1, 256);
  expect(after(JmpGt, false, {-4095, 256}, only(128), false).first, 0, 128);
  expect(after(JmpEq, true, Full, {3, 4}).first, 3, 4);
  expect(after(JmpNe, true, {0, 100}, only(100)).first, 0, 99);
  expect(after(JmpNe, true, {0, 100}, only(0)).first, 1, 100);
  expect(after(JmpLt, true, Full, only(10), false).first, INT64_MIN, INT64_MAX);
  expect(after(JmpLt, true, {0, Word}, only(10), false).first, 0, 9);
  expect(after(JmpSet, true, {0, 100}, only(1)).first, 0, 100);
  // A way that nothing takes adds little to a join.
  expect(after(JmpGt, true, {0, 5}, only(10)).first, 11, 11);
}

ValueRange randomRange(NumberSource &Numbers) {
  int64_t A = int64_t(Numbers.number()), B = int64_t(Numbers.number());
  if (Numbers.below(4) == 0)
    B = A + int64_t(Numbers.below(4)) >= A ? A + int64_t(Numbers.below(4)) : A;
  if (Numbers.below(8) == 0)
    return {};
  return {std::min(A, B), std::max(A, B)};
}

/// One of the ends, or something between.
int64_t inside(NumberSource &Numbers, ValueRange R) {
  uint64_t Span = uint64_t(R.Max) - uint64_t(R.Min);
  uint64_t By = Numbers.number();
  switch (Numbers.below(4)) {
  case 0:
    return R.Min;
  case 1:
    return R.Max;
  default:
    return int64_t(uint64_t(R.Min) +
                   (Span == UINT64_MAX ? By : By % (Span + 1)));
  }
}

TEST(ValueRange, ArithmeticStaysInside) {
  NumberSource Numbers(1);
  for (unsigned N = 0; N < 300000; ++N) {
    RawInsn I = randomAlu(Numbers, 1, 2);
    ASSERT_EQ(classify(I), InsnKind::Alu);
    ValueRange A = randomRange(Numbers);
    ValueRange B = usesSrcReg(I.Opcode) ? randomRange(Numbers) : only(I.Imm);
    ValueRange R = aluRange(I, A, B);
    ASSERT_LE(R.Min, R.Max);
    for (unsigned K = 0; K < 4; ++K) {
      uint64_t X = uint64_t(inside(Numbers, A)),
               Y = uint64_t(inside(Numbers, B));
      ASSERT_TRUE(R.contains(evaluateAlu(I, X, Y)))
          << "opcode " << int(I.Opcode) << " off " << I.Off << " imm " << I.Imm
          << " of " << int64_t(X) << " in [" << A.Min << "," << A.Max
          << "] and " << int64_t(Y) << " in [" << B.Min << "," << B.Max
          << "] gives " << int64_t(evaluateAlu(I, X, Y)) << ", not in ["
          << R.Min << "," << R.Max << "]";
    }
  }
}

TEST(ValueRange, BranchesStayInside) {
  NumberSource Numbers(2);
  for (unsigned N = 0; N < 300000; ++N) {
    RawInsn I = randomBranch(Numbers, 1, 2);
    ASSERT_EQ(classify(I), InsnKind::CondJump);
    ValueRange A = randomRange(Numbers);
    ValueRange B = usesSrcReg(I.Opcode) ? randomRange(Numbers) : only(I.Imm);
    for (unsigned K = 0; K < 4; ++K) {
      uint64_t X = uint64_t(inside(Numbers, A)),
               Y = uint64_t(inside(Numbers, B));
      ValueRange L = A, R = B;
      refineRanges(I, evaluateBranch(I, X, Y), L, R);
      ASSERT_TRUE(L.contains(X) && R.contains(Y))
          << "opcode " << int(I.Opcode) << " of " << int64_t(X) << " in ["
          << A.Min << "," << A.Max << "] and " << int64_t(Y) << " in [" << B.Min
          << "," << B.Max << "]";
      ASSERT_LE(L.Min, L.Max);
      ASSERT_LE(R.Min, R.Max);
    }
  }
}

} // namespace
