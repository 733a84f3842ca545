//===- DefinedRegsTest.cpp - Registers that are written on every way ------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Analysis/DefinedRegs.h"
#include "TestProgram.h"

using namespace llvm;
using namespace prepatch;

namespace {

TEST(DefinedRegs, ContextAndFrameAtTheEntry) {
  TestProgram T;
  Function &F = T.entry("tc");
  BasicBlock &BB = T.block(F);
  Insn *First = T.B.movImm(0, 0);
  Insn *Exit = T.B.exit();
  DefinedRegs D{Cfg(F)};
  EXPECT_EQ(D.before(BB, *First), regBit(1) | regBit(RegFp));
  EXPECT_EQ(D.before(BB, *Exit), regBit(0) | regBit(1) | regBit(RegFp));
}

TEST(DefinedRegs, NothingIsKnownOfArguments) {
  TestProgram T;
  Function &F = T.subprogram("callee");
  BasicBlock &BB = T.block(F);
  Insn *Exit = T.B.exit();
  EXPECT_EQ(DefinedRegs{Cfg(F)}.before(BB, *Exit), regBit(RegFp));
}

TEST(DefinedRegs, ACallTakesItsArgumentsAndGivesR0) {
  TestProgram T;
  Function &F = T.entry("tc");
  BasicBlock &BB = T.block(F);
  T.B.movImm(2, 1);
  T.B.movImm(6, 1);
  T.B.callHelper(HelperKtime);
  Insn *Exit = T.B.exit();
  EXPECT_EQ(DefinedRegs{Cfg(F)}.before(BB, *Exit),
            regBit(0) | regBit(6) | regBit(RegFp));
}

// 0 -> 1, 2; 1 -> 2: r3 is written in 1 alone, r4 in 0 and stays.
TEST(DefinedRegs, OnEveryWayOnly) {
  TestProgram T;
  Function &F = T.entry("tc");
  T.block(F);
  T.B.movImm(4, 1);
  Insn *Branch = T.B.condJumpImm(JmpEq, 4, 1, F.entry());
  T.block(F);
  T.B.movImm(3, 1);
  BasicBlock &Meet = T.block(F);
  Insn *Exit = T.B.exit();
  Branch->setTarget(&Meet);
  EXPECT_EQ(DefinedRegs{Cfg(F)}.before(Meet, *Exit),
            regBit(1) | regBit(4) | regBit(RegFp));
}

// A loop: what is written before it is defined in it, what it writes at its end
// is not at its start.
TEST(DefinedRegs, Loop) {
  TestProgram T;
  Function &F = T.entry("tc");
  T.block(F);
  T.B.movImm(6, 0);
  BasicBlock &Head = T.block(F);
  Insn *First = T.B.movImm(7, 1);
  T.B.movImm(8, 1);
  T.B.condJumpImm(JmpNe, 6, 9, Head);
  T.block(F);
  T.B.exit();
  EXPECT_EQ(DefinedRegs{Cfg(F)}.before(Head, *First),
            regBit(1) | regBit(6) | regBit(RegFp));
}

} // namespace
