//===- RelaxTest.cpp - Branches that no longer reach ----------------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// With a reach of a few slots, so that small functions overflow it. What must
// hold: every branch reaches, and every original instruction is followed by
// the same original instructions as before, on either way out.
//===----------------------------------------------------------------------===//

#include "Object/Relax.h"
#include "IR/Builder.h"
#include "IR/Verifier.h"
#include "TestObject.h"
#include "llvm/ADT/DenseMap.h"
#include <gtest/gtest.h>
#include <map>
#include <random>

using namespace llvm;
using namespace prepatch;

namespace {

struct Relax : testing::Test {
  Program P;
  CodeSection &Section = P.createSection("xdp", false);
  prepatch::Function &F = P.createFunction(Section, "main");
  Builder B{P};
  uint32_t Index = 0;

  BasicBlock &block(unsigned Movs) {
    BasicBlock &BB = B.createBlock(F);
    B.setInsertPoint(BB);
    for (unsigned I = 0; I < Movs; ++I)
      add({OpMov64Imm, 1, 0, 0, 0});
    return BB;
  }
  Insn *add(const RawInsn &Raw, BasicBlock *Target = nullptr) {
    Insn *I = B.create(Raw, 0, Index++);
    if (Target)
      I->setTarget(Target);
    return I;
  }
  void addExit() { add({OpExit, 0, 0, 0, 0}); }

  /// The first original instruction at or behind the start of \p BB, over
  /// jumps that were put in.
  static uint32_t land(BasicBlock *BB) {
    for (unsigned Hops = 0; Hops < 10000; ++Hops) {
      Insn *I = BB->front();
      if (!I)
        BB = BB->next();
      else if (!I->isInserted())
        return I->originalIndex();
      else
        BB = I->target();
    }
    ADD_FAILURE() << "islands lead in a circle";
    return Insn::NoIndex;
  }
  /// Original instructions that may run after each.
  std::map<uint32_t, std::pair<uint32_t, uint32_t>> flow() {
    std::map<uint32_t, std::pair<uint32_t, uint32_t>> Flow;
    for (BasicBlock &BB : F)
      for (Insn &I : BB) {
        if (I.isInserted())
          continue;
        uint32_t Next = Insn::NoIndex, Taken = Insn::NoIndex;
        if (!endsFlow(I.kind()))
          Next = I.next() ? I.next()->originalIndex() : land(BB.next());
        if (isBranch(I.kind()))
          Taken = land(I.target());
        Flow[I.originalIndex()] = {Next, Taken};
      }
    return Flow;
  }

  /// The longest distance of a 16-bit branch; backwards goes one farther.
  int64_t longest() {
    DenseMap<BasicBlock *, int64_t> Starts;
    int64_t Slot = 0;
    for (BasicBlock &BB : F) {
      Starts[&BB] = Slot;
      for (Insn &I : BB)
        Slot += I.slots();
    }
    int64_t Longest = 0;
    Slot = 0;
    for (BasicBlock &BB : F)
      for (Insn &I : BB) {
        Slot += I.slots();
        if (isBranch(I.kind()) && I.opcode() != OpGotol)
          Longest = std::max({Longest, Starts[I.target()] - Slot,
                              Slot - Starts[I.target()] - 1});
      }
    return Longest;
  }

  unsigned count(uint8_t Opcode) {
    unsigned N = 0;
    for (BasicBlock &BB : F)
      for (Insn &I : BB)
        N += I.opcode() == Opcode;
    return N;
  }

