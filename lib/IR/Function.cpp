//===- Function.cpp - A program or subprogram ----------------------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "IR/Function.h"
#include "IR/Program.h"

namespace prepatch {

bool Function::isEntry() const { return !Section->HoldsSubprograms; }

bool Function::isGlobal() const {
  return Sym && Sym->IsGlobal && !Sym->IsHidden && !isEntry();
}

unsigned Function::numberBlocks() {
  unsigned N = 0;
  for (BasicBlock &BB : Blocks)
    BB.Number = N++;
  return N;
}

unsigned Function::countSlots() const {
  unsigned N = 0;
  for (const BasicBlock &BB : Blocks)
    for (const Insn &I : BB)
      N += I.slots();
  return N;
}

} // namespace prepatch
