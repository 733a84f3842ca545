//===- TestProgram.h - A program to build on ------------------------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One entry function in section "xdp", with a Builder, and short ways to ask
// what it holds.
//===----------------------------------------------------------------------===//
#ifndef PREPATCH_TEST_UNIT_IR_TESTPROGRAM_H
#define PREPATCH_TEST_UNIT_IR_TESTPROGRAM_H

#include "IR/Builder.h"
#include "IR/Verifier.h"
#include <gtest/gtest.h>

namespace prepatch::test {

struct TestProgram : testing::Test {
  Program P;
  CodeSection &Section = P.createSection("xdp", false);
  prepatch::Function &F = P.createFunction(Section, "main");
  Builder B{P};

  /// A block at the end of the function with the movs r1 = V for each V.
  BasicBlock &block(std::initializer_list<int32_t> Values) {
    BasicBlock &BB = B.createBlock(F);
    B.setInsertPoint(BB);
    for (int32_t V : Values)
      B.movImm(1, V);
    return BB;
  }

  /// Immediates of the instructions of \p BB.
  static std::vector<int32_t> imms(BasicBlock &BB) {
    std::vector<int32_t> Values;
    for (Insn &I : BB)
      Values.push_back(I.imm());
    // The links must say the same backwards.
    std::vector<int32_t> Back;
    for (Insn *I = BB.back(); I; I = I->prev())
      Back.insert(Back.begin(), I->imm());
    EXPECT_EQ(Values, Back);
    return Values;
  }

  static Insn &at(BasicBlock &BB, unsigned N) {
    return *std::next(BB.begin(), N);
  }

  static LineRecord line(uint32_t N) { return {0, 0, N << 10}; }
  /// Line that starts at \p I, 0 for none.
  static uint32_t lineOf(const Insn &I) {
    return I.line() ? I.line()->line() : 0;
  }
  static std::vector<uint32_t> lines(BasicBlock &BB) {
    std::vector<uint32_t> Lines;
    for (Insn &I : BB)
      Lines.push_back(lineOf(I));
    return Lines;
  }

  std::string problem() {
    llvm::Error E = verify(P);
    return E ? llvm::toString(std::move(E)) : "";
  }
};

using Imms = std::vector<int32_t>;
using Lines = std::vector<uint32_t>;

} // namespace prepatch::test

#endif
