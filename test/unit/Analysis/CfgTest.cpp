//===- CfgTest.cpp - Order, dominance and loops of the blocks ---===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Graphs are drawn in the comments, by the numbers of the blocks.
//===----------------------------------------------------------------------===//

#include "Analysis/Cfg.h"
#include "TestProgram.h"

using namespace llvm;
using namespace prepatch;

namespace {

/// A function of \p Count blocks; edges by condition jumps and fall through.
struct Shape : TestProgram {
  Function &F = entry("socket");
  SmallVector<BasicBlock *, 8> BB;

  explicit Shape(unsigned Count) {
    for (unsigned N = 0; N < Count; ++N)
      BB.push_back(&B.createBlock(F));
  }
  void branch(unsigned From, unsigned To) {
    B.setInsertPoint(*BB[From]);
    B.condJumpImm(JmpEq, 1, 7, *BB[To]);
  }
  void jump(unsigned From, unsigned To) {
    B.setInsertPoint(*BB[From]);
    B.jump(*BB[To]);
  }
  void exit(unsigned From) {
    B.setInsertPoint(*BB[From]);
    returnZero();
  }
  void plain(unsigned At) {
    B.setInsertPoint(*BB[At]);
    B.movImm(0, 1);
  }
};

// 0 -> 1, 2; 1 -> 3; 2 -> 3
TEST(Cfg, Diamond) {
  Shape S(4);
  S.branch(0, 2);
  S.jump(1, 3);
  S.plain(2);
  S.exit(3);
  Cfg C(S.F);
  EXPECT_EQ(C.reversePostOrder(), ArrayRef<unsigned>({0, 1, 2, 3}));
  EXPECT_EQ(C.successors(0), ArrayRef<unsigned>({1, 2}));
  EXPECT_EQ(C.predecessors(3), ArrayRef<unsigned>({1, 2}));
  EXPECT_EQ(C.immediateDominator(3), 0u);
  EXPECT_EQ(C.immediateDominator(0), Cfg::NoBlock);
  EXPECT_TRUE(C.dominates(0, 3));
  EXPECT_TRUE(C.dominates(3, 3));
  EXPECT_FALSE(C.dominates(1, 3));
  EXPECT_FALSE(C.dominates(3, 0));
  EXPECT_EQ(C.loopDepth(3), 0u);
  EXPECT_FALSE(C.hasIrreducibleLoop());
}

TEST(Cfg, UnreachableBlock) {
  Shape S(3);
  S.jump(0, 2);
  S.plain(1);
  S.exit(2);
  Cfg C(S.F);
  EXPECT_FALSE(C.isReachable(1));
  EXPECT_FALSE(C.dominates(1, 2));
  EXPECT_FALSE(C.dominates(0, 1));
  EXPECT_EQ(C.immediateDominator(2), 0u) << "the dead edge does not count";
}

// 1 is the outer header, 2 the inner one: 0 -> 1 -> 2 -> 2, 3 -> 1, 4
TEST(Cfg, NestedLoops) {
  Shape S(5);
  S.plain(0);
  S.plain(1);
  S.branch(2, 2);
  S.branch(3, 1);
  S.exit(4);
  Cfg C(S.F);
  EXPECT_EQ(C.loopDepth(0), 0u);
  EXPECT_EQ(C.loopDepth(1), 1u);
  EXPECT_EQ(C.loopDepth(2), 2u);
  EXPECT_EQ(C.loopDepth(3), 1u);
  EXPECT_EQ(C.loopDepth(4), 0u);
  EXPECT_TRUE(C.isLoopHeader(2));
  EXPECT_EQ(C.loopHeader(2), 2u);
  EXPECT_EQ(C.outerHeader(2), 1u);
  EXPECT_EQ(C.loopHeader(3), 1u);
  EXPECT_EQ(C.loopHeader(4), Cfg::NoBlock);
}

// Two latches of one header make one loop: 1 -> 2 -> 1 and 1 -> 2 -> 3 -> 1.
TEST(Cfg, TwoLatches) {
  Shape S(5);
  S.plain(0);
  S.plain(1);
  S.branch(2, 1);
  S.branch(3, 1);
  S.exit(4);
  Cfg C(S.F);
  EXPECT_EQ(C.loopDepth(2), 1u);
  EXPECT_EQ(C.loopDepth(3), 1u);
  EXPECT_EQ(C.loopHeader(3), 1u);
}

// 0 jumps into the middle of 1 <-> 2.
TEST(Cfg, IrreducibleLoop) {
  Shape S(4);
  S.branch(0, 2);
  S.plain(1);
  S.branch(2, 1);
  S.exit(3);
  Cfg C(S.F);
  EXPECT_TRUE(C.hasIrreducibleLoop());
  EXPECT_GE(C.loopDepth(1), 1u);
}

} // namespace
