//===- Printer.cpp - Functions as text -----------------------------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "IR/Printer.h"
#include "ISA/Disassemble.h"

using namespace llvm;

namespace prepatch {

static std::string targetName(const Insn &I) {
  if (isBranch(I.kind()) && I.target())
    return "bb" + std::to_string(I.target()->number());
  if (I.refersToFunction() && I.callee())
    return I.callee()->name();
  if (const Relocation *R = I.relocation())
    return R->Sym->Name.empty() ? R->Sym->SectionName : R->Sym->Name;
  return "";
}

void print(raw_ostream &OS, Function &F, const PrintNotes &Notes) {
  F.numberBlocks();
  OS << "function " << (F.name().empty() ? "<unnamed>" : F.name()) << " ("
     << (F.isEntry()    ? "entry"
         : F.isGlobal() ? "global"
                        : "static")
     << ")";
  if (F.isOpaque())
    OS << " opaque: " << F.opaqueReason();
  OS << '\n';
  for (BasicBlock &BB : F) {
    OS << "bb" << BB.number() << ":\n";
    for (Insn &I : BB) {
      if (Notes.SourceLine)
        if (const LineRecord *L = I.line())
          if (std::string Text = Notes.SourceLine(*L); !Text.empty())
            OS << "  ; " << Text << '\n';
      OS << "    ";
      disassemble(OS, I.raw(), I.kind(), I.immHigh(), targetName(I));
      if (Notes.Remark)
        if (std::string Text = Notes.Remark(I); !Text.empty())
          OS << "  # " << Text;
      OS << '\n';
    }
  }
}

void print(raw_ostream &OS, Program &P, const PrintNotes &Notes) {
  for (CodeSection &S : P.Sections) {
    OS << "section '" << S.Name << "'\n";
    for (Function &F : S.Functions)
      print(OS, F, Notes);
  }
}

} // namespace prepatch
