//===- Liveness.h - Which registers are read later -----------------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Backward data flow over the registers of each function. A helper call reads
// as many arguments as the helper has; a call of a static function reads what
// is live where it begins. A call of a global function reads r1 to r5: the
// verifier checks all arguments that BTF names, used or not
// (btf_check_func_arg_match).
//===----------------------------------------------------------------------===//
#ifndef PREPATCH_ANALYSIS_LIVENESS_H
#define PREPATCH_ANALYSIS_LIVENESS_H

#include "Analysis/CallGraph.h"
#include "Analysis/Cfg.h"
#include "Kernel/KernelProfile.h"
#include "llvm/ADT/STLExtras.h"

namespace prepatch {

class Liveness {
public:
  /// All functions of the graph's program. Linear but for loops.
  Liveness(const CallGraph &Graph, const KernelProfile &Profile);

  /// By the block numbers that the function had when this was built.
  RegSet liveIn(const BasicBlock &BB) const { return blockOf(BB).In; }
  RegSet liveOut(const BasicBlock &BB) const { return blockOf(BB).Out; }
  /// Walks back from the end of the block to \p I.
  RegSet liveAfter(const BasicBlock &BB, const Insn &I) const;
  RegSet liveBefore(const BasicBlock &BB, const Insn &I) const;
  /// Calls \p Visit for each instruction from last to first with the set that
  /// is live after it.
  void forEachBackward(const BasicBlock &BB,
                       llvm::function_ref<void(Insn &, RegSet)> Visit) const;

  /// Registers that \p I reads, calls by what is called.
  RegSet reads(const Insn &I) const;
  /// Which of r1 to r5 a call of \p F reads.
  RegSet argumentsOf(const Function &F) const;

  /// Looks at \p F again after an edit, with what is known of its callees.
  void update(Function &F);

private:
  struct BlockSets {
    RegSet In = 0, Out = 0;
  };
  const BlockSets &blockOf(const BasicBlock &BB) const;
  void solve(Function &F);

  const CallGraph &Graph;
  const KernelProfile &Profile;
  std::vector<std::vector<BlockSets>> Blocks; ///< [function][block]
  std::vector<RegSet> Arguments;              ///< [function]
};

} // namespace prepatch

#endif
