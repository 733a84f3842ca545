//===- ProgramReport.h - results as JSON members --------------------------===//
//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Each function writes the members of one part of a program's report.
//
//===----------------------------------------------------------------------===//

#ifndef PREPATCH_KLOAD_PROGRAMREPORT_H
#define PREPATCH_KLOAD_PROGRAMREPORT_H

#include "Load/Behaviour.h"
#include "Load/FunctionTable.h"
#include "Load/JsonWriter.h"
#include "Load/Measure.h"
#include "Load/RewriteProbe.h"
#include "Load/VisitLog.h"

namespace prepatch {

/// libbpf replaces what it cannot resolve by a call that the verifier refuses;
/// says so in Result.Reason where that is what happened.
void explainPoison(const PreparedLoad &Load, const LoadedObject &Object,
                   LoadResult &Result);

void writeIdentity(JsonWriter &Json, const ObjectProgram &Program);
void writeVerdict(JsonWriter &Json, const ObjectProgram &Program,
                  const LoadResult &Result, bool WithLog);
void writeFunctions(JsonWriter &Json,
                    const std::vector<FunctionRange> &Functions);
void writeVisits(JsonWriter &Json, const VisitCounts &Visits,
                 const std::vector<FunctionRange> &Functions);
void writeRewrites(JsonWriter &Json, const RewriteCounts &Counts,
                   const std::vector<bpf_insn> &Insns,
                   const VisitCounts *Visits, bool WithList);
void writeRuns(JsonWriter &Json, const BehaviourResult &Result);

} // namespace prepatch

#endif
