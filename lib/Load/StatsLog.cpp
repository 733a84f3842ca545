//===- StatsLog.cpp - the verifier's statistics and last words ------------===//
//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The lines are those of print_verification_stats(), kernels 5.2 to 6.18.
//
//===----------------------------------------------------------------------===//

#include "StatsLog.h"

#include <cstdlib>

using namespace prepatch;

/// The number after the last "Key ", or -1.
static int64_t numberAfter(std::string_view Log, std::string_view Key) {
  size_t At = Log.rfind(Key);
  if (At == std::string_view::npos)
    return -1;
  std::string Digits(Log.substr(At + Key.size(), 24));
  char *End = nullptr;
  long long Value = strtoll(Digits.c_str(), &End, 10);
  return End == Digits.c_str() ? -1 : Value;
}

VerifierStats prepatch::parseStats(std::string_view Log) {
  VerifierStats Stats;
  Stats.VerificationUs = numberAfter(Log, "verification time ");
  size_t Line = Log.rfind("processed ");
  if (Line != std::string_view::npos) {
    std::string_view Tail = Log.substr(Line);
    Stats.Processed = numberAfter(Tail, "processed ");
    Stats.TotalStates = numberAfter(Tail, "total_states ");
    Stats.PeakStates = numberAfter(Tail, "peak_states ");
  }
  static constexpr std::string_view Depth = "stack depth ";
  size_t At = Log.rfind(Depth);
  if (At != std::string_view::npos) {
    At += Depth.size();
    size_t End = Log.find('\n', At);
    Stats.StackDepth =
        Log.substr(At, End == std::string_view::npos ? End : End - At);
  }
  return Stats;
}

static bool startsWith(std::string_view Text, std::string_view Prefix) {
  return Text.substr(0, Prefix.size()) == Prefix;
}

bool prepatch::isStatsLine(std::string_view Line) {
  return startsWith(Line, "processed ") ||
         startsWith(Line, "verification time ") ||
         startsWith(Line, "stack depth ");
}

std::string prepatch::refusalReason(std::string_view Log) {
  while (!Log.empty()) {
    size_t Start = Log.rfind('\n', Log.size() - 1);
    std::string_view Line =
        Start == std::string_view::npos ? Log : Log.substr(Start + 1);
    // "infinite loop detected" is followed by the two states, in lines of their
    // own or, on 6.18, behind the words.
    bool State = startsWith(Line, " ") || startsWith(Line, "cur state:") ||
                 startsWith(Line, "old state:");
    if (!Line.empty() && !State && !isStatsLine(Line))
      return std::string(Line);
    if (Start == std::string_view::npos)
      break;
    Log = Log.substr(0, Start);
  }
  return {};
}
