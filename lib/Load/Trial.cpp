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
#include "Measure.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <sys/utsname.h>

using namespace prepatch;

bool prepatch::kernelRotatesLog() {
  utsname Name;
  unsigned Major = 0, Minor = 0;
  if (uname(&Name) != 0 || sscanf(Name.release, "%u.%u", &Major, &Minor) != 2)
    return false;
  return Major > 6 || (Major == 6 && Minor >= 4);
}

namespace {
/// One load with a deadline.
struct TimedLoad {
  TimedLoad(const PreparedLoad &Load, const LoadVariant &Variant,
            uint32_t LogLevel, LogBuffer &Log, uint64_t TimeoutMs);

  int Errno = 0;
  bool Timeout = false;
  double WallUs = 0;
};
} // namespace

TimedLoad::TimedLoad(const PreparedLoad &Load, const LoadVariant &Variant,
                     uint32_t LogLevel, LogBuffer &Log, uint64_t TimeoutMs) {
  ReplayOptions Options;
  Options.Variant = &Variant;
  Options.LogLevel = LogLevel;
  Options.Log = Log.data();
  Options.LogSize = Log.size();
  Options.Retries = 0;
  // Another signal than ours also ends in EAGAIN; that load is repeated.
  for (unsigned Attempt = 0; Attempt != 5; ++Attempt) {
    Deadline Limit(TimeoutMs);
    ReplayResult Replay = Load.replay(Options);
    Errno = Replay.Errno;
    WallUs = Replay.WallUs;
    bool Interrupted = Errno == EAGAIN || Errno == EINTR;
    Timeout = Interrupted && Limit.expired();
    if (!Interrupted || Timeout)
      break;
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
  LogBuffer Log(1u << 20);
  for (unsigned I = 0; I != std::max(1u, Repeat); ++I) {
    TimedLoad Timed(Load, Variant, 4, Log, TimeoutMs);
    VerifierStats Stats = parseStats(Log.text());
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
  static constexpr uint32_t Fixed = 8; // BPF_LOG_FIXED
  static constexpr size_t TailLength = 1u << 16;
  ProfileResult Result;
  // The kernel takes less than 1 GiB.
  LogBuffer Log((size_t(1) << 30) - 4096);
  TimedLoad Timed(Load, Variant, 2 | 4 | (kernelRotatesLog() ? Fixed : 0), Log,
                  TimeoutMs);
  Result.Errno = Timed.Errno;
  Result.Timeout = Timed.Timeout;
  Result.Truncated = Timed.Errno == ENOSPC;
  std::string_view Text = Log.text();
  StateLogReader Reader(Variant.Origin, Load.insns().size(), Points);
  Reader.read(Text);
  Result.States = Reader.profile();
  std::string_view Tail =
      Text.substr(Text.size() > TailLength ? Text.size() - TailLength : 0);
  Result.Stats = parseStats(Tail);
  if (Result.Errno && !Result.Timeout && !Result.Truncated)
    Result.Reason = refusalReason(Tail);
  return Result;
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
  TimedLoad Timed(Load, Variant, 1 | 4, Log, TimeoutMs);
  Trace.Errno = Timed.Errno;
  Trace.Timeout = Timed.Timeout;
  std::string_view Text = Log.text();
  Trace.Processed = parseStats(Text).Processed;
  if (Trace.Errno == ENOSPC) {
    // The log did not fit, and that hides the verdict.
    LogBuffer Small(1u << 20);
    TimedLoad Plain(Load, Variant, 4, Small, TimeoutMs);
    Trace.Errno = Plain.Errno;
    Trace.Timeout = Plain.Timeout;
  }
  if (!Trace.Errno)
    return Trace;
  if (!Trace.Timeout)
    Trace.Reason = refusalReason(Text);
  if (Trace.Reason.empty())
    Trace.Reason = errnoText(Trace.Errno);
  readPath(Text, Variant, Trace);
  return Trace;
}
