//===- WideReads.cpp - Where all 64 bits of r0 are read ------------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The kernel extends the result of a 32-bit compare-and-exchange only if it
// sees r0 read as 64 bits later (is_reg64, mark_insn_zext).
//===----------------------------------------------------------------------===//

#include "Analysis/SiteFinder.h"

using namespace llvm;

namespace prepatch {

/// Whether \p I reads r0 in full, given that it reads it.
static bool readsWide(const Insn &I) {
  switch (I.kind()) {
  case InsnKind::Alu:
    if (aluOp(I.opcode()) == AluEnd)
      return I.imm() == 64;
    return insnClass(I.opcode()) == ClassAlu64;
  case InsnKind::CondJump:
    return insnClass(I.opcode()) == ClassJmp;
  case InsnKind::Store:
    return I.dst() == 0 || memBytes(I.opcode()) == 8;
  case InsnKind::Atomic:
    // As an address, or as what is compared with 8 bytes.
    return I.dst() == 0 || memBytes(I.opcode()) == 8;
  default:
    return true; // addresses, results, whatever cannot be told
  }
}

/// What is known of r0 before \p I, given what is known after it.
static bool before(const Insn &I, bool WideAfter) {
  if ((I.reads() & regBit(0)) && readsWide(I))
    return true;
  return !(I.writes() & regBit(0)) && WideAfter;
}

std::vector<char> findWideReads(const Cfg &Flow) {
  std::vector<char> In(Flow.size());
  for (bool Changed = true; Changed;) {
    Changed = false;
    for (unsigned B : llvm::reverse(Flow.reversePostOrder())) {
      if (In[B])
        continue;
      bool Wide = false;
      for (unsigned S : Flow.successors(B))
        Wide |= In[S];
      for (Insn *I = Flow.block(B).back(); I; I = I->prev())
        Wide = before(*I, Wide);
      In[B] = Wide;
      Changed |= Wide;
    }
  }
  return In;
}

bool isReadWideAfter(const Cfg &Flow, const std::vector<char> &WideIn,
                     const BasicBlock &BB, const Insn &Wanted) {
  bool Wide = false;
  for (unsigned S : Flow.successors(BB.number()))
    Wide |= WideIn[S];
  for (Insn *I = BB.back(); I && I != &Wanted; I = I->prev())
    Wide = before(*I, Wide);
  return Wide;
}

} // namespace prepatch
