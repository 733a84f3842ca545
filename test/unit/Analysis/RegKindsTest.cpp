//===- RegKindsTest.cpp - What registers hold inside one function ---===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Values are compared as text, as describe() gives it.
//===----------------------------------------------------------------------===//

#include "TestProgram.h"

using namespace llvm;
using namespace prepatch;

namespace {

TEST(RegKinds, ContextAndPacketPointers) {
  TestProgram T;
  BasicBlock &BB = T.block(T.entry("xdp"));
  T.B.load(2, 1, 0, 4); // data
  T.B.load(3, 1, 4, 4); // data_end
  T.B.load(4, 1, 12, 4);
  T.B.movReg(5, 2);
  T.B.aluImm(AluAdd, 5, 14);
  T.B.load(6, 5, 0, 8);
  T.B.aluReg(AluAdd, 2, 4);
  Insn *End = T.B.exit();
  Analysed A(T);
  EXPECT_EQ(A.before(BB, End, 1), "context");
  EXPECT_EQ(A.before(BB, End, 2), "packet+?");
  EXPECT_EQ(A.before(BB, End, 3), "packet_end");
  EXPECT_EQ(A.before(BB, End, 4), "scalar");
  EXPECT_EQ(A.before(BB, End, 5), "packet+14");
  EXPECT_EQ(A.before(BB, End, 6), "scalar") << "packets hold no pointers";
  EXPECT_EQ(A.before(BB, End, 7), "uninit");
  EXPECT_EQ(A.before(BB, End, 10), "stack");
}

TEST(RegKinds, FieldsDependOnTheProgramType) {
  TestProgram T;
  BasicBlock &BB = T.block(T.entry("cgroup/skb"));
  T.B.load(2, 1, 0, 4); // len here, data in xdp
  T.B.load(3, 1, 168, 8);
  Insn *End = T.B.exit();
  Analysed A(T);
  EXPECT_EQ(A.before(BB, End, 2), "scalar");
  EXPECT_EQ(A.before(BB, End, 3), "sock_common_or_null");
}

TEST(RegKinds, Constants) {
  TestProgram T;
  BasicBlock &BB = T.block(T.entry("xdp"));
  T.B.movImm(2, -1);
  T.B.aluImm(AluAdd, 2, 3);
  T.B.movImm(3, -1);
  T.B.aluImm(AluAdd, 3, 0, /*Is64=*/false);
  T.B.create({OpLdImm64, 4, 0, 0, 5}, 1);
  T.B.movImm(5, 9);
  T.B.aluImm(AluDiv, 5, 3);
  Insn *Core = T.B.movImm(6, 8);
  T.B.attach(*Core, CoreRecord{1, 0, 0});
  Insn *End = T.B.exit();
  Analysed A(T);
  EXPECT_EQ(A.before(BB, End, 2), "scalar=2");
  EXPECT_EQ(A.before(BB, End, 3), "scalar=4294967295");
  EXPECT_EQ(A.before(BB, End, 4), "scalar=4294967301");
  EXPECT_EQ(A.before(BB, End, 5), "scalar") << "the verifier knows no quotient";
  EXPECT_EQ(A.before(BB, End, 6), "scalar") << "CO-RE decides at load time";
}

TEST(RegKinds, SpillAndFill) {
  TestProgram T;
  BasicBlock &BB = T.block(T.entry("xdp"));
  T.B.store(RegFp, -8, 1, 8);
  T.B.store(RegFp, -16, 1, 8);
  T.B.load(2, RegFp, -8, 8);
  T.B.movImm(4, 0);
  T.B.store(RegFp, -12, 4, 4); // into the upper half of the other slot
  T.B.load(3, RegFp, -16, 8);
  T.B.load(5, RegFp, -8, 4);
  Insn *End = T.B.exit();
  Analysed A(T);
  EXPECT_EQ(A.before(BB, End, 2), "context");
  EXPECT_EQ(A.before(BB, End, 3), "unknown");
  EXPECT_EQ(A.before(BB, End, 5), "scalar");
  EXPECT_EQ(describe(A.Kinds.stateBefore(BB, *End).slot(-8)), "context");
}

TEST(RegKinds, VariableStoreForgetsWhatItMayReach) {
  TestProgram T;
  BasicBlock &BB = T.block(T.entry("xdp"));
  T.B.store(RegFp, -8, 1, 8);
  T.B.store(RegFp, -64, 1, 8);
  T.B.load(3, 1, 12, 4); // an index from 0 up
  T.B.movReg(2, RegFp);
  T.B.aluImm(AluAdd, 2, -32);
  T.B.aluReg(AluAdd, 2, 3);
  T.B.store(2, 0, 3, 1);
  Insn *End = T.B.exit();
  Analysed A(T);
  RegState S = A.Kinds.stateBefore(BB, *End);
  EXPECT_EQ(describe(S.slot(-8)), "unknown");
  EXPECT_EQ(describe(S.slot(-64)), "context") << "it lies below";
}

TEST(RegKinds, StoreAtUnknownSignForgetsNumbersEverywhere) {
  TestProgram T;
  BasicBlock &BB = T.block(T.entry("tp/x"));
  T.B.create({ClassSt | ModeMem | SizeDw, RegFp, 0, -64, 7});
  T.B.load(3, 1, 8, 8);
  T.B.movReg(2, RegFp);
  T.B.aluImm(AluAdd, 2, -32);
  T.B.aluReg(AluAdd, 2, 3);
  Insn *Store = T.B.store(2, 0, 3, 1);
  Insn *End = T.B.exit();
  Analysed A(T);
  EXPECT_EQ(describe(A.Kinds.stateBefore(BB, *Store).slot(-64)), "scalar=7");
  EXPECT_EQ(describe(A.Kinds.stateBefore(BB, *End).slot(-64)), "unknown");
}

TEST(RegKinds, HelperWritesOnlyWhatItIsGiven) {
  TestProgram T;
  BasicBlock &BB = T.block(T.entry("tc"));
  T.B.movReg(6, 1);
  T.B.store(RegFp, -8, 1, 8);
  T.B.store(RegFp, -16, 1, 8);
  T.B.store(RegFp, -24, 1, 8);
  T.B.movImm(2, 0);
  T.B.movReg(3, RegFp);
  T.B.aluImm(AluAdd, 3, -16);
  T.B.movImm(4, 8);
  T.B.callHelper(26); // bpf_skb_load_bytes(skb, 0, fp - 16, 8)
  Insn *End = T.B.exit();
  Analysed A(T);
  RegState S = A.Kinds.stateBefore(BB, *End);
  EXPECT_EQ(describe(S.slot(-8)), "context");
  EXPECT_EQ(describe(S.slot(-16)), "unknown");
  EXPECT_EQ(describe(S.slot(-24)), "context");
  EXPECT_EQ(describe(S[0]), "scalar");
  EXPECT_EQ(describe(S[1]), "uninit");
}

TEST(RegKinds, LookupAndNullCheck) {
  TestProgram T;
  Symbol &M = T.map("counts", MapType::Hash);
  Function &F = T.entry("xdp");
  BasicBlock &Head = T.block(F);
  T.lookup(M);
  BasicBlock &Null = T.B.createBlock(F);
  BasicBlock &Found = T.B.createBlock(F);
  T.B.setInsertPoint(Head);
  Insn *Test = T.B.condJumpImm(JmpNe, 0, 0, Found);
  T.B.setInsertPoint(Null);
  Insn *InNull = T.B.exit();
  T.B.setInsertPoint(Found);
  Insn *InFound = T.B.exit();
  Analysed A(T);
  EXPECT_EQ(A.before(Head, Test, 0), "map_value(counts)_or_null");
  EXPECT_EQ(A.before(Null, InNull, 0), "scalar=0");
  EXPECT_EQ(A.before(Found, InFound, 0), "map_value(counts)");
}

TEST(RegKinds, OtherMapsGiveOtherPointers) {
  TestProgram T;
  Symbol &Xsk = T.map("xsk", MapType::Xskmap),
         &Sockets = T.map("sockets", MapType::Sockmap),
         &Outer = T.map("outer", MapType::ArrayOfMaps);
  Map &Inner = T.P.Maps.emplace_back();
  Inner.Name = "inner";
  Inner.Type = MapType::Hash;
  T.P.Maps[2].Inner = &Inner;
  BasicBlock &BB = T.block(T.entry("xdp"));
  T.lookup(Xsk);
  T.B.movReg(6, 0);
  T.lookup(Sockets);
  T.B.movReg(7, 0);
  T.lookup(Outer);
  Insn *End = T.B.exit();
  Analysed A(T);
  EXPECT_EQ(A.before(BB, End, 6), "xdp_sock_or_null");
  EXPECT_EQ(A.before(BB, End, 7), "sock_or_null");
  EXPECT_EQ(A.before(BB, End, 0), "map(inner)_or_null");
}

// if (r2 > 5) r6 = a; else r6 = b; use r6
TEST(RegKinds, Merges) {
  TestProgram T;
  Symbol &M1 = T.map("one", MapType::Hash), &M2 = T.map("two", MapType::Hash);
  Function &F = T.entry("xdp");
  BasicBlock &Head = T.block(F);
  T.B.load(2, 1, 12, 4);
  BasicBlock &Left = T.block(F), &Right = T.B.createBlock(F),
             &Join = T.B.createBlock(F);
  T.B.setInsertPoint(Head);
  T.B.condJumpImm(JmpGt, 2, 5, Right);
  T.B.setInsertPoint(Left);
  T.loadMap(6, M1);
  T.B.movImm(7, 1);
  T.B.movReg(8, 1);
  T.B.movImm(9, 0);
  T.B.movImm(3, 4);
  T.B.jump(Join);
  T.B.setInsertPoint(Right);
  T.loadMap(6, M2);
  T.B.movImm(7, 2);
  T.B.movReg(8, RegFp);
  T.B.movReg(9, 1);
  T.B.setInsertPoint(Join);
  Insn *End = T.B.exit();
  Analysed A(T);
  EXPECT_EQ(A.before(Join, End, 6), "map") << "two maps at one place";
  EXPECT_EQ(A.before(Join, End, 7), "scalar");
  EXPECT_EQ(A.before(Join, End, 8), "unknown");
  EXPECT_EQ(A.before(Join, End, 9), "context_or_null");
  EXPECT_EQ(A.before(Join, End, 3), "scalar=4")
      << "what is not written on a way is not read there";
}

TEST(RegKinds, ConstantsDecideBranches) {
  TestProgram T;
  Function &F = T.entry("xdp");
  BasicBlock &Head = T.block(F);
  T.B.movImm(2, 5);
  BasicBlock &Dead = T.B.createBlock(F), &Live = T.B.createBlock(F);
  T.B.setInsertPoint(Head);
  T.B.condJumpImm(JmpEq, 2, 5, Live);
  T.B.setInsertPoint(Dead);
  T.B.movImm(2, 6);
  T.B.setInsertPoint(Live);
  Insn *End = T.B.exit();
  Analysed A(T);
  EXPECT_FALSE(A.Kinds.isReached(Dead));
  EXPECT_EQ(A.Kinds.decidedSuccessor(Head), &Live);
  EXPECT_EQ(A.before(Live, End, 2), "scalar=5");
}

// A counter is a constant only until the loop comes around.
TEST(RegKinds, LoopsReachAFixedPoint) {
  TestProgram T;
  Function &F = T.entry("xdp");
  T.block(F);
  T.B.movImm(2, 0);
  T.B.movReg(3, RegFp);
  BasicBlock &Body = T.block(F);
  Insn *First = T.B.aluImm(AluAdd, 2, 1);
  T.B.aluImm(AluAdd, 3, -8);
  T.B.condJumpImm(JmpLt, 2, 10, Body);
  T.block(F);
  T.B.exit();
  Analysed A(T);
  EXPECT_EQ(A.before(Body, First, 2), "scalar");
  EXPECT_EQ(A.before(Body, First, 3), "stack+?");
  EXPECT_LE(A.Kinds.stateBefore(Body, *First)[3].offset(), -8);
}

TEST(RegKinds, ThrowDoesNotReturn) {
  TestProgram T;
  Function &F = T.entry("tc");
  BasicBlock &BB = T.block(F);
  T.callKfunc("bpf_throw");
  T.B.movImm(0, 1);
  T.B.exit();
  Analysed A(T);
  unsigned Visited = 0;
  A.Kinds.forEach(BB, [&](Insn &, const RegState &) { ++Visited; });
  EXPECT_EQ(Visited, 1u);
}

} // namespace
