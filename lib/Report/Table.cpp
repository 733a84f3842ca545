//===- Table.cpp - Rows and columns as text or CSV -----------------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Widths are counted in code points, so that a micro sign does not shift a row.
//===----------------------------------------------------------------------===//

#include "Report/Table.h"
#include "llvm/ADT/STLExtras.h"
#include <cassert>

using namespace llvm;

namespace prepatch {

static size_t displayWidth(StringRef Text) {
  return count_if(Text, [](char C) { return (C & 0xc0) != 0x80; });
}

void Table::addRow(std::vector<std::string> Cells) {
  assert(Cells.size() == Columns.size() && "a cell for every column");
  // A row is a line, whatever the names in it contain.
  for (std::string &Cell : Cells)
    for (char &C : Cell)
      if (C == '\n' || C == '\r' || C == '\t')
        C = ' ';
  Rows.push_back(std::move(Cells));
}

std::vector<size_t> Table::widths(bool WithTitles) const {
  std::vector<size_t> Widths(Columns.size());
  if (WithTitles)
    for (size_t I = 0; I != Columns.size(); ++I)
      Widths[I] = displayWidth(Columns[I].Title);
  for (const std::vector<std::string> &Row : Rows)
    for (size_t I = 0; I != Row.size(); ++I)
      Widths[I] = std::max(Widths[I], displayWidth(Row[I]));
  return Widths;
}

void Table::printRow(raw_ostream &OS, const std::vector<std::string> &Cells,
                     const std::vector<size_t> &Widths, unsigned Indent) const {
  std::string Line(Indent, ' ');
  for (size_t I = 0; I != Cells.size(); ++I) {
    if (I)
      Line += "  ";
    size_t Pad = Widths[I] - displayWidth(Cells[I]);
    if (Columns[I].Align == Right)
      Line.append(Pad, ' ');
    Line += Cells[I];
    if (Columns[I].Align == Left)
      Line.append(Pad, ' ');
  }
  OS << StringRef(Line).rtrim(' ') << '\n';
}

void Table::printBody(raw_ostream &OS, const std::vector<size_t> &Widths,
                      unsigned Indent) const {
  size_t Total = Widths.empty() ? 0 : 2 * (Widths.size() - 1);
  for (size_t W : Widths)
    Total += W;
  for (size_t I = 0; I != Rows.size(); ++I) {
    if (is_contained(Rules, I))
      OS.indent(Indent) << std::string(Total, '-') << '\n';
    printRow(OS, Rows[I], Widths, Indent);
  }
}

void Table::print(raw_ostream &OS, unsigned Indent) const {
  std::vector<size_t> Widths = widths(true);
  std::vector<std::string> Titles;
  for (const Column &C : Columns)
    Titles.push_back(C.Title);
  printRow(OS, Titles, Widths, Indent);
  printBody(OS, Widths, Indent);
}

void Table::printRows(raw_ostream &OS, unsigned Indent) const {
  printBody(OS, widths(false), Indent);
}

static void writeCell(raw_ostream &OS, StringRef Cell) {
  if (Cell.find_first_of(",\"") == StringRef::npos) {
    OS << Cell;
    return;
  }
  OS << '"';
  for (char C : Cell) {
    if (C == '"')
      OS << '"';
    OS << C;
  }
  OS << '"';
}

void Table::printCsv(raw_ostream &OS) const {
  for (size_t I = 0; I != Columns.size(); ++I) {
    OS << (I ? "," : "");
    writeCell(OS, Columns[I].Title);
  }
  OS << '\n';
  for (const std::vector<std::string> &Row : Rows) {
    for (size_t I = 0; I != Row.size(); ++I) {
      OS << (I ? "," : "");
      writeCell(OS, Row[I]);
    }
    OS << '\n';
  }
}

} // namespace prepatch
