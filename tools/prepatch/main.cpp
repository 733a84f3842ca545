//===- main.cpp - prepatch -----------------------------------------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Commands.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;
using namespace prepatch;

cl::OptionCategory prepatch::Category("prepatch options");
std::string prepatch::ExecutablePath;

namespace {
struct Command {
  cl::SubCommand &Sub;
  Expected<int> (*Run)();
};
const Command Commands[] = {
    {LowerCommand, runLower},     {DumpCommand, runDump},
    {CompareCommand, runCompare}, {ExplainCommand, runExplain},
    {TuneCommand, runTune},
};
} // namespace

int main(int argc, char **argv) {
  InitLLVM Init(argc, argv);
  ExecutablePath =
      sys::fs::getMainExecutable(argv[0], reinterpret_cast<void *>(&runLower));
  cl::HideUnrelatedOptions(Category);
  for (const Command &C : Commands)
    cl::HideUnrelatedOptions(Category, C.Sub);
  cl::ParseCommandLineOptions(
      argc, argv,
      "does at compile time what the kernel would do to BPF programs while "
      "loading them\n");
  for (const Command &C : Commands) {
    if (!C.Sub)
      continue;
    Expected<int> Code = C.Run();
    if (Code)
      return *Code;
    errs() << "error: " << toString(Code.takeError()) << '\n';
    return 1;
  }
  errs() << "error: no command given; see prepatch --help\n";
  return 1;
}
