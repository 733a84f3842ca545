//===- VisitLog.h - how often the verifier saw each instruction -----------===//
//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Counts visits from the verifier's level-2 log.
//
//===----------------------------------------------------------------------===//

#ifndef PREPATCH_LOAD_VISITLOG_H
#define PREPATCH_LOAD_VISITLOG_H

#include "PreparedLoad.h"

#include <vector>

namespace prepatch {

struct VisitCounts {
  std::vector<uint64_t> PerInsn; ///< by index in the loaded program
  uint64_t Sum = 0;
  int64_t Processed = -1; ///< the kernel's own count
  bool Truncated = false; ///< the log did not fit; counts are too low
  int Errno = 0;          ///< of the load
};

/// Loads the program once with a log of at most LogBytes.
VisitCounts measureVisits(const PreparedLoad &Load, size_t LogBytes);

} // namespace prepatch

#endif
