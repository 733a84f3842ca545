//===- RegKinds.h - What every register holds, everywhere ----------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Forward flow analysis over all functions of a program at once, in the
// verifier's terms. Entry functions begin with the context in r1. A static
// function begins with the join over its calls, a callback with what the
// helper hands it, and a global function with what its callers agree on as
// far as the verifier believes it too: context and scalars. Branches that
// exact constants decide are followed one way only. The bounds of numbers
// narrow at branches, and in loops move to the next constant that is compared
// there before they give up.
//
// What is assumed of programs that a kernel accepts: a register that is not
// written on some way is not read there; a callee that gets a pointer into
// the stack does not reach below it.
//===----------------------------------------------------------------------===//
#ifndef PREPATCH_ANALYSIS_REGKINDS_H
#define PREPATCH_ANALYSIS_REGKINDS_H

#include "Analysis/CallGraph.h"
#include "Analysis/Cfg.h"
#include "Analysis/RegState.h"
#include "llvm/ADT/STLExtras.h"
#include <memory>

namespace prepatch {

class RegKinds {
public:
  /// Near linear: each block is looked at a few times. \p Graph and
  /// \p Profile must outlive it.
  RegKinds(const CallGraph &Graph, const KernelProfile &Profile);
  ~RegKinds();

  const CallGraph &graph() const { return Graph; }
  /// The blocks of \p F as they were when this was built.
  const Cfg &cfg(const Function &F) const;

  /// Whether anything is known: false for opaque functions and for those that
  /// nothing reaches.
  bool isAnalysed(const Function &F) const;
  /// Whether control gets to \p BB; true for all of what is not analysed.
  bool isReached(const BasicBlock &BB) const;
  const RegState &stateAtEntry(const BasicBlock &BB) const;
  /// Calls \p Visit for each instruction with the state before it. Nothing is
  /// visited in a block that is not reached.
  void forEach(const BasicBlock &BB,
               llvm::function_ref<void(Insn &, const RegState &)> Visit) const;
  /// The state before \p I; walks the block.
  RegState stateBefore(const BasicBlock &BB, const Insn &I) const;
  /// What r0 holds when \p F returns.
  RegValue returnValue(const Function &F) const;
  /// Whether the outcome of the branch that ends \p BB is known, by the
  /// successor that is taken.
  const BasicBlock *decidedSuccessor(const BasicBlock &BB) const;

private:
  friend class Transfer;
  struct FunctionInfo;

  void solve(FunctionInfo &Info);
  void queue(FunctionInfo &Info);
  void enter(Function &Callee, const RegState &Args);
  void leave(FunctionInfo &Info, const RegState &At);
  void addCallbackUser(const Function &Callback, const Function &User,
                       unsigned Block);
  void revisit(FunctionInfo &Info, unsigned Block);
  bool joinRising(FunctionInfo &Info, unsigned Block, const RegState &State,
                  unsigned From);
  FunctionInfo &info(const Function &F) const;

  const CallGraph &Graph;
  const KernelProfile &Profile;
  std::vector<std::unique_ptr<FunctionInfo>> Infos;
  std::vector<FunctionInfo *> Pending;
  RegState Anything; ///< nothing is known
  unsigned Nesting = 0;
};

} // namespace prepatch

#endif