  void relaxAndCheck(bool HasGotol, int64_t Limit) {
    auto Before = flow();
    ASSERT_GT(longest(), Limit);
    EXPECT_TRUE(relaxBranches(P, {HasGotol, Limit}));
    EXPECT_LE(longest(), Limit);
    EXPECT_EQ(flow(), Before);
    Error E = verify(P);
    EXPECT_FALSE(bool(E)) << toString(std::move(E));
  }
};

TEST_F(Relax, LeavesAloneWhatReaches) {
  BasicBlock &BB = block(10);
  BasicBlock &End = block(0);
  addExit();
  B.setInsertPoint(BB);
  add({ClassJmp | JmpEq, 1, 0, 0, 0}, &End);
  EXPECT_FALSE(relaxBranches(P, {false, 10}));
  EXPECT_EQ(F.countSlots(), 12u);
}

TEST_F(Relax, GotoBecomesGotolOnV4) {
  BasicBlock &Start = block(0);
  block(50);
  addExit();
  BasicBlock &End = block(1);
  addExit();
  B.setInsertPoint(Start);
  add({OpJa, 0, 0, 0, 0}, &End);
  relaxAndCheck(true, 20);
  EXPECT_EQ(count(OpGotol), 1u);
  EXPECT_EQ(F.countSlots(), 54u);
}

TEST_F(Relax, ConditionGetsOneGotolIslandOnV4) {
  BasicBlock &Start = block(1);
  block(10);
  addExit();
  block(50);
  addExit();
  BasicBlock &End = block(1);
  addExit();
  B.setInsertPoint(Start);
  add({ClassJmp | JmpSgt, 1, 0, 0, 5}, &End);
  relaxAndCheck(true, 20);
  // Behind the first exit, where nothing runs into it: one instruction more.
  EXPECT_EQ(count(OpGotol), 1u);
  EXPECT_EQ(count(OpJa), 0u);
}

TEST_F(Relax, ChainsOfGotosBeforeV4) {
  BasicBlock &Start = block(1);
  for (int I = 0; I < 10; ++I) {
    block(9);
    addExit();
  }
  BasicBlock &End = block(1);
  addExit();
  B.setInsertPoint(Start);
  add({ClassJmp | JmpEq, 1, 0, 0, 5}, &End);
  relaxAndCheck(false, 30);
  EXPECT_EQ(count(OpGotol), 0u);
  EXPECT_GE(count(OpJa), 3u);
}

TEST_F(Relax, GoesBackwardsToo) {
  BasicBlock &Start = block(60);
  block(1);
  add({ClassJmp32 | JmpNe | SrcReg, 1, 2, 0, 0}, &Start);
  block(0);
  addExit();
  relaxAndCheck(false, 20);
}

// There is no opposite of `&` and of may_goto: inverting them would not do.
TEST_F(Relax, BitTestsAndMayGotoKeepTheirSense) {
  BasicBlock &Start = block(1);
  BasicBlock &Second = block(1);
  block(100);
  addExit();
  BasicBlock &End = block(1);
  addExit();
  B.setInsertPoint(Start);
  add({ClassJmp | JmpSet, 1, 0, 0, 8}, &End);
  B.setInsertPoint(Second);
  add({OpMayGoto, 0, 0, 0, 0}, &End);
  relaxAndCheck(false, 30);
  EXPECT_EQ(count(ClassJmp | JmpSet), 1u);
  EXPECT_EQ(count(OpMayGoto), 1u);
}

TEST_F(Relax, SplitsABlockThatIsLongerThanTheReach) {
  BasicBlock &Loop = block(500);
  add({ClassJmp | JmpEq, 1, 0, 0, 0}, &Loop);
  block(0);
  addExit();
  relaxAndCheck(false, 40);
}

TEST_F(Relax, OneIslandServesSeveralBranches) {
  std::vector<BasicBlock *> Starts;
  for (int I = 0; I < 5; ++I)
    Starts.push_back(&block(1));
  block(10);
  addExit();
  block(60);
  addExit();
  BasicBlock &End = block(1);
  addExit();
  for (BasicBlock *BB : Starts) {
    B.setInsertPoint(*BB);
    add({ClassJmp | JmpEq, 1, 0, 0, 0}, &End);
  }
  relaxAndCheck(true, 40);
  EXPECT_EQ(count(OpGotol), 1u);
}

class RandomRelax : public Relax, public testing::WithParamInterface<int> {};

TEST_P(RandomRelax, KeepsTheFlow) {
  std::mt19937 Random(GetParam());
  auto below = [&](unsigned N) { return Random() % N; };
  std::vector<BasicBlock *> Blocks;
  for (unsigned I = 0; I < 120; ++I)
    Blocks.push_back(&block(1 + below(below(10) ? 6 : 150)));
  for (BasicBlock *BB : Blocks) {
    B.setInsertPoint(*BB);
    BasicBlock *Target = Blocks[below(Blocks.size())];
    switch (below(5)) {
    case 0:
      add({OpJa, 0, 0, 0, 0}, Target);
      break;
    case 1:
    case 2:
      add({ClassJmp | JmpSet, 1, 0, 0, 1}, Target);
      break;
    case 3:
      add({OpMayGoto, 0, 0, 0, 0}, Target);
      break;
    default:
      break;
    }
  }
  block(0);
  addExit();
  relaxAndCheck(GetParam() % 2, 150 + below(200));
}

INSTANTIATE_TEST_SUITE_P(Seeds, RandomRelax, testing::Range(0, 100));

/// A function of 40 000 instructions in the middle of a branch, as a file.
void growUntilItOverflows(StringRef Cpu, StringRef Extra, size_t Gotols) {
  std::string Text = ".section xdp,\"ax\"\n.globl main\n.type main,@function\n"
                     "main:\nif r1 == 0 goto End\n" +
                     Extra.str() +
                     "r2 = 1\nr0 = 1\nexit\n"
                     "End:\nr0 = 2\nexit\n.size main, .-main\n";
  test::File Image = test::assemble(Text, Cpu);
  std::unique_ptr<Object> Obj = test::read(Image);
  ASSERT_TRUE(Obj);
  prepatch::Function &F = *Obj->Prog.findFunction("main");
  Builder B(Obj->Prog);
  B.setInsertPoint(*std::next(F.begin())->front());
  for (int I = 0; I < 40000; ++I)
    B.movImm(2, I);
  test::File Out = test::write(*Obj);
  std::unique_ptr<Object> Again = test::read(Out);
  ASSERT_TRUE(Again);
  EXPECT_EQ(Again->FrozenReason, "");
  prepatch::Function &G = *Again->Prog.findFunction("main");
  // Follow the branch to its end.
  BasicBlock *To = G.entry().back()->target();
  size_t Found = 0;
  while (To->front()->kind() == InsnKind::Jump) {
    Found += To->front()->opcode() == OpGotol;
    To = To->front()->target();
  }
  EXPECT_EQ(To->front()->imm(), 2);
  EXPECT_EQ(Found, Gotols);
}

TEST(RelaxObject, UsesGotolWhereTheProgramIsForV4) {
  growUntilItOverflows("v4", "r3 = (s8)r3\n", 1);
}

TEST(RelaxObject, ChainsGotosWhereItIsNot) {
  growUntilItOverflows("v3", "", 0);
}

} // namespace
