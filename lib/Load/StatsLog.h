//===- StatsLog.h - the verifier's statistics and last words --------------===//
//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Reads the closing lines of a verifier log.
//
//===----------------------------------------------------------------------===//

#ifndef PREPATCH_LOAD_STATSLOG_H
#define PREPATCH_LOAD_STATSLOG_H

#include <cstdint>
#include <string>
#include <string_view>

namespace prepatch {

/// What log level 4 prints. -1: not in the log.
struct VerifierStats {
  int64_t VerificationUs = -1;
  int64_t Processed = -1, TotalStates = -1, PeakStates = -1;
  std::string StackDepth; ///< bytes per subprogram, "64+0+16"
};

VerifierStats parseStats(std::string_view Log);

/// Whether the line is one of those that level 4 adds at the end.
bool isStatsLine(std::string_view Line);

/// The last line of the log that says why a program was refused.
std::string refusalReason(std::string_view Log);

} // namespace prepatch

#endif
