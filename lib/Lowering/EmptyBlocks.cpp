//===- EmptyBlocks.cpp - Taking out blocks that lost their code ----------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Lowering/EmptyBlocks.h"
#include <vector>

using namespace llvm;

namespace prepatch {

bool removeEmptyBlocks(Function &F) {
  // For each block by number the one that stands in for it.
  std::vector<BasicBlock *> StandIn(F.numberBlocks());
  std::vector<BasicBlock *> Empty;
  for (BasicBlock &BB : F) {
    StandIn[BB.number()] = &BB;
    if (BB.empty())
      Empty.push_back(&BB);
  }
  if (Empty.empty())
    return false;
  for (auto It = Empty.rbegin(); It != Empty.rend(); ++It) {
    assert((*It)->next() && "an empty block at the end of a function");
    StandIn[(*It)->number()] = StandIn[(*It)->next()->number()];
  }
  for (BasicBlock &BB : F)
    if (Insn *Last = BB.back(); Last && isBranch(Last->kind()))
      Last->setTarget(StandIn[Last->target()->number()]);
  for (JumpTable *T : F.jumpTables())
    for (BasicBlock *&Target : T->Targets)
      Target = StandIn[Target->number()];
  Builder B(F.program());
  for (BasicBlock *BB : Empty)
    B.erase(*BB);
  F.numberBlocks();
  return true;
}

} // namespace prepatch
