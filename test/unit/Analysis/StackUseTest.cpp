//===- StackUseTest.cpp - Stack depth of functions and call chains ---===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The limits are those of the profile: 512 bytes, 8 frames, 256 before a tail
// call.
//===----------------------------------------------------------------------===//

#include "Analysis/StackUse.h"
#include "TestProgram.h"

using namespace llvm;
using namespace prepatch;

namespace {

struct Chain : TestProgram {
  /// A function that stores at r10 - \p Bytes and calls \p Callee.
  void body(Function &F, int Bytes, Function *Callee = nullptr,
            bool TailCall = false) {
    block(F);
    B.movImm(2, 0);
    if (Bytes)
      B.store(RegFp, int16_t(-Bytes), 2, 1);
    if (Callee)
      B.call(*Callee);
    if (TailCall)
      B.callHelper(HelperTailCall);
    returnZero();
  }
};

TEST(StackUse, OwnFrame) {
  Chain T;
  Function &F = T.entry("xdp");
  T.body(F, 20);
  Analysed A(T);
  StackUse S(A.Kinds, testProfile());
  EXPECT_EQ(S.ownBytes(F), 24u) << "whole slots";
  EXPECT_EQ(S.frameBytes(F), 32u);
  EXPECT_TRUE(S.isKnown(F));
}

TEST(StackUse, PointersIntoTheFrame) {
  TestProgram T;
  Function &F = T.entry("xdp");
  T.block(F);
  T.B.movReg(2, RegFp);
  T.B.aluImm(AluAdd, 2, -100);
  T.B.movImm(3, 0);
  T.B.store(2, 40, 3, 4);
  T.returnZero();
  Analysed A(T);
  StackUse S(A.Kinds, testProfile());
  EXPECT_EQ(S.ownBytes(F), 104u);
}

TEST(StackUse, Chains) {
  Chain T;
  Function &C = T.subprogram("c"), &B = T.subprogram("b"),
           &Main = T.entry("xdp");
  T.body(C, 200);
  T.body(B, 100, &C);
  T.body(Main, 64, &B);
  Analysed A(T);
  StackUse S(A.Kinds, testProfile());
  EXPECT_EQ(S.bytesDownTo(Main), 64u);
  EXPECT_EQ(S.bytesDownTo(B), 64u + 112);
  EXPECT_EQ(S.bytesDownTo(C), 64u + 112 + 208);
  EXPECT_EQ(S.bytesBelow(Main), 64u + 112 + 208);
  EXPECT_EQ(S.framesDownTo(C), 3u);
  EXPECT_EQ(S.framesBelow(Main), 3u);
  EXPECT_TRUE(S.mayCall(C, 128));
  EXPECT_FALSE(S.mayCall(C, 129));
  EXPECT_TRUE(S.mayGrow(Main, 128));
  EXPECT_FALSE(S.mayGrow(Main, 129));
}

TEST(StackUse, TooManyFrames) {
  Chain T;
  Function *Callee = nullptr;
  std::vector<Function *> Subs;
  for (int N = 0; N < 7; ++N) {
    Subs.push_back(&T.subprogram("f"));
    T.body(*Subs.back(), 0, Callee);
    Callee = Subs.back();
  }
  Function &Main = T.entry("xdp");
  T.body(Main, 0, Callee);
  Analysed A(T);
  StackUse S(A.Kinds, testProfile());
  EXPECT_EQ(S.framesDownTo(*Subs[0]), 8u);
  EXPECT_FALSE(S.mayCall(*Subs[0], 0));
  EXPECT_TRUE(S.mayCall(*Subs[1], 0));
}

TEST(StackUse, TailCallBelow) {
  Chain T;
  Function &Sub = T.subprogram("sub"), &Main = T.entry("xdp");
  T.body(Sub, 0, nullptr, /*TailCall=*/true);
  T.body(Main, 200, &Sub);
  Analysed A(T);
  StackUse S(A.Kinds, testProfile());
  EXPECT_TRUE(S.mayGrow(Main, 32));
  EXPECT_FALSE(S.mayGrow(Main, 48)) << "256 bytes before a tail call";
}

TEST(StackUse, RecursionAndOpaqueFunctionsAreUnknown) {
  Chain T;
  Function &Self = T.subprogram("self"), &Main = T.entry("xdp", "a"),
           &Strange = T.entry("xdp", "b"), &Fine = T.entry("xdp", "c");
  T.body(Self, 8, &Self);
  T.body(Main, 8, &Self);
  T.body(Strange, 8);
  Strange.setOpaque("a test");
  T.body(Fine, 8);
  Analysed A(T);
  StackUse S(A.Kinds, testProfile());
  EXPECT_FALSE(S.isKnown(Self));
  EXPECT_FALSE(S.isKnown(Main));
  EXPECT_FALSE(S.mayCall(Strange, 8));
  EXPECT_TRUE(S.mayCall(Fine, 8));
}

TEST(StackUse, WhatTheKernelAdds) {
  TestProgram T;
  Function &F = T.entry("xdp");
  BasicBlock &Body = T.block(F), &End = T.B.createBlock(F);
  T.mayGoto(End);
  BasicBlock &Back = T.B.createBlock(F, &Body);
  T.B.setInsertPoint(Back);
  T.B.jump(Body);
  T.B.setInsertPoint(End);
  T.returnZero();
  Analysed A(T);
  StackUse S(A.Kinds, testProfile());
  EXPECT_EQ(S.ownBytes(F), 16u) << "the counter of may_goto";
}

} // namespace
