//===- ScaleTest.cpp - Large functions ---===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Not a measurement: what is quadratic would not end in the time of a test.
//===----------------------------------------------------------------------===//

#include "Analysis/Liveness.h"
#include "Analysis/SiteCost.h"
#include "Analysis/StackUse.h"
#include "Analysis/Visits.h"
#include "TestProgram.h"

using namespace llvm;
using namespace prepatch;

namespace {

void runAll(TestProgram &T) {
  Analysed A(T);
  Liveness L(A.Graph, testProfile());
  StackUse S(A.Kinds, testProfile());
  VisitCounts V = VisitCounts::estimate(A.Kinds);
  SiteCost C(A.Sites, testProfile());
  EXPECT_GE(C.program(A.Graph.loadedPrograms()[0]), 0);
}

// Spills, a test and a lookup, 120 000 times: a million instructions.
TEST(Scale, OneLongFunction) {
  TestProgram T;
  Symbol &M = T.map("counts", MapType::Hash);
  Function &F = T.entry("kprobe/f");
  T.block(F);
  T.B.movReg(6, 1);
  BasicBlock &End = T.B.createBlock(F);
  for (unsigned N = 0; N < 120000; ++N) {
    BasicBlock &BB = T.B.createBlock(F, End.prev());
    T.B.setInsertPoint(BB);
    T.B.load(2, 6, 8, 8);
    T.B.store(RegFp, int16_t(-8 - 8 * (N % 60)), 2, 8);
    T.lookup(M);
    T.B.condJumpImm(JmpEq, 0, 0, End);
  }
  T.B.setInsertPoint(End);
  T.returnZero();
  runAll(T);
}

// 30 000 loops one in another.
TEST(Scale, DeepLoops) {
  TestProgram T;
  Function &F = T.entry("xdp");
  T.block(F);
  T.B.load(2, 1, 16, 4);
  std::vector<BasicBlock *> Heads;
  for (unsigned N = 0; N < 30000; ++N) {
    Heads.push_back(&T.block(F));
    T.B.aluImm(AluAdd, 2, 1);
  }
  for (BasicBlock *Head : llvm::reverse(Heads)) {
    T.block(F);
    T.B.condJumpImm(JmpEq, 2, 7, *Head);
  }
  T.block(F);
  T.returnZero();
  runAll(T);
}

// 50 000 functions, each called from one.
TEST(Scale, ManyFunctions) {
  TestProgram T;
  Function &F = T.entry("xdp");
  BasicBlock &BB = T.block(F);
  for (unsigned N = 0; N < 50000; ++N) {
    Function &Sub = T.subprogram("f");
    T.block(Sub);
    T.returnZero();
    T.B.setInsertPoint(BB);
    T.B.call(Sub);
  }
  T.B.exit();
  runAll(T);
}

// One function, called with 50 000 different constants.
TEST(Scale, ManyCallsOfOne) {
  TestProgram T;
  Function &Sub = T.subprogram("f"), &F = T.entry("xdp");
  T.block(Sub);
  T.B.movReg(0, 1);
  T.B.exit();
  T.block(F);
  for (unsigned N = 0; N < 50000; ++N) {
    T.B.movImm(1, int32_t(N));
    T.B.call(Sub);
  }
  T.B.exit();
  runAll(T);
}

} // namespace
