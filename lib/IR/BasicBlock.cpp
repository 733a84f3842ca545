//===- BasicBlock.cpp - A list of instructions ---------------------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "IR/BasicBlock.h"
#include "IR/Function.h"
#include "IR/Program.h"
#include "llvm/ADT/STLExtras.h"

using namespace llvm;

namespace prepatch {

BasicBlock *BasicBlock::next() const {
  auto It = std::next(const_cast<BasicBlock *>(this)->getIterator());
  return It == Parent->end() ? nullptr : &*It;
}

BasicBlock *BasicBlock::prev() const {
  auto It = const_cast<BasicBlock *>(this)->getIterator();
  return It == Parent->begin() ? nullptr : &*std::prev(It);
}

SmallVector<BasicBlock *, 2> BasicBlock::successors() const {
  SmallVector<BasicBlock *, 2> Result;
  if (fallsThrough())
    if (BasicBlock *Next = next())
      Result.push_back(Next);
  Insn *Last = back();
  if (Last && isBranch(Last->kind()) && Last->target())
    Result.push_back(Last->target());
  if (Last && Last->kind() == InsnKind::IndirectJump)
    for (JumpTable *Table : Parent->jumpTables())
      append_range(Result, Table->Targets);
  return Result;
}

} // namespace prepatch
