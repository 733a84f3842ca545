//===- KeySlotsTest.cpp - Stack slots that hold keys and nothing else -----===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Lowering/KeySlots.h"
#include "../Analysis/TestProgram.h"

using namespace llvm;
using namespace prepatch;

namespace {

constexpr int32_t HelperMapUpdate = 2;

/// One block that looks up keys of 4 bytes at r10 - 4; r6 is a scalar.
struct Keys : TestProgram {
  Function &F = entry("xdp");
  Symbol &Map = map("hits", 1);
  BasicBlock &BB = block(F);

  Keys() { B.load(6, 1, 0, 4); }
  Insn *store(unsigned Src = 6, int16_t Off = -4, unsigned Bytes = 4) {
    return B.store(RegFp, Off, Src, Bytes);
  }
  /// The store that belongs to \p Call, or null.
  Insn *storeOf(const Insn *Call) {
    Analysed A(*this);
    return findKeyStores(F, A.Kinds, testProfile()).lookup(Call);
  }
};

TEST(KeySlots, StoreAndLookup) {
  Keys T;
  Insn *Store = T.store(), *Call = T.lookup(T.Map);
  T.returnZero();
  EXPECT_EQ(T.storeOf(Call), Store);
}

TEST(KeySlots, OneStoreForEachLookup) {
  Keys T;
  Insn *Store1 = T.store(), *Call1 = T.lookup(T.Map);
  Insn *Store2 = T.store(), *Call2 = T.lookup(T.Map);
  T.returnZero();
  EXPECT_EQ(T.storeOf(Call1), Store1);
  EXPECT_EQ(T.storeOf(Call2), Store2);
}

TEST(KeySlots, TwoLookupsOfOneStore) {
  Keys T;
  T.store();
  Insn *Call1 = T.lookup(T.Map), *Call2 = T.lookup(T.Map);
  T.returnZero();
  EXPECT_EQ(T.storeOf(Call1), nullptr);
  EXPECT_EQ(T.storeOf(Call2), nullptr);
}

TEST(KeySlots, ReadLater) {
  Keys T;
  T.store();
  Insn *Call = T.lookup(T.Map);
  T.B.load(0, RegFp, -2, 1);
  T.B.exit();
  EXPECT_EQ(T.storeOf(Call), nullptr);
}

TEST(KeySlots, NeighboursDoNotMatter) {
  Keys T;
  T.store(6, -8);
  Insn *Store = T.store(), *Call = T.lookup(T.Map);
  T.B.load(0, RegFp, -8, 4);
  T.B.exit();
  EXPECT_EQ(T.storeOf(Call), Store);
}

TEST(KeySlots, HandedToAnotherHelper) {
  Keys T;
  T.store();
  Insn *Call = T.lookup(T.Map);
  T.loadMap(1, T.Map);
  T.B.movReg(2, RegFp);
  T.B.aluImm(AluAdd, 2, -4);
  T.B.movReg(3, RegFp);
  T.B.aluImm(AluAdd, 3, -16);
  T.B.movImm(4, 0);
  T.B.callHelper(HelperMapUpdate);
  T.returnZero();
  EXPECT_EQ(T.storeOf(Call), nullptr);
}

// A helper that gets what is below may read up to here.
TEST(KeySlots, BelowSomethingHandedOver) {
  Keys T;
  T.store();
  Insn *Call = T.lookup(T.Map);
  T.B.movReg(1, RegFp);
  T.B.aluImm(AluAdd, 1, -16);
  T.B.movImm(2, 8);
  T.B.movReg(3, 6);
  T.B.callHelper(4);
  T.returnZero();
  EXPECT_EQ(T.storeOf(Call), nullptr);
}

// A callee gets from a member to its object: container_of.
TEST(KeySlots, AboveSomethingHandedToAFunction) {
  Keys T;
  Function &Callee = T.subprogram("callee");
  T.block(Callee);
  T.returnZero();
  T.B.setInsertPoint(T.BB);
  T.store(6, -8);
  T.B.movReg(2, RegFp);
  T.B.aluImm(AluAdd, 2, -8);
  T.loadMap(1, T.Map);
  Insn *Call = T.B.callHelper(HelperMapLookup);
  T.B.movReg(1, RegFp);
  T.B.aluImm(AluAdd, 1, -4);
  T.B.call(Callee);
  T.returnZero();
  EXPECT_EQ(T.storeOf(Call), nullptr);
}

TEST(KeySlots, AddressKeptInMemory) {
  Keys T;
  T.B.movReg(7, RegFp);
  T.B.aluImm(AluAdd, 7, -4);
  T.B.store(RegFp, -16, 7, 8);
  T.store();
  Insn *Call = T.lookup(T.Map);
  T.returnZero();
  EXPECT_EQ(T.storeOf(Call), nullptr);
}

TEST(KeySlots, RegisterChangedSince) {
  Keys T;
  T.store();
  T.B.aluImm(AluAdd, 6, 1);
  Insn *Call = T.lookup(T.Map);
  T.returnZero();
  EXPECT_EQ(T.storeOf(Call), nullptr);
}

// r1 and r2 hold the key, too, once what the call needed in them is gone.
TEST(KeySlots, RegisterOfAnArgument) {
  for (unsigned Reg : {1, 2}) {
    Keys T;
    T.B.movReg(Reg, 6);
    Insn *Store = T.store(Reg), *Call = T.lookup(T.Map);
    T.returnZero();
    EXPECT_EQ(T.storeOf(Call), Store) << "r" << Reg;
  }
}

TEST(KeySlots, ArgumentThatStays) {
  Keys T;
  T.loadMap(7, T.Map);
  T.B.store(RegFp, -16, 7, 8);
  T.B.movReg(1, 6);
  T.store(1);
  T.B.movReg(2, RegFp);
  T.B.aluImm(AluAdd, 2, -4);
  T.B.load(1, RegFp, -16, 8); // a load is not deleted
  Insn *Call = T.B.callHelper(HelperMapLookup);
  T.returnZero();
  EXPECT_EQ(T.storeOf(Call), nullptr);
}

TEST(KeySlots, StoreOfAnotherWidth) {
  Keys T;
  T.store(6, -8, 8);
  Insn *Call = T.lookup(T.Map);
  T.returnZero();
  EXPECT_EQ(T.storeOf(Call), nullptr);
}

TEST(KeySlots, StoreInAnotherBlock) {
  Keys T;
  T.store();
  T.block(T.F);
  Insn *Call = T.lookup(T.Map);
  T.returnZero();
  EXPECT_EQ(T.storeOf(Call), nullptr);
}

TEST(KeySlots, SecondStoreThatNobodyPairs) {
  Keys T;
  T.store();
  T.store();
  Insn *Call = T.lookup(T.Map);
  T.returnZero();
  EXPECT_EQ(T.storeOf(Call), nullptr);
}

TEST(KeySlots, Constants) {
  Keys T;
  Insn *Store = T.B.create({ClassSt | ModeMem | SizeW, RegFp, 0, -4, 7});
  Insn *Call = T.lookup(T.Map);
  T.returnZero();
  EXPECT_EQ(T.storeOf(Call), Store);
}

} // namespace
