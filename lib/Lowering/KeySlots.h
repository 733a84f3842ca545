//===- KeySlots.h - Stack slots that hold keys and nothing else ----------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A lookup takes its key from memory, so programs store it on the stack first.
// Where a slot serves for that alone, the key can be handed to a shared
// function in a register, and the store is not needed any more.
//===----------------------------------------------------------------------===//
#ifndef PREPATCH_LOWERING_KEYSLOTS_H
#define PREPATCH_LOWERING_KEYSLOTS_H

#include "Analysis/PatchSites.h"

namespace prepatch {

/// For each lookup of \p F whose key can go by value, the store that writes
/// the key. The store is in the block of the call, before it; the register (or
/// immediate) that it writes still holds the key at the call; nothing else
/// reads the slot, and all its stores are in the result.
llvm::DenseMap<const Insn *, Insn *>
findKeyStores(Function &F, const RegKinds &Kinds, const KernelProfile &Profile);

} // namespace prepatch

#endif
