//===- Trial.h - one variant of a program, tried on the kernel ------------===//
//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Loads a variant of a captured program, closes it at once, and tells what the
// kernel said: the verdict with its cost, or the path to the refusal.
//
//===----------------------------------------------------------------------===//

#ifndef PREPATCH_LOAD_TRIAL_H
#define PREPATCH_LOAD_TRIAL_H

#include "PreparedLoad.h"
#include "StateLog.h"
#include "StatsLog.h"

#include <string>
#include <vector>

namespace prepatch {

struct TrialResult {
  int Errno = 0;
  bool Timeout = false; ///< the load was interrupted; Errno says how
  std::string Reason;   ///< of a refusal
  VerifierStats Stats;  ///< of the first load
  /// Medians over all loads.
  int64_t VerificationUs = -1;
  double LoadUs = 0;
};

/// Loads Variant of Load Repeat times, each for at most TimeoutMs (0: as long
/// as it takes).
TrialResult tryVariant(const PreparedLoad &Load, const LoadVariant &Variant,
                       uint64_t TimeoutMs, unsigned Repeat);

struct ProfileResult {
  int Errno = 0;
  bool Timeout = false;
  bool Truncated = false; ///< the log's end is missing
  std::string Reason;
  VerifierStats Stats;
  StateProfile States;
};

/// Loads Variant with the log of all states on. Points are
/// indices in Load.
ProfileResult profileVariant(const PreparedLoad &Load,
                             const LoadVariant &Variant,
                             const std::vector<uint32_t> &Points,
                             uint64_t TimeoutMs);

struct RefusalTrace {
  int Errno = 0; ///< 0: the kernel accepted the program
  bool Timeout = false;
  std::string Reason;
  int64_t Processed = -1;
  /// LoadVariant::Origin of the instructions on the failing path, oldest
  /// first; at most the last MaxPath.
  std::vector<int32_t> Path;
  std::vector<std::string> Tail; ///< the log's last lines
  static constexpr size_t MaxPath = 20000;
};

/// Loads Variant with the log on, to learn on which path it fails.
RefusalTrace traceRefusal(const PreparedLoad &Load, const LoadVariant &Variant,
                          uint64_t TimeoutMs);

} // namespace prepatch

#endif
