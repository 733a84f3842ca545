//===- Verifier.cpp - Invariants of the representation -------------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "IR/Verifier.h"
#include "ISA/Disassemble.h"
#include "llvm/ADT/DenseSet.h"

using namespace llvm;

namespace prepatch {

namespace {

class FunctionVerifier {
public:
  FunctionVerifier(Function &F, const DenseSet<const Function *> &Known)
      : F(F), Known(Known) {}

  Error run() {
    if (F.empty())
      return fail("has no block");
    F.numberBlocks();
    bool AnyLine = false;
    for (BasicBlock &BB : F) {
      if (BB.parent() != &F)
        return fail(BB, "names another function as its parent");
      if (BB.empty())
        return fail(BB, "is empty");
      for (Insn &I : BB) {
        AnyLine |= I.line() != nullptr;
        if (Error E = checkInsn(BB, I))
          return E;
      }
    }
    if (AnyLine && !F.entry().front()->line())
      return fail("has line records, but none at its first instruction");
    if (F.isOpaque())
      return Error::success();
    if (std::prev(F.end())->fallsThrough())
      return fail("falls through at its end");
    for (JumpTable *T : F.jumpTables())
      for (BasicBlock *BB : T->Targets)
        if (BB->parent() != &F)
          return fail("has a jump table that leaves it");
    return Error::success();
  }

private:
  Error fail(const Twine &What) {
    return createStringError("function '" + F.name() + "' " + What);
  }
  Error fail(BasicBlock &BB, const Twine &What) {
    return fail("block bb" + Twine(BB.number()) + " " + What);
  }
  Error fail(BasicBlock &BB, Insn &I, const Twine &What) {
    std::string Text;
    raw_string_ostream OS(Text);
    disassemble(OS, I.raw(), I.kind(), I.immHigh());
    return fail(BB, "instruction '" + Text + "' " + What);
  }

  Error checkInsn(BasicBlock &BB, Insn &I) {
    if (I.next() ? I.next()->prev() != &I : BB.back() != &I)
      return fail(BB, I, "has inconsistent links");
    if (I.kind() != classify(I.raw()))
      return fail(BB, I, "is not of the kind that its encoding has");
    if (I.refersToFunction() && I.callee() && !Known.contains(I.callee()))
      return fail(BB, I, "names a function that is in no section");
    if (F.isOpaque())
      return Error::success();
    if (I.kind() == InsnKind::Unknown)
      return fail(BB, I, "has an unknown encoding");
    if (isTerminator(I.kind()) && BB.back() != &I)
      return fail(BB, I, "is a terminator inside a block");
    if (isBranch(I.kind()) && (!I.target() || I.target()->parent() != &F))
      return fail(BB, I, "branches out of its function");
    if (I.kind() == InsnKind::BpfCall && !I.callee() && !I.relocation())
      return fail(BB, I, "calls nothing");
    return Error::success();
  }

  Function &F;
  const DenseSet<const Function *> &Known;
};

} // namespace

Error verify(Program &P) {
  DenseSet<const Function *> Known;
  for (CodeSection &S : P.Sections)
    for (Function &F : S.Functions)
      Known.insert(&F);
  for (CodeSection &S : P.Sections)
    for (Function &F : S.Functions)
      if (Error E = FunctionVerifier(F, Known).run())
        return E;
  return Error::success();
}

} // namespace prepatch
