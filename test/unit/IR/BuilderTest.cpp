//===- BuilderTest.cpp - One test for each operation ----------------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "TestProgram.h"

using namespace prepatch;
using namespace prepatch::test;

namespace {

using BuilderTest = TestProgram;

TEST_F(BuilderTest, AppendsAtTheEndOfABlock) {
  BasicBlock &BB = block({1, 2});
  B.movImm(1, 3);
  EXPECT_EQ(imms(BB), (Imms{1, 2, 3}));
}

TEST_F(BuilderTest, InsertsBeforeAnInstructionInOrder) {
  BasicBlock &BB = block({1, 2});
  B.setInsertPoint(at(BB, 1));
  B.movImm(1, 10);
  B.movImm(1, 11);
  EXPECT_EQ(imms(BB), (Imms{1, 10, 11, 2}));
}

TEST_F(BuilderTest, InsertsBeforeTheFirstInstruction) {
  BasicBlock &BB = block({1});
  B.setInsertPoint(at(BB, 0));
  B.movImm(1, 10);
  EXPECT_EQ(imms(BB), (Imms{10, 1}));
  EXPECT_EQ(BB.front()->imm(), 10);
  EXPECT_EQ(BB.front()->prev(), nullptr);
}

TEST_F(BuilderTest, MarksWhatItInserts) {
  BasicBlock &BB = block({1});
  EXPECT_TRUE(at(BB, 0).isInserted());
  B.setInsertPoint(BB);
  Insn *I = B.create({OpMov64Imm, 1, 0, 0, 2}, 0, 17);
  EXPECT_FALSE(I->isInserted());
  EXPECT_EQ(I->originalIndex(), 17u);
}

TEST_F(BuilderTest, EncodesWhatTheFunctionsSay) {
  BasicBlock &BB = block({});
  B.setInsertPoint(BB);
  EXPECT_EQ(B.movReg(1, 2)->raw(), (RawInsn{0xbf, 1, 2, 0, 0}));
  EXPECT_EQ(B.movImm(1, -2)->raw(), (RawInsn{0xb7, 1, 0, 0, -2}));
  EXPECT_EQ(B.aluImm(AluAnd, 1, 7)->raw(), (RawInsn{0x57, 1, 0, 0, 7}));
  EXPECT_EQ(B.aluImm(AluRsh, 1, 7, false)->raw(), (RawInsn{0x74, 1, 0, 0, 7}));
  EXPECT_EQ(B.aluReg(AluXor, 1, 2)->raw(), (RawInsn{0xaf, 1, 2, 0, 0}));
  EXPECT_EQ(B.aluReg(AluDiv, 1, 2, false)->raw(), (RawInsn{0x3c, 1, 2, 0, 0}));
  EXPECT_EQ(B.load(1, 2, 8, 1)->raw(), (RawInsn{0x71, 1, 2, 8, 0}));
  EXPECT_EQ(B.load(1, 2, 8, 8)->raw(), (RawInsn{0x79, 1, 2, 8, 0}));
  EXPECT_EQ(B.store(10, -8, 2, 4)->raw(), (RawInsn{0x63, 10, 2, -8, 0}));
  EXPECT_EQ(B.callHelper(5)->raw(), (RawInsn{0x85, 0, 0, 0, 5}));
  EXPECT_EQ(B.exit()->raw(), (RawInsn{0x95, 0, 0, 0, 0}));
}

TEST_F(BuilderTest, BranchesNameBlocks) {
  BasicBlock &BB = block({}), &To = block({1});
  B.setInsertPoint(BB);
  EXPECT_EQ(B.condJumpImm(JmpEq, 1, 3, To)->raw(), (RawInsn{0x15, 1, 0, 0, 3}));
  EXPECT_EQ(B.condJumpReg(JmpSlt, 1, 2, To, false)->raw(),
            (RawInsn{0xce, 1, 2, 0, 0}));
  Insn *Jump = B.jump(To);
  EXPECT_EQ(Jump->raw(), (RawInsn{0x05, 0, 0, 0, 0}));
  EXPECT_EQ(Jump->target(), &To);
}

TEST_F(BuilderTest, CallsNameFunctions) {
  prepatch::Function &Callee = P.createFunction(Section, "callee");
  block({});
  Insn *Call = B.call(Callee);
  EXPECT_EQ(Call->kind(), InsnKind::BpfCall);
  EXPECT_EQ(Call->callee(), &Callee);
}

TEST_F(BuilderTest, LdImm64CanBecomeAFunctionPointer) {
  prepatch::Function &Callee = P.createFunction(Section, "callee");
  block({});
  Insn *I = B.create({OpLdImm64, 2, PseudoFunc, 0, 0});
  EXPECT_EQ(I->slots(), 2u);
  EXPECT_FALSE(I->isFunctionPointer());
  Builder::makeFunctionPointer(*I, &Callee);
  EXPECT_TRUE(I->isFunctionPointer());
  EXPECT_EQ(I->callee(), &Callee);
}

TEST_F(BuilderTest, LoadsSymbolsByRelocation) {
  Symbol &S = P.Symbols.emplace_back();
  block({});
  Insn *I = B.loadSymbol(3, {&S, 1});
  EXPECT_EQ(I->raw(), (RawInsn{0x18, 3, 0, 0, 0}));
  ASSERT_TRUE(I->relocation());
  EXPECT_EQ(I->relocation()->Sym, &S);
  EXPECT_EQ(I->relocation()->Type, 1u);
}

TEST_F(BuilderTest, ErasesFirstMiddleAndLast) {
  BasicBlock &BB = block({1, 2, 3, 4, 5});
  B.erase(BB, at(BB, 2));
  EXPECT_EQ(imms(BB), (Imms{1, 2, 4, 5}));
  B.erase(BB, at(BB, 0));
  EXPECT_EQ(imms(BB), (Imms{2, 4, 5}));
  B.erase(BB, at(BB, 2));
  EXPECT_EQ(imms(BB), (Imms{2, 4}));
  B.erase(BB, at(BB, 0));
  B.erase(BB, at(BB, 0));
  EXPECT_TRUE(BB.empty());
  EXPECT_EQ(BB.front(), nullptr);
  EXPECT_EQ(BB.back(), nullptr);
}

TEST_F(BuilderTest, ErasesWhileWalking) {
  BasicBlock &BB = block({1, 2, 3, 4});
  for (InsnIterator It = BB.begin(); It != BB.end();) {
    Insn &I = *It++;
    if (I.imm() % 2)
      B.erase(BB, I);
  }
  EXPECT_EQ(imms(BB), (Imms{2, 4}));
}

TEST_F(BuilderTest, ErasesABlock) {
  block({1});
  BasicBlock &Middle = block({2, 3});
  block({4});
  B.erase(Middle);
  EXPECT_EQ(F.numberBlocks(), 2u);
  EXPECT_EQ(F.countSlots(), 2u);
  EXPECT_EQ(Middle.parent(), nullptr);
}

TEST_F(BuilderTest, CreatesBlocksBehindOthers) {
  BasicBlock &First = block({1}), &Last = block({3});
  BasicBlock &Middle = B.createBlock(F, &First);
  EXPECT_EQ(First.next(), &Middle);
  EXPECT_EQ(Middle.next(), &Last);
  EXPECT_EQ(Last.prev(), &Middle);
  EXPECT_EQ(Last.next(), nullptr);
  EXPECT_EQ(Middle.parent(), &F);
}

TEST_F(BuilderTest, SplitsInTheMiddle) {
  BasicBlock &BB = block({1, 2, 3, 4});
  BasicBlock &Rest = B.splitBefore(BB, at(BB, 2));
  EXPECT_EQ(imms(BB), (Imms{1, 2}));
  EXPECT_EQ(imms(Rest), (Imms{3, 4}));
  EXPECT_EQ(BB.next(), &Rest);
  EXPECT_EQ(BB.successors(), (llvm::SmallVector<BasicBlock *, 2>{&Rest}));
}

TEST_F(BuilderTest, SplitsBeforeTheFirst) {
  BasicBlock &BB = block({1, 2});
  BasicBlock &Rest = B.splitBefore(BB, at(BB, 0));
  EXPECT_TRUE(BB.empty());
  EXPECT_EQ(imms(Rest), (Imms{1, 2}));
}

TEST_F(BuilderTest, BranchesToASplitBlockReachItsStart) {
  BasicBlock &BB = block({1, 2}), &From = block({});
  B.setInsertPoint(From);
  Insn *Jump = B.jump(BB);
  B.splitBefore(BB, at(BB, 1));
  EXPECT_EQ(Jump->target(), &BB);
  EXPECT_EQ(imms(BB), (Imms{1}));
}

TEST_F(BuilderTest, RewritesInPlace) {
  BasicBlock &BB = block({1, 2});
  Insn &I = at(BB, 0);
  B.attach(I, line(5));
  Builder::rewrite(I, {ClassAlu64 | AluAdd, 3, 0, 0, 9});
  EXPECT_EQ(I.kind(), InsnKind::Alu);
  EXPECT_EQ(I.raw(), (RawInsn{0x07, 3, 0, 0, 9}));
  EXPECT_EQ(lineOf(I), 5u);
}

TEST_F(BuilderTest, RewritingABranchKeepsItsTarget) {
  BasicBlock &BB = block({1}), &From = block({});
  B.setInsertPoint(From);
  Insn *Jump = B.jump(BB);
  Builder::rewrite(*Jump, {OpGotol, 0, 0, 0, 0});
  EXPECT_EQ(Jump->target(), &BB);
  EXPECT_EQ(Jump->kind(), InsnKind::Jump);
}

TEST_F(BuilderTest, ClonesWithRecordsButWithoutLine) {
  Symbol &S = P.Symbols.emplace_back();
  BasicBlock &BB = block({});
  B.setInsertPoint(BB);
  Insn *I = B.create({OpLdImm64, 1, 0, 0, 7}, 8, 3);
  B.attach(*I, line(4));
  B.attach(*I, CoreRecord{1, 2, 3});
  B.attach(*I, Relocation{&S, 1});
  Insn *Copy = B.clone(*I);
  EXPECT_EQ(Copy->raw(), I->raw());
  EXPECT_EQ(Copy->immHigh(), 8);
  EXPECT_TRUE(Copy->isInserted());
  EXPECT_TRUE(Copy->hasCoreRecord());
  ASSERT_TRUE(Copy->relocation());
  EXPECT_EQ(Copy->relocation()->Sym, &S);
  EXPECT_EQ(lineOf(*Copy), 0u);
  EXPECT_EQ(lineOf(*I), 4u);
}

TEST_F(BuilderTest, ClonesBranchesAndCallsWithWhatTheyName) {
  prepatch::Function &Callee = P.createFunction(Section, "callee");
  BasicBlock &To = block({1}), &BB = block({});
  B.setInsertPoint(BB);
  EXPECT_EQ(B.clone(*B.condJumpImm(JmpEq, 1, 0, To))->target(), &To);
  EXPECT_EQ(B.clone(*B.call(Callee))->callee(), &Callee);
  Insn *Pointer = B.create({OpLdImm64, 2, PseudoFunc, 0, 0});
  Builder::makeFunctionPointer(*Pointer, &Callee);
  Insn *Copy = B.clone(*Pointer);
  EXPECT_TRUE(Copy->isFunctionPointer());
  EXPECT_EQ(Copy->callee(), &Callee);
}

// The rules for line records, as Builder.h states them.

TEST_F(BuilderTest, InsertedCodeTakesOverTheLineThatStartsThere) {
  BasicBlock &BB = block({1, 2});
  B.attach(at(BB, 0), line(10));
  B.attach(at(BB, 1), line(11));
  B.setInsertPoint(at(BB, 1));
  B.movImm(1, 20);
  B.movImm(1, 21);
  EXPECT_EQ(imms(BB), (Imms{1, 20, 21, 2}));
  EXPECT_EQ(lines(BB), (Lines{10, 11, 0, 0}));
}

TEST_F(BuilderTest, CodeInsideALineLeavesTheRecordAlone) {
  BasicBlock &BB = block({1, 2});
  B.attach(at(BB, 0), line(10));
  B.setInsertPoint(at(BB, 1));
  B.movImm(1, 20);
  EXPECT_EQ(lines(BB), (Lines{10, 0, 0}));
}

TEST_F(BuilderTest, ALineSurvivesItsFirstInstruction) {
  BasicBlock &BB = block({1, 2});
  B.attach(at(BB, 0), line(10));
  B.erase(BB, at(BB, 0));
  EXPECT_EQ(lines(BB), (Lines{10}));
}

TEST_F(BuilderTest, AnErasedLineDoesNotReplaceTheNext) {
  BasicBlock &BB = block({1, 2});
  B.attach(at(BB, 0), line(10));
  B.attach(at(BB, 1), line(11));
  B.erase(BB, at(BB, 0));
  EXPECT_EQ(lines(BB), (Lines{11}));
}

TEST_F(BuilderTest, ALineMovesToALaterBlock) {
  BasicBlock &BB = block({1}), &Empty = block({}), &Next = block({2});
  B.attach(at(BB, 0), line(10));
  B.erase(BB, at(BB, 0));
  EXPECT_TRUE(Empty.empty());
  EXPECT_EQ(lines(Next), (Lines{10}));
}

TEST_F(BuilderTest, ErasingSeveralKeepsTheLastLineForTheNext) {
  BasicBlock &BB = block({1, 2, 3});
  B.attach(at(BB, 0), line(10));
  B.attach(at(BB, 1), line(11));
  B.erase(BB, at(BB, 0));
  B.erase(BB, at(BB, 0));
  EXPECT_EQ(lines(BB), (Lines{11}));
}

TEST_F(BuilderTest, TheLastLineOfAFunctionGoesWithIt) {
  BasicBlock &BB = block({1});
  B.attach(at(BB, 0), line(10));
  B.erase(BB, at(BB, 0));
  EXPECT_TRUE(BB.empty());
}

TEST_F(BuilderTest, OtherRecordsGoWithTheirInstruction) {
  BasicBlock &BB = block({1, 2});
  B.attach(at(BB, 0), CoreRecord{1, 2, 3});
  B.erase(BB, at(BB, 0));
  EXPECT_EQ(at(BB, 0).attachments(), nullptr);
}

TEST_F(BuilderTest, OtherRecordsStayWithTheirInstruction) {
  BasicBlock &BB = block({1});
  B.attach(at(BB, 0), line(10));
  B.attach(at(BB, 0), CoreRecord{1, 2, 3});
  B.setInsertPoint(at(BB, 0));
  Insn *New = B.movImm(1, 2);
  EXPECT_FALSE(New->hasCoreRecord());
  EXPECT_TRUE(at(BB, 1).hasCoreRecord());
}

TEST_F(BuilderTest, DropsALine) {
  BasicBlock &BB = block({1});
  B.attach(at(BB, 0), line(10));
  Builder::dropLine(at(BB, 0));
  EXPECT_EQ(lines(BB), (Lines{0}));
  Builder::dropLine(at(BB, 0)); // without one: nothing happens
}

TEST_F(BuilderTest, FindsTheNextInLayout) {
  BasicBlock &BB = block({1, 2});
  block({});
  BasicBlock &Next = block({3});
  EXPECT_EQ(nextInLayout(BB, at(BB, 0)), &at(BB, 1));
  EXPECT_EQ(nextInLayout(BB, at(BB, 1)), &at(Next, 0));
  EXPECT_EQ(nextInLayout(Next, at(Next, 0)), nullptr);
}

} // namespace
