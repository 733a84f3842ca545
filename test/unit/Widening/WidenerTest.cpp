//===- WidenerTest.cpp - Where no-ops go, and what they may use there -----===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Widening/Widener.h"
#include "../Analysis/TestProgram.h"
#include "IR/Verifier.h"

using namespace llvm;
using namespace prepatch;

namespace {

struct Widened {
  explicit Widened(TestProgram &T)
      : Graph(T.P), Live(Graph, testProfile()), Kinds(Graph, testProfile()),
        Stack(Kinds, testProfile()),
        W(T.P, Graph, Live, Kinds, Stack, testProfile()) {}

  CallGraph Graph;
  Liveness Live;
  RegKinds Kinds;
  StackUse Stack;
  Widener W;
};

std::string places(ArrayRef<Widening> Ws) {
  std::string S;
  for (const Widening &W : Ws)
    S += (S.empty() ? "" : " ") + toString(W.Where) + ":" + formName(W.How);
  return S;
}

// r6 is carried over the join, r7 is written on one way only; the stack is used
// down to r10 - 8.
struct Join {
  TestProgram T;
  Function *F;
  BasicBlock *Meet;
  Insn *First;

  explicit Join(int Lowest = -8) {
    F = &T.entry("tc");
    T.block(*F);
    T.B.movImm(6, 1);
    T.B.callHelper(HelperKtime);
    Insn *Branch = T.B.condJumpImm(JmpEq, 0, 1, F->entry());
    T.block(*F);
    T.B.movImm(6, 2);
    T.B.movImm(7, 2);
    Meet = &T.block(*F);
    First = T.B.store(RegFp, int16_t(Lowest), 6, 8);
    T.B.load(0, RegFp, int16_t(Lowest), 8);
    T.B.exit();
    Branch->setTarget(Meet);
  }
};

TEST(Widener, DeadRegistersAndASlotBelow) {
  Join J;
  Widened A(J.T);
  Resources R = A.W.resourcesAt(*J.First);
  EXPECT_EQ(R.Dead, 0x3ff & ~regBit(6));
  EXPECT_EQ(R.FreeSlot, -16);
  EXPECT_FALSE(R.IsBigEndian);
  EXPECT_EQ(A.W.liveAt(*J.First), regBit(6));
  // The last instruction reads r0.
  EXPECT_EQ(A.W.resourcesAt(*J.Meet->back()).Dead, 0x3fe);
}

TEST(Widener, FormsByPlace) {
  Join J;
  Widened A(J.T);
  SmallVector<Form, 4> Regs = A.W.formsFor(*J.First, Location::reg(6));
  ASSERT_FALSE(Regs.empty());
  EXPECT_EQ(Regs.front(), Form::Spill);
  EXPECT_EQ(Regs[1], Form::Xor64);
  // Not live, and live but not written on every way.
  EXPECT_TRUE(A.W.formsFor(*J.First, Location::reg(7)).empty());
  SmallVector<Form, 4> Slots = A.W.formsFor(*J.First, Location::slot(-8));
  ASSERT_FALSE(Slots.empty());
  EXPECT_EQ(Slots.front(), Form::Touch);
  for (Form F : Slots)
    EXPECT_TRUE(isForSlots(F));
}

TEST(Widener, AFullFrameGivesADeadSlotOrNone) {
  Join J(-512);
  Widened A(J.T);
  // All of the frame but what the block writes first is dead.
  EXPECT_EQ(A.W.resourcesAt(*J.First).FreeSlot, -512);
  EXPECT_EQ(A.W.resourcesAt(*J.First->next()).FreeSlot, std::nullopt);
}

TEST(Widener, NoSlotWherePointersIntoTheFrameAreLost) {
  TestProgram T;
  Function &F = T.entry("tc");
  T.block(F);
  T.B.movReg(2, RegFp);
  T.B.callHelper(HelperKtime);
  T.B.movReg(2, RegFp);
  T.B.aluReg(AluAdd, 2, 0); // anywhere
  Insn *At = T.B.store(2, -8, 0, 8);
  T.returnZero();
  Widened A(T);
  EXPECT_EQ(A.W.resourcesAt(*At).FreeSlot, std::nullopt);
  EXPECT_NE(A.W.resourcesAt(*At).Dead, 0);
}

TEST(Widener, NoSlotWhereACalleeGoesBelow) {
  for (int Off : {-8, -64}) {
    TestProgram T;
    Function &F = T.entry("tc");
    Function &Callee = T.subprogram("callee");
    T.block(F);
    Insn *At = T.B.movReg(1, RegFp);
    T.B.aluImm(AluAdd, 1, -8);
    T.B.store(1, 0, 1, 8);
    T.B.call(Callee);
    T.returnZero();
    T.block(Callee);
    T.B.movImm(3, 0);
    T.B.store(1, int16_t(Off + 8), 3, 8);
    T.returnZero();
    Widened A(T);
    EXPECT_EQ(A.W.resourcesAt(*At).FreeSlot,
              Off == -8 ? std::optional<int16_t>(-16) : std::nullopt);
  }
}

TEST(Widener, CodeComesInOneOrder) {
  Join J;
  Widened A(J.T);
  Widening Slot{Location::slot(-8), Form::Touch},
      R6{Location::reg(6), Form::Spill}, R7{Location::reg(7), Form::Xor32},
      R8{Location::reg(8), Form::Xor32};
  SmallVector<Widening> Refused;
  auto Code = A.W.code(*J.First, {R8, R6, Slot, R7, R6}, &Refused);
  EXPECT_TRUE(Refused.empty());
  EXPECT_EQ(Code, A.W.code(*J.First, {Slot, R6, R7, R8}));
  std::string Found;
  for (ArrayRef<RawInsn> Rest = Code; !Rest.empty();) {
    std::optional<ForgetMatch> M = matchForget(Rest);
    ASSERT_TRUE(M);
    for (Location L : M->Where)
      Found += formName(M->How) + " " + toString(L) + "; ";
    EXPECT_FALSE(M->Clobbers & (regBit(6) | regBit(7) | regBit(8)));
    EXPECT_NE(M->SlotUsed, -8);
    Rest = Rest.drop_front(M->Length);
  }
  EXPECT_EQ(Found, "touch fp-8; spill r6; xor32 r7; xor32 r8; ");
}

TEST(Widener, WhatCannotBeDoneIsSaid) {
  Join J(-512);
  Widened A(J.T);
  SmallVector<Widening> Refused;
  Widening Spill{Location::reg(0), Form::Spill},
      Touch{Location::slot(-8), Form::Touch},
      Wrong{Location::reg(0), Form::Touch};
  auto Code = A.W.code(*J.First->next(), {Wrong, Spill, Touch}, &Refused);
  EXPECT_EQ(Code.size(), 2u);
  EXPECT_EQ(places(Refused), "r0:touch r0:spill");
  // The only free slot is one that is to be forgotten.
  Refused.clear();
  SmallVector<Widening> All = {{Location::reg(6), Form::Spill}};
  for (int Off = -512; Off < 0; Off += 8)
    All.push_back({Location::slot(int16_t(Off)), Form::Touch});
  A.W.code(*J.First, All, &Refused);
  EXPECT_EQ(places(Refused), "r6:spill");
}

/// r6 and the slot at -8 are less than \p End where First stands, r7 is the
/// result of a helper.
struct Bounded {
  TestProgram T;
  Insn *First;

