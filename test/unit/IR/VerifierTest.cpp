//===- VerifierTest.cpp - One broken invariant each -----------------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Each test breaks what the public interface lets one break. Links in both
// directions (invariant 2) are out of its reach.
//===----------------------------------------------------------------------===//

#include "TestProgram.h"

using namespace prepatch;
using namespace prepatch::test;

namespace {

struct VerifierTest : TestProgram {
  BasicBlock &Body = block({1});
  Insn &Exit = *B.exit();
};

TEST_F(VerifierTest, AcceptsASoundFunction) { EXPECT_EQ(problem(), ""); }

TEST_F(VerifierTest, WantsABlock) {
  P.createFunction(Section, "empty");
  EXPECT_EQ(problem(), "function 'empty' has no block");
}

TEST_F(VerifierTest, WantsInstructionsInBlocks) {
  B.createBlock(F, &Body);
  EXPECT_EQ(problem(), "function 'main' block bb1 is empty");
}

TEST_F(VerifierTest, WantsTheKindOfTheEncoding) {
  Exit.setImm(1);
  EXPECT_EQ(problem(), "function 'main' block bb0 instruction 'exit' is not of "
                       "the kind that its encoding has");
}

TEST_F(VerifierTest, WantsTerminatorsAtTheEnd) {
  B.exit();
  EXPECT_EQ(problem(), "function 'main' block bb0 instruction 'exit' is a "
                       "terminator inside a block");
}

TEST_F(VerifierTest, WantsTargetsInTheSameFunction) {
  prepatch::Function &Other = P.createFunction(Section, "other");
  BasicBlock &There = B.createBlock(Other);
  B.setInsertPoint(There);
  B.exit();
  BasicBlock &Front = B.splitBefore(Body, *Body.front());
  B.setInsertPoint(Body);
  B.condJumpImm(JmpEq, 1, 0, There);
  (void)Front;
  EXPECT_EQ(problem(), "function 'main' block bb0 instruction 'if r1 == 0 goto "
                       "+0' branches out of its function");
}

TEST_F(VerifierTest, WantsTargetsThatWereNotErased) {
  BasicBlock &Gone = B.createBlock(F);
  B.setInsertPoint(Gone);
  B.exit();
  B.splitBefore(Body, *Body.front());
  B.setInsertPoint(Body);
  B.condJumpImm(JmpEq, 1, 0, Gone);
  EXPECT_EQ(problem(), "");
  B.erase(Gone);
  EXPECT_EQ(problem(), "function 'main' block bb0 instruction 'if r1 == 0 goto "
                       "+0' branches out of its function");
}

TEST_F(VerifierTest, WantsATargetAtAll) {
  B.setInsertPoint(Exit);
  B.create({OpMayGoto, 0, 0, 0, 0});
  B.splitBefore(Body, Exit);
  EXPECT_EQ(problem(), "function 'main' block bb0 instruction 'may_goto +0' "
                       "branches out of its function");
}

TEST_F(VerifierTest, WantsJumpTablesInside) {
  prepatch::Function &Other = P.createFunction(Section, "other");
  BasicBlock &There = B.createBlock(Other);
  B.setInsertPoint(There);
  B.exit();
  JumpTable T{0, {&There}};
  F.addJumpTable(&T);
  EXPECT_EQ(problem(), "function 'main' has a jump table that leaves it");
}

TEST_F(VerifierTest, WantsAnEnd) {
  B.erase(Body, Exit);
  EXPECT_EQ(problem(), "function 'main' falls through at its end");
}

TEST_F(VerifierTest, WantsKnownEncodings) {
  B.setInsertPoint(Exit);
  B.create({0xff, 0, 0, 0, 0});
  EXPECT_EQ(problem(), "function 'main' block bb0 instruction '<unknown 0xff "
                       "dst 0 src 0 off 0 imm 0>' has an unknown encoding");
  F.setOpaque("for the test");
  EXPECT_EQ(problem(), "");
}

TEST_F(VerifierTest, WantsCalleesThatExist) {
  prepatch::Function &Callee = P.createFunction(Section, "callee");
  B.setInsertPoint(B.createBlock(Callee));
  B.exit();
  B.setInsertPoint(Exit);
  B.call(Callee);
  EXPECT_EQ(problem(), "");
  P.eraseFunction(Callee);
  EXPECT_EQ(problem(), "function 'main' block bb0 instruction 'call pc-1' "
                       "names a function that is in no section");
}

TEST_F(VerifierTest, WantsCallsToCallSomething) {
  B.setInsertPoint(Exit);
  Insn *Call = B.create({OpCall, 0, CallBpf, 0, -1});
  EXPECT_EQ(problem(), "function 'main' block bb0 instruction 'call pc-1' "
                       "calls nothing");
  B.attach(*Call, Relocation{&P.Symbols.emplace_back(), 10});
  EXPECT_EQ(problem(), "");
}

TEST_F(VerifierTest, WantsTheFirstLine) {
  B.attach(Exit, line(3));
  EXPECT_EQ(problem(), "function 'main' has line records, but none at its "
                       "first instruction");
  B.attach(*Body.front(), line(2));
  EXPECT_EQ(problem(), "");
}

TEST_F(VerifierTest, LeavesOpaqueFunctionsTheirBranches) {
  B.setInsertPoint(Exit);
  B.create({OpJa, 0, 0, -1, 0});
  EXPECT_NE(problem(), "");
  F.setOpaque("for the test");
  EXPECT_EQ(problem(), "");
}

} // namespace
