//===- VisitsTest.cpp - How often the verifier looks at an instruction ---===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Estimates by their order, measurements by their sum.
//===----------------------------------------------------------------------===//

#include "Analysis/Visits.h"
#include "TestProgram.h"

using namespace llvm;
using namespace prepatch;

namespace {

TEST(Visits, StraightCodeIsVisitedOnce) {
  TestProgram T;
  Function &F = T.entry("xdp");
  T.block(F);
  Insn *I = T.B.movImm(0, 0);
  T.B.exit();
  Analysed A(T);
  VisitCounts V = VisitCounts::estimate(A.Kinds);
  EXPECT_FALSE(V.isMeasured());
  EXPECT_DOUBLE_EQ(V.visits(F, *I), 1);
}

TEST(Visits, JoinsMultiplyALittleAndAreLimited) {
  TestProgram T;
  Function &F = T.entry("xdp");
  T.block(F);
  T.B.load(2, 1, 16, 4);
  std::vector<Insn *> Firsts;
  for (unsigned N = 0; N < 500; ++N) {
    BasicBlock &Head = T.block(F), &Side = T.B.createBlock(F),
               &Join = T.B.createBlock(F);
    T.B.setInsertPoint(Head);
    T.B.condJumpImm(JmpEq, 2, int32_t(N), Join);
    T.B.setInsertPoint(Side);
    T.B.movImm(3, 1);
    T.B.setInsertPoint(Join);
    Firsts.push_back(T.B.movImm(3, 2));
  }
  T.returnZero();
  Analysed A(T);
  VisitCounts V = VisitCounts::estimate(A.Kinds);
  EXPECT_GT(V.visits(F, *Firsts[0]), 1);
  EXPECT_LT(V.visits(F, *Firsts[0]), 1.2);
  EXPECT_LE(V.visits(F, *Firsts[499]), 20);
  EXPECT_GT(V.visits(F, *Firsts[499]), 19);
}

TEST(Visits, LoopsAndCallees) {
  TestProgram T;
  Function &Sub = T.subprogram("sub"), &Global = T.subprogram("global", true),
           &F = T.entry("xdp");
  T.block(Sub);
  Insn *InSub = T.B.movImm(0, 0);
  T.B.exit();
  T.block(Global);
  Insn *InGlobal = T.B.movImm(0, 0);
  T.B.exit();
  T.block(F);
  T.B.load(6, 1, 16, 4);
  BasicBlock &Body = T.block(F);
  Insn *InBody = T.B.call(Sub);
  T.B.call(Global);
  T.B.condJumpImm(JmpLt, 6, 10, Body);
  T.block(F);
  Insn *After = T.B.movImm(0, 0);
  T.B.exit();
  Analysed A(T);
  VisitCounts V = VisitCounts::estimate(A.Kinds);
  EXPECT_DOUBLE_EQ(V.visits(F, *InBody), 32);
  EXPECT_DOUBLE_EQ(V.visits(Sub, *InSub), 32);
  EXPECT_DOUBLE_EQ(V.visits(Global, *InGlobal), 1) << "verified by itself";
  EXPECT_DOUBLE_EQ(V.visits(F, *After), 1);
  EXPECT_DOUBLE_EQ(V.visitsAtEntry(Sub), 32);
}

TEST(Visits, IteratorsConverge) {
  TestProgram T;
  Function &F = T.entry("xdp");
  T.block(F);
  T.B.movImm(6, 0);
  BasicBlock &Body = T.block(F);
  Insn *Call = T.callKfunc("bpf_iter_num_next");
  T.B.condJumpImm(JmpNe, 0, 0, Body);
  T.block(F);
  T.returnZero();
  Analysed A(T);
  EXPECT_DOUBLE_EQ(VisitCounts::estimate(A.Kinds).visits(F, *Call), 4);
}

TEST(Visits, DeadCodeIsNotVisited) {
  TestProgram T;
  Function &F = T.entry("xdp");
  T.block(F);
  T.returnZero();
  T.block(F);
  Insn *Dead = T.B.movImm(0, 1);
  T.B.exit();
  Analysed A(T);
  EXPECT_DOUBLE_EQ(VisitCounts::estimate(A.Kinds).visits(F, *Dead), 0);
}

// Function "prog" stands at slot 10 of its section; its records count from 0.
TEST(Visits, Measured) {
  TestProgram T;
  Function &F = T.entry("xdp");
  F.setOriginalStart(10);
  T.block(F);
  Insn *First = T.B.create({OpMov64Imm, 0, 0, 0, 0}, 0, 10);
  Insn *Exit = T.B.create({OpExit, 0, 0, 0, 0}, 0, 11);
  CallGraph G(T.P);
  VisitCounts V = VisitCounts::measured(G, {{"prog", 0, 5},
                                            {"prog", 1, 7},
                                            {"prog", 0, 2}, // another program
                                            {"prog", 99, 1},
                                            {"missing", 0, 1}});
  EXPECT_TRUE(V.isMeasured());
  EXPECT_DOUBLE_EQ(V.visits(F, *First), 7);
  EXPECT_DOUBLE_EQ(V.visits(F, *Exit), 7);
  EXPECT_DOUBLE_EQ(V.visitsAtEntry(F), 7);
  // What a pass inserts counts as what follows it, else as what precedes.
  T.B.setInsertPoint(*Exit);
  Insn *New = T.B.movImm(2, 0);
  EXPECT_DOUBLE_EQ(V.visits(F, *New), 7);
}

} // namespace
