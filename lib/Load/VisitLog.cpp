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
#include "Measure.h"

#include <cerrno>
#include <cstring>

using namespace prepatch;

/// Takes a decimal number off the front; false if there is none.
static bool takeNumber(std::string_view &Text, uint64_t &Value) {
  size_t I = 0;
  Value = 0;
  while (I != Text.size() && I < 10 && Text[I] >= '0' && Text[I] <= '9')
    Value = Value * 10 + static_cast<uint64_t>(Text[I++] - '0');
  Text.remove_prefix(I);
  return I != 0;
}

static bool takeWord(std::string_view &Text, std::string_view Word) {
  if (Text.substr(0, Word.size()) != Word)
    return false;
  Text.remove_prefix(Word.size());
  return true;
}

/// The index of the instruction that the line is a visit of, or false.
static bool parseVisit(std::string_view Line, uint64_t &Index) {
  if (takeWord(Line, "from ")) {
    if (!takeNumber(Line, Index) || !takeWord(Line, " to ") ||
        !takeNumber(Line, Index))
      return false;
    // "from 8 to 12 (speculative execution): safe"
    takeWord(Line, " (speculative execution)");
    return Line == ": safe";
  }
  if (!takeNumber(Line, Index) || !takeWord(Line, ": "))
    return false;
  return Line == "safe" || Line.substr(0, 1) == "(";
}

void prepatch::countVisits(std::string_view Log, VisitCounts &Counts) {
  for (size_t At = 0; At < Log.size();) {
    const char *Line = Log.data() + At;
    const void *End = memchr(Line, '\n', Log.size() - At);
    size_t Length =
        End ? static_cast<size_t>(static_cast<const char *>(End) - Line)
            : Log.size() - At;
    At += Length + 1;
    uint64_t Index;
    if (!parseVisit(std::string_view(Line, Length), Index) ||
        Index >= Counts.PerInsn.size())
      continue;
    ++Counts.PerInsn[Index];
    ++Counts.Sum;
  }
}

VisitCounts prepatch::measureVisits(const PreparedLoad &Load, size_t LogBytes) {
  VisitCounts Counts;
  Counts.PerInsn.resize(Load.insns().size());
  // The kernel takes less than 1 GiB.
  LogBuffer Log(std::min(LogBytes, (size_t(1) << 30) - 4096));
  ReplayOptions Options;
  Options.LogLevel = 2;
  Options.Log = Log.data();
  Options.LogSize = Log.size();
  ReplayResult Replay = Load.replay(Options);
  Counts.Errno = Replay.Errno;
  Counts.Truncated = Replay.Errno == ENOSPC;
  std::string_view Text = Log.text();
  Counts.Processed = parseStats(Text).Processed;
  countVisits(Text, Counts);
  return Counts;
}
