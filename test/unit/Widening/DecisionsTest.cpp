//===- DecisionsTest.cpp - Decisions files, and places and values in them -===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "../Analysis/TestProgram.h"
#include "Widening/DecisionsMap.h"

using namespace llvm;
using namespace prepatch;

namespace {

std::string write(const DecisionsFile &File) {
  std::string Text;
  raw_string_ostream OS(Text);
  writeDecisions(OS, File);
  return Text;
}

std::string errorOf(StringRef Text) {
  auto File = parseDecisions(Text, "d");
  if (File)
    return "";
  return toString(File.takeError());
}

/// The error of \p Line after a header, a function and a place.
std::string errorOfLine(StringRef Line) {
  return errorOf(("prepatch-decisions 1\nfunction f\n"
                  "at a.c:1:2 \"x\" join=1/1 block=1/1 code=00000000\n" +
                  Line)
                     .str());
}

TEST(Decisions, RoundTrip) {
  DecisionsFile File;
  File.Tool = "prepatch 0.1.0";
  File.Kernels = {"6.18.44", "6.1"};
  File.Figures = {{"send", 661211, 41412, "6.18.44"}, {"two words", 5, 4, ""}};
  File.Functions.reserve(2);
  FunctionDecisions &F = File.Functions.emplace_back();
  F.Name = "send";
  F.Places.reserve(2);
  PlaceDecisions &P = F.Places.emplace_back();
  P.Where.File = "my file.c";
  P.Where.Text = "s = \"a\\b\t\" + '\xc3\xa9'; # no comment";
  P.Where.Line = 12;
  P.Where.Column = 3;
  P.Where.Role = PlaceRole::Join;
  P.Where.OnLine = {2, 20};
  P.Where.Block = {7, 300};
  P.Where.Code = 0xabc;
  ForgetDecision &D = P.Forget.emplace_back();
  D.Hint = Location::slot(-16);
  D.How = Form::Touch;
  D.Value.Defs = {{"store", 11, 0xbeef}, {"entry", 0, std::nullopt}};
  D.Value.Uses = {{"call.14", 15, std::nullopt}};
  D.Value.Variable = "len";
  PlaceDecisions &Q = F.Places.emplace_back();
  Q.Where.File = "a.c";
  Q.Where.Line = 14;
  Q.Where.OnLine = {1, 3};
  Q.Where.InRun = {4, 9};
  Q.Where.Block = {8, 300};
  Q.Where.BlockStep = 5;
  ForgetDecision &E = Q.Forget.emplace_back();
  E.Hint = Location::reg(7);
  E.How = xorForm(32);
  FunctionDecisions &G = File.Functions.emplace_back();
  G.Name = "no_lines";
  G.Places.emplace_back().Where.Block = {1, 2};
  G.Places.back().Where.Role = PlaceRole::Start;

  std::string Text = write(File);
  auto Read = parseDecisions(Text, "d");
  ASSERT_TRUE(bool(Read)) << toString(Read.takeError());
  EXPECT_EQ(write(*Read), Text);
  EXPECT_EQ(Read->Tool, File.Tool);
  EXPECT_EQ(Read->Kernels, File.Kernels);
  EXPECT_EQ(Read->Figures, File.Figures);
  ASSERT_EQ(Read->Functions.size(), 2u);
  const PlaceDecisions &P2 = Read->Functions[0].Places[0];
  EXPECT_EQ(P2.Where, P.Where);
  EXPECT_EQ(P2.Forget[0].Value, D.Value);
  EXPECT_EQ(P2.Forget[0].Hint, D.Hint);
  EXPECT_EQ(P2.Forget[0].How, D.How);
  EXPECT_EQ(Read->Functions[0].Places[1].Where, Q.Where);
  EXPECT_EQ(Read->Functions[1].Places[0].Where, G.Places[0].Where);
}

TEST(Decisions, CommentsAndWhiteSpace) {
  auto File = parseDecisions("# first\r\n\r\n  prepatch-decisions 1 # one\r\n"
                             "\tfunction  \"f\"#g\r\n",
                             "d");
  ASSERT_TRUE(bool(File)) << toString(File.takeError());
  ASSERT_EQ(File->Functions.size(), 1u);
  EXPECT_EQ(File->Functions[0].Name, "f#g");
  EXPECT_EQ(File->Functions[0].LineNo, 4u);
}

TEST(Decisions, BadHeader) {
  EXPECT_EQ(errorOf(""), "d:1: expected 'prepatch-decisions 1', found end of "
                         "file");
  EXPECT_EQ(errorOf("# c\nfunction f\n"),
            "d:2: expected 'prepatch-decisions 1' as the first line that is "
            "not a comment, found 'function'");
  EXPECT_EQ(errorOf("prepatch-decisions 2\n"),
            "d:1: format version 2, this prepatch reads version 1");
  EXPECT_EQ(errorOf("prepatch-decisions 1 x\n"),
            "d:1: expected end of line, found 'x'");
}

TEST(Decisions, BadLines) {
  EXPECT_TRUE(StringRef(errorOfLine("melt r6"))
                  .starts_with("d:4: unknown kind of decision 'melt'; version "
                               "1 has: forget"))
      << errorOfLine("melt r6");
  EXPECT_EQ(errorOfLine("function"),
            "d:4: expected a name after 'function', found end of line");
  EXPECT_EQ(errorOfLine("at"), "d:4: expected FILE:LINE:COLUMN or block=K/N "
                               "after 'at', found end of line");
  EXPECT_EQ(errorOfLine("at a.c:1 \"x\""), "d:4: expected FILE:LINE:COLUMN or "
                                           "block=K/N after 'at', found "
                                           "'a.c:1'");
  EXPECT_EQ(errorOfLine("at a.c:1:2 \"x"),
            "d:4: expected a quote that ends the text, found end of line");
  EXPECT_EQ(errorOfLine("at a.c:1:2 \"\\q\""),
            "d:4: expected \\\\, \\\" or \\xNN after a backslash in quotes, "
            "found '\\q'");
  EXPECT_EQ(errorOfLine("at a.c:1:2 join=3/2"),
            "d:4: expected join=K/N with K from 1 to N, found 'join=3/2'");
  EXPECT_EQ(errorOfLine("at a.c:1:2 join=1/2"),
            "d:4: expected block=K/N in the description of the place, found "
            "end of line");
  EXPECT_EQ(errorOfLine("at a.c:1:2 run=1/2 block=1/1"),
            "d:4: expected insn=K/N beside run=K/N, found end of line");
  EXPECT_EQ(errorOfLine("at block=1/2 code=12"),
            "d:4: expected code= with 8 hexadecimal digits, found 'code=12'");
  EXPECT_EQ(errorOfLine("at block=1/2+ join"),
            "d:4: expected a number after block=K/N+, found ''");
  EXPECT_EQ(errorOfLine("program p verified 1 2"),
            "d:4: expected 'program NAME verified BEFORE -> AFTER [on "
            "KERNEL]'");
  EXPECT_EQ(errorOf("prepatch-decisions 1\nforget r1 by spill"),
            "d:2: expected 'at PLACE' before 'forget', found 'forget'");
  EXPECT_EQ(errorOf("prepatch-decisions 1\nat block=1/1"),
            "d:2: expected 'function NAME' before the first 'at', found 'at'");
}

TEST(Decisions, BadForget) {
  EXPECT_EQ(errorOfLine("forget r10 by spill"),
            "d:4: expected a location, r0 to r9 or fp-8, fp-16, ..., found "
            "'r10'");
  EXPECT_EQ(errorOfLine("forget fp-12 by touch"),
            "d:4: expected a location, r0 to r9 or fp-8, fp-16, ..., found "
            "'fp-12'");
  EXPECT_EQ(errorOfLine("forget r1 spill"),
            "d:4: expected 'by FORM', found 'spill'");
  EXPECT_NE(errorOfLine("forget r1 by magic").find("spill, xor1 to xor64"),
            std::string::npos)
      << errorOfLine("forget r1 by magic");
  EXPECT_EQ(errorOfLine("forget r1 by touch"),
            "d:4: expected a form for registers, found 'touch'");
  EXPECT_EQ(errorOfLine("forget fp-8 by spill"),
            "d:4: expected a form for stack slots, found 'spill'");
  EXPECT_EQ(errorOfLine("forget r1 by spill def=add@x"),
            "d:4: expected def=OP@LINE:HASH,..., found 'def=add@x'");
  EXPECT_EQ(errorOfLine("forget r1 by spill maybe=1"),
            "d:4: expected def=, use= or var=, found 'maybe=1'");
}

TEST(Decisions, AnyBytes) {
  // No input may crash; what is read can be written and read again.
  std::string Alphabet = "at forget\n\" \\x=/:@,#1r-\xff";
  uint32_t State = 1;
  for (unsigned N = 0; N < 20000; ++N) {
    std::string Text = "prepatch-decisions 1\nfunction f\nat ";
    for (unsigned I = 0; I < 24; ++I) {
      State = State * 1664525 + 1013904223;
      Text += Alphabet[(State >> 16) % Alphabet.size()];
    }
    auto File = parseDecisions(Text, "d");
    if (!File)
      consumeError(File.takeError());
    else
      EXPECT_TRUE(bool(parseDecisions(write(*File), "d")));
  }
}

TEST(Decisions, Squeeze) {
  EXPECT_EQ(squeeze("\t if  (a\t==\n b) "), "if (a == b)");
  EXPECT_EQ(squeeze(" "), "");
}

/// r6 is set on two ways that meet, stored, and read again after a call.
struct Meeting {
  TestProgram T;
  Function &F = T.entry("tc");
  BasicBlock *Meet;
  Insn *First;

