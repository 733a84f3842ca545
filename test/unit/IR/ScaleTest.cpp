//===- ScaleTest.cpp - A million instructions -----------------------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// No time is asserted: were an operation linear in the size of the program,
// these tests would take hours. Heap is counted: blocks of five instructions,
// a line record on every second one.
//===----------------------------------------------------------------------===//

#include "TestProgram.h"

using namespace prepatch;
using namespace prepatch::test;

namespace {

constexpr unsigned Million = 1000000;
using ScaleTest = TestProgram;

TEST_F(ScaleTest, TakesFewerThan100BytesAnInstruction) {
  for (unsigned I = 0; I < Million; ++I) {
    if (I % 5 == 0)
      block({});
    Insn *New = B.movImm(1, I);
    if (I % 2 == 0)
      B.attach(*New, line(I));
  }
  B.exit();
  EXPECT_EQ(F.numberBlocks(), Million / 5);
  EXPECT_EQ(F.countSlots(), Million + 1);
  EXPECT_LE(P.bytesAllocated(), size_t(100) * Million);
  EXPECT_EQ(problem(), "");
}

TEST_F(ScaleTest, SplitsOneBlockAMillionTimes) {
  BasicBlock *BB = &block({});
  std::vector<Insn *> Insns;
  for (unsigned I = 0; I < Million; ++I)
    Insns.push_back(B.movImm(1, I));
  B.exit();
  // Each split moves all instructions behind it to the new block.
  for (unsigned I = 1; I < Million; ++I)
    BB = &B.splitBefore(*BB, *Insns[I]);
  EXPECT_EQ(F.numberBlocks(), Million);
  EXPECT_EQ(problem(), "");
}

TEST_F(ScaleTest, InsertsAndErasesAtTheStartOfALongBlock) {
  BasicBlock &BB = block({});
  for (unsigned I = 0; I < Million; ++I)
    B.movImm(1, I);
  B.exit();
  B.attach(*BB.front(), line(1));
  for (unsigned I = 0; I < Million; ++I) {
    B.setInsertPoint(*BB.front());
    B.movImm(2, I);
  }
  EXPECT_EQ(F.countSlots(), 2 * Million + 1);
  B.setInsertPoint(BB);
  for (unsigned I = 0; I < 2 * Million; ++I)
    B.erase(BB, *BB.front());
  EXPECT_EQ(F.countSlots(), 1u);
  EXPECT_EQ(lineOf(*BB.front()), 1u);
  EXPECT_EQ(problem(), "");
}

} // namespace
