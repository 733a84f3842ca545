//===- LoweringReport.h - What the passes took and refused ---------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Text: the counts of each pass, then one line for every site under its pass,
// in the order in which the sites were decided. CSV and JSON: one row or one
// object for every site, in the same order. What could not be lifted at all
// comes first, as refusals of a pass called "lift".
//===----------------------------------------------------------------------===//
#ifndef PREPATCH_REPORT_LOWERINGREPORT_H
#define PREPATCH_REPORT_LOWERINGREPORT_H

#include "Lowering/Pass.h"
#include "Report/Format.h"

namespace prepatch {

/// A refusal for the object if it is frozen, and one for each opaque function.
std::vector<Decision> liftDecisions(const Object &Obj);

void writeLoweringReport(llvm::raw_ostream &OS,
                         llvm::ArrayRef<Decision> Decisions,
                         ReportFormat Format);
/// With the refusals of liftDecisions() before those of the passes.
void writeLoweringReport(llvm::raw_ostream &OS, const LoweringContext &Ctx,
                         ReportFormat Format);

} // namespace prepatch

#endif