  Meeting() {
    T.block(F);
    T.B.callHelper(HelperKtime);
    T.B.movReg(6, 0);
    Insn *Branch = T.B.condJumpImm(JmpEq, 0, 1, F.entry());
    T.block(F);
    T.B.load(6, 1, 0, 4);
    Meet = &T.block(F);
    First = T.B.store(RegFp, -16, 6, 8);
    T.B.movReg(2, RegFp);
    T.B.aluImm(AluAdd, 2, -8);
    T.B.load(0, RegFp, -16, 8);
    T.B.exit();
    Branch->setTarget(Meet);
  }
};

std::string marks(ArrayRef<ValueMark> Ms) {
  std::string S;
  for (const ValueMark &M : Ms)
    S += (S.empty() ? "" : " ") + M.Op;
  return S;
}

TEST(DecisionsMap, RolesAndBlocks) {
  Meeting M;
  DecisionsMap Map(M.F, nullptr, false);
  ASSERT_EQ(Map.size(), 9u);
  EXPECT_EQ(Map.numBlocks(), 3u);
  EXPECT_EQ(Map.role(0), PlaceRole::Start);
  EXPECT_EQ(Map.role(1), PlaceRole::Inside);
  EXPECT_EQ(Map.role(4), PlaceRole::Join);
  EXPECT_EQ(&Map.insn(4), M.First);
  EXPECT_FALSE(Map.hasLines());
  Place P = Map.describe(5);
  EXPECT_EQ(P.Block, (Occurrence{3, 3}));
  EXPECT_EQ(P.BlockStep, 1u);
}

TEST(DecisionsMap, SplitBlocksDoNotCount) {
  Meeting M;
  DecisionsMap Before(M.F, nullptr, false);
  Place P = Before.describe(5);
  M.T.B.splitBefore(*M.Meet, *M.First->next());
  DecisionsMap After(M.F, nullptr, false);
  EXPECT_EQ(After.numBlocks(), 3u);
  EXPECT_EQ(After.describe(5), P);
  EXPECT_EQ(After.valueAt(5, Location::slot(-16)),
            Before.valueAt(5, Location::slot(-16)));
}

TEST(DecisionsMap, NoOpsDoNotCount) {
  Meeting M;
  DecisionsMap Before(M.F, nullptr, false);
  Place P = Before.describe(4);
  Resources Have;
  Have.Dead = regBit(3);
  Have.FreeSlot = -24;
  SmallVector<RawInsn, 8> Code;
  ASSERT_TRUE(appendForget(Code, Location::reg(6), Form::Spill, Have));
  ASSERT_TRUE(appendForget(Code, Location::reg(6), xorForm(64), Have));
  M.T.B.setInsertPoint(*M.First);
  for (const RawInsn &Raw : Code)
    M.T.B.create(Raw);
  DecisionsMap After(M.F, nullptr, false);
  EXPECT_EQ(After.describe(4), P);
  EXPECT_EQ(&After.insn(4), M.First);
  EXPECT_EQ(After.valueAt(4, Location::reg(6)),
            Before.valueAt(4, Location::reg(6)));
  ArrayRef<Widening> There = After.noOpsBefore(4);
  ASSERT_EQ(There.size(), 2u);
  EXPECT_EQ(There[0], (Widening{Location::reg(6), Form::Spill}));
  EXPECT_EQ(There[1], (Widening{Location::reg(6), xorForm(64)}));
}

TEST(DecisionsMap, NoOpsWithBranchesDoNotCount) {
  Meeting M;
  DecisionsMap Before(M.F, nullptr, false);
  CallGraph Graph(M.T.P);
  Liveness Live(Graph, testProfile());
  RegKinds Kinds(Graph, testProfile());
  StackUse Stack(Kinds, testProfile());
  Widener W(M.T.P, Graph, Live, Kinds, Stack, testProfile());
  // One at a join, one in the middle of a block.
  for (unsigned P : {4u, 6u}) {
    Widening What{Location::reg(6), Form::guard(2, 90, false)};
    if (P == 6)
      What = {Location::slot(-16), Form::guard(0, 9, true)};
    SmallVector<Widening, 1> Refused;
    auto Code = W.code(Before.insn(P), What, &Refused);
    ASSERT_TRUE(Refused.empty());
    W.insert(Before.insn(P), Code);
    DecisionsMap After(M.F, nullptr, false);
    ASSERT_EQ(After.size(), Before.size());
    EXPECT_EQ(After.numBlocks(), Before.numBlocks());
    for (unsigned Q = 0; Q < Before.size(); ++Q)
      EXPECT_EQ(After.role(Q), Before.role(Q)) << Q;
    EXPECT_EQ(After.code(4), Before.code(4));
    ArrayRef<Widening> There = After.noOpsBefore(P);
    ASSERT_EQ(There.size(), 1u);
    EXPECT_EQ(There[0], What);
    EXPECT_EQ(marks(After.valueAt(4, Location::reg(6)).Defs), "mov load");
    EXPECT_EQ(marks(After.valueAt(4, Location::reg(6)).Uses), "store");
  }
}

TEST(DecisionsMap, Values) {
  Meeting M;
  DecisionsMap Map(M.F, nullptr, false);
  ValueShape R6 = Map.valueAt(4, Location::reg(6));
  EXPECT_EQ(marks(R6.Defs), "mov load");
  EXPECT_EQ(marks(R6.Uses), "store");
  ValueShape Slot = Map.valueAt(5, Location::slot(-16));
  EXPECT_EQ(marks(Slot.Defs), "store");
  EXPECT_EQ(marks(Slot.Uses), "load");
  ValueShape Pointed = Map.valueAt(4, Location::slot(-8));
  EXPECT_EQ(marks(Pointed.Defs), "entry");
  EXPECT_EQ(marks(Pointed.Uses), "address");
  EXPECT_EQ(marks(Map.valueAt(0, Location::reg(1)).Defs), "entry");
  EXPECT_EQ(Map.slots(), ArrayRef<int16_t>({-16, -8}));
}

TEST(DecisionsMap, CodeIgnoresRegistersAndOffsets) {
  Meeting A, B, C;
  B.First->setSrc(7);
  B.First->setOff(-24);
  Builder::rewrite(*C.First,
                   {uint8_t(ClassStx | ModeMem | SizeW), RegFp, 6, -16, 0});
  uint32_t Code = DecisionsMap(A.F, nullptr, false).code(4);
  EXPECT_EQ(DecisionsMap(B.F, nullptr, false).code(4), Code);
  EXPECT_NE(DecisionsMap(C.F, nullptr, false).code(4), Code);
}

} // namespace
