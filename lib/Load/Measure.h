//===- Measure.h - one load, and what the kernel says of it ---------------===//
//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Repeatable measurements of a captured program: verdict, statistics, sizes.
//
//===----------------------------------------------------------------------===//

#ifndef PREPATCH_LOAD_MEASURE_H
#define PREPATCH_LOAD_MEASURE_H

#include "PreparedLoad.h"
#include "StatsLog.h"

#include <string>
#include <vector>

namespace prepatch {

/// A log buffer that costs memory only where the kernel writes.
class LogBuffer {
public:
  explicit LogBuffer(size_t Size);
  ~LogBuffer();
  LogBuffer(const LogBuffer &) = delete;
  LogBuffer &operator=(const LogBuffer &) = delete;

  char *data() const { return Data; }
  uint32_t size() const { return Size; }
  std::string_view text() const;
  /// Gives the memory back; the text is gone.
  void clear();

private:
  char *Data;
  uint32_t Size;
};

struct ProgramSizes {
  uint32_t XlatedInsns = 0, JitedBytes = 0, LineInfos = 0;
};

struct LoadResult {
  bool Loaded = false;
  int Errno = 0;
  std::string Reason, LogTail; ///< of a refused program
  VerifierStats Stats;
  ProgramSizes Sizes;
  std::vector<int64_t> VerificationUs;
  std::vector<double> LoadUs;
};

/// Loads once with statistics and adds the times to Result. The first call also
/// fills in the verdict; a refused program is loaded once more for the log.
void measureLoad(const PreparedLoad &Load, LoadResult &Result);

/// Sizes of a loaded program.
ProgramSizes programSizes(int Fd);

/// The program after the kernel's rewrites; empty if the kernel keeps it to
/// itself.
std::vector<bpf_insn> xlatedInsns(int Fd);

} // namespace prepatch

#endif
