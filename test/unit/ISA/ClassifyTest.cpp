//===- ClassifyTest.cpp - What is an instruction and what is not ----------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// All 256 opcodes, and for each the fields that it leaves unused: an encoding
// that sets one of those is not that instruction.
//===----------------------------------------------------------------------===//

#include "ISA/Classify.h"
#include "llvm/ADT/STLExtras.h"
#include <gtest/gtest.h>
#include <vector>

using namespace prepatch;

namespace {

/// Which fields an opcode uses. Written as a list of RFC 9669, not as rules.
struct Shape {
  uint8_t Opcode;
  InsnKind Kind;
  bool Dst, Src, Off, Imm; ///< free to have any value
  int32_t ImmValue = 0;    ///< a valid one where it is not free
  int16_t OffValue = 0;
  uint8_t SrcValue = 0;
};

std::vector<Shape> shapes() {
  std::vector<Shape> S;
  for (uint8_t Class : {0x04, 0x07})
    for (uint8_t Op = 0; Op <= 0xc0; Op += 0x10) {
      if (Op == 0x80) {
        S.push_back(
            {uint8_t(Class | Op), InsnKind::Alu, true, false, false, false});
        continue;
      }
      S.push_back(
          {uint8_t(Class | Op), InsnKind::Alu, true, false, false, true});
      S.push_back(
          {uint8_t(Class | Op | 8), InsnKind::Alu, true, true, false, false});
    }
  for (uint8_t Opcode : {0xd4, 0xdc, 0xd7})
    S.push_back({Opcode, InsnKind::Alu, true, false, false, false, 16});
  for (uint8_t Class : {0x05, 0x06})
    for (uint8_t Op = 0x10; Op <= 0xd0; Op += 0x10) {
      if (Op == 0x80 || Op == 0x90)
        continue;
      S.push_back(
          {uint8_t(Class | Op), InsnKind::CondJump, true, false, true, true});
      S.push_back({uint8_t(Class | Op | 8), InsnKind::CondJump, true, true,
                   true, false});
    }
  S.push_back({0x05, InsnKind::Jump, false, false, true, false});
  S.push_back({0x06, InsnKind::Jump, false, false, false, true});
  S.push_back({0x0d, InsnKind::IndirectJump, true, false, false, false});
  S.push_back({0xe5, InsnKind::MayGoto, false, false, true, false});
  S.push_back({0x95, InsnKind::Exit, false, false, false, false});
  S.push_back({0x85, InsnKind::HelperCall, false, false, false, true});
  S.push_back({0x85, InsnKind::BpfCall, false, false, false, true, 0, 0, 1});
  S.push_back({0x85, InsnKind::KfuncCall, false, false, true, true, 0, 0, 2});
  for (uint8_t Opcode : {0x61, 0x69, 0x71, 0x79, 0x81, 0x89, 0x91})
    S.push_back({Opcode, InsnKind::Load, true, true, true, false});
  for (uint8_t Opcode : {0x62, 0x6a, 0x72, 0x7a})
    S.push_back({Opcode, InsnKind::StoreImm, true, false, true, true});
  for (uint8_t Opcode : {0x63, 0x6b, 0x73, 0x7b})
    S.push_back({Opcode, InsnKind::Store, true, true, true, false});
  for (uint8_t Opcode : {0xc3, 0xdb})
    for (int32_t Imm : {0x00, 0x01, 0x40, 0x41, 0x50, 0x51, 0xa0, 0xa1, 0xe1,
                        0xf1, 0x100, 0x110})
      S.push_back({Opcode, InsnKind::Atomic, true, true, true, false, Imm});
  for (uint8_t Opcode : {0xcb, 0xd3})
    for (int32_t Imm : {0x100, 0x110})
      S.push_back({Opcode, InsnKind::Atomic, true, true, true, false, Imm});
  for (uint8_t Src = 0; Src <= 6; ++Src)
    S.push_back(
        {0x18, InsnKind::LoadImm64, true, false, false, true, 0, 0, Src});
  for (uint8_t Opcode : {0x20, 0x28, 0x30})
    S.push_back({Opcode, InsnKind::LoadAbs, false, false, false, true});
  for (uint8_t Opcode : {0x40, 0x48, 0x50})
    S.push_back({Opcode, InsnKind::LoadInd, false, true, false, true});
  return S;
}

RawInsn validForm(const Shape &S) {
  return {S.Opcode, 0, S.SrcValue, S.OffValue, S.ImmValue};
}

TEST(Classify, KnowsEveryShapeWithAnyValueInItsFields) {
  for (const Shape &S : shapes()) {
    for (uint8_t Reg : {0, 5, 10})
      for (int32_t Value : {0, 1, -1, 32767}) {
        RawInsn I = validForm(S);
        if (S.Dst)
          I.Dst = Reg;
        if (S.Src)
          I.Src = Reg;
        if (S.Off)
          I.Off = Value;
        if (S.Imm)
          I.Imm = Value;
        EXPECT_EQ(int(classify(I)), int(S.Kind)) << "opcode " << int(S.Opcode);
      }
  }
}

TEST(Classify, RefusesReservedFields) {
  for (const Shape &S : shapes()) {
    auto expectUnknown = [&](RawInsn I, const char *Field) {
      EXPECT_EQ(int(classify(I)), int(InsnKind::Unknown))
          << "opcode " << int(S.Opcode) << " with " << Field << " in use";
    };
    RawInsn Valid = validForm(S);
    RawInsn I = Valid;
    I.Dst = 11;
    expectUnknown(I, "r11");
    I = Valid;
    I.Src = 11;
    expectUnknown(I, "r11 as source");
    I = Valid;
    I.Dst = 1;
    if (!S.Dst)
      expectUnknown(I, "dst");
    I = Valid;
    I.Src = 7; // above every pseudo value
    if (!S.Src)
      expectUnknown(I, "src");
    I = Valid;
    I.Off = 2; // 1 means signed for div and mod
    if (!S.Off)
      expectUnknown(I, "off");
    I = Valid;
    I.Imm = S.ImmValue + 2; // no neighbour of a valid value is valid
    if (!S.Imm)
      expectUnknown(I, "imm");
  }
}

TEST(Classify, RefusesAllOtherOpcodes) {
  for (unsigned Opcode = 0; Opcode < 256; ++Opcode) {
    if (llvm::any_of(shapes(),
                     [&](const Shape &S) { return S.Opcode == Opcode; }))
      continue;
    for (int32_t Imm : {0, 1, 16, 0x100})
      EXPECT_EQ(int(classify({uint8_t(Opcode), 0, 0, 0, Imm})),
                int(InsnKind::Unknown))
          << "opcode " << Opcode;
  }
}

TEST(Classify, KnowsFormsThatTheOffsetSelects) {
  auto isAlu = [](uint8_t Opcode, int16_t Off) {
    return classify({Opcode, 1, uint8_t(Opcode & 8 ? 2 : 0), Off, 0}) ==
           InsnKind::Alu;
  };
  for (uint8_t Op : {AluDiv, AluMod})
    for (uint8_t Class : {ClassAlu, ClassAlu64})
      for (uint8_t Src : {SrcImm, SrcReg})
        EXPECT_TRUE(isAlu(Op | Class | Src, 1));
  for (int16_t Bits : {8, 16}) {
    EXPECT_TRUE(isAlu(OpMov64Reg, Bits));
    EXPECT_TRUE(isAlu(OpMov32Reg, Bits));
  }
  EXPECT_TRUE(isAlu(OpMov64Reg, 32));
  EXPECT_FALSE(isAlu(OpMov32Reg, 32));
  EXPECT_FALSE(isAlu(OpMov64Imm, 8));
  // An address space cast needs its address spaces.
  EXPECT_EQ(int(classify({OpMov64Reg, 1, 2, 1, 0})), int(InsnKind::Unknown));
  EXPECT_EQ(int(classify({OpMov32Reg, 1, 2, 1, 1})), int(InsnKind::Unknown));
}

TEST(Classify, ByteSwapsHaveThreeWidths) {
  for (uint8_t Opcode : {0xd4, 0xdc, 0xd7})
    for (int32_t Bits : {0, 8, 16, 24, 32, 64, 128})
      EXPECT_EQ(classify({Opcode, 1, 0, 0, Bits}) == InsnKind::Alu,
                Bits == 16 || Bits == 32 || Bits == 64);
  EXPECT_EQ(int(classify({0xdf, 1, 0, 0, 16})), int(InsnKind::Unknown));
}

TEST(Classify, SecondSlotOfLdImm64HoldsOnlyAnImmediate) {
  EXPECT_TRUE(isLdImm64Tail({0, 0, 0, 0, -1}));
  EXPECT_FALSE(isLdImm64Tail({1, 0, 0, 0, 0}));
  EXPECT_FALSE(isLdImm64Tail({0, 1, 0, 0, 0}));
  EXPECT_FALSE(isLdImm64Tail({0, 0, 1, 0, 0}));
  EXPECT_FALSE(isLdImm64Tail({0, 0, 0, 1, 0}));
}

} // namespace
