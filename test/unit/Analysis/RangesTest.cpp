//===- RangesTest.cpp - Bounds of registers and slots through a program --===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "TestProgram.h"

using namespace llvm;
using namespace prepatch;

namespace {

std::string text(const RegValue &V) {
  ValueRange R = V.signedRange();
  if (R.isFull())
    return "any";
  return "[" + std::to_string(R.Min) + "," + std::to_string(R.Max) + "]";
}
std::string before(const Analysed &A, BasicBlock &BB, Insn *I, unsigned Reg) {
  return text(A.Kinds.stateBefore(BB, *I)[Reg]);
}

/// 90 times: if (helper()) ++i, with i in a register or in a slot.
void countNinety(bool Spilled) {
  TestProgram T;
  Function &F = T.entry("tc");
  T.block(F);
  T.B.movImm(6, 0);
  T.B.store(10, -16, 6, 8);
  BasicBlock *Last = nullptr;
  for (unsigned N = 0; N < 90; ++N) {
    T.B.callHelper(HelperKtime);
    BasicBlock &Then = T.B.createBlock(F), &Join = T.B.createBlock(F);
    T.B.condJumpImm(JmpEq, 0, 0, Join);
    T.B.setInsertPoint(Then);
    if (Spilled)
      T.B.load(6, 10, -16, 8);
    T.B.aluImm(AluAdd, 6, 1);
    if (Spilled)
      T.B.store(10, -16, 6, 8);
    T.B.setInsertPoint(Join);
    Last = &Join;
  }
  T.B.load(7, 10, -16, 8);
  BasicBlock &BB = *Last;
  T.B.movImm(0, 0);
  Insn *End = T.B.exit();
  Analysed A(T);
  EXPECT_EQ(before(A, BB, End, Spilled ? 7 : 6), "[0,90]");
}

TEST(Ranges, CounterThroughJoins) {
  countNinety(false);
  countNinety(true);
}

TEST(Ranges, LoadsAndArithmetic) {
  TestProgram T;
  BasicBlock &BB = T.block(T.entry("xdp"));
  T.B.load(2, 1, 12, 4);
  T.B.load(3, 1, 0, 4); // data
  T.B.movReg(4, 2);
  T.B.aluImm(AluAnd, 4, 0xff);
  T.B.aluImm(AluLsh, 4, 2);
  T.B.load(5, 3, 0, 1);
  T.B.load(6, 3, 8, 8);
  T.B.create({uint8_t(ClassLdx | SizeH | ModeMemSx), 7, 3, 0, 0});
  Insn *Core = T.B.load(8, 3, 0, 2);
  T.B.attach(*Core, CoreRecord{1, 0, 0});
  Insn *End = T.B.exit();
  Analysed A(T);
  EXPECT_EQ(before(A, BB, End, 2), "[0,4294967295]");
  EXPECT_EQ(before(A, BB, End, 3), "any") << "a pointer";
  EXPECT_EQ(before(A, BB, End, 4), "[0,1020]");
  EXPECT_EQ(before(A, BB, End, 5), "[0,255]");
  EXPECT_EQ(before(A, BB, End, 6), "any");
  EXPECT_EQ(before(A, BB, End, 7), "[-32768,32767]");
  EXPECT_EQ(before(A, BB, End, 8), "any") << "the loader may widen it";
}

TEST(Ranges, AnExtensionsContextMayHoldPacketPointers) {
  TestProgram T;
  BasicBlock &BB = T.block(T.entry("freplace/f"));
  T.B.load(2, 1, 4, 4);
  Insn *End = T.B.exit();
  Analysed A(T);
  EXPECT_EQ(before(A, BB, End, 2), "any");
}

TEST(Ranges, Branches) {
  TestProgram T;
  Function &F = T.entry("tc");
  T.block(F);
  T.B.callHelper(HelperKtime);
  BasicBlock &Low = T.B.createBlock(F), &High = T.B.createBlock(F);
  T.B.condJumpImm(JmpGt, 0, 100, High);
  T.B.setInsertPoint(Low);
  Insn *EndLow = T.B.exit();
  T.B.setInsertPoint(High);
  Insn *EndHigh = T.B.exit();
  Analysed A(T);
  EXPECT_EQ(before(A, Low, EndLow, 0), "[0,100]");
  EXPECT_EQ(before(A, High, EndHigh, 0), "any");
}

TEST(Ranges, WhatTheMapHoldsMayBeAPointerWithBounds) {
  TestProgram T;
  Function &F = T.entry("tc");
  BasicBlock &Start = T.block(F);
  T.lookup(T.map("m", 1));
  BasicBlock &Found = T.B.createBlock(F), &Out = T.B.createBlock(F);
  T.B.setInsertPoint(Start);
  T.B.condJumpImm(JmpEq, 0, 0, Out);
  T.B.setInsertPoint(Found);
  T.B.load(1, 0, 0, 8);
  BasicBlock &Small = T.B.createBlock(F, &Found);
  T.B.condJumpImm(JmpGt, 1, 4096, Out);
  T.B.setInsertPoint(Small);
  T.B.store(10, -8, 1, 8);
  T.B.load(2, 10, -8, 8);
  Insn *End = T.B.exit();
  T.B.setInsertPoint(Out);
  T.returnZero();
  Analysed A(T);
  EXPECT_EQ(before(A, Small, End, 2), "[0,4096]");
  EXPECT_EQ(A.before(Small, End, 2), "unknown");
}

using Texts = std::pair<std::string, std::string>;

/// i = 0; do { } while (++i <op> 100)
Texts countedLoop(JmpOp Op) {
  TestProgram T;
  Function &F = T.entry("tc");
  T.block(F);
  T.B.movImm(6, 0);
  BasicBlock &Loop = T.B.createBlock(F), &Done = T.B.createBlock(F);
  T.B.setInsertPoint(Loop);
  Insn *Head = T.B.callHelper(HelperKtime);
  T.B.aluImm(AluAdd, 6, 1);
  T.B.condJumpImm(Op, 6, 100, Loop);
  T.B.setInsertPoint(Done);
  Insn *End = T.B.exit();
  Analysed A(T);
  return {before(A, Loop, Head, 6), before(A, Done, End, 6)};
}

TEST(Ranges, CountedLoops) {
  EXPECT_EQ(countedLoop(JmpLt), Texts("[0,99]", "[100,100]"));
  EXPECT_EQ(countedLoop(JmpNe), Texts("[0,99]", "[100,100]"));
  EXPECT_EQ(countedLoop(JmpSle), Texts("[0,100]", "[101,101]"));
}

TEST(Ranges, WhatNothingBoundsEndsSomewhere) {
  TestProgram T;
  Function &F = T.entry("tc");
  T.block(F);
  T.B.movImm(6, 0);
  T.B.movImm(7, 0);
  BasicBlock &Loop = T.B.createBlock(F), &Done = T.B.createBlock(F);
  T.B.setInsertPoint(Loop);
  T.B.callHelper(HelperKtime);
  T.B.aluImm(AluAdd, 6, 1);
  T.B.aluImm(AluSub, 7, 1);
  T.B.condJumpImm(JmpNe, 0, 0, Loop);
  T.B.setInsertPoint(Done);
  Insn *End = T.B.exit();
  Analysed A(T);
  EXPECT_EQ(before(A, Done, End, 6), "any");
  EXPECT_EQ(before(A, Done, End, 7), "any");
}

TEST(Ranges, PartialStoresForget) {
  TestProgram T;
  BasicBlock &BB = T.block(T.entry("tc"));
  T.B.callHelper(HelperKtime);
  T.B.aluImm(AluAnd, 0, 7);
  T.B.store(10, -8, 0, 8);
  T.B.store(10, -16, 0, 8);
  T.B.store(10, -14, 0, 1);
  T.B.load(1, 10, -8, 8);
  T.B.load(2, 10, -16, 8);
  Insn *End = T.B.exit();
  Analysed A(T);
  EXPECT_EQ(before(A, BB, End, 1), "[0,7]");
  EXPECT_EQ(before(A, BB, End, 2), "any");
}

TEST(Ranges, ARelocatedStoreMayGoElsewhere) {
  TestProgram T;
  BasicBlock &BB = T.block(T.entry("tc"));
  T.B.movImm(0, 7);
  T.B.store(10, -8, 0, 8);
  T.B.movReg(3, 10);
  T.B.aluImm(AluAdd, 3, -32);
  Insn *Core = T.B.store(3, 8, 0, 8);
  T.B.attach(*Core, CoreRecord{1, 0, 0});
  T.B.load(1, 10, -8, 8);
  Insn *End = T.B.exit();
  Analysed A(T);
  EXPECT_EQ(before(A, BB, End, 1), "any");
}

TEST(Ranges, HelpersWriteWhatTheirSizeAllows) {
  TestProgram T;
  Function &F = T.entry("kprobe/f");
  T.block(F);
  T.B.movImm(6, 1);
  T.B.store(10, -8, 6, 8);
  T.B.store(10, -16, 6, 8);
  T.B.callHelper(HelperKtime);
  T.B.aluImm(AluAnd, 0, 7);
  T.B.movReg(2, 0);
  T.B.movReg(1, 10);
  T.B.aluImm(AluAdd, 1, -16);
  T.B.movImm(3, 0);
  T.B.callHelper(45); // probe_read_str
  T.B.load(7, 10, -8, 8);
  T.B.load(8, 10, -16, 8);
  BasicBlock &Good = T.B.createBlock(F), &Bad = T.B.createBlock(F);
  BasicBlock &Start = F.entry();
  Insn *End = T.B.condJumpImm(JmpSlt, 0, 0, Bad);
  T.B.setInsertPoint(Good);
  Insn *EndGood = T.B.exit();
  T.B.setInsertPoint(Bad);
  T.B.exit();
  Analysed A(T);
  EXPECT_EQ(before(A, Start, End, 0), "[-4095,7]");
  EXPECT_EQ(before(A, Start, End, 7), "[1,1]");
  EXPECT_EQ(before(A, Start, End, 8), "any");
  EXPECT_EQ(before(A, Good, EndGood, 0), "[0,7]");
}

TEST(Ranges, ArgumentsAndResults) {
  TestProgram T;
  Function &F = T.entry("tc"), &Sub = T.subprogram("sub");
  BasicBlock &BB = T.block(F);
  T.B.movImm(1, 3);
  T.B.call(Sub);
  T.B.movImm(1, 9);
  T.B.call(Sub);
  Insn *End = T.B.exit();
  BasicBlock &Body = T.block(Sub);
  T.B.movReg(0, 1);
  T.B.aluImm(AluMul, 0, 10);
  Insn *Return = T.B.exit();
  Analysed A(T);
  EXPECT_EQ(before(A, Body, Return, 1), "[3,9]");
  EXPECT_EQ(before(A, BB, End, 0), "[30,90]");
}

TEST(Ranges, AFunctionFedWithItsOwnResultEnds) {
  TestProgram T;
  Function &F = T.entry("tc"), &Sub = T.subprogram("sub");
  BasicBlock &BB = T.block(F);
  T.B.movImm(0, 0);
  for (unsigned N = 0; N < 4; ++N) {
    T.B.movReg(1, 0);
    T.B.call(Sub);
  }
  Insn *End = T.B.exit();
  T.block(Sub);
  T.B.movReg(0, 1);
  T.B.aluImm(AluAdd, 0, 1);
  T.B.exit();
  Analysed A(T);
  EXPECT_EQ(before(A, BB, End, 0), "any");
}

} // namespace
