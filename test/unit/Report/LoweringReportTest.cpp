//===- LoweringReportTest.cpp - What the passes took and refused ---------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Report/LoweringReport.h"
#include "llvm/Support/JSON.h"
#include <gtest/gtest.h>

using namespace llvm;
using namespace prepatch;

namespace {

Decision decision(StringRef Pass, std::string Function, uint32_t Index,
                  bool Taken, std::string Reason, double SavedUs) {
  Decision D;
  D.Pass = Pass;
  D.Function = std::move(Function);
  D.Index = Index;
  D.Line = "a.c:3:1: x = y;";
  D.What = "map-lookup of 'm'";
  D.Taken = Taken;
  D.Reason = std::move(Reason);
  D.SavedUs = SavedUs;
  return D;
}

std::string write(const LoweringSummary &Summary, ReportFormat Format) {
  std::string Text;
  raw_string_ostream OS(Text);
  writeLoweringReport(OS, Summary, Format);
  return Text;
}

class LoweringReport : public testing::Test {
protected:
  std::vector<Decision> Decisions = {
      decision("divide", "f", 4, true, "constant", 1.25),
      decision("outline-sites", "g", Insn::NoIndex, false, "hot, and \"run\"",
               0),
      decision("divide", "f", 17, false, "a register", 0),
  };
  LoweringSummary Summary{
      Decisions, "", {"dropped .debug_line"}, {{"h", "unknown opcode 0xff"}}};
};

TEST_F(LoweringReport, TextGroupsByPass) {
  EXPECT_EQ(write(Summary, ReportFormat::Table),
            "function h left as it is: unknown opcode 0xff\n"
            "note: dropped .debug_line\n"
            "pass           taken  refused  saved us\n"
            "divide             1        1       1.2\n"
            "outline-sites      0        1       0.0\n"
            "\n"
            "divide:\n"
            "  took     f+4   a.c:3:1: x = y;  map-lookup of 'm'  1.2 us  "
            "constant\n"
            "  refused  f+17  a.c:3:1: x = y;  map-lookup of 'm'  0.0 us  "
            "a register\n"
            "\n"
            "outline-sites:\n"
            "  refused  g  a.c:3:1: x = y;  map-lookup of 'm'  0.0 us  "
            "hot, and \"run\"\n");
}

TEST_F(LoweringReport, CsvHasARowForEverySite) {
  EXPECT_EQ(write(Summary, ReportFormat::Csv),
            "pass,function,insn,line,what,taken,reason,saved_us\n"
            "divide,f,4,a.c:3:1: x = y;,map-lookup of 'm',1,constant,1.25\n"
            "outline-sites,g,,a.c:3:1: x = y;,map-lookup of 'm',0,"
            "\"hot, and \"\"run\"\"\",0.00\n"
            "divide,f,17,a.c:3:1: x = y;,map-lookup of 'm',0,a register,"
            "0.00\n");
}

TEST_F(LoweringReport, JsonHasEverythingInOrder) {
  std::string Text = write(Summary, ReportFormat::Json);
  EXPECT_NE(Text.find("\"saved_us\": 1.25"), std::string::npos);
  json::Value Value = cantFail(json::parse(Text));
  const json::Object &Root = *Value.getAsObject();
  EXPECT_EQ(*Root.get("frozen"), json::Value(nullptr));
  EXPECT_EQ(*Root.get("notes"), json::Value({"dropped .debug_line"}));
  const json::Array &Sites = *Root.getArray("sites");
  ASSERT_EQ(Sites.size(), 3u);
  const json::Object &First = *Sites[0].getAsObject();
  EXPECT_EQ(First.getString("pass"), "divide");
  EXPECT_EQ(First.getInteger("insn"), 4);
  EXPECT_EQ(First.getBoolean("taken"), true);
  EXPECT_EQ(*Sites[1].getAsObject()->get("insn"), json::Value(nullptr));
  const json::Array &Passes = *Root.getArray("passes");
  ASSERT_EQ(Passes.size(), 2u);
  EXPECT_EQ(Passes[0].getAsObject()->getInteger("refused"), 1);
}

TEST_F(LoweringReport, JsonIsValidWhateverNamesHold) {
  Decisions[0].Function = "f\xff\xfe";
  Summary.FrozenReason = "\x80";
  Expected<json::Value> Value = json::parse(write(Summary, ReportFormat::Json));
  EXPECT_TRUE(bool(Value)) << toString(Value.takeError());
}

TEST(LoweringReportEmpty, SaysThatThereWasNothing) {
  EXPECT_EQ(write({}, ReportFormat::Table), "no sites\n");
  EXPECT_EQ(write({{}, "no BTF", {}, {}}, ReportFormat::Table),
            "left as it is: no BTF\nno sites\n");
}

TEST_F(LoweringReport, LongSourceLinesAreCut) {
  Decisions.resize(1);
  Decisions[0].Line = std::string(70, 'x') + "\xc2\xb5" + "yyyyy";
  std::string Text = write(Summary, ReportFormat::Table);
  EXPECT_NE(Text.find(std::string(69, 'x') + "...  map"), std::string::npos)
      << Text;
}

} // namespace
