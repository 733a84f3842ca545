//===- RegKindsCallsTest.cpp - What registers hold across functions ---===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Static functions, global functions, callbacks.
//===----------------------------------------------------------------------===//

#include "TestProgram.h"

using namespace llvm;
using namespace prepatch;

namespace {

TEST(RegKindsCalls, StaticCalleeGetsTheJoin) {
  TestProgram T;
  Function &Sub = T.subprogram("sub"), &Main = T.entry("tc");
  BasicBlock &In = T.block(Sub);
  T.B.load(0, 1, 0, 4);
  Insn *SubEnd = T.B.exit();
  BasicBlock &BB = T.block(Main);
  T.B.movReg(6, 1);
  T.B.movImm(2, 1);
  T.B.movImm(3, 7);
  T.B.call(Sub);
  T.B.movReg(1, 6);
  T.B.movImm(2, 2);
  T.B.movImm(3, 7);
  T.B.call(Sub);
  Insn *End = T.B.exit();
  Analysed A(T);
  EXPECT_EQ(A.before(In, SubEnd, 1), "context");
  EXPECT_EQ(A.before(In, SubEnd, 2), "scalar");
  EXPECT_EQ(A.before(In, SubEnd, 3), "scalar=7");
  EXPECT_EQ(A.before(BB, End, 0), "scalar");
  EXPECT_EQ(A.before(BB, End, 6), "context");
  EXPECT_EQ(A.before(BB, End, 1), "uninit");
}

TEST(RegKindsCalls, GlobalCalleeKnowsLess) {
  TestProgram T;
  Function &Sub = T.subprogram("sub", /*Global=*/true), &Main = T.entry("tc");
  BasicBlock &In = T.block(Sub);
  T.B.movReg(0, 1);
  Insn *SubEnd = T.B.exit();
  BasicBlock &BB = T.block(Main);
  T.B.movImm(2, 1);
  T.B.movReg(3, RegFp);
  T.B.call(Sub);
  Insn *End = T.B.exit();
  Analysed A(T);
  EXPECT_EQ(A.before(In, SubEnd, 1), "context");
  EXPECT_EQ(A.before(In, SubEnd, 2), "scalar") << "verified for all values";
  EXPECT_EQ(A.before(In, SubEnd, 3), "memory_or_null");
  EXPECT_EQ(A.before(BB, End, 0), "scalar") << "no other result is accepted";
}

TEST(RegKindsCalls, CallersThatDisagree) {
  TestProgram T;
  Function &Sub = T.subprogram("sub"), &Main = T.entry("tc");
  BasicBlock &In = T.block(Sub);
  Insn *SubFirst = T.B.movImm(0, 0);
  T.B.exit();
  T.block(Main);
  T.B.call(Sub);
  T.B.movReg(1, RegFp);
  T.B.call(Sub);
  T.B.exit();
  Analysed A(T);
  EXPECT_EQ(A.before(In, SubFirst, 1), "unknown");
}

TEST(RegKindsCalls, ReturnedPointer) {
  TestProgram T;
  Symbol &M = T.map("counts", MapType::Hash);
  Function &Sub = T.subprogram("sub"), &Main = T.entry("tc");
  T.block(Sub);
  T.lookup(M);
  T.B.exit();
  BasicBlock &BB = T.block(Main);
  T.B.call(Sub);
  Insn *End = T.B.exit();
  Analysed A(T);
  EXPECT_EQ(A.before(BB, End, 0), "map_value(counts)_or_null");
  EXPECT_EQ(describe(A.Kinds.returnValue(Sub)), "map_value(counts)_or_null");
}

// A callee reads the context from a structure in its caller's frame, and
// writes a packet pointer into it.
TEST(RegKindsCalls, ThroughTheCallersFrame) {
  TestProgram T;
  Function &Sub = T.subprogram("sub"), &Main = T.entry("tc");
  BasicBlock &In = T.block(Sub);
  T.B.load(2, 1, 0, 8);
  T.B.load(3, 2, 76, 4);
  T.B.store(1, 8, 3, 8);
  Insn *SubEnd = T.B.movImm(0, 0);
  T.B.exit();
  BasicBlock &BB = T.block(Main);
  T.B.store(RegFp, -16, 1, 8);
  T.B.store(RegFp, -32, 1, 8);
  T.B.movReg(1, RegFp);
  T.B.aluImm(AluAdd, 1, -16);
  T.B.call(Sub);
  Insn *End = T.B.exit();
  Analysed A(T);
  EXPECT_EQ(A.before(In, SubEnd, 1), "caller_stack-16");
  EXPECT_EQ(A.before(In, SubEnd, 2), "context");
  EXPECT_EQ(A.before(In, SubEnd, 3), "packet");
  RegState S = A.Kinds.stateBefore(BB, *End);
  EXPECT_EQ(describe(S.slot(-16)), "context");
  EXPECT_EQ(describe(S.slot(-8)), "packet");
  EXPECT_EQ(describe(S.slot(-32)), "context");
}

TEST(RegKindsCalls, UnknownCalleeWritesWhatItCanReach) {
  TestProgram T;
  Function &Main = T.entry("tc");
  BasicBlock &BB = T.block(Main);
  T.B.store(RegFp, -8, 1, 8);
  T.B.store(RegFp, -32, 1, 8);
  T.B.movReg(1, RegFp);
  T.B.aluImm(AluAdd, 1, -16);
  T.callKfunc("bpf_anything");
  Insn *End = T.B.exit();
  Analysed A(T);
  RegState S = A.Kinds.stateBefore(BB, *End);
  EXPECT_EQ(describe(S.slot(-8)), "unknown");
  EXPECT_EQ(describe(S.slot(-32)), "context");
}

/// bpf_loop(8, \p Callback, fp - 16, 0) with the context at fp - 16.
void loopOver(TestProgram &T, Function &Callback) {
  T.B.store(RegFp, -16, 1, 8);
  T.B.movImm(1, 8);
  T.loadFunction(2, Callback);
  T.B.movReg(3, RegFp);
  T.B.aluImm(AluAdd, 3, -16);
  T.B.movImm(4, 0);
  T.B.callHelper(HelperLoop);
}

TEST(RegKindsCalls, LoopCallback) {
  TestProgram T;
  Function &Callback = T.subprogram("callback"), &Main = T.entry("tc");
  BasicBlock &In = T.block(Callback);
  T.B.load(3, 2, 0, 8);
  Insn *Inside = T.B.movImm(0, 0);
  T.B.exit();
  BasicBlock &BB = T.block(Main);
  loopOver(T, Callback);
  Insn *End = T.B.exit();
  Analysed A(T);
  EXPECT_EQ(A.before(In, Inside, 1), "scalar");
  EXPECT_EQ(A.before(In, Inside, 2), "caller_stack-16");
  EXPECT_EQ(A.before(In, Inside, 3), "context");
  EXPECT_EQ(A.before(In, Inside, 4), "uninit");
  EXPECT_EQ(describe(A.Kinds.stateBefore(BB, *End).slot(-16)), "context");
}

// What one round writes, the next one finds.
TEST(RegKindsCalls, LoopCallbackFeedsItself) {
  TestProgram T;
  Function &Callback = T.subprogram("callback"), &Main = T.entry("tc");
  BasicBlock &In = T.block(Callback);
  T.B.load(3, 2, 0, 8);
  Insn *Inside = T.B.movImm(0, 0);
  T.B.movImm(4, 1);
  T.B.store(2, 0, 4, 8);
  T.B.exit();
  BasicBlock &BB = T.block(Main);
  loopOver(T, Callback);
  Insn *End = T.B.exit();
  Analysed A(T);
  EXPECT_EQ(A.before(In, Inside, 3), "unknown");
  EXPECT_EQ(describe(A.Kinds.stateBefore(BB, *End).slot(-16)), "unknown");
}

TEST(RegKindsCalls, ForEachCallback) {
  TestProgram T;
  Symbol &M = T.map("counts", MapType::Hash);
  Function &Callback = T.subprogram("callback"), &Main = T.entry("tc");
  BasicBlock &In = T.block(Callback);
  Insn *Inside = T.B.movImm(0, 0);
  T.B.exit();
  T.block(Main);
  T.loadMap(1, M);
  T.loadFunction(2, Callback);
  T.B.movImm(3, 0);
  T.B.movImm(4, 0);
  T.B.callHelper(164); // bpf_for_each_map_elem
  T.B.exit();
  Analysed A(T);
  EXPECT_EQ(A.before(In, Inside, 1), "map(counts)");
  EXPECT_EQ(A.before(In, Inside, 2), "map_key");
  EXPECT_EQ(A.before(In, Inside, 3), "map_value(counts)");
  EXPECT_EQ(A.before(In, Inside, 4), "scalar=0");
}

TEST(RegKindsCalls, RecursionEnds) {
  TestProgram T;
  Function &F = T.subprogram("f"), &Main = T.entry("xdp");
  BasicBlock &Head = T.block(F);
  T.B.movImm(6, 1);
  BasicBlock &More = T.block(F), &End = T.B.createBlock(F);
  T.B.setInsertPoint(Head);
  T.B.condJumpImm(JmpEq, 1, 0, End);
  T.B.setInsertPoint(More);
  T.B.aluImm(AluSub, 1, 1);
  T.B.call(F);
  T.B.setInsertPoint(End);
  T.returnZero();
  BasicBlock &BB = T.block(Main);
  T.B.load(1, 1, 12, 4);
  T.B.call(F);
  Insn *Exit = T.B.exit();
  Analysed A(T);
  EXPECT_EQ(A.before(BB, Exit, 0), "scalar=0");
}

TEST(RegKindsCalls, LongChainsDoNotOverflow) {
  TestProgram T;
  Function &Main = T.entry("xdp");
  BasicBlock &BB = T.block(Main);
  Function *Caller = nullptr;
  for (unsigned N = 0; N < 20000; ++N) {
    Function &F = T.subprogram("f");
    if (Caller) {
      T.block(*Caller);
      T.B.call(F);
      T.B.exit();
    } else {
      T.B.call(F);
    }
    Caller = &F;
  }
  T.block(*Caller);
  T.B.movImm(0, 3);
  T.B.exit();
  T.B.setInsertPoint(BB);
  Insn *End = T.B.exit();
  Analysed A(T);
  EXPECT_EQ(A.before(BB, End, 0), "scalar=3");
}

TEST(RegKindsCalls, OpaqueFunctionsMayDoAnything) {
  TestProgram T;
  Function &Sub = T.subprogram("sub"), &Strange = T.entry("tc", "strange");
  BasicBlock &In = T.block(Sub);
  Insn *First = T.B.movImm(0, 0);
  T.B.exit();
  BasicBlock &BB = T.block(Strange);
  Insn *Call = T.B.call(Sub);
  T.B.exit();
  Strange.setOpaque("a test");
  Analysed A(T);
  EXPECT_FALSE(A.Kinds.isAnalysed(Strange));
  EXPECT_TRUE(A.Kinds.isReached(BB));
  EXPECT_EQ(A.before(BB, Call, 1), "unknown");
  EXPECT_EQ(A.before(In, First, 1), "unknown");
  EXPECT_EQ(A.sites(Strange), "");
}

} // namespace
