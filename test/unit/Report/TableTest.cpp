//===- TableTest.cpp - Rows and columns as text or CSV -------------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Report/Table.h"
#include "Report/Format.h"
#include <gtest/gtest.h>

using namespace prepatch;

namespace {

template <typename Print> std::string textOf(Print P) {
  std::string Text;
  llvm::raw_string_ostream OS(Text);
  P(OS);
  return Text;
}

TEST(Table, AlignsColumnsAndLeavesNothingBehind) {
  Table T({{"name"}, {"insns", Table::Right}, {"note"}});
  T.addRow({"a", "7", "first"});
  T.addRule();
  T.addRow({"longer", "12345678", ""});
  EXPECT_EQ(textOf([&](auto &OS) { T.print(OS, 1); }),
            " name       insns  note\n"
            " a              7  first\n"
            " -----------------------\n"
            " longer  12345678\n");
}

TEST(Table, CountsCodePointsNotBytes) {
  Table T({{"a"}, {"b"}});
  T.addRow({"\xc2\xb5s", "x"}); // a micro sign
  T.addRow({"ms", "y"});
  EXPECT_EQ(textOf([&](auto &OS) { T.printRows(OS); }),
            "\xc2\xb5s  x\nms  y\n");
}

TEST(Table, CsvQuotesWhatNeedsIt) {
  Table T({{"plain"}, {"odd"}});
  T.addRow({"a b", "x,y"});
  T.addRow({"say \"no\"", "two\nlines"});
  EXPECT_EQ(textOf([&](auto &OS) { T.printCsv(OS); }),
            "plain,odd\n"
            "a b,\"x,y\"\n"
            "\"say \"\"no\"\"\",two lines\n");
}

TEST(Format, FixedDigitsAndNoNegativeZero) {
  EXPECT_EQ(formatFixed(1.005, 1), "1.0");
  EXPECT_EQ(formatFixed(-0.001, 2), "0.00");
  EXPECT_EQ(formatFixed(-0.01, 2), "-0.01");
  EXPECT_EQ(formatFixed(std::optional<double>(), 2), "-");
  EXPECT_EQ(formatCount(std::nullopt), "-");
}

TEST(Format, GoesByTheExtension) {
  EXPECT_EQ(formatOfPath("a/b.json"), ReportFormat::Json);
  EXPECT_EQ(formatOfPath("b.csv"), ReportFormat::Csv);
  EXPECT_EQ(formatOfPath("json"), ReportFormat::Table);
}

} // namespace
