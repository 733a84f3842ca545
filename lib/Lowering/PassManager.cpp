//===- PassManager.cpp - Running passes by name --------------------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Lowering/PassManager.h"
#include "IR/Printer.h"
#include "IR/Verifier.h"
#include "llvm/ADT/STLExtras.h"

using namespace llvm;

namespace prepatch {

// constexpr, as options ask for it while static objects are still being set up.
static constexpr PassInfo Registry[] = {
#define PREPATCH_PASS(NAME, FUNCTION, TEXT) {NAME, FUNCTION, TEXT, false},
#define PREPATCH_OPT_IN_PASS(NAME, FUNCTION, TEXT) {NAME, FUNCTION, TEXT, true},
#include "Lowering/Passes.def"
};

ArrayRef<PassInfo> allPasses() { return Registry; }

Expected<std::vector<const PassInfo *>> parsePasses(StringRef List) {
  std::vector<const PassInfo *> Passes;
  if (List.empty()) {
    for (const PassInfo &P : Registry)
      if (!P.OptIn)
        Passes.push_back(&P);
    return Passes;
  }
  if (List == "none")
    return Passes;
  SmallVector<StringRef> Names;
  List.split(Names, ',');
  for (StringRef Name : Names) {
    auto It =
        find_if(Registry, [&](const PassInfo &P) { return P.Name == Name; });
    if (It == std::end(Registry)) {
      std::string Known;
      for (const PassInfo &P : Registry)
        Known += (Known.empty() ? "" : ", ") + P.Name.str();
      return createStringError("unknown pass '" + Name +
                               "', expected none or "
                               "some of: " +
                               Known);
    }
    Passes.push_back(&*It);
  }
  return Passes;
}

Expected<bool> runPasses(LoweringContext &Ctx,
                         ArrayRef<const PassInfo *> Passes,
                         const RunOptions &Options) {
  bool Changed = false;
#ifndef NDEBUG
  bool Verify = true;
#else
  bool Verify = Options.VerifyEach;
#endif
  for (const PassInfo *P : Passes) {
    if (P->Run(Ctx)) {
      Changed = true;
      Ctx.invalidate();
    }
    if (Options.PrintAfterAll) {
      *Options.PrintAfterAll << "; after " << P->Name << '\n';
      print(*Options.PrintAfterAll, Ctx.Prog);
    }
    if (!Verify)
      continue;
    if (Error E = verify(Ctx.Prog))
      return createStringError("pass '" + P->Name + "' broke the program: " +
                               toString(std::move(E)));
  }
  return Changed;
}

} // namespace prepatch
