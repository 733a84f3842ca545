//===- ExplanationTest.cpp - Where the verifier spends itself ------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Report/Explanation.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FileUtilities.h"
#include "llvm/Support/JSON.h"
#include <gtest/gtest.h>

using namespace llvm;
using namespace prepatch;

namespace {

TEST(AssignedName, FindsWhatALineAssignsTo) {
  EXPECT_EQ(assignedName("  off += len;"), "off");
  EXPECT_EQ(assignedName("__u32 off = 0, n = 1;"), "off");
  EXPECT_EQ(assignedName("for (int i = 0; i < 4; ++i)"), "i");
  EXPECT_EQ(assignedName("if ((len = next(p)) < 0)"), "len");
  EXPECT_EQ(assignedName("walk->at.name[i + 1] = x == y;"),
            "walk->at.name[i + 1]");
  EXPECT_EQ(assignedName("mask <<= 2;"), "mask");
  EXPECT_EQ(assignedName("i++;"), "i");
  EXPECT_EQ(assignedName("while (--left)"), "left");
  EXPECT_EQ(assignedName("int left = f(a == b);"), "left");
}

TEST(AssignedName, NothingWhereNothingIsAssigned) {
  for (const char *Line :
       {"", "if (a == b)", "while (a <= b && c != d || e >= f)", "return x;",
        "call(x);", "= 3", "print(\"a = b\");", "// a = b", "} else {",
        "*(int *)p = 1;", "]]] = 3", "]"})
    EXPECT_EQ(assignedName(Line), "") << Line;
}

TEST(Duration, ChoosesTheUnit) {
  EXPECT_EQ(duration(0.84), "0.8 us");
  EXPECT_EQ(duration(999), "999 us");
  EXPECT_EQ(duration(33123), "33.1 ms");
  EXPECT_EQ(duration(123456), "123 ms");
  EXPECT_EQ(duration(1245000), "1.25 s");
}

ExplainedLine line(std::string File, uint32_t Line, std::string Text,
                   uint64_t Visits) {
  ExplainedLine L;
  L.Where = {std::move(File), Line, std::move(Text), "walk", Line};
  L.Visits = Visits;
  L.Insns = 2;
  L.Copies = 1;
  L.MostVisits = uint32_t(Visits);
  L.CostUs = double(Visits);
  return L;
}

/// Text that is a trap for each of the formats.
const std::string Trap = "</td><script>alert(\"1\")</script>&amp;\x01\xff";

Explanation example(const std::string &File) {
  Explanation E;
  E.Object = "a&b.o";
  E.Kernel = "6.18.0";
  E.Program = {"walk", "xdp", "xdp", "refused", "too <large>", 10, 100, 3, 200};
  E.Visits = 100;
  E.Lines = {line(File, 2, "  two", 60), line(File, 30, "  thirty", 40)};
  ExplainedPoint P;
  P.Where = E.Lines[0].Where;
  P.Visits = 30;
  P.States = 12;
  P.Ways = 2;
  ExplainedLocation L;
  L.Where = "r6";
  L.Variable = "offset";
  L.Written = E.Lines[1].Where;
  L.Scalar = true;
  L.Values = 4;
  L.Precise = 2;
  L.Merge = 7;
  L.UMax = 99;
  P.Locations = {L};
  E.Points = E.LinePoints = {P};
  return E;
}

std::string write(const Explanation &E, ExplanationFormat Format,
                  unsigned Top = 0) {
  std::string Text;
  raw_string_ostream OS(Text);
  writeExplanation(OS, E, Format, Top);
  return Text;
}

size_t countOf(StringRef Text, StringRef Part) { return Text.count(Part); }

TEST(Explanation, TextNamesTheScalarThatKeepsStatesApart) {
  std::string Text = write(example("/src/a.c"), ExplanationFormat::Text);
  EXPECT_EQ(countOf(Text, "r6 (offset, a.c:30)  4 values from 0 to 99; 7 of 12 "
                          "states differ in it alone\n"),
            1u)
      << Text;
}

TEST(Explanation, HostileTextStaysText) {
  Explanation E = example(Trap);
  E.Object = E.Program.Name = E.Program.Reason = Trap;
  E.Notes = {Trap};
  E.Refused.emplace();
  E.Refused->Reason = Trap;
  E.Refused->Tail = {Trap};
  E.Refused->At = E.Lines[0].Where;
  E.Refused->Instruction = Trap;
  E.Lines[0].Where.Text = E.Lines[0].Where.Function = Trap;
  E.LinePoints[0].Locations[0].Variable = Trap;
  E.Functions = {{Trap, 1, 2, 3, 4}, {"g", 1, 2, 3, 4}};
  std::string Page = write(E, ExplanationFormat::Html);
  EXPECT_EQ(countOf(Page, "<script"), 0u);
  EXPECT_EQ(countOf(Page, "\x01"), 0u);
  EXPECT_GE(countOf(Page, "&lt;script&gt;alert(&quot;1&quot;)"), 8u);
  EXPECT_TRUE(json::isUTF8(Page));

  Expected<json::Value> Json = json::parse(write(E, ExplanationFormat::Json));
  ASSERT_TRUE(bool(Json)) << toString(Json.takeError());
}

TEST(Explanation, PageShowsAFileThatIsThereAroundItsHotLines) {
  SmallString<128> Path;
  ASSERT_FALSE(sys::fs::createTemporaryFile("explanation", "c", Path));
  FileRemover Remove(Path);
  auto WriteFile = [&](StringRef Thirty) {
    std::error_code EC;
    raw_fd_ostream OS(Path, EC);
    for (unsigned N = 1; N <= 80; ++N)
      OS << (N == 2 ? "\ttwo" : N == 30 ? Thirty : "plain") << " \n";
  };
  WriteFile("thirty");
  Explanation E = example(Path.str().str());
  readSources(E);
  ASSERT_EQ(E.Sources.size(), 1u);
  std::string Page = write(E, ExplanationFormat::Html);
  // A gap is left out if it is worth it.
  EXPECT_EQ(countOf(Page, "<tr id=\"s0-2\""), 1u);
  EXPECT_EQ(countOf(Page, "<tr id=\"s0-30\""), 1u);
  EXPECT_EQ(countOf(Page, "38 lines without visits"), 1u);
  size_t Plain = countOf(Page, "plain");
  EXPECT_EQ(Plain, 1u + 27 + 12) << Page;

  // A line that the file does not have.
  E.Lines.push_back(line(Path.str().str(), 5000, "", 1));
  E.Sources.clear();
  readSources(E);
  EXPECT_TRUE(E.Sources.empty());
  E.Lines.pop_back();

  // Another version of the file is not what was compiled.
  WriteFile("something else");
  E.Sources.clear();
  readSources(E);
  EXPECT_TRUE(E.Sources.empty());
  Page = write(E, ExplanationFormat::Html);
  EXPECT_EQ(countOf(Page, "plain"), 0u);
  EXPECT_EQ(countOf(Page, "<tr id=\"s0-30\""), 1u);
}

TEST(Explanation, SourcesAreRegularFilesOnly) {
  Explanation E = example("/dev/zero");
  E.Lines.push_back(line("/", 1, "x", 1));
  E.Lines.push_back(line("/etc/passwd", 1, "", 1));
  readSources(E);
  EXPECT_TRUE(E.Sources.empty());
}

} // namespace
