//===- SameCode.h - Are two functions the same but for their name --------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef PREPATCH_LOWERING_SAMECODE_H
#define PREPATCH_LOWERING_SAMECODE_H

#include "IR/Program.h"

namespace prepatch {

/// A stretch of blocks of one function: from \p First up to \p End (null: the
/// function's end), which is also where control goes when it leaves.
struct Stretch {
  BasicBlock *First;
  BasicBlock *End;
};

/// Whether both do the same: instruction by instruction, branches to blocks at
/// the same place, calls of the same functions, relocations against the same
/// symbols, equal CO-RE records. Line records may differ. Needs block numbers.
bool isSameCode(const Stretch &A, const Stretch &B);

} // namespace prepatch

#endif
