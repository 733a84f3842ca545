//===- Propose.h - Where to forget, without a kernel ---------------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A careful guess from the code alone. prepatch tune, which asks the kernel,
// finds more and knows what each costs.
//
// Points are blocks where ways meet, and the starts of unrolled copies of a
// loop's body, in functions with many branches. Forgotten are numbers that
// differ between the ways that meet there and come from constants, so that the
// verifier knows each exactly; that a later comparison asks for; and that
// nothing needs bounded which does not bound them itself. What counts the
// rounds of a real loop is left alone: without it the verifier sees the same
// state again and refuses the loop as endless.
//===----------------------------------------------------------------------===//
#ifndef PREPATCH_WIDENING_PROPOSE_H
#define PREPATCH_WIDENING_PROPOSE_H

#include "Widening/Widener.h"

namespace prepatch {

struct ProposeOptions {
  /// Conditional branches that a function must have.
  unsigned MinBranches = 48;
  /// The same if parts of it look like copies of each other.
  unsigned MinBranchesWithCopies = 24;
  /// Conditional branches that must lie behind a point.
  unsigned MinBranchesBehind = 8;
  /// Instructions that a copy must have to count as one, and how many copies.
  unsigned MinCopyLength = 12, MinCopies = 3;
};

struct Proposal {
  Insn *At;
  BasicBlock *BB;
  bool IsCopyStart;        ///< else ways meet there
  unsigned BranchesBehind; ///< what forgetting may save from being multiplied
  llvm::SmallVector<Widening, 4> What;
  /// What was looked at and left, with the reason.
  llvm::SmallVector<std::pair<Location, std::string>, 2> Left;
};

/// Proposals for \p F in layout order, those with nothing to forget but
/// something left among them.
std::vector<Proposal> proposeWidenings(Function &F, const RegKinds &Kinds,
                                       const Widener &W,
                                       const KernelProfile &Profile,
                                       const ProposeOptions &Options = {});

/// Blocks that begin like copies of each other: the start of each of at least
/// Options.MinCopies stretches of instructions that are alike and do not
/// overlap, in layout order.
std::vector<BasicBlock *> findCopyStarts(Function &F,
                                         const ProposeOptions &Options = {});

} // namespace prepatch

#endif
