//===- DeadCodeTest.cpp - What the kernel deletes ---===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The two examples of how a dead branch turns into deletions, and fastcalls.
//===----------------------------------------------------------------------===//

#include "TestProgram.h"

using namespace llvm;
using namespace prepatch;

namespace {

// if r4 == 0 goto +3 (always); 3 dead: the branch becomes goto +3, the run is
// cut out, and then the goto leads to what follows: two deletions.
TEST(DeadCode, AlwaysTaken) {
  TestProgram T;
  Function &F = T.entry("xdp");
  BasicBlock &Head = T.block(F), &Dead = T.B.createBlock(F),
             &End = T.B.createBlock(F);
  T.B.movImm(4, 0);
  T.B.condJumpImm(JmpEq, 4, 0, End);
  T.B.setInsertPoint(Dead);
  for (int N = 0; N < 3; ++N)
    T.B.movImm(0, N);
  T.B.setInsertPoint(End);
  T.returnZero();
  (void)Head;
  Analysed A(T);
  EXPECT_EQ(A.sites(F), "decided-branch-1 unreachable-3");
  EXPECT_EQ(A.totals().Deletions, 2u);
  EXPECT_EQ(A.totals().Removed, 4u);
}

// if r4 == 1 goto +1 (never); goto +1; dead: the run is cut out, and both
// jumps lead to what follows them: three deletions.
TEST(DeadCode, NeverTaken) {
  TestProgram T;
  Function &F = T.entry("xdp");
  T.block(F);
  BasicBlock &Skip = T.B.createBlock(F), &Dead = T.B.createBlock(F),
             &End = T.B.createBlock(F);
  T.B.movImm(4, 0);
  T.B.condJumpImm(JmpEq, 4, 1, Dead);
  T.B.setInsertPoint(Skip);
  T.B.jump(End);
  T.B.setInsertPoint(Dead);
  T.B.movImm(0, 1);
  T.B.setInsertPoint(End);
  T.returnZero();
  Analysed A(T);
  EXPECT_EQ(A.sites(F), "decided-branch-1 nop-jump-1 unreachable-1");
}

// A side that is also reached in another way is left, and so is the branch.
TEST(DeadCode, DecidedBranchWithBothSidesAlive) {
  TestProgram T;
  Function &F = T.entry("xdp");
  BasicBlock &Head = T.block(F), &Second = T.B.createBlock(F),
             &Side = T.B.createBlock(F), &End = T.B.createBlock(F);
  T.B.load(3, 1, 16, 4);
  T.B.condJumpImm(JmpEq, 3, 1, Side);
  T.B.setInsertPoint(Second);
  T.B.movImm(4, 0);
  T.B.condJumpImm(JmpEq, 4, 0, End);
  T.B.setInsertPoint(Side);
  T.B.movImm(0, 1);
  T.B.setInsertPoint(End);
  T.returnZero();
  (void)Head;
  Analysed A(T);
  EXPECT_EQ(A.totals().Deletions, 0u);
}

TEST(DeadCode, JumpsToTheNext) {
  TestProgram T;
  Function &F = T.entry("xdp");
  BasicBlock &One = T.block(F), &Two = T.B.createBlock(F),
             &Three = T.B.createBlock(F), &Four = T.B.createBlock(F);
  T.B.jump(Two);
  T.B.setInsertPoint(Two);
  T.mayGoto(Three);
  T.B.setInsertPoint(Three);
  T.B.create({OpGotol, 0, 0, 0, 0})->setTarget(&Four);
  T.B.setInsertPoint(Four);
  T.returnZero();
  (void)One;
  Analysed A(T);
  // The kernel leaves gotol +0 alone.
  EXPECT_EQ(A.sites(F), "nop-jump-1 nop-may-goto-1");
}

TEST(DeadCode, CoreRecordsDecideNothing) {
  TestProgram T;
  Function &F = T.entry("xdp");
  BasicBlock &Head = T.block(F), &Other = T.B.createBlock(F),
             &End = T.B.createBlock(F);
  T.B.setInsertPoint(Head);
  T.B.attach(*T.B.movImm(4, 1), CoreRecord{1, 0, 2});
  T.B.condJumpImm(JmpNe, 4, 0, End);
  T.B.setInsertPoint(Other);
  T.B.movImm(0, 1);
  T.B.setInsertPoint(End);
  T.returnZero();
  Analysed A(T);
  EXPECT_EQ(A.sites(F), "");
}

/// Two spills, the call, two fills; \p Also adds what the test needs.
struct Fastcall : TestProgram {
  Function &F = entry("xdp");
  BasicBlock &BB = block(F);

  void emit(int InnerOff = -16, int OuterOff = -8) {
    B.movImm(1, 1);
    B.movImm(2, 2);
    B.store(RegFp, int16_t(OuterOff), 1, 8);
    B.store(RegFp, int16_t(InnerOff), 2, 8);
    B.callHelper(HelperCpu);
    B.load(2, RegFp, int16_t(InnerOff), 8);
    B.load(1, RegFp, int16_t(OuterOff), 8);
  }
};

TEST(DeadCode, FastcallSpills) {
  Fastcall T;
  T.emit();
  T.returnZero();
  Analysed A(T);
  EXPECT_EQ(A.sites(T.F), "fastcall-spill-1 fastcall-spill-1 helper+2 "
                          "fastcall-spill-1 fastcall-spill-1");
  EXPECT_EQ(A.Sites.sites(T.F)[0].Slot, 2u);
  EXPECT_EQ(A.totals().Deletions, 4u);
}

TEST(DeadCode, FastcallSlotUsedElsewhere) {
  Fastcall T;
  T.emit();
  T.B.load(3, RegFp, -16, 8);
  T.returnZero();
  Analysed A(T);
  EXPECT_EQ(A.sites(T.F), "helper+2");
}

TEST(DeadCode, FastcallInnerPairIsNotTheLowest) {
  Fastcall T;
  T.emit(/*InnerOff=*/-8, /*OuterOff=*/-16);
  T.returnZero();
  Analysed A(T);
  EXPECT_EQ(A.sites(T.F), "helper+2");
}

TEST(DeadCode, SpillsAroundOtherCalls) {
  TestProgram T;
  Function &F = T.entry("xdp");
  T.block(F);
  T.B.movImm(1, 1);
  T.B.store(RegFp, -8, 1, 8);
  T.B.callHelper(HelperKtime);
  T.B.load(1, RegFp, -8, 8);
  T.returnZero();
  Analysed A(T);
  EXPECT_EQ(A.sites(F), "");
}

} // namespace
