//===- LiveStackTest.cpp - How often the live-stack pass runs -------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Small graphs walked in the verifier's order: what follows a branch first,
// then the targets that wait, the youngest first.
//===----------------------------------------------------------------------===//

#include "Analysis/LiveStack.h"
#include "TestProgram.h"

using namespace llvm;
using namespace prepatch;

namespace {

struct Walk : TestProgram {
  Function &F = entry("xdp");

  void write(int16_t Off, unsigned Bytes = 8) { B.store(RegFp, Off, 1, Bytes); }
  void read(int16_t Off, unsigned Bytes = 8) { B.load(0, RegFp, Off, Bytes); }
  void branch(BasicBlock &From, BasicBlock &To) {
    B.setInsertPoint(From);
    B.condJumpImm(JmpEq, 1, 0, To);
  }
  unsigned runs(const DenseSet<const Insn *> &Outlined = {},
                const DenseSet<const BasicBlock *> &Inverted = {}) {
    Analysed A(*this);
    return LiveStack(A.Kinds, F).runs(Outlined, Inverted);
  }
};

TEST(LiveStack, NoStackNoRun) {
  Walk T;
  T.block(T.F);
  T.returnZero();
  EXPECT_EQ(T.runs(), 0u);
}

TEST(LiveStack, OncePerPathWithNewMarks) {
  Walk T;
  T.block(T.F);
  T.write(-8);
  T.write(-16);
  T.read(-8);
  T.returnZero();
  EXPECT_EQ(T.runs(), 1u);
}

TEST(LiveStack, PartsOfSlotsAreNotWritten) {
  Walk T;
  T.block(T.F);
  T.write(-4, 4);
  T.write(-16, 1);
  T.returnZero();
  EXPECT_EQ(T.runs(), 0u);
}

TEST(LiveStack, PartsOfSlotsAreRead) {
  Walk T;
  T.block(T.F);
  T.write(-4, 4);
  T.read(-4, 4);
  T.returnZero();
  EXPECT_EQ(T.runs(), 1u);
}

TEST(LiveStack, WritesOutsideTheStackDoNotCount) {
  Walk T;
  T.block(T.F);
  T.B.store(1, 0, 1, 8);
  T.returnZero();
  EXPECT_EQ(T.runs(), 0u);
}

/// b0 branches to b2, b1 is what follows; both end.
struct Fork : Walk {
  BasicBlock &B0 = block(F), &B1 = block(F), &B2 = block(F);

  template <typename Fn1, typename Fn2> void fill(Fn1 InB1, Fn2 InB2) {
    branch(B0, B2);
    B.setInsertPoint(B1);
    InB1();
    returnZero();
    B.setInsertPoint(B2);
    InB2();
    returnZero();
  }
};

TEST(LiveStack, EachPathThatMarksRuns) {
  Fork T;
  T.fill([&] { T.write(-8); }, [&] { T.write(-16); });
  EXPECT_EQ(T.runs(), 2u);
}

TEST(LiveStack, APathWithoutMarksDoesNotRun) {
  Fork T;
  T.fill([&] { T.write(-8); }, [] {});
  EXPECT_EQ(T.runs(), 1u);
}

// What a later block reads is live in all before it, so only the order decides
// whether the other read is news.
TEST(LiveStack, ReadsKnownFromBehindAreNoNews) {
  Fork T;
  T.fill([&] { T.read(-8); }, [&] { T.read(-8); });
  EXPECT_EQ(T.runs(), 2u) << "b1 first";
  EXPECT_EQ(T.runs({}, {&T.B0}), 1u) << "b2 first";
}

TEST(LiveStack, OtherSlotsAreNews) {
  Fork T;
  T.fill([&] { T.read(-8); }, [&] { T.read(-16); });
  EXPECT_EQ(T.runs({}, {&T.B0}), 2u);
}

TEST(LiveStack, ABlockSeenBeforeEndsThePath) {
  Fork T; // both ways meet in b2, which marks once
  T.branch(T.B0, T.B2);
  T.B.setInsertPoint(T.B1);
  T.B.movImm(0, 0);
  T.B.setInsertPoint(T.B2);
  T.write(-8);
  T.returnZero();
  EXPECT_EQ(T.runs(), 1u);
}

TEST(LiveStack, StaticCallsRun) {
  Walk T;
  Function &Callee = T.subprogram("callee");
  T.block(Callee);
  T.returnZero();
  T.block(T.F);
  T.write(-8);
  T.B.call(Callee);
  T.write(-16);
  T.returnZero();
  EXPECT_EQ(T.runs(), 2u);
}

TEST(LiveStack, GlobalCallsDoNotRun) {
  Walk T;
  Function &Callee = T.subprogram("callee", /*Global=*/true);
  T.block(Callee);
  T.returnZero();
  T.block(T.F);
  T.write(-8);
  T.B.call(Callee);
  T.write(-16);
  T.returnZero();
  EXPECT_EQ(T.runs(), 1u);
}

TEST(LiveStack, HelpersRunOnceOutlined) {
  Walk T;
  T.block(T.F);
  T.write(-8);
  Insn *Call = T.B.callHelper(HelperKtime);
  T.write(-16);
  T.returnZero();
  EXPECT_EQ(T.runs(), 1u);
  EXPECT_EQ(T.runs({Call}), 2u);
}

TEST(LiveStack, KeysOfLookupsAreRead) {
  Walk T;
  Symbol &Map = T.map("hits", 1);
  T.block(T.F);
  T.write(-4, 4);
  Insn *Call = T.lookup(Map);
  T.B.movImm(0, 0);
  T.B.exit();
  EXPECT_EQ(T.runs(), 1u);
  EXPECT_EQ(T.runs({Call}), 1u) << "the read is before the call";
}

TEST(LiveStack, LoopsEnd) {
  Walk T;
  BasicBlock &Head = T.block(T.F);
  T.write(-8);
  T.branch(Head, Head);
  T.block(T.F);
  T.returnZero();
  EXPECT_EQ(T.runs(), 1u);
}

} // namespace
