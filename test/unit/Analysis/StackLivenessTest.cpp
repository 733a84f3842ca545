//===- StackLivenessTest.cpp - Which stack bytes are read later -----------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Reads, kills and pointers out of sight, by what is live where the second of
// two blocks begins.
//===----------------------------------------------------------------------===//

#include "Analysis/StackLiveness.h"
#include "TestProgram.h"

using namespace llvm;
using namespace prepatch;

namespace {

enum : int32_t {
  HelperProbeRead = 4,
  HelperMapUpdate = 2,
  HelperPerfOutput = 25,
  HelperProbeReadStr = 45,
  HelperProbeReadKernel = 113,
  HelperSnprintf = 165,
};

/// "-8..-5 -1": the bytes that are live, as offsets from r10; "?" if nothing
/// is known.
struct Live : TestProgram {
  Function &F = entry("kprobe/f");
  BasicBlock &First = block(F), &Second = block(F);

  Live() {
    B.setInsertPoint(First);
    B.movReg(6, 1);
    B.setInsertPoint(Second);
  }
  /// \p Reg = r10 + \p Off
  void address(unsigned Reg, int32_t Off) {
    B.movReg(Reg, RegFp);
    B.aluImm(AluAdd, Reg, Off);
  }
  std::string live(BasicBlock &BB) {
    Analysed A(*this);
    StackLiveness S(A.Kinds, testProfile(), F);
    if (!S.isKnown())
      return "?";
    std::string Text;
    for (int Off = -512; Off < 0; ++Off) {
      if (!S.liveIn(BB)[-Off - 1])
        continue;
      int To = Off;
      while (To + 1 < 0 && S.liveIn(BB)[-(To + 1) - 1])
        ++To;
      Text += (Text.empty() ? "" : " ") + std::to_string(Off);
      if (To != Off)
        Text += ".." + std::to_string(To);
      Off = To;
    }
    return Text;
  }
  std::string live() {
    returnZero();
    return live(Second);
  }
};

TEST(StackLiveness, Loads) {
  Live T;
  T.B.load(0, RegFp, -8, 4);
  T.B.load(0, RegFp, -24, 8);
  EXPECT_EQ(T.live(), "-24..-17 -8..-5");
}

TEST(StackLiveness, StoresEndWhatIsBeforeThem) {
  Live T;
  T.B.store(RegFp, -8, 6, 4);
  T.B.load(0, RegFp, -8, 8);
  EXPECT_EQ(T.live(), "-4..-1") << "the other half";
}

TEST(StackLiveness, StoresOverOtherPointers) {
  Live T;
  T.address(7, -16);
  T.B.store(7, 8, 6, 8);
  T.B.load(0, RegFp, -8, 8);
  EXPECT_EQ(T.live(), "");
}

TEST(StackLiveness, OverLoopsAndJoins) {
  Live T;
  T.B.condJumpImm(JmpEq, 6, 0, T.Second);
  T.block(T.F);
  T.B.load(0, RegFp, -8, 1);
  T.returnZero();
  EXPECT_EQ(T.live(T.Second), "-8");
  EXPECT_EQ(T.live(T.First), "-8");
}

TEST(StackLiveness, KeysAndValues) {
  Live T;
  Symbol &Map = T.map("hits", 1);
  T.loadMap(1, Map);
  T.address(2, -4);
  T.address(3, -24);
  T.B.movImm(4, 0);
  T.B.callHelper(HelperMapUpdate);
  EXPECT_EQ(T.live(), "-24..-17 -4..-1") << "4 bytes of key, 8 of value";
}

TEST(StackLiveness, MemoryWithSize) {
  Live T;
  Symbol &Map = T.map("events", 4);
  T.B.movReg(1, 6);
  T.loadMap(2, Map);
  T.B.movImm(3, 0);
  T.address(4, -32);
  T.B.movImm(5, 12);
  T.B.callHelper(HelperPerfOutput);
  EXPECT_EQ(T.live(), "-32..-21");
}

TEST(StackLiveness, MemoryWithoutKnownSize) {
  Live T;
  Symbol &Map = T.map("events", 4);
  T.B.load(5, 6, 0, 8);
  T.B.movReg(1, 6);
  T.loadMap(2, Map);
  T.B.movImm(3, 0);
  T.address(4, -32);
  T.B.callHelper(HelperPerfOutput);
  EXPECT_EQ(T.live(), "-32..-1") << "all the way up";
}

TEST(StackLiveness, WhatAHelperFills) {
  Live T;
  T.address(1, -16);
  T.B.movImm(2, 8);
  T.B.movReg(3, 6);
  T.B.callHelper(HelperProbeRead);
  T.B.load(0, RegFp, -16, 8);
  T.B.load(0, RegFp, -8, 8);
  EXPECT_EQ(T.live(), "-8..-1");
}

TEST(StackLiveness, StringsEndWhereTheyEnd) {
  Live T;
  T.address(1, -16);
  T.B.movImm(2, 8);
  T.B.movReg(3, 6);
  T.B.callHelper(HelperProbeReadStr);
  T.B.load(0, RegFp, -16, 8);
  EXPECT_EQ(T.live(), "-16..-9");
}

TEST(StackLiveness, AddressesHandedOverAsNumbers) {
  Live T;
  T.address(1, -16);
  T.B.movImm(2, 8);
  T.address(3, -8);
  T.B.callHelper(HelperProbeReadKernel);
  EXPECT_EQ(T.live(), "-8..-1");
}

TEST(StackLiveness, AddressesInATable) {
  Live T;
  T.address(1, -64);
  T.B.store(RegFp, -40, 1, 8);
  T.address(1, -16);
  T.B.movImm(2, 16);
  T.B.movImm(3, 0);
  T.address(4, -40);
  T.B.movImm(5, 8);
  T.B.callHelper(HelperSnprintf);
  EXPECT_EQ(T.live(), "-64..-41 -32..-1") << "the string, but not the table";
}

// Below the pointer, too: container_of.
TEST(StackLiveness, CalleesReadAllThatIsNotWritten) {
  Live T;
  Function &Callee = T.subprogram("callee");
  T.block(Callee);
  T.returnZero();
  T.B.setInsertPoint(T.Second);
  T.B.store(RegFp, -24, 6, 8);
  T.address(1, -16);
  T.B.call(Callee);
  EXPECT_EQ(T.live(), "-512..-25 -16..-1");
}

TEST(StackLiveness, KernelFunctionsMayKeepThePointer) {
  Live T;
  T.address(1, -16);
  T.callKfunc("bpf_iter_num_new");
  EXPECT_EQ(T.live(), "?");
}

TEST(StackLiveness, CallbacksGetThePointer) {
  Live T;
  Function &Callback = T.subprogram("callback");
  T.block(Callback);
  T.returnZero();
  T.B.setInsertPoint(T.Second);
  T.B.movImm(1, 4);
  T.loadFunction(2, Callback);
  T.address(3, -16);
  T.B.movImm(4, 0);
  T.B.callHelper(HelperLoop);
  EXPECT_EQ(T.live(), "?");
}

TEST(StackLiveness, PointersStoredElsewhere) {
  Live T;
  T.address(1, -16);
  T.B.store(6, 0, 1, 8);
  EXPECT_EQ(T.live(), "?");
}

TEST(StackLiveness, ReadsAtUnknownPlaces) {
  Live T;
  T.B.load(7, 6, 0, 8);
  T.B.aluImm(AluAnd, 7, 7);
  T.address(1, -16);
  T.B.aluReg(AluAdd, 1, 7);
  T.B.load(0, 1, 0, 1);
  EXPECT_EQ(T.live(), "?");
}

TEST(StackLiveness, WritesAtUnknownPlacesEndNothing) {
  Live T;
  T.B.load(7, 6, 0, 8);
  T.B.aluImm(AluAnd, 7, 7);
  T.address(1, -16);
  T.B.aluReg(AluAdd, 1, 7);
  T.B.store(1, 0, 6, 1);
  T.B.load(0, RegFp, -16, 8);
  std::string Bytes = T.live();
  EXPECT_TRUE(Bytes == "?" || Bytes == "-16..-9") << Bytes;
}

} // namespace
