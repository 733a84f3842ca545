//===- Table.h - Rows and columns as text or CSV -------------------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//   Table T({{"program"}, {"insns", Table::Right}});
//   T.addRow({"classify", "7598"});
//   T.print(OS);
//===----------------------------------------------------------------------===//
#ifndef PREPATCH_REPORT_TABLE_H
#define PREPATCH_REPORT_TABLE_H

#include "llvm/Support/raw_ostream.h"
#include <string>
#include <vector>

namespace prepatch {

class Table {
public:
  enum Alignment : uint8_t { Left, Right };
  struct Column {
    std::string Title;
    Alignment Align = Left;
  };

  explicit Table(std::vector<Column> Columns) : Columns(std::move(Columns)) {}

  /// As many cells as there are columns; line ends and tabs become spaces.
  void addRow(std::vector<std::string> Cells);
  /// A line across, before the next row.
  void addRule() { Rules.push_back(Rows.size()); }
  bool empty() const { return Rows.empty(); }

  /// Columns padded to their widest cell; nothing trails the last one. Every
  /// line starts with \p Indent spaces.
  void print(llvm::raw_ostream &OS, unsigned Indent = 0) const;
  /// As print(), without titles.
  void printRows(llvm::raw_ostream &OS, unsigned Indent = 0) const;
  /// RFC 4180 with plain line ends; rules are left out.
  void printCsv(llvm::raw_ostream &OS) const;

private:
  std::vector<size_t> widths(bool WithTitles) const;
  void printRow(llvm::raw_ostream &OS, const std::vector<std::string> &Cells,
                const std::vector<size_t> &Widths, unsigned Indent) const;
  void printBody(llvm::raw_ostream &OS, const std::vector<size_t> &Widths,
                 unsigned Indent) const;

  std::vector<Column> Columns;
  std::vector<std::vector<std::string>> Rows;
  std::vector<size_t> Rules; ///< numbers of rows that a line precedes
};

} // namespace prepatch

#endif
