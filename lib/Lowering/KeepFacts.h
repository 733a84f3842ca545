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

/// Adds the stores where they pay off by the goal. Returns whether it added
/// any; analyses are then out of date. Nothing is kept where
/// - the stack has no room in some call chain;
/// - the kernel takes bpf_fastcall spills away in the function: a use of the
///   slot below them would end that (check_fastcall_stack_contract());
/// - for fields of the context: anything in the function may change it.
bool keepFacts(LoweringContext &Ctx);

} // namespace prepatch

#endif
