//===- Printer.h - Functions as text -------------------------------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef PREPATCH_IR_PRINTER_H
#define PREPATCH_IR_PRINTER_H

#include "IR/Program.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/Support/raw_ostream.h"

namespace prepatch {

/// What the printer asks of those who know more than the representation.
struct PrintNotes {
  /// Text printed as a comment on a line of its own before the instruction,
  /// when a source line starts there; empty for none.
  llvm::function_ref<std::string(const LineRecord &)> SourceLine = nullptr;
  /// Text appended to the instruction as a comment; empty for none.
  llvm::function_ref<std::string(const Insn &)> Remark = nullptr;
};

/// Prints one function, its blocks numbered in layout order.
void print(llvm::raw_ostream &OS, Function &F, const PrintNotes &Notes = {});
/// Prints all functions, section by section.
void print(llvm::raw_ostream &OS, Program &P, const PrintNotes &Notes = {});

} // namespace prepatch

#endif
