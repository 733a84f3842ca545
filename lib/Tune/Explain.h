//===- Explain.h - Where the verifier spends itself ----------------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Puts what the kernel answered into the terms of Report/Explanation.h.
//===----------------------------------------------------------------------===//
#ifndef PREPATCH_TUNE_EXPLAIN_H
#define PREPATCH_TUNE_EXPLAIN_H

#include "Report/Explanation.h"
#include "Tune/ProgramSource.h"

namespace prepatch {

/// One row of the table of programs. A program that cannot be loaded at all has
/// no \p Trial.
LoadSummary summarize(const SessionProgram &P, const TrialResult *Trial);

/// Fills in lines, functions, points and notes from \p Profile. E.Program must
/// be there: costs are its time for each verified instruction.
void addProfile(Explanation &E, const ProgramSource &Source,
                const StateProfile &Profile);

/// Why the program was refused, in terms of its source.
ExplainedRefusal explainRefusal(const ProgramSource &Source,
                                const FailingPath &Failure);

} // namespace prepatch

#endif
