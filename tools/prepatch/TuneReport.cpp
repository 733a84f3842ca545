//===- TuneReport.cpp - What tune found ----------------------------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "TuneReport.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;

namespace prepatch {

bool TuneSummary::isChanged(const TunedProgram &T) const {
  return !T.Chosen.empty() || is_contained(WithGlobals, T.Name) ||
         is_contained(WithMayGoto, T.Name);
}

static void writeNames(json::OStream &J, StringRef Key,
                       ArrayRef<std::string> Names) {
  J.attributeArray(Key, [&] {
    for (const std::string &Name : Names)
      J.value(json::fixUTF8(Name));
  });
}

static void writeFigures(json::OStream &J, StringRef Release,
                         const KernelFigures &F) {
  J.object([&] {
    J.attribute("kernel", Release);
    J.attribute("loads_before", F.Before.Loads);
    J.attribute("loads_after", F.After.Loads);
    J.attribute("verified_before", F.Before.Verified);
    J.attribute("verified_after", F.After.Verified);
    J.attribute("verification_us_before", F.BeforeUs);
    J.attribute("verification_us_after", F.AfterUs);
    if (!F.Before.Reason.empty())
      J.attribute("refused_before", json::fixUTF8(F.Before.Reason));
    if (!F.After.Reason.empty())
      J.attribute("refused_after", json::fixUTF8(F.After.Reason));
  });
}

static void writeJson(raw_ostream &OS, const TuneSummary &Summary) {
  json::OStream J(OS, 1);
  J.object([&] {
    writeNames(J, "globals", Summary.Globals);
    writeNames(J, "may_goto", Summary.Loops);
    J.attributeArray("programs", [&] {
      for (const TunedProgram &T : Summary.Programs)
        J.object([&] {
          J.attribute("name", T.Name);
          J.attribute("changed", Summary.isChanged(T));
          J.attribute("has_globals", is_contained(Summary.WithGlobals, T.Name));
          J.attribute("needs_may_goto",
                      is_contained(Summary.WithMayGoto, T.Name));
          J.attribute("reason", json::fixUTF8(T.Reason));
          J.attribute("verified_before", T.Kernels[0].Before.Verified);
          J.attribute("verified_after", T.Kernels[0].After.Verified);
          J.attribute("no_ops", uint64_t(T.Chosen.size()));
          J.attribute("inserted_insns", T.Kernels[0].After.Inserted);
          J.attribute("trial_loads", T.Loads);
          J.attribute("rounds", T.Rounds);
          J.attribute("seconds", T.Seconds);
          J.attribute("stopped_early", T.Stopped);
          J.attributeArray("kernels", [&] {
            for (size_t K = 0; K != T.Kernels.size(); ++K)
              writeFigures(J, Summary.Kernels[K], T.Kernels[K]);
          });
          J.attributeArray("trajectory", [&] {
            for (const auto &[Seconds, Verified] : T.Trajectory)
              J.array([&, S = Seconds, V = Verified] {
                J.value(S);
                J.value(V);
              });
          });
        });
    });
  });
  OS << '\n';
}

static void writeText(raw_ostream &OS, const TuneSummary &Summary) {
  OS << formatv("{0,-32} {1,-12} {2,10} {3,10} {4,12} {5,12} {6,7}\n",
                "program", "kernel", "verified", "after", "verify us", "after",
                "no-ops");
  for (const TunedProgram &T : Summary.Programs) {
    for (size_t K = 0; K != T.Kernels.size(); ++K) {
      const KernelFigures &F = T.Kernels[K];
      OS << formatv("{0,-32} {1,-12} ", K ? "" : T.Name, Summary.Kernels[K]);
      OS << formatv(
          "{0,10} {1,10} {2,12:F0} {3,12:F0} {4,7}\n",
          F.Before.Loads ? std::to_string(F.Before.Verified) : "refused",
          F.After.Loads ? std::to_string(F.After.Verified) : "refused",
          F.BeforeUs, F.AfterUs, T.Chosen.size());
    }
    if (is_contained(Summary.WithGlobals, T.Name))
      OS << "  has functions that were made global\n";
    if (is_contained(Summary.WithMayGoto, T.Name))
      OS << "  has loops with a may_goto\n";
    if (!T.Reason.empty())
      OS << "  " << T.Reason << '\n';
  }
  for (const std::string &Name : Summary.Globals)
    OS << "made global: " << Name << '\n';
  for (const std::string &Loop : Summary.Loops)
    OS << "may_goto: " << Loop << '\n';
}

void writeTuneReport(raw_ostream &OS, const TuneSummary &Summary, bool AsJson) {
  AsJson ? writeJson(OS, Summary) : writeText(OS, Summary);
}

} // namespace prepatch
