//===- LivenessTest.cpp - Which registers are read later ---===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Calls are the point: who reads which arguments.
//===----------------------------------------------------------------------===//

#include "Analysis/Liveness.h"
#include "TestProgram.h"

using namespace llvm;
using namespace prepatch;

namespace {

TEST(Liveness, HelperReadsItsArgumentsOnly) {
  TestProgram T;
  BasicBlock &BB = T.block(T.entry("xdp"));
  Insn *Zero = T.B.callHelper(HelperKtime);
  Insn *Two = T.B.callHelper(HelperMapLookup);
  T.B.exit();
  CallGraph G(T.P);
  Liveness L(G, testProfile());
  EXPECT_EQ(L.reads(*Zero), 0u);
  EXPECT_EQ(L.reads(*Two), regBit(1) | regBit(2));
  EXPECT_EQ(L.liveAfter(BB, *Zero), regBit(1) | regBit(2));
  EXPECT_EQ(L.liveAfter(BB, *Two), regBit(0));
  EXPECT_EQ(L.liveIn(BB), 0u) << "the first call clobbers r1 and r2";
}

TEST(Liveness, StaticCalleeByWhatItReads) {
  TestProgram T;
  Function &Callee = T.subprogram("callee"), &Main = T.entry("xdp");
  T.block(Callee);
  T.B.movReg(0, 3);
  T.B.exit();
  BasicBlock &BB = T.block(Main);
  Insn *Call = T.B.call(Callee);
  T.B.exit();
  CallGraph G(T.P);
  Liveness L(G, testProfile());
  EXPECT_EQ(L.argumentsOf(Callee), regBit(3));
  EXPECT_EQ(L.liveBefore(BB, *Call), regBit(3));
}

TEST(Liveness, GlobalCalleeByAllArguments) {
  TestProgram T;
  Function &Callee = T.subprogram("callee", /*Global=*/true),
           &Main = T.entry("xdp");
  T.block(Callee);
  T.returnZero();
  BasicBlock &BB = T.block(Main);
  Insn *Call = T.B.call(Callee);
  T.B.exit();
  CallGraph G(T.P);
  Liveness L(G, testProfile());
  EXPECT_EQ(L.liveBefore(BB, *Call), CallArguments);
}

TEST(Liveness, ExternsAndRecursionAreCautious) {
  TestProgram T;
  Function &Self = T.subprogram("self"), &Main = T.entry("xdp");
  T.block(Self);
  T.B.call(Self);
  T.B.exit();
  T.block(Main);
  Insn *Kfunc = T.callKfunc("bpf_anything");
  T.B.exit();
  CallGraph G(T.P);
  Liveness L(G, testProfile());
  EXPECT_EQ(L.reads(*Kfunc), CallArguments);
  EXPECT_EQ(L.argumentsOf(Self), CallArguments);
}

// r6 is carried around the loop, r7 only into it.
TEST(Liveness, AroundALoop) {
  TestProgram T;
  Function &F = T.entry("xdp");
  BasicBlock &Head = T.block(F);
  T.B.movImm(6, 0);
  BasicBlock &Body = T.block(F);
  Insn *Add = T.B.aluReg(AluAdd, 6, 7);
  T.B.condJumpImm(JmpLt, 6, 10, Body);
  BasicBlock &End = T.block(F);
  T.B.movReg(0, 6);
  T.B.exit();
  CallGraph G(T.P);
  Liveness L(G, testProfile());
  EXPECT_EQ(L.liveIn(Body), regBit(6) | regBit(7));
  EXPECT_EQ(L.liveOut(Body), regBit(6) | regBit(7));
  EXPECT_EQ(L.liveIn(Head), regBit(7));
  EXPECT_EQ(L.liveIn(End), regBit(6));
  EXPECT_EQ(L.liveAfter(Body, *Add), regBit(6) | regBit(7));
}

TEST(Liveness, BackwardWalkSurvivesErasing) {
  TestProgram T;
  BasicBlock &BB = T.block(T.entry("xdp"));
  T.B.movImm(6, 1); // dead
  T.returnZero();
  CallGraph G(T.P);
  Liveness L(G, testProfile());
  unsigned Seen = 0;
  Builder Edit(T.P);
  L.forEachBackward(BB, [&](Insn &I, RegSet LiveAfter) {
    ++Seen;
    if (I.kind() == InsnKind::Alu && !(I.writes() & LiveAfter))
      Edit.erase(BB, I);
  });
  EXPECT_EQ(Seen, 3u);
  EXPECT_EQ(BB.front()->dst(), 0u) << "the dead move is gone";
}

TEST(Liveness, UpdateAfterAnEdit) {
  TestProgram T;
  Function &F = T.entry("xdp");
  BasicBlock &BB = T.block(F);
  T.returnZero();
  CallGraph G(T.P);
  Liveness L(G, testProfile());
  EXPECT_EQ(L.liveIn(BB), 0u);
  T.B.setInsertPoint(*BB.front());
  T.B.movReg(6, 1);
  L.update(F);
  EXPECT_EQ(L.liveIn(BB), regBit(1));
}

} // namespace
