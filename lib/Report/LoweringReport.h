//===- LoweringReport.h - What the passes took and refused ---------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Text: what could not be touched at all, the counts of each pass, then one
// line for every site under its pass, in the order in which the sites were
// decided. JSON: one object with "frozen", "notes", "opaque", "passes" and
// "sites", the last an array with an object for every site. CSV: the sites.
//===----------------------------------------------------------------------===//
#ifndef PREPATCH_REPORT_LOWERINGREPORT_H
#define PREPATCH_REPORT_LOWERINGREPORT_H

#include "Lowering/Pass.h"
#include "Report/Format.h"

namespace prepatch {

/// All there is to tell of one run of passes.
struct LoweringSummary {
  llvm::ArrayRef<Decision> Decisions;
  /// Why nothing was changed; empty if there was no such reason.
  std::string FrozenReason;
  std::vector<std::string> Notes;

  struct OpaqueFunction {
    std::string Name;
    std::string Reason;
  };
  std::vector<OpaqueFunction> OpaqueFunctions;
};

void writeLoweringReport(llvm::raw_ostream &OS, const LoweringSummary &Summary,
                         ReportFormat Format);

} // namespace prepatch

#endif
