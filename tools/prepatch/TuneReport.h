//===- TuneReport.h - What tune found ------------------------------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef PREPATCH_TOOLS_TUNEREPORT_H
#define PREPATCH_TOOLS_TUNEREPORT_H

#include "Tune/Tuner.h"

namespace prepatch {

struct TuneSummary {
  std::vector<std::string> Kernels; ///< releases
  std::vector<TunedProgram> Programs;
  std::vector<std::string> Globals; ///< functions that became global
  std::vector<std::string> Loops;   ///< that got a may_goto
  /// Programs with any of these.
  std::vector<std::string> WithGlobals, WithMayGoto;

  bool isChanged(const TunedProgram &T) const;
};

/// A table and a line of reason for each program that stays as it is; or JSON.
void writeTuneReport(llvm::raw_ostream &OS, const TuneSummary &Summary,
                     bool AsJson);

} // namespace prepatch

#endif
