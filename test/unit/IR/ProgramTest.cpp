//===- ProgramTest.cpp - Sections, functions, symbols and maps ------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "TestProgram.h"

using namespace prepatch;
using namespace prepatch::test;

namespace {

using ProgramTest = TestProgram;

TEST_F(ProgramTest, FindsFunctionsAndSections) {
  EXPECT_EQ(P.findFunction("main"), &F);
  EXPECT_EQ(P.findFunction("other"), nullptr);
  EXPECT_EQ(P.findSection("xdp"), &Section);
  EXPECT_EQ(P.findSection(".text"), nullptr);
}

TEST_F(ProgramTest, MakesSubprogramsInText) {
  prepatch::Function &Sub = P.createSubprogram("shared", {});
  EXPECT_EQ(Sub.section()->Name, ".text");
  EXPECT_FALSE(Sub.isEntry());
  EXPECT_FALSE(Sub.isGlobal());
  ASSERT_TRUE(Sub.symbol());
  EXPECT_EQ(Sub.symbol()->Fn, &Sub);
  EXPECT_EQ(Sub.symbol()->Index, ~0u);
  // A second one of the same name gets a number.
  EXPECT_EQ(P.createSubprogram("shared", {}).name(), "shared_1");
}

TEST_F(ProgramTest, KnowsGlobalFromStatic) {
  CodeSection &Text = P.createSection(".text", true);
  prepatch::Function &Sub = P.createFunction(Text, "sub");
  EXPECT_FALSE(Sub.isGlobal());
  Symbol &S = P.Symbols.emplace_back();
  Sub.setSymbol(&S);
  S.IsGlobal = true;
  EXPECT_TRUE(Sub.isGlobal());
  S.IsHidden = true; // libbpf makes it static
  EXPECT_FALSE(Sub.isGlobal());
  EXPECT_TRUE(F.isEntry());
  EXPECT_FALSE(F.isGlobal());
}

TEST_F(ProgramTest, ErasesAFunctionWithAllItsSymbols) {
  prepatch::Function &Sub = P.createSubprogram("sub", {});
  Symbol &Alias = P.Symbols.emplace_back();
  Alias.Fn = &Sub;
  Symbol &Other = P.Symbols.emplace_back();
  Other.Fn = &F;
  P.eraseFunction(Sub);
  EXPECT_EQ(P.findFunction("sub"), nullptr);
  EXPECT_TRUE(Sub.symbol()->IsRemoved);
  EXPECT_TRUE(Alias.IsRemoved);
  EXPECT_EQ(Alias.Fn, nullptr);
  EXPECT_FALSE(Other.IsRemoved);
  EXPECT_EQ(Other.Fn, &F);
}

TEST_F(ProgramTest, FindsTheMapOfALoad) {
  Map &First = P.Maps.emplace_back();
  First.Name = "first";
  First.SectionName = ".maps";
  Map &Second = P.Maps.emplace_back();
  Second.Name = "second";
  Second.SectionName = ".maps";
  Second.Offset = 32;
  Symbol &Named = P.Symbols.emplace_back();
  Named.Kind = Symbol::Data;
  Named.MapDef = &First;
  Symbol &Whole = P.Symbols.emplace_back();
  Whole.Kind = Symbol::Section;
  Whole.SectionName = ".maps";
  block({});
  Insn *I = B.loadSymbol(1, {&Named, 1});
  EXPECT_EQ(P.mapOf(*I), &First);
  // A static map: the section and an offset in the immediate.
  I = B.loadSymbol(1, {&Whole, 1});
  I->setImm(32);
  EXPECT_EQ(P.mapOf(*I), &Second);
  I->setImm(8);
  EXPECT_EQ(P.mapOf(*I), nullptr);
  EXPECT_EQ(P.mapOf(*B.movImm(1, 0)), nullptr);
}

TEST_F(ProgramTest, BlocksKnowTheirSuccessors) {
  BasicBlock &First = block({}), &Second = block({}), &Third = block({});
  B.setInsertPoint(First);
  B.condJumpImm(JmpEq, 1, 0, Third);
  B.setInsertPoint(Second);
  B.jump(Third);
  B.setInsertPoint(Third);
  B.exit();
  using Blocks = llvm::SmallVector<BasicBlock *, 2>;
  EXPECT_EQ(First.successors(), (Blocks{&Second, &Third}));
  EXPECT_EQ(Second.successors(), (Blocks{&Third}));
  EXPECT_EQ(Third.successors(), Blocks{});
  EXPECT_TRUE(First.fallsThrough());
  EXPECT_FALSE(Second.fallsThrough());
  EXPECT_FALSE(Third.fallsThrough());
}

} // namespace
