//===- SameCodeTest.cpp - Are two stretches the same ----------------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Lowering/SameCode.h"
#include "../Analysis/TestProgram.h"

using namespace llvm;
using namespace prepatch;

namespace {

/// Two stretches of two blocks each, and where the second one goes on.
struct Twins : TestProgram {
  Function &F = entry("xdp");
  BasicBlock *Block[5];

  Twins() {
    for (BasicBlock *&BB : Block)
      BB = &block(F);
    returnZero();
  }
  /// Calls \p Fill for the blocks and the end of each stretch.
  template <typename Fn> void fill(Fn Fill) {
    for (int Twin : {0, 1})
      Fill(Twin, *Block[2 * Twin], *Block[2 * Twin + 1], *Block[2 * Twin + 2]);
  }
  bool same() {
    F.numberBlocks();
    return isSameCode({Block[0], Block[2]}, {Block[2], Block[4]});
  }
};

TEST(SameCode, EmptyAndEqual) {
  Twins T;
  EXPECT_TRUE(T.same());
  T.fill([&](int, BasicBlock &A, BasicBlock &, BasicBlock &) {
    T.B.setInsertPoint(A);
    T.B.movReg(6, 1);
    T.B.load(2, 6, 4, 4);
  });
  EXPECT_TRUE(T.same());
}

TEST(SameCode, EachFieldCounts) {
  const RawInsn Base = {OpMov64Reg, 6, 1, 0, 0};
  const RawInsn Others[] = {{OpMov32Reg, 6, 1, 0, 0},
                            {OpMov64Reg, 7, 1, 0, 0},
                            {OpMov64Reg, 6, 2, 0, 0},
                            {OpMov64Imm, 6, 0, 0, 1}};
  for (const RawInsn &Other : Others) {
    Twins T;
    T.fill([&](int Twin, BasicBlock &A, BasicBlock &, BasicBlock &) {
      T.B.setInsertPoint(A);
      T.B.create(Twin ? Other : Base);
    });
    EXPECT_FALSE(T.same());
  }
}

TEST(SameCode, LengthOfABlock) {
  Twins T;
  T.fill([&](int Twin, BasicBlock &A, BasicBlock &, BasicBlock &) {
    T.B.setInsertPoint(A);
    for (int I = 0; I <= Twin; ++I)
      T.B.movReg(6, 1);
  });
  EXPECT_FALSE(T.same());
}

TEST(SameCode, BranchesByPlace) {
  Twins Inside, Out, Mixed;
  Inside.fill([&](int, BasicBlock &A, BasicBlock &B, BasicBlock &) {
    Inside.B.setInsertPoint(A);
    Inside.B.condJumpImm(JmpEq, 1, 0, B);
  });
  EXPECT_TRUE(Inside.same());
  Out.fill([&](int, BasicBlock &A, BasicBlock &, BasicBlock &End) {
    Out.B.setInsertPoint(A);
    Out.B.condJumpImm(JmpEq, 1, 0, End);
  });
  EXPECT_TRUE(Out.same());
  Mixed.fill([&](int Twin, BasicBlock &A, BasicBlock &B, BasicBlock &End) {
    Mixed.B.setInsertPoint(A);
    Mixed.B.condJumpImm(JmpEq, 1, 0, Twin ? End : B);
  });
  EXPECT_FALSE(Mixed.same());
}

TEST(SameCode, WhoIsCalled) {
  for (bool Same : {true, false}) {
    Twins T;
    Function &F = T.subprogram("f"), &G = T.subprogram("g");
    T.fill([&](int Twin, BasicBlock &A, BasicBlock &, BasicBlock &) {
      T.B.setInsertPoint(A);
      T.B.call(Twin && !Same ? G : F)->setImm(Twin); // an offset
    });
    EXPECT_EQ(T.same(), Same);
  }
}

TEST(SameCode, WhatIsLoaded) {
  for (bool Same : {true, false}) {
    Twins T;
    Symbol &M = T.map("m", 1), &N = T.map("n", 1);
    T.fill([&](int Twin, BasicBlock &A, BasicBlock &, BasicBlock &) {
      T.B.setInsertPoint(A);
      T.loadMap(1, Twin && !Same ? N : M);
    });
    EXPECT_EQ(T.same(), Same);
  }
}

TEST(SameCode, UpperHalfOfNumbers) {
  Twins T;
  T.fill([&](int Twin, BasicBlock &A, BasicBlock &, BasicBlock &) {
    T.B.setInsertPoint(A);
    T.B.create({OpLdImm64, 1, 0, 0, 5}, Twin);
  });
  EXPECT_FALSE(T.same());
}

TEST(SameCode, RecordsCountButLinesDoNot) {
  Twins T;
  T.fill([&](int Twin, BasicBlock &A, BasicBlock &, BasicBlock &) {
    T.B.setInsertPoint(A);
    T.B.attach(*T.B.movImm(1, 4), LineRecord{1, 2, uint32_t(3 + Twin)});
  });
  EXPECT_TRUE(T.same());
  T.fill([&](int, BasicBlock &A, BasicBlock &, BasicBlock &) {
    T.B.attach(*A.front(), CoreRecord{1, 2, 0});
  });
  EXPECT_TRUE(T.same());
  T.B.attach(*T.Block[0]->front(), CoreRecord{1, 3, 0});
  EXPECT_FALSE(T.same());
}

} // namespace
