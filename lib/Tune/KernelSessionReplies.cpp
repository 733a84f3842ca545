//===- KernelSessionReplies.cpp - What --serve answers -------------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One fromJSON() for each structure; unknown members are ignored, so that the
// loader may say more than this knows of. Indices are checked here, once.
//===----------------------------------------------------------------------===//

#include "Tune/KernelSessionReplies.h"
#include "llvm/Support/JSON.h"

using namespace llvm;

namespace prepatch {

char RefusedRequest::ID;

std::error_code RefusedRequest::convertToErrorCode() const {
  return inconvertibleErrorCode();
}

/// A count that fits \p T; json has no fromJSON() for small integers.
template <typename T>
static bool mapCount(json::ObjectMapper &O, StringLiteral Key, T &Out,
                     json::Path P, bool Optional = false) {
  std::optional<int64_t> V;
  if (!O.map(Key, V))
    return false;
  if (!V) {
    if (!Optional)
      P.field(Key).report("missing value");
    return Optional;
  }
  if (*V < 0 || uint64_t(*V) > std::numeric_limits<T>::max()) {
    P.field(Key).report("expected a count");
    return false;
  }
  Out = T(*V);
  return true;
}

/// 64-bit values come as decimal text: numbers in JSON are doubles to many.
static bool mapDecimal(json::ObjectMapper &O, StringLiteral Key, uint64_t &Out,
                       json::Path P) {
  std::optional<std::string> Text;
  if (!O.map(Key, Text))
    return false;
  if (Text && StringRef(*Text).getAsInteger(10, Out)) {
    P.field(Key).report("expected a decimal number as text");
    return false;
  }
  return true;
}

/// A time; null if the kernel did not tell.
static bool mapTime(json::ObjectMapper &O, StringLiteral Key, double &Out) {
  std::optional<double> V;
  if (!O.map(Key, V))
    return false;
  Out = V.value_or(0);
  return true;
}

static bool fromJSON(const json::Value &V, LoadedFunction &F, json::Path P) {
  json::ObjectMapper O(V, P);
  return O && O.map("name", F.Name) && mapCount(O, "start", F.Start, P) &&
         mapCount(O, "insns", F.Count, P);
}

static bool fromJSON(const json::Value &V, SessionProgram &S, json::Path P) {
  json::ObjectMapper O(V, P);
  if (!O || !O.map("name", S.Name) || !O.map("section", S.Section) ||
      !O.map("type", S.Type) || !O.mapOptional("error", S.Error) ||
      !mapCount(O, "insns", S.Insns, P) ||
      !O.mapOptional("functions", S.Functions))
    return false;
  for (const LoadedFunction &F : S.Functions)
    if (F.Start > S.Insns || F.Count > S.Insns - F.Start) {
      P.field("functions").report("function past the end of the program");
      return false;
    }
  return true;
}

static bool fromJSON(const json::Value &V, Greeting &G, json::Path P) {
  json::ObjectMapper O(V, P);
  return O && O.map("kernel", G.Kernel) && O.map("programs", G.Programs);
}

static bool fromJSON(const json::Value &V, TrialResult &R, json::Path P) {
  json::ObjectMapper O(V, P);
  return O && O.map("errno", R.Errno) && O.mapOptional("timeout", R.Timeout) &&
         O.map("verified", R.Verified) && O.map("visited", R.Visited) &&
         mapCount(O, "states", R.States, P, /*Optional=*/true) &&
         mapTime(O, "verification_us", R.VerificationUs) &&
         mapTime(O, "load_us", R.LoadUs) && O.mapOptional("reason", R.Reason);
}

static bool fromJSON(const json::Value &V, PointLocation &L, json::Path P) {
  json::ObjectMapper O(V, P);
  std::optional<int64_t> Reg, Slot;
  if (!O || !O.map("reg", Reg) || !O.map("slot", Slot))
    return false;
  if (Reg && *Reg >= 0 && *Reg <= 9 && !Slot) {
    L.Where = Location::reg(unsigned(*Reg));
  } else if (Slot && *Slot >= -512 && *Slot < 0 && *Slot % 8 == 0 && !Reg) {
    L.Where = Location::slot(int16_t(*Slot));
  } else {
    P.report("expected a register from 0 to 9 or a slot of 8 bytes");
    return false;
  }
  return O.map("scalar", L.Scalar) && mapCount(O, "values", L.Values, P) &&
         mapCount(O, "precise", L.Precise, P, /*Optional=*/true) &&
         mapCount(O, "known", L.Known, P, /*Optional=*/true) &&
         mapCount(O, "merge", L.Merge, P, /*Optional=*/true) &&
         mapDecimal(O, "umin", L.UMin, P) && mapDecimal(O, "umax", L.UMax, P);
}

static bool fromJSON(const json::Value &V, PointProfile &Point, json::Path P) {
  json::ObjectMapper O(V, P);
  return O && mapCount(O, "at", Point.At, P) &&
         mapCount(O, "visits", Point.Visits, P) &&
         mapCount(O, "frame", Point.Frame, P, /*Optional=*/true) &&
         mapCount(O, "states", Point.States, P, /*Optional=*/true) &&
         O.mapOptional("locations", Point.Locations);
}

/// vector<uint32_t> is not known to the library, and goes the long way over
/// int64_t at a cost for a million of them.
static bool mapCounts(const json::Object &Top, StringRef Key,
                      std::vector<uint32_t> &Out, uint32_t Insns,
                      json::Path P) {
  const json::Array *A = Top.getArray(Key);
  if (!A || A->size() != Insns) {
    P.field(Key).report("expected a count for each instruction");
    return false;
  }
  Out.reserve(A->size());
  for (const json::Value &V : *A) {
    std::optional<int64_t> N = V.getAsInteger();
    if (!N || *N < 0 || *N > int64_t(UINT32_MAX)) {
      P.field(Key).index(unsigned(Out.size())).report("expected a count");
      return false;
    }
    Out.push_back(uint32_t(*N));
  }
  return true;
}

static bool fill(const json::Value &V, StateProfile &S, uint32_t Insns,
                 json::Path P) {
  json::ObjectMapper O(V, P);
  if (!O || !O.map("errno", S.Errno) || !O.map("verified", S.Verified) ||
      !O.mapOptional("truncated", S.Truncated) ||
      !O.mapOptional("timeout", S.Timeout) ||
      !mapCount(O, "unknown_lines", S.UnknownLines, P, /*Optional=*/true) ||
      !mapTime(O, "verification_us", S.VerificationUs) ||
      !O.mapOptional("points", S.Points) || !O.mapOptional("reason", S.Reason))
    return false;
  const json::Object &Top = *V.getAsObject();
  if (!mapCounts(Top, "visits", S.Visits, Insns, P) ||
      !mapCounts(Top, "safe", S.Safe, Insns, P))
    return false;
  for (size_t I = 0; I < S.Points.size(); ++I)
    if (S.Points[I].At >= Insns) {
      P.field("points")
          .index(unsigned(I))
          .field("at")
          .report("past the end of the program");
      return false;
    }
  return true;
}

static bool fill(const json::Value &V, FailingPath &F, uint32_t Insns,
                 json::Path P) {
  json::ObjectMapper O(V, P);
  std::vector<int64_t> Path;
  if (!O || !O.map("errno", F.Errno) || !O.mapOptional("reason", F.Reason) ||
      !O.map("verified", F.Verified) || !O.mapOptional("path", Path) ||
      !O.mapOptional("tail", F.Tail))
    return false;
  for (int64_t Index : Path) {
    if (Index >= int64_t(Insns) || Index < INT32_MIN) {
      P.field("path").report("index past the end of the program");
      return false;
    }
    F.Path.push_back(int32_t(Index));
  }
  return true;
}

static bool fill(const json::Value &V, TrialResult &R, uint32_t, json::Path P) {
  return fromJSON(V, R, P);
}

static bool fill(const json::Value &V, Greeting &G, uint32_t, json::Path P) {
  return fromJSON(V, G, P);
}

template <typename T>
static Expected<T> parseReply(StringRef Line, uint32_t Insns) {
  Expected<json::Value> Value = json::parse(Line);
  if (!Value)
    return Value.takeError();
  if (const json::Object *Top = Value->getAsObject())
    if (std::optional<StringRef> Text = Top->getString("error"))
      return make_error<RefusedRequest>(Text->str());
  T Result;
  json::Path::Root Root("reply");
  if (!fill(*Value, Result, Insns, Root))
    return Root.getError();
  return std::move(Result);
}

Expected<Greeting> parseGreeting(StringRef Line) {
  return parseReply<Greeting>(Line, 0);
}
Expected<TrialResult> parseTrial(StringRef Line, uint32_t Insns) {
  return parseReply<TrialResult>(Line, Insns);
}
Expected<StateProfile> parseProfile(StringRef Line, uint32_t Insns) {
  return parseReply<StateProfile>(Line, Insns);
}
Expected<FailingPath> parseTrace(StringRef Line, uint32_t Insns) {
  return parseReply<FailingPath>(Line, Insns);
}

} // namespace prepatch
