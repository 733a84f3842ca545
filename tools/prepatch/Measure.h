//===- Measure.h - Visits by the verifier, from a load -------------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef PREPATCH_TOOLS_MEASURE_H
#define PREPATCH_TOOLS_MEASURE_H

#include "Analysis/Visits.h"
#include "llvm/Support/StringSaver.h"

namespace prepatch {

/// Loads the object at \p Path once with a state log, by running
/// prepatch-kload, and returns how often each instruction was visited. Names
/// are kept in \p Names. Fails if nothing could be loaded.
llvm::Expected<std::vector<VisitRecord>>
measureVisits(llvm::StringRef Path, llvm::UniqueStringSaver &Names);

} // namespace prepatch

#endif