  explicit Bounded(int32_t End) {
    Function &F = T.entry("tc");
    T.block(F);
    T.B.callHelper(HelperKtime);
    BasicBlock &In = T.B.createBlock(F), &Out = T.B.createBlock(F);
    T.B.condJumpImm(JmpGe, 0, End, Out);
    T.B.setInsertPoint(In);
    T.B.movReg(6, 0);
    T.B.store(RegFp, -8, 0, 8);
    T.B.callHelper(HelperKtime);
    T.B.movReg(7, 0);
    BasicBlock &Here = T.B.createBlock(F, &In);
    T.B.setInsertPoint(Here);
    First = T.B.load(0, RegFp, -8, 8);
    T.B.aluReg(AluAdd, 0, 6);
    T.B.aluReg(AluAdd, 0, 7);
    T.B.setInsertPoint(Out);
    T.B.exit();
  }
};

std::string narrowForms(const Widener &W, const Insn &I, Location L) {
  std::string S;
  for (Form F : W.formsFor(I, L))
    if (provenBits(F))
      S += (S.empty() ? "" : " ") + formName(F);
  return S;
}

TEST(Widener, NarrowFormsNeedAProof) {
  Bounded B(1000);
  Widened A(B.T);
  EXPECT_EQ(narrowForms(A.W, *B.First, Location::reg(6)),
            "narrow10 narrow16 narrow32 inner16 inner32");
  EXPECT_EQ(narrowForms(A.W, *B.First, Location::slot(-8)),
            "slot-narrow10 slot-narrow16 slot-narrow32");
  EXPECT_EQ(narrowForms(A.W, *B.First, Location::reg(7)), "");
  SmallVector<Widening> Refused;
  Widening Right{Location::reg(6), Form::Narrow10},
      TooNarrow{Location::reg(6), Form::Narrow9},
      Unknown{Location::reg(7), Form::Narrow32},
      Slot{Location::slot(-8), Form::SlotNarrow9},
      OfPointer{Location::reg(9), Form::Inner32};
  auto Code = A.W.code(*B.First, {Right, TooNarrow, Unknown, Slot, OfPointer},
                       &Refused);
  EXPECT_EQ(Code.size(), 4u);
  EXPECT_EQ(places(Refused),
            "fp-8:slot-narrow9 r6:narrow9 r7:narrow32 r9:inner32");
}

TEST(Widener, AProofCountsUpToTheBit) {
  for (int32_t End : {255, 256, 257}) {
    Bounded B(End);
    Widened A(B.T);
    EXPECT_EQ(A.W.isProven(*B.First, Location::reg(6), Form::Narrow8),
              End <= 256);
    EXPECT_EQ(A.W.isProven(*B.First, Location::slot(-8), Form::SlotNarrow8),
              End <= 256);
    EXPECT_TRUE(A.W.isProven(*B.First, Location::reg(6), Form::Narrow9));
    EXPECT_TRUE(A.W.isProven(*B.First, Location::reg(7), Form::Spill));
    EXPECT_FALSE(A.W.isProven(*B.First, Location::reg(7), Form::Narrow32));
  }
}

TEST(Widener, BranchesGoToTheCode) {
  Join J;
  J.T.B.attach(*J.F->entry().front(), LineRecord{1, 1, 1 << 10});
  J.T.B.attach(*J.First, LineRecord{1, 1, 7 << 10});
  Widened A(J.T);
  auto Code = A.W.code(*J.First, {{Location::reg(6), Form::Spill}});
  ASSERT_EQ(Code.size(), 3u);
  A.W.insert(*J.First, Code);
  EXPECT_EQ(J.Meet->front()->raw(), Code[0]);
  EXPECT_EQ(J.Meet->front()->next()->next()->next(), J.First);
  EXPECT_EQ(J.F->entry().back()->target(), J.Meet);
  ASSERT_TRUE(J.Meet->front()->line());
  EXPECT_EQ(J.Meet->front()->line()->line(), 7u);
  EXPECT_FALSE(J.First->line()); // covered by the one before
  EXPECT_TRUE(J.Meet->front()->isInserted());
  EXPECT_EQ(A.W.blockOf(*J.Meet->front()), J.Meet);
  EXPECT_FALSE(errorToBool(verify(J.T.P)));
}

// The exit of a guard ends a block, its comparisons lead to the trap and behind
// it, and whatever led to the place leads to the first comparison.
TEST(Widener, GuardsMakeBlocks) {
  for (bool OnSlot : {false, true}) {
    Join J;
    Insn *At = OnSlot ? J.First->next() : J.First;
    Widened A(J.T);
    Location L = OnSlot ? Location::slot(-8) : Location::reg(6);
    Form F = Form::guard(1, 90, OnSlot);
    EXPECT_TRUE(A.W.isProven(*At, L, F));
    auto Code = A.W.code(*At, {{L, F}});
    ASSERT_EQ(Code.size(), OnSlot ? 10u : 8u);
    A.W.insert(*At, Code);
    ASSERT_FALSE(errorToBool(verify(J.T.P)));

    SmallVector<Insn *, 16> Flat;
    DenseMap<const Insn *, size_t> Index;
    for (BasicBlock &BB : *J.F)
      for (Insn &I : BB) {
        Index[&I] = Flat.size();
        Flat.push_back(&I);
        EXPECT_EQ(A.W.blockOf(I), &BB) << Index[&I];
      }
    size_t Start = Index[At] - Code.size();
    for (size_t N = 0; N != Code.size(); ++N) {
      Insn &I = *Flat[Start + N];
      EXPECT_TRUE(I.isInserted());
      EXPECT_EQ(I.opcode(), Code[N].Opcode);
      if (isBranch(I.kind())) {
        EXPECT_EQ(Index[I.target()->front()], Start + N + 1 + Code[N].Off);
        EXPECT_EQ(A.W.blockOf(I)->back(), &I);
      }
      if (endsFlow(I.kind())) {
        EXPECT_EQ(A.W.blockOf(I)->back(), &I);
      }
    }
    // The branch of the program still comes in front of all.
    EXPECT_EQ(J.F->entry().back()->target(), J.Meet);
    EXPECT_EQ(J.Meet->front(), OnSlot ? J.First : Flat[Start]);
  }
}

// A guard beside other no-ops of the place: its branches end with its own code.
TEST(Widener, GuardsStandBesideOtherNoOps) {
  Join J;
  Widened A(J.T);
  auto Code =
      A.W.code(*J.First, {{Location::slot(-8), Form::guard(0, 7, true)},
                          {Location::reg(6), Form::guard(2, 70000, false)},
                          {Location::reg(8), Form::Xor32}});
  size_t Found = 0;
  for (ArrayRef<RawInsn> Rest = Code; !Rest.empty(); ++Found) {
    std::optional<ForgetMatch> M = matchForget(Rest);
    ASSERT_TRUE(M);
    Rest = Rest.drop_front(M->Length);
  }
  EXPECT_EQ(Found, 3u);
  A.W.insert(*J.First, Code);
  EXPECT_FALSE(errorToBool(verify(J.T.P)));
}

TEST(Widener, InstructionsByTheirPlaceInTheInput) {
  TestProgram T;
  Function &F = T.entry("tc");
  F.setOriginalStart(10);
  T.block(F);
  Insn *A0 = T.B.create({OpMov64Imm, 0, 0, 0, 0}, 0, 10);
  T.B.movImm(2, 0);
  Insn *A2 = T.B.create({OpExit, 0, 0, 0, 0}, 0, 12);
  Widened A(T);
  EXPECT_EQ(A.W.find(F, 0), A0);
  EXPECT_EQ(A.W.find(F, 1), nullptr);
  EXPECT_EQ(A.W.find(F, 2), A2);
  EXPECT_EQ(A.W.find(F, 3), nullptr);
}

TEST(Widener, OpaqueFunctionsAreLeftAlone) {
  Join J;
  J.F->setOpaque("for this test");
  Widened A(J.T);
  EXPECT_EQ(A.W.find(*J.F, 0), nullptr);
  EXPECT_EQ(A.W.resourcesAt(*J.First).Dead, 0);
  EXPECT_EQ(A.W.resourcesAt(*J.First).FreeSlot, std::nullopt);
  EXPECT_TRUE(A.W.formsFor(*J.First, Location::reg(6)).empty());
}

} // namespace
