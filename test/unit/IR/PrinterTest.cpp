//===- PrinterTest.cpp - Programs as text ---------------------------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "IR/Printer.h"
#include "TestProgram.h"

using namespace llvm;
using namespace prepatch;
using namespace prepatch::test;

namespace {

struct PrinterTest : TestProgram {
  std::string text(const PrintNotes &Notes = {}) {
    std::string Text;
    raw_string_ostream OS(Text);
    print(OS, P, Notes);
    return Text;
  }
};

TEST_F(PrinterTest, NamesBlocksFunctionsAndSymbols) {
  CodeSection &Text = P.createSection(".text", true);
  prepatch::Function &Callee = P.createFunction(Text, "helper");
  B.setInsertPoint(B.createBlock(Callee));
  B.exit();
  Symbol &Map = P.Symbols.emplace_back();
  Map.Name = "counters";
  BasicBlock &First = block({7});
  BasicBlock &Last = block({});
  B.exit();
  B.setInsertPoint(First);
  B.loadSymbol(1, {&Map, 1});
  B.call(Callee);
  B.condJumpImm(JmpEq, 0, 0, Last);
  EXPECT_EQ(text(), "section 'xdp'\n"
                    "function main (entry)\n"
                    "bb0:\n"
                    "    r1 = 7\n"
                    "    r1 = counters ll\n"
                    "    call helper\n"
                    "    if r0 == 0 goto bb1\n"
                    "bb1:\n"
                    "    exit\n"
                    "section '.text'\n"
                    "function helper (static)\n"
                    "bb0:\n"
                    "    exit\n");
}

TEST_F(PrinterTest, SaysWhyAFunctionIsOpaque) {
  F.setOpaque("for the test");
  block({});
  B.exit();
  EXPECT_EQ(text(), "section 'xdp'\n"
                    "function main (entry) opaque: for the test\n"
                    "bb0:\n"
                    "    exit\n");
}

TEST_F(PrinterTest, AddsNotes) {
  BasicBlock &BB = block({1});
  B.exit();
  B.attach(at(BB, 0), line(12));
  PrintNotes Notes;
  auto Source = [](const LineRecord &L) {
    return "line " + std::to_string(L.line());
  };
  auto Remark = [](const Insn &I) {
    return std::string(I.kind() == InsnKind::Exit ? "the end" : "");
  };
  Notes.SourceLine = Source;
  Notes.Remark = Remark;
  EXPECT_EQ(text(Notes), "section 'xdp'\n"
                         "function main (entry)\n"
                         "bb0:\n"
                         "  ; line 12\n"
                         "    r1 = 1\n"
                         "    exit  # the end\n");
}

} // namespace
