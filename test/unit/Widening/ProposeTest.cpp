//===- ProposeTest.cpp - Where to forget, without a kernel ----------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Widening/Propose.h"
#include "../Analysis/TestProgram.h"

using namespace llvm;
using namespace prepatch;

namespace {

/// Steps that each add one of two numbers to a register; what comes behind
/// them is for the test to add.
struct Steps {
  TestProgram T;
  Function *F;

  explicit Steps(unsigned Count, unsigned Reg = 6) {
    F = &T.entry("tc");
    T.block(*F);
    T.B.movReg(9, 1);
    T.B.movImm(Reg, 0);
    for (unsigned N = 0; N < Count; ++N) {
      T.B.callHelper(HelperKtime);
      Insn *Branch = T.B.condJumpImm(JmpEq, 0, int32_t(N), F->entry());
      T.block(*F);
      T.B.aluImm(AluAdd, Reg, int32_t(N + 2));
      BasicBlock &Meet = T.block(*F);
      T.B.aluImm(AluAdd, Reg, 1);
      Branch->setTarget(&Meet);
    }
  }

  /// if \p Reg > 100 skip an instruction; exit
  void compareAndEnd(unsigned Reg = 6) {
    Insn *Branch = T.B.condJumpImm(JmpGt, Reg, 100, F->entry());
    T.block(*F);
    T.B.movImm(7, 1);
    Branch->setTarget(&T.block(*F));
    T.returnZero();
  }

  std::vector<Proposal> propose(const ProposeOptions &Options = {}) {
    CallGraph G(T.P);
    Liveness Live(G, testProfile());
    RegKinds Kinds(G, testProfile());
    StackUse Stack(Kinds, testProfile());
    Widener W(T.P, G, Live, Kinds, Stack, testProfile());
    return proposeWidenings(*F, Kinds, W, testProfile(), Options);
  }
};

unsigned taken(ArrayRef<Proposal> Ps, Location L) {
  return count_if(Ps, [&](const Proposal &P) {
    return any_of(P.What, [&](const Widening &W) { return W.Where == L; });
  });
}

std::string whyLeft(ArrayRef<Proposal> Ps, Location L) {
  for (const Proposal &P : Ps)
    for (auto &[Where, Why] : P.Left)
      if (Where == L)
        return Why;
  return "";
}

TEST(Propose, WhereWaysMeetWithDifferentNumbers) {
  Steps S(60);
  S.compareAndEnd();
  std::vector<Proposal> Ps = S.propose();
  // The last seven have too few branches behind. Copies may start elsewhere.
  llvm::erase_if(Ps, [](const Proposal &P) { return P.IsCopyStart; });
  EXPECT_EQ(taken(Ps, Location::reg(6)), 53u);
  ASSERT_FALSE(Ps.empty());
  EXPECT_EQ(Ps.front().BranchesBehind, 60u);
  EXPECT_EQ(Ps.front().What.front().How, Form::Spill);
}

TEST(Propose, SmallFunctionsAreLeftAlone) {
  Steps S(20);
  S.compareAndEnd();
  EXPECT_TRUE(S.propose().empty());
  ProposeOptions Any;
  Any.MinBranches = Any.MinBranchesWithCopies = 1;
  EXPECT_FALSE(S.propose(Any).empty());
}

TEST(Propose, WhatNothingComparesIsLeftAlone) {
  Steps S(60);
  S.T.B.store(RegFp, -8, 6, 8);
  S.T.returnZero();
  EXPECT_TRUE(S.propose().empty());
}

TEST(Propose, WhatAnAccessNeedsBounded) {
  for (bool IsMasked : {false, true}) {
    Steps S(60);
    S.T.B.store(RegFp, -8, 9, 8);
    if (IsMasked)
      S.T.B.aluImm(AluAnd, 6, 7);
    S.T.B.movReg(2, RegFp);
    S.T.B.aluReg(AluAdd, 2, 6);
    S.T.B.load(3, 2, -8, 1);
    S.T.returnZero();
    std::vector<Proposal> Ps = S.propose();
    EXPECT_EQ(taken(Ps, Location::reg(6)) > 0, IsMasked);
    EXPECT_EQ(whyLeft(Ps, Location::reg(6)),
              IsMasked ? "" : "an access may need its bounds");
  }
}

TEST(Propose, WhatALoopEndsBy) {
  Steps S(60);
  BasicBlock &Loop = S.T.block(*S.F);
  S.T.B.aluImm(AluAdd, 6, 1);
  S.T.B.condJumpImm(JmpLt, 6, 1000, Loop);
  S.T.block(*S.F);
  S.T.returnZero();
  std::vector<Proposal> Ps = S.propose();
  EXPECT_EQ(taken(Ps, Location::reg(6)), 0u);
  EXPECT_EQ(whyLeft(Ps, Location::reg(6)), "a loop ends by it");
}

// What a static function does with an argument counts.
TEST(Propose, ThroughACall) {
  for (bool Compares : {false, true}) {
    Steps S(60);
    Function &Callee = S.T.subprogram("callee");
    S.T.B.movReg(1, 6);
    S.T.B.call(Callee);
    S.T.returnZero();
    S.T.block(Callee);
    S.T.B.movImm(0, 0);
    Insn *Branch = nullptr;
    if (Compares)
      Branch = S.T.B.condJumpImm(JmpEq, 1, 7, Callee.entry());
    S.T.block(Callee);
    S.T.B.movImm(2, 0);
    BasicBlock &End = S.T.block(Callee);
    S.T.B.exit();
    if (Branch)
      Branch->setTarget(&End);
    EXPECT_EQ(taken(S.propose(), Location::reg(6)) > 0, Compares);
  }
}

TEST(Propose, CopiesStartWhereTheirShapeComesAgain) {
  TestProgram T;
  Function &F = T.entry("tc");
  T.block(F);
  T.B.movImm(6, 0);
  std::vector<BasicBlock *> Starts;
  for (unsigned Copy = 0; Copy < 4; ++Copy) {
    Starts.push_back(&T.block(F));
    for (unsigned N = 0; N < 10; ++N)
      T.B.aluImm(N % 3 ? AluAdd : AluXor, 6 + Copy % 2, int32_t(N * Copy));
    T.B.callHelper(HelperKtime);
    T.B.callHelper(HelperCpu);
  }
  T.returnZero();
  EXPECT_EQ(findCopyStarts(F), Starts);
  ProposeOptions More;
  More.MinCopies = 5;
  EXPECT_TRUE(findCopyStarts(F, More).empty());
}

} // namespace
