//===- VisitLog.cpp - how often the verifier saw each instruction ---------===//
//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// do_check() (6.1 to 6.18) counts an instruction as processed before it decides
// whether a known state lets it stop there. In the log a visit is therefore
// either the instruction itself,
//
//   12: (61) r2 = *(u32 *)(r1 +40)      ; R1=ctx() R2_w=scalar()
//
// or the note that the path was cut before it:
//
//   12: safe
//   from 8 to 12: safe
//
// Everything else repeats instructions without visiting them: "mark_precise: ..
// before 12: (61) ..", "from 8 to 12: R0=..", "12: R1=ctx() ..", source lines.
//
//===----------------------------------------------------------------------===//

#include "VisitLog.h"
#include "LiveLog.h"
#include "StateLog.h"

#include <cerrno>
#include <numeric>

using namespace prepatch;

VisitCounts prepatch::measureVisits(const PreparedLoad &Load, size_t LogBytes) {
  size_t Size = Load.insns().size();
  std::vector<int32_t> Origin(Size);
  std::iota(Origin.begin(), Origin.end(), 0);
  VisitCounts Counts;
  for (unsigned Attempt = 0; Attempt != 5; ++Attempt) {
    StateLogReader Reader(Origin, Size, {});
    LiveLog Log(LogBytes,
                [&](std::string_view Text) { return Reader.read(Text); });
    ReplayOptions Options;
    Options.LogLevel = 2 | LiveLog::levelBits();
    Options.Log = Log.data();
    Options.LogSize = Log.size();
    Options.Retries = 0;
    ReplayResult Replay = Load.replay(Options);
    Log.finish();
    Counts.Errno = Replay.Errno;
    Counts.Truncated = Replay.Errno == ENOSPC;
    Counts.Processed = parseStats(Log.tail()).Processed;
    Counts.PerInsn = Reader.profile().Visits;
    // A signal made the verifier give up: the log is to be started again.
    if (Replay.Errno != EAGAIN)
      break;
  }
  if (Counts.Truncated) {
    // The kernel's count stands at the end, which is missing.
    LogBuffer Log(1u << 20);
    ReplayOptions Options;
    Options.LogLevel = 4;
    Options.Log = Log.data();
    Options.LogSize = Log.size();
    Load.replay(Options);
    Counts.Processed = parseStats(Log.text()).Processed;
  }
  Counts.Sum = std::accumulate(Counts.PerInsn.begin(), Counts.PerInsn.end(),
                               uint64_t(0));
  return Counts;
}
