//===- InstructionTableTest.cpp - Every instruction, both ways ------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A table of every instruction up to cpu v4 and of the later additions. Each
// goes through encode -> decode in both byte orders, has the expected kind,
// the expected registers read and written, and the expected text. Where LLVM's
// assembler knows the instruction, it must make the same bytes of our text.
//===----------------------------------------------------------------------===//

#include "ISA/Disassemble.h"
#include "TestObject.h"
#include <gtest/gtest.h>

using namespace llvm;
using namespace prepatch;

namespace {

struct Entry {
  RawInsn Raw;
  InsnKind Kind;
  RegSet Reads, Writes;
  std::string Text;
  bool Assembles = true; ///< LLVM reads the text
  int32_t High = 0;
};

constexpr RegSet R0 = 1, R1 = 2, R2 = 4, R6 = 64;

struct NamedOp {
  uint8_t Op;
  const char *Symbol;
};

void addArithmetic(std::vector<Entry> &T) {
  static const NamedOp Ops[] = {
      {AluAdd, "+="}, {AluSub, "-="}, {AluMul, "*="},   {AluDiv, "/="},
      {AluOr, "|="},  {AluAnd, "&="}, {AluLsh, "<<="},  {AluRsh, ">>="},
      {AluMod, "%="}, {AluXor, "^="}, {AluArsh, "s>>="}};
  for (bool Is64 : {false, true}) {
    uint8_t Class = Is64 ? ClassAlu64 : ClassAlu;
    std::string D = Is64 ? "r1" : "w1", S = Is64 ? "r2" : "w2";
    auto add = [&](uint8_t Op, const char *Symbol, int16_t Off) {
      T.push_back({{uint8_t(Class | Op), 1, 0, Off, -7},
                   InsnKind::Alu,
                   R1,
                   R1,
                   D + " " + Symbol + " -7"});
      T.push_back({{uint8_t(Class | Op | SrcReg), 1, 2, Off, 0},
                   InsnKind::Alu,
                   R1 | R2,
                   R1,
                   D + " " + Symbol + " " + S});
    };
    for (const NamedOp &Op : Ops)
      add(Op.Op, Op.Symbol, 0);
    add(AluDiv, "s/=", 1);
    add(AluMod, "s%=", 1);
    T.push_back({{uint8_t(Class | AluMov), 1, 0, 0, 7},
                 InsnKind::Alu,
                 0,
                 R1,
                 D + " = 7"});
    T.push_back({{uint8_t(Class | AluMov | SrcReg), 1, 2, 0, 0},
                 InsnKind::Alu,
                 R2,
                 R1,
                 D + " = " + S});
    for (int16_t Bits : {8, 16, 32})
      if (Is64 || Bits < 32)
        T.push_back({{uint8_t(Class | AluMov | SrcReg), 1, 2, Bits, 0},
                     InsnKind::Alu,
                     R2,
                     R1,
                     D + " = (s" + std::to_string(Bits) + ")" + S});
    T.push_back({{uint8_t(Class | AluNeg), 1, 0, 0, 0},
                 InsnKind::Alu,
                 R1,
                 R1,
                 D + " = -" + D});
  }
  for (int32_t Bits : {16, 32, 64}) {
    std::string N = std::to_string(Bits);
    T.push_back({{ClassAlu | AluEnd, 1, 0, 0, Bits},
                 InsnKind::Alu,
                 R1,
                 R1,
                 "r1 = le" + N + " r1"});
    T.push_back({{ClassAlu | AluEnd | SrcReg, 1, 0, 0, Bits},
                 InsnKind::Alu,
                 R1,
                 R1,
                 "r1 = be" + N + " r1"});
    T.push_back({{ClassAlu64 | AluEnd, 1, 0, 0, Bits},
                 InsnKind::Alu,
                 R1,
                 R1,
                 "r1 = bswap" + N + " r1"});
  }
  T.push_back({{OpMov64Reg, 1, 2, 1, 1},
               InsnKind::AddrSpaceCast,
               R2,
               R1,
               "r1 = addr_space_cast(r2, 0, 1)"});
  T.push_back({{OpMov64Reg, 1, 2, 1, 1 << 16},
               InsnKind::AddrSpaceCast,
               R2,
               R1,
               "r1 = addr_space_cast(r2, 1, 0)"});
}

void addJumps(std::vector<Entry> &T) {
  static const NamedOp Ops[] = {{JmpEq, "=="},   {JmpGt, ">"},   {JmpGe, ">="},
                                {JmpSet, "&"},   {JmpNe, "!="},  {JmpSgt, "s>"},
                                {JmpSge, "s>="}, {JmpLt, "<"},   {JmpLe, "<="},
                                {JmpSlt, "s<"},  {JmpSle, "s<="}};
  for (bool Is64 : {false, true})
    for (const NamedOp &Op : Ops) {
      uint8_t Class = Is64 ? ClassJmp : ClassJmp32;
      std::string D = Is64 ? "r1" : "w1", S = Is64 ? "r2" : "w2";
      T.push_back({{uint8_t(Class | Op.Op), 1, 0, 4, 7},
                   InsnKind::CondJump,
                   R1,
                   0,
                   "if " + D + " " + Op.Symbol + " 7 goto +4"});
      T.push_back({{uint8_t(Class | Op.Op | SrcReg), 1, 2, -3, 0},
                   InsnKind::CondJump,
                   R1 | R2,
                   0,
                   "if " + D + " " + Op.Symbol + " " + S + " goto -3"});
    }
  T.push_back({{OpJa, 0, 0, -9, 0}, InsnKind::Jump, 0, 0, "goto -9"});
  T.push_back(
      {{OpGotol, 0, 0, 0, 70000}, InsnKind::Jump, 0, 0, "gotol +70000", false});
  // LLVM reads no longer distance than 16 bits as a number.
  T.push_back({{OpGotol, 0, 0, 0, -7}, InsnKind::Jump, 0, 0, "gotol -7"});
  T.push_back(
      {{OpGotox, 1, 0, 0, 0}, InsnKind::IndirectJump, R1, 0, "gotox r1"});
  T.push_back(
      {{OpMayGoto, 0, 0, 5, 0}, InsnKind::MayGoto, 0, 0, "may_goto +5"});
  T.push_back({{OpExit, 0, 0, 0, 0}, InsnKind::Exit, R0, 0, "exit"});
  T.push_back({{OpCall, 0, CallHelper, 0, 14},
               InsnKind::HelperCall,
               CallArguments,
               CallClobbered,
               "call 14"});
  T.push_back({{OpCall, 0, CallBpf, 0, -4},
               InsnKind::BpfCall,
               CallArguments,
               CallClobbered,
               "call pc-4",
               false});
  T.push_back({{OpCall, 0, CallKfunc, 3, 81},
               InsnKind::KfuncCall,
               CallArguments,
               CallClobbered,
               "call kfunc 81",
               false});
}

void addMemory(std::vector<Entry> &T) {
  for (unsigned Bytes : {1, 2, 4, 8}) {
    uint8_t Size = memSizeFor(Bytes);
    std::string U = "*(u" + std::to_string(Bytes * 8) + " *)";
    std::string W = Bytes == 8 ? "r" : "w";
    T.push_back({{uint8_t(ClassLdx | ModeMem | Size), 1, 2, -8, 0},
                 InsnKind::Load,
                 R2,
                 R1,
                 W + "1 = " + U + "(r2 -8)"});
    if (Bytes < 8)
      T.push_back({{uint8_t(ClassLdx | ModeMemSx | Size), 1, 2, 8, 0},
                   InsnKind::Load,
                   R2,
                   R1,
                   "r1 = *(s" + std::to_string(Bytes * 8) + " *)(r2 +8)"});
    T.push_back({{uint8_t(ClassStx | ModeMem | Size), 1, 2, 32767, 0},
                 InsnKind::Store,
                 R1 | R2,
                 0,
                 U + "(r1 +32767) = " + W + "2"});
    T.push_back({{uint8_t(ClassSt | ModeMem | Size), 1, 0, 8, -5},
                 InsnKind::StoreImm,
                 R1,
                 0,
                 U + "(r1 +8) = -5"});
    T.push_back(
        {{uint8_t(ClassStx | ModeAtomic | Size), 1, 2, 8, AtomicLoadAcquire},
         InsnKind::Atomic,
         R2,
         R1,
         W + "1 = load_acquire(" + U.substr(1, U.size() - 1) + "(r2 +8))"});
    T.push_back(
        {{uint8_t(ClassStx | ModeAtomic | Size), 1, 2, 8, AtomicStoreRelease},
         InsnKind::Atomic,
         R1 | R2,
         0,
         "store_release(" + U.substr(1) + "(r1 +8), " + W + "2)"});
    if (Bytes < 8) {
      T.push_back({{uint8_t(ClassLd | ModeAbs | Size), 0, 0, 0, 14},
                   InsnKind::LoadAbs,
                   R6,
                   CallClobbered,
                   "r0 = " + U + "skb[14]"});
      // LLVM's syntax has no constant beside the register.
      T.push_back({{uint8_t(ClassLd | ModeInd | Size), 0, 2, 0, 14},
                   InsnKind::LoadInd,
                   R6 | R2,
                   CallClobbered,
                   "r0 = " + U + "skb[r2 + 14]",
                   false});
    }
  }
}

void addAtomics(std::vector<Entry> &T) {
  struct Op {
    AtomicOp Imm;
    const char *Symbol, *Name;
  };
  static const Op Ops[] = {{AtomicAdd, "+=", "add"},
                           {AtomicOr, "|=", "or"},
                           {AtomicAnd, "&=", "and"},
                           {AtomicXor, "^=", "xor"}};
  for (unsigned Bytes : {4, 8}) {
    uint8_t Opcode = ClassStx | ModeAtomic | memSizeFor(Bytes);
    std::string U = "(u" + std::to_string(Bytes * 8) + " *)";
    std::string W = Bytes == 8 ? "r" : "w";
    std::string X = Bytes == 8 ? "_64" : "32_32";
    for (const Op &O : Ops) {
      T.push_back({{Opcode, 1, 2, 8, O.Imm},
                   InsnKind::Atomic,
                   R1 | R2,
                   0,
                   "lock *" + U + "(r1 +8) " + O.Symbol + " " + W + "2"});
      T.push_back({{Opcode, 1, 2, 8, O.Imm | AtomicFetch},
                   InsnKind::Atomic,
                   R1 | R2,
                   R2,
                   W + "2 = atomic_fetch_" + O.Name + "(" + U + "(r1 +8), " +
                       W + "2)"});
    }
    T.push_back({{Opcode, 1, 2, 8, AtomicXchg},
                 InsnKind::Atomic,
                 R1 | R2,
                 R2,
                 W + "2 = xchg" + X + "(r1 +8, " + W + "2)"});
    T.push_back({{Opcode, 1, 2, -8, AtomicCmpXchg},
                 InsnKind::Atomic,
                 R0 | R1 | R2,
                 R0,
                 W + "0 = cmpxchg" + X + "(r1 -8, " + W + "0, " + W + "2)"});
  }
}

void addImm64(std::vector<Entry> &T) {
  static const char *const Names[] = {
      "", "map ", "map value ", "btf ", "func ", "map idx ", "map idx value "};
  for (uint8_t Pseudo = 0; Pseudo <= PseudoMapIdxValue; ++Pseudo)
    T.push_back({{OpLdImm64, 1, Pseudo, 0, -2},
                 InsnKind::LoadImm64,
                 0,
                 R1,
                 std::string("r1 = ") + Names[Pseudo] + "0x5fffffffe ll",
                 Pseudo == 0,
                 5});
}

std::vector<Entry> table() {
  std::vector<Entry> T;
  addArithmetic(T);
  addJumps(T);
  addMemory(T);
  addAtomics(T);
  addImm64(T);
  return T;
}

std::string textOf(const Entry &E) {
  std::string Text;
  raw_string_ostream OS(Text);
  disassemble(OS, E.Raw, E.Kind, E.High);
  return Text;
}

TEST(InstructionTable, SurvivesEncodingInBothByteOrders) {
  for (const Entry &E : table())
    for (endianness Order : {endianness::little, endianness::big}) {
      uint8_t Bytes[8];
      encodeSlot(E.Raw, Bytes, Order);
      EXPECT_EQ(decodeSlot(Bytes, Order), E.Raw) << E.Text;
    }
}

TEST(InstructionTable, LaysFieldsOutAsTheSpecificationSays) {
  RawInsn I{0x85, 1, 2, 0x0304, 0x05060708};
  uint8_t Little[8], Big[8];
  encodeSlot(I, Little, endianness::little);
  encodeSlot(I, Big, endianness::big);
  const uint8_t ExpectedLittle[] = {0x85, 0x21, 4, 3, 8, 7, 6, 5};
  const uint8_t ExpectedBig[] = {0x85, 0x12, 3, 4, 5, 6, 7, 8};
  EXPECT_EQ(ArrayRef<uint8_t>(Little), ArrayRef<uint8_t>(ExpectedLittle));
  EXPECT_EQ(ArrayRef<uint8_t>(Big), ArrayRef<uint8_t>(ExpectedBig));
}

TEST(InstructionTable, HasItsKind) {
  for (const Entry &E : table())
    EXPECT_EQ(int(classify(E.Raw)), int(E.Kind)) << E.Text;
}

TEST(InstructionTable, ReadsAndWritesItsRegisters) {
  for (const Entry &E : table()) {
    EXPECT_EQ(readRegs(E.Raw, E.Kind), E.Reads) << E.Text;
    EXPECT_EQ(writtenRegs(E.Raw, E.Kind), E.Writes) << E.Text;
  }
}

TEST(InstructionTable, HasItsText) {
  for (const Entry &E : table())
    EXPECT_EQ(textOf(E), E.Text);
}

TEST(InstructionTable, TextAssemblesToTheSameBytes) {
  for (bool BigEndian : {false, true}) {
    std::string Text;
    ByteVector Expected;
    endianness Order = BigEndian ? endianness::big : endianness::little;
    auto put = [&](const RawInsn &I) {
      Expected.resize(Expected.size() + 8);
      encodeSlot(I, Expected.end() - 8, Order);
    };
    for (const Entry &E : table()) {
      if (!E.Assembles)
        continue;
      Text += textOf(E) + "\n";
      put(E.Raw);
      if (E.Kind == InsnKind::LoadImm64)
        put({0, 0, 0, 0, E.High});
    }
    test::File Image = test::assemble(Text, "v4", BigEndian);
    auto Elf = ElfFile::read(MemoryBufferRef(Image, "test.o"));
    ASSERT_TRUE(bool(Elf));
    ArrayRef<uint8_t> Found = Elf->Sections[Elf->findSection(".text")].data();
    ASSERT_EQ(Found.size(), Expected.size());
    for (size_t At = 0; At < Found.size(); At += 8)
      EXPECT_EQ(decodeSlot(Found.data() + At, Order),
                decodeSlot(Expected.data() + At, Order))
          << "insn at byte " << At << (BigEndian ? ", big endian" : "");
  }
}

} // namespace
