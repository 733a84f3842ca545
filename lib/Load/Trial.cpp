//===- Trial.cpp - one variant of a program, tried on the kernel ----------===//
//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// At log level 1 the kernel takes back what it wrote about a path when it turns
// to the next one (do_check() calls bpf_vlog_reset() in pop_stack()), so what
// is left after a refusal is the path that failed.
//
//===----------------------------------------------------------------------===//

#include "Trial.h"
#include "Deadline.h"
#include "LiveLog.h"

#include <algorithm>
#include <cerrno>

using namespace prepatch;

namespace {
/// One load with a deadline.
struct TimedLoad {
  TimedLoad(const PreparedLoad &Load, const ReplayOptions &Options,
            uint64_t TimeoutMs);
  /// Another signal than the deadline's also ends in EAGAIN.
  bool disturbed() const { return Interrupted && !Timeout; }

  int Errno = 0;
  bool Interrupted = false, Timeout = false;
  double WallUs = 0;
};
} // namespace

TimedLoad::TimedLoad(const PreparedLoad &Load, const ReplayOptions &Options,
                     uint64_t TimeoutMs) {
  Deadline Limit(TimeoutMs);
  ReplayResult Replay = Load.replay(Options);
  Errno = Replay.Errno;
  WallUs = Replay.WallUs;
  Interrupted = Errno == EAGAIN || Errno == EINTR;
  Timeout = Interrupted && Limit.expired();
}

static constexpr unsigned Attempts = 5;

static ReplayOptions withLog(const LoadVariant &Variant, uint32_t LogLevel,
                             char *Log, uint32_t LogSize) {
  ReplayOptions Options;
  Options.Variant = &Variant;
  Options.LogLevel = LogLevel;
  Options.Log = Log;
  Options.LogSize = LogSize;
  Options.Retries = 0;
  return Options;
}

static TimedLoad timedLoad(const PreparedLoad &Load, const LoadVariant &Variant,
                           uint32_t LogLevel, LogBuffer &Log,
                           uint64_t TimeoutMs) {
  ReplayOptions Options = withLog(Variant, LogLevel, Log.data(), Log.size());
  for (unsigned I = 1;; ++I) {
    TimedLoad Result(Load, Options, TimeoutMs);
    if (!Result.disturbed() || I == Attempts)
      return Result;
  }
}

template <typename T> static T median(std::vector<T> Values) {
  size_t Middle = (Values.size() - 1) / 2;
  std::nth_element(Values.begin(), Values.begin() + ptrdiff_t(Middle),
                   Values.end());
  return Values[Middle];
}

/// Room for a path of MaxPath instructions where the log rotates; where it does
/// not, the whole path must fit.
static size_t traceLogSize() { return (kernelRotatesLog() ? 8u : 512u) << 20; }

TrialResult prepatch::tryVariant(const PreparedLoad &Load,
                                 const LoadVariant &Variant, uint64_t TimeoutMs,
                                 unsigned Repeat) {
  TrialResult Result;
  std::vector<int64_t> Verification;
  std::vector<double> Wall;
  // A log that does not fit would hide the verdict; only what is written costs.
  LogBuffer Log(16u << 20);
  for (unsigned I = 0; I != std::max(1u, Repeat); ++I) {
    TimedLoad Timed = timedLoad(Load, Variant, 4, Log, TimeoutMs);
    VerifierStats Stats = parseStats(Log.text());
    if (I && Timed.Errno)
      break;
    if (I == 0) {
      Result.Stats = Stats;
      Result.Errno = Timed.Errno;
      Result.Timeout = Timed.Timeout;
    }
    Verification.push_back(Stats.VerificationUs);
    Wall.push_back(Timed.WallUs);
    if (Timed.Errno)
      break;
  }
  Result.VerificationUs = median(Verification);
  Result.LoadUs = median(Wall);
  if (Result.Errno && !Result.Timeout) {
    // verbose() of an error writes at every level.
    Result.Reason = refusalReason(Log.text());
    if (Result.Reason.empty())
      Result.Reason = errnoText(Result.Errno);
  }
  return Result;
}

