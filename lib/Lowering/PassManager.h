//===- PassManager.h - Running passes by name ----------------------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef PREPATCH_LOWERING_PASSMANAGER_H
#define PREPATCH_LOWERING_PASSMANAGER_H

#include "Lowering/Pass.h"

namespace prepatch {

struct PassInfo {
  llvm::StringRef Name;
  PassFunction Run;
  llvm::StringRef Text; ///< what it does, for --help
  bool OptIn;           ///< runs only where it is asked for by name
};

/// All passes in their default order, those that run by name only among them.
llvm::ArrayRef<PassInfo> allPasses();

/// The passes that \p List names: "a,b" in that order, any number of times;
/// "none" for none; empty for all that are not opt-in. An unknown name is an
/// error that lists the known ones.
llvm::Expected<std::vector<const PassInfo *>> parsePasses(llvm::StringRef List);

struct RunOptions {
  bool VerifyEach = false;
  /// Where to print the program after each pass; null for nowhere.
  llvm::raw_ostream *PrintAfterAll = nullptr;
};

/// Runs \p Passes in order. Returns whether any changed the program; an error
/// (with VerifyEach only) names the pass that broke it.
llvm::Expected<bool> runPasses(LoweringContext &Ctx,
                               llvm::ArrayRef<const PassInfo *> Passes,
                               const RunOptions &Options);

} // namespace prepatch

#endif
