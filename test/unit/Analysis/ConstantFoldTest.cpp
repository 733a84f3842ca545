//===- ConstantFoldTest.cpp - Arithmetic on known values ---===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Widths, shift counts and signs are what goes wrong.
//===----------------------------------------------------------------------===//

#include "Analysis/ConstantFold.h"
#include "ISA/Opcodes.h"
#include "gtest/gtest.h"

using namespace prepatch;

namespace {

std::optional<uint64_t> alu(int Op, uint64_t A, uint64_t B, int16_t Off = 0) {
  return foldAlu({uint8_t(Op), 1, 2, Off, 0}, A, B);
}
std::optional<bool> jump(int Op, uint64_t A, uint64_t B) {
  return foldBranch({uint8_t(Op), 1, 2, 0, 0}, A, B);
}

TEST(ConstantFold, Alu) {
  EXPECT_EQ(alu(ClassAlu64 | AluAdd, ~0ull, 1), 0ull);
  EXPECT_EQ(alu(ClassAlu | AluAdd, 0xffffffff, 2), 1ull);
  EXPECT_EQ(alu(ClassAlu64 | AluSub, 1, 2), ~0ull);
  EXPECT_EQ(alu(ClassAlu | AluSub, 1, 2), 0xffffffffull);
  EXPECT_EQ(alu(ClassAlu64 | AluLsh, 1, 65), 2ull) << "counts wrap at 64";
  EXPECT_EQ(alu(ClassAlu | AluLsh, 1, 33), 2ull) << "counts wrap at 32";
  EXPECT_EQ(alu(ClassAlu | AluRsh, 0xf00000000ull, 4), 0ull);
  EXPECT_EQ(alu(ClassAlu | AluArsh, 0x80000000, 4), 0xf8000000ull);
  EXPECT_EQ(alu(ClassAlu64 | AluArsh, 1ull << 63, 63), ~0ull);
  EXPECT_EQ(alu(ClassAlu | AluMov, 0, ~0ull), 0xffffffffull);
  EXPECT_EQ(alu(ClassAlu64 | AluMov, 0, 0x80, 8), 0xffffffffffffff80ull);
  EXPECT_EQ(alu(ClassAlu | AluMov, 0, 0x8000, 16), 0xffff8000ull);
}

TEST(ConstantFold, LeavesAloneWhatTheVerifierDoesNotCompute) {
  EXPECT_EQ(alu(ClassAlu64 | AluDiv, 6, 3), std::nullopt);
  EXPECT_EQ(alu(ClassAlu64 | AluMod, 6, 3), std::nullopt);
  EXPECT_EQ(alu(ClassAlu64 | AluNeg, 6, 0), std::nullopt);
  EXPECT_EQ(alu(ClassAlu | AluEnd, 6, 16), std::nullopt);
}

TEST(ConstantFold, Branches) {
  EXPECT_EQ(jump(ClassJmp | JmpGt, ~0ull, 1), true);
  EXPECT_EQ(jump(ClassJmp | JmpSgt, ~0ull, 1), false);
  EXPECT_EQ(jump(ClassJmp32 | JmpEq, 0x100000001ull, 1), true);
  EXPECT_EQ(jump(ClassJmp | JmpEq, 0x100000001ull, 1), false);
  EXPECT_EQ(jump(ClassJmp32 | JmpSlt, 0x80000000, 0), true);
  EXPECT_EQ(jump(ClassJmp32 | JmpLt, 0x80000000, 0xffffffff), true);
  EXPECT_EQ(jump(ClassJmp | JmpSet, 6, 9), false);
  EXPECT_EQ(jump(ClassJmp | JmpSet, 6, 2), true);
}

} // namespace