ProfileResult prepatch::profileVariant(const PreparedLoad &Load,
                                       const LoadVariant &Variant,
                                       const std::vector<uint32_t> &Points,
                                       uint64_t TimeoutMs) {
  ProfileResult Result;
  for (unsigned I = 1;; ++I) {
    StateLogReader Reader(Variant.Origin, Load.insns().size(), Points);
    LiveLog Log(LiveLog::MaxSize,
                [&](std::string_view Text) { return Reader.read(Text); });
    TimedLoad Timed(
        Load,
        withLog(Variant, 2 | 4 | LiveLog::levelBits(), Log.data(), Log.size()),
        TimeoutMs);
    Log.finish();
    if (Timed.disturbed() && I != Attempts)
      continue;
    Result.Errno = Timed.Errno;
    Result.Timeout = Timed.Timeout;
    Result.Truncated = Timed.Errno == ENOSPC;
    Result.States = Reader.profile();
    Result.Stats = parseStats(Log.tail());
    if (Result.Errno && !Result.Timeout && !Result.Truncated)
      Result.Reason = refusalReason(Log.tail());
    return Result;
  }
}

/// "12: (61) ..": the number, or -1.
static int64_t walkedInsn(std::string_view Line) {
  size_t At = 0;
  int64_t Index = 0;
  while (At != Line.size() && At < 9 && Line[At] >= '0' && Line[At] <= '9')
    Index = Index * 10 + (Line[At++] - '0');
  return At && Line.substr(At, 3) == ": (" ? Index : -1;
}

static void readPath(std::string_view Log, const LoadVariant &Variant,
                     RefusalTrace &Trace) {
  std::vector<std::string_view> Tail;
  // Backwards, because only the end matters.
  while (!Log.empty()) {
    if (Log.back() == '\n')
      Log.remove_suffix(1);
    size_t Start = Log.rfind('\n');
    Start = Start == std::string_view::npos ? 0 : Start + 1;
    std::string_view Line = Log.substr(Start);
    Log = Log.substr(0, Start);
    if (Tail.size() < 12 && !Line.empty() && !isStatsLine(Line))
      Tail.push_back(Line);
    int64_t Index = walkedInsn(Line);
    if (Index < 0 || Index >= int64_t(Variant.Origin.size()))
      continue;
    Trace.Path.push_back(Variant.Origin[size_t(Index)]);
    if (Trace.Path.size() == RefusalTrace::MaxPath)
      break;
  }
  std::reverse(Trace.Path.begin(), Trace.Path.end());
  Trace.Tail.assign(Tail.rbegin(), Tail.rend());
}

RefusalTrace prepatch::traceRefusal(const PreparedLoad &Load,
                                    const LoadVariant &Variant,
                                    uint64_t TimeoutMs) {
  RefusalTrace Trace;
  LogBuffer Log(traceLogSize());
  TimedLoad Timed = timedLoad(Load, Variant, 1 | 4, Log, TimeoutMs);
  Trace.Errno = Timed.Errno;
  Trace.Timeout = Timed.Timeout;
  std::string_view Text = Log.text();
  Trace.Processed = parseStats(Text).Processed;
  if (Trace.Errno == ENOSPC) {
    // The log did not fit, and that hides the verdict.
    LogBuffer Small(1u << 20);
    TimedLoad Plain = timedLoad(Load, Variant, 4, Small, TimeoutMs);
    Trace.Errno = Plain.Errno;
    Trace.Timeout = Plain.Timeout;
  }
  if (!Trace.Errno)
    return Trace;
  if (!Trace.Timeout) {
    Trace.Reason = refusalReason(Text);
    if (Trace.Reason.empty())
      Trace.Reason = errnoText(Trace.Errno);
  }
  readPath(Text, Variant, Trace);
  return Trace;
}
