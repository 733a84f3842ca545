//===- Commands.h - The sub-commands of prepatch -------------------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One file a sub-command: its options, and a function that runs it.
//===----------------------------------------------------------------------===//
#ifndef PREPATCH_TOOLS_COMMANDS_H
#define PREPATCH_TOOLS_COMMANDS_H

#include "llvm/Support/CommandLine.h"
#include "llvm/Support/Error.h"

namespace prepatch {

/// All options that are ours; those of LLVM's libraries stay hidden.
extern llvm::cl::OptionCategory Category;

extern llvm::cl::SubCommand LowerCommand, DumpCommand, CompareCommand,
    ExplainCommand, TuneCommand;

/// Each returns the exit code, or an error that main prints.
llvm::Expected<int> runLower();
llvm::Expected<int> runDump();
llvm::Expected<int> runCompare();
llvm::Expected<int> runExplain();
llvm::Expected<int> runTune();

/// Path of the running executable, to find prepatch-kload beside it.
extern std::string ExecutablePath;

} // namespace prepatch

#endif
