//===- Trade.cpp - Whether a rewrite is worth it -------------------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Lowering/Trade.h"
#include "llvm/Support/FormatVariadic.h"

using namespace llvm;

namespace prepatch {

/// How far the estimate of what is added may be off under Goal::Balanced.
static constexpr double Caution = 1.5;

static std::string numbers(const Trade &T) {
  std::string Text = formatv("saves {0:f2} us of patching", T.SavedUs);
  if (T.AddedUs > 0)
    Text += formatv(", adds {0:f2} us over {1:f0} visits", T.AddedUs, T.Visits);
  return Text;
}

Verdict weigh(Goal G, const Trade &T) {
  Verdict V;
  V.NetUs = T.SavedUs - T.AddedUs;
  std::string Numbers = numbers(T);
  auto refuse = [&](StringRef Why) {
    V.Reason = (Why + ": " + Numbers).str();
    return V;
  };
  if (G == Goal::Patches && T.RemovesPatch) {
    V.Take = true;
    V.Reason = Numbers;
    return V;
  }
  if (V.NetUs <= 0)
    return refuse("the load would not get shorter");
  if (G == Goal::Balanced && T.SavedUs <= Caution * T.AddedUs)
    return refuse("too close to call");
  if (G == Goal::Run && T.SlowsRun)
    return refuse("the program would execute more");
  if (G == Goal::Balanced && T.SlowsRun && T.IsHot)
    return refuse("hot code would execute more");
  V.Take = true;
  V.Reason = Numbers;
  return V;
}

bool isHot(const Analyses &A, const BasicBlock &BB) {
  const Function &F = *BB.parent();
  return A.Graph.isCallback(F) || A.Kinds.cfg(F).loopDepth(BB.number()) > 0;
}

} // namespace prepatch
