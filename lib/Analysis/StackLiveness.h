//===- StackLiveness.h - Which stack bytes are read later ----------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Backward data flow over the 512 bytes of one function's frame. Reads count
// when in doubt, writes only when they are sure: stores by the program, and
// helpers that fill what they are given (bpf_probe_read, not its string
// sibling). A pointer handed to a helper that does not say how much it reads is
// taken to read all the way up to r10, one handed to a function all of the
// frame.
//===----------------------------------------------------------------------===//
#ifndef PREPATCH_ANALYSIS_STACKLIVENESS_H
#define PREPATCH_ANALYSIS_STACKLIVENESS_H

#include "Analysis/RegKinds.h"
#include <bitset>

namespace prepatch {

/// Bit N stands for the byte at r10 - 1 - N.
using StackBytes = std::bitset<512>;

class StackLiveness {
public:
  StackLiveness(const RegKinds &Kinds, const KernelProfile &Profile,
                Function &F);

  /// False if some stack pointer gets out of sight: then nothing is known.
  bool isKnown() const { return Known; }
  /// By the block numbers that the function had when this was built.
  const StackBytes &liveIn(const BasicBlock &BB) const {
    return In[BB.number()];
  }

private:
  friend class StackEffects;
  std::vector<StackBytes> In;
  bool Known = true;
};

} // namespace prepatch

#endif
