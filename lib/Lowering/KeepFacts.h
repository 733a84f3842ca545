//===- KeepFacts.h - A slot of the stack for what is asked often ---------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A fact that is asked for again and again, with no register that could keep it
// meanwhile, gets a new slot below the frame: sites that no other such site
// dominates store it there, and context-reuse finds it for the others.
//===----------------------------------------------------------------------===//
#ifndef PREPATCH_LOWERING_KEEPFACTS_H
#define PREPATCH_LOWERING_KEEPFACTS_H

#include "Lowering/Pass.h"

namespace prepatch {

/// A slot of \p Fn that was made, and what is stored into it.
struct KeptSlot {
  Function *Fn;
  int16_t Off; ///< from r10
  llvm::SmallVector<std::pair<BasicBlock *, Insn *>, 2> Stores;
};

/// Adds the stores where they pay off by the goal. If it returns any, analyses
/// are out of date. Nothing is kept where
/// - the stack has no room in some call chain;
/// - the kernel takes bpf_fastcall spills away in the function: a use of the
///   slot below them would end that (check_fastcall_stack_contract());
/// - for fields of the context: anything in the function may change it.
std::vector<KeptSlot> keepFacts(LoweringContext &Ctx);

/// Takes the stores away again from whose slots nothing is loaded; returns
/// whether any slot is left.
bool dropUnusedSlots(Program &P, llvm::ArrayRef<KeptSlot> Slots);

} // namespace prepatch

#endif
