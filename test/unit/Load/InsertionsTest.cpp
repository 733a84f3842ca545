//===- InsertionsTest.cpp - a captured load with code put in ---===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Load/Insertions.h"
#include <cstring>
#include <gtest/gtest.h>

using namespace prepatch;

namespace {

bpf_insn insn(unsigned Code, unsigned Dst = 0, unsigned Src = 0, int Off = 0,
              int Imm = 0) {
  bpf_insn I = {};
  I.code = static_cast<uint8_t>(Code);
  I.dst_reg = Dst & 15;
  I.src_reg = Src & 15;
  I.off = static_cast<int16_t>(Off);
  I.imm = Imm;
  return I;
}

const bpf_insn Mov = insn(BPF_ALU64 | BPF_MOV | BPF_K);
const bpf_insn Exit = insn(BPF_JMP | BPF_EXIT);
constexpr unsigned Goto = BPF_JMP | BPF_JA, Goto32 = BPF_JMP32 | BPF_JA,
                   If = BPF_JMP | BPF_JEQ | BPF_K,
                   If32 = BPF_JMP32 | BPF_JEQ | BPF_K, MayGoto = BPF_JMP | 0xe0,
                   Call = BPF_JMP | BPF_CALL, Wide = BPF_LD | BPF_IMM | BPF_DW;

PreparedLoad prepare(const std::vector<bpf_insn> &Insns,
                     std::vector<bpf_func_info> Functions = {}) {
  bpf_attr Attr;
  memset(&Attr, 0, sizeof(Attr));
  Attr.insns = toU64(Insns.data());
  Attr.insn_cnt = static_cast<uint32_t>(Insns.size());
  Attr.license = toU64("GPL");
  Attr.func_info = toU64(Functions.data());
  Attr.func_info_cnt = static_cast<uint32_t>(Functions.size());
  Attr.func_info_rec_size = sizeof(bpf_func_info);
  return PreparedLoad(&Attr, sizeof(Attr));
}

LoadVariant insert(const std::vector<bpf_insn> &Insns,
                   const std::vector<Insertion> &Insertions) {
  LoadVariant Variant;
  std::string Error;
  EXPECT_TRUE(insertCode(prepare(Insns), Insertions, Variant, Error)) << Error;
  return Variant;
}

std::string refusal(const std::vector<bpf_insn> &Insns,
                    const std::vector<Insertion> &Insertions) {
  LoadVariant Variant;
  std::string Error;
  EXPECT_FALSE(insertCode(prepare(Insns), Insertions, Variant, Error));
  return Error;
}

TEST(Insertions, NothingInsertedNothingChanged) {
  std::vector<bpf_insn> Insns = {insn(If, 1, 0, 1), Mov, Exit};
  LoadVariant V = insert(Insns, {});
  ASSERT_EQ(V.Insns.size(), 3u);
  EXPECT_EQ(memcmp(V.Insns.data(), Insns.data(), 3 * sizeof(bpf_insn)), 0);
  EXPECT_EQ(V.Origin, (std::vector<int32_t>{0, 1, 2}));
}

TEST(Insertions, MovesJumps) {
  for (unsigned Code : {If, If32, Goto, MayGoto}) {
    // 0 jumps to 3, 2 back to 1.
    std::vector<bpf_insn> Insns = {insn(Code, 0, 0, 2), Mov,
                                   insn(Code, 0, 0, -2), Exit};
    LoadVariant V = insert(Insns, {{1, {Mov, Mov}}, {3, {Mov}}});
    // 0, two new ones, 1, 2, a new one, 3
    EXPECT_EQ(V.Origin, (std::vector<int32_t>{0, -1, -1, 1, 2, -2, 3}));
    EXPECT_EQ(V.Insns[0].off, 4);  // to the code before 3
    EXPECT_EQ(V.Insns[4].off, -4); // to the code before 1
  }
  std::vector<bpf_insn> Insns = {insn(Goto32, 0, 0, 0, 1), Mov, Exit};
  LoadVariant V = insert(Insns, {{1, {Mov, Mov, Mov}}});
  EXPECT_EQ(V.Insns[0].imm, 4);
  EXPECT_EQ(V.Insns[0].off, 0);
}

TEST(Insertions, MovesCallsAndAddresses) {
  // 0 calls 5; 1 takes the address of 6; 3 calls helper 5.
  std::vector<bpf_insn> Insns = {insn(Call, 0, BPF_PSEUDO_CALL, 0, 4),
                                 insn(Wide, 1, BPF_PSEUDO_FUNC, 0, 4),
                                 insn(0),
                                 insn(Call, 0, 0, 0, 5),
                                 Exit,
                                 Exit,
                                 Exit};
  std::vector<bpf_func_info> Functions = {{0, 10}, {5, 11}, {6, 12}};
  LoadVariant V;
  std::string Error;
  ASSERT_TRUE(insertCode(prepare(Insns, Functions),
                         {{1, {Mov}}, {3, {Mov, Mov}}, {5, {Mov}}, {6, {Mov}}},
                         V, Error))
      << Error;
  EXPECT_EQ(V.Insns[0].imm, 7);
  EXPECT_EQ(V.Insns[2].imm, 7);
  EXPECT_EQ(V.Insns[6].imm, 5);
  bpf_func_info Moved[3];
  ASSERT_EQ(V.FuncInfo.size(), sizeof(Moved));
  memcpy(Moved, V.FuncInfo.data(), sizeof(Moved));
  // A function begins with the code in front of its first instruction.
  EXPECT_EQ(Moved[1].insn_off, 8u);
  EXPECT_EQ(Moved[2].insn_off, 10u);
  EXPECT_EQ(Moved[2].type_id, 12u);
}

TEST(Insertions, TheSecondHalfOfALoadIsNoInstruction) {
  // The data looks like a jump.
  std::vector<bpf_insn> Insns = {insn(Wide, 1), insn(0, 0, 0, 0, 5), Mov, Exit};
  EXPECT_EQ(refusal(Insns, {{1, {Mov}}}),
            "instruction 1 is the second half of a 64-bit load");
  EXPECT_EQ(insert(Insns, {{2, {Mov}}}).Insns[1].imm, 5);
}

TEST(Insertions, CodeMayJumpWithinItself) {
  std::vector<bpf_insn> Insns = {Mov, Exit};
  LoadVariant V = insert(Insns, {{1, {insn(If, 1, 0, 1), Mov}}});
  EXPECT_EQ(V.Insns[1].off, 1);
  EXPECT_EQ(refusal(Insns, {{1, {insn(If, 1, 0, 2), Mov}}}),
            "code before instruction 1: expected no jump or call out of it");
  EXPECT_EQ(refusal(Insns, {{1, {insn(Goto, 0, 0, -2)}}}),
            "code before instruction 1: expected no jump or call out of it");
  EXPECT_EQ(refusal(Insns, {{1, {insn(Call, 0, BPF_PSEUDO_CALL, 0, -1)}}}),
            "code before instruction 1: expected no jump or call out of it");
  EXPECT_EQ(refusal(Insns, {{1, {insn(Wide, 1)}}}),
            "code before instruction 1: expected the second half of a 64-bit "
            "load");
}

TEST(Insertions, RefusesWhatCannotBe) {
  std::vector<bpf_insn> Insns = {Mov, Exit};
  EXPECT_EQ(refusal(Insns, {{2, {Mov}}}),
            "expected an instruction below 2, found 2");
  EXPECT_EQ(refusal(Insns, {{1, {Mov}}, {1, {Mov}}}),
            "expected increasing instructions, found 1 after 1");
  EXPECT_EQ(refusal({insn(Goto | BPF_X, 1), Exit}, {{1, {Mov}}}),
            "instruction 0 jumps through a table of instructions, which cannot "
            "be moved");
}

TEST(Insertions, JumpsReachOnlySoFar) {
  std::vector<bpf_insn> Insns(32770, Mov);
  Insns[0] = insn(If, 1, 0, 32767);
  Insns.back() = Exit;
  EXPECT_EQ(refusal(Insns, {{5, {Mov}}}),
            "the jump of instruction 0 does not reach its target any more: "
            "32768 does not fit in 16 bits");
  Insns[0] = insn(Goto32, 0, 0, 0, 32767);
  EXPECT_EQ(insert(Insns, {{5, {Mov}}}).Insns[0].imm, 32768);
}

TEST(Insertions, ABrokenJumpStaysBroken) {
  EXPECT_EQ(insert({insn(Goto, 0, 0, 100), Exit}, {{1, {Mov}}}).Insns[0].off,
            100);
}

} // namespace
