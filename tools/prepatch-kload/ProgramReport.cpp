//===- ProgramReport.cpp - results as JSON members ------------------------===//
//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The names and the order of the members of a program's report.
//
//===----------------------------------------------------------------------===//

#include "ProgramReport.h"
#include "Load/ProgramTypes.h"

#include <bpf/btf.h>

using namespace prepatch;

void prepatch::explainPoison(const PreparedLoad &Load,
                             const LoadedObject &Object, LoadResult &Result) {
  // libbpf's bases for maps and kernel functions, and for CO-RE (0xbad2310).
  static constexpr int32_t MapBase = 2001000000, FuncBase = 2002000000,
                           Core = 195896080;
  static constexpr std::string_view Key = "invalid func unknown#";
  size_t At = Result.Reason.find(Key);
  if (At == std::string::npos)
    return;
  int32_t Number = atoi(Result.Reason.c_str() + At + Key.size());
  (void)Load;
  if (Number == Core) {
    Result.Reason += " (a CO-RE relocation that this kernel does not satisfy)";
  } else if (Number >= FuncBase && Number < FuncBase + 1000000) {
    Result.Reason += " (a kernel function that this kernel does not have)";
  } else if (Number >= MapBase && Number < FuncBase) {
    int32_t Index = Number - MapBase;
    const bpf_map *Map = nullptr;
    for (int32_t I = 0; I <= Index; ++I) {
      Map = bpf_object__next_map(Object.object(), Map);
      if (!Map)
        return;
    }
    Result.Reason += " (map '" + std::string(bpf_map__name(Map)) +
                     "' that could not be created)";
  }
}

void prepatch::writeIdentity(JsonWriter &Json, const ObjectProgram &Program) {
  Json.member("name", Program.Name);
  Json.member("section", Program.Section);
  Json.member("type", programTypeName(Program.Type));
  std::string Attach = attachTypeName(Program.Type, Program.AttachType);
  if (!Attach.empty())
    Json.member("attach_type", Attach);
}

void prepatch::writeVerdict(JsonWriter &Json, const ObjectProgram &Program,
                            const LoadResult &Result, bool WithLog) {
  if (!Program.Load) {
    Json.member("verdict", "skipped");
    Json.member("reason", Program.SkipReason);
    return;
  }
  Json.member("verdict", Result.Loaded ? "loaded" : "refused");
  if (!Result.Loaded) {
    Json.member("reason", Result.Reason);
    Json.member("errno", Result.Errno);
  }
  Json.member("insns", uint64_t(Program.Load->insns().size()));
  if (Result.Loaded) {
    Json.member("xlated_insns", Result.Sizes.XlatedInsns);
    Json.member("jited_bytes", Result.Sizes.JitedBytes);
  }
  if (Result.Stats.Processed >= 0) {
    Json.member("verified_insns", Result.Stats.Processed);
    Json.member("total_states", Result.Stats.TotalStates);
    Json.member("peak_states", Result.Stats.PeakStates);
  }
  if (!Result.Stats.StackDepth.empty())
    Json.member("stack_depth", Result.Stats.StackDepth);
  if (Result.Loaded) {
    Json.member("verification_us", Result.VerificationUs);
    Json.member("load_us", Result.LoadUs);
  } else if (WithLog) {
    Json.member("log", Result.LogTail);
  }
}

void prepatch::writeFunctions(JsonWriter &Json,
                              const std::vector<FunctionRange> &Functions) {
  Json.key("functions");
  Json.beginArray();
  for (const FunctionRange &F : Functions) {
    Json.beginObject();
    Json.member("name", F.Name);
    Json.member("start", F.Start);
    Json.member("insns", F.Count);
    Json.endObject();
  }
  Json.endArray();
}

void prepatch::writeVisits(JsonWriter &Json, const VisitCounts &Visits,
                           const std::vector<FunctionRange> &Functions) {
  Json.key("visits");
  Json.beginObject();
  Json.member("sum", Visits.Sum);
  Json.member("processed", Visits.Processed);
  Json.member("truncated", Visits.Truncated);
  Json.key("functions");
  Json.beginArray();
  for (const FunctionRange &F : Functions) {
    Json.beginObject();
    Json.member("name", F.Name);
    Json.key("counts");
    Json.beginArray();
    for (uint32_t I = F.Start; I != F.Start + F.Count; ++I)
      Json.value(I < Visits.PerInsn.size() ? Visits.PerInsn[I] : 0);
    Json.endArray();
    Json.endObject();
  }
  Json.endArray();
  Json.endObject();
}

void prepatch::writeRewrites(JsonWriter &Json, const RewriteCounts &Counts,
                             const std::vector<bpf_insn> &Insns,
                             const VisitCounts *Visits, bool WithList) {
  Json.key("rewrites");
  Json.beginObject();
  if (!Counts.Error.empty()) {
    Json.member("error", Counts.Error);
    Json.endObject();
    return;
  }
  Json.member("growths", uint64_t(Counts.Grown.size()));
  Json.member("grown_insns", Counts.GrownInsns);
  Json.member("deletions", Counts.DeletedRuns);
  Json.member("deleted_insns", Counts.DeletedInsns);
  if (Visits)
    Json.member("deletion_steps",
                countDeletionSteps(Counts, Insns, Visits->PerInsn));
  if (Counts.Appended)
    Json.member("appended", Counts.Appended);
  if (!Counts.Inconsistent.empty())
    Json.member("inconsistent", Counts.Inconsistent);
  if (WithList) {
    Json.key("grown");
    Json.beginArray();
    for (const GrownInsn &G : Counts.Grown) {
      Json.beginArray();
      Json.value(G.Index);
      Json.value(G.After);
      Json.endArray();
    }
    Json.endArray();
    Json.member("deleted", Counts.Deleted);
  }
  Json.endObject();
}

void prepatch::writeRuns(JsonWriter &Json, const BehaviourResult &Result) {
  Json.key("runs");
  Json.beginObject();
  if (!Result.Unsupported.empty())
    Json.member("unsupported", Result.Unsupported);
  Json.member("done", Result.Done);
  Json.member("failed", Result.Failed);
  if (!Result.FirstError.empty())
    Json.member("first_error", Result.FirstError);
  Json.member("digest", Result.Digest);
  Json.key("results");
  Json.beginArray();
  for (const auto &[Value, Count] : Result.ReturnValues) {
    Json.beginArray();
    Json.value(Value);
    Json.value(Count);
    Json.endArray();
  }
  Json.endArray();
  Json.member("nondeterministic", Result.Nondeterministic);
  if (Result.Compared) {
    Json.member("same", Result.Same);
    Json.member("different", Result.Different);
    if (Result.Different) {
      Json.key("first_difference");
      Json.beginObject();
      Json.member("component", Result.DifferentComponent);
      Json.member("run", Result.DifferentRun);
      Json.member("input", Result.DifferentInput);
      Json.member("before", Result.DifferentBefore);
      Json.member("after", Result.DifferentAfter);
      Json.endObject();
    }
  }
  Json.endObject();
}
