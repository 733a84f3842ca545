//===- EmptyBlocks.h - Taking out blocks that lost their code ------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef PREPATCH_LOWERING_EMPTYBLOCKS_H
#define PREPATCH_LOWERING_EMPTYBLOCKS_H

#include "IR/Builder.h"

namespace prepatch {

/// Passes may leave a block without instructions while they work, but a
/// program has none. What branches to such a block of \p F goes to the next
/// one that holds code; there is one, as an empty block falls through. Linear
/// in the blocks; renumbers them. Returns whether there was an empty block.
bool removeEmptyBlocks(Function &F);

} // namespace prepatch

#endif
