//===- Explain.cpp - Where the verifier spends itself --------------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Tune/Explain.h"
#include "Report/Format.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include <set>
#include <tuple>

using namespace llvm;

namespace prepatch {

LoadSummary summarize(const SessionProgram &P, const TrialResult *Trial) {
  LoadSummary S;
  S.Name = P.Name;
  S.Section = P.Section;
  S.Type = P.Type;
  S.Insns = P.Insns;
  if (!Trial) {
    S.Verdict = "not loadable";
    S.Reason = P.Error;
    return S;
  }
  S.Verdict = Trial->Timeout    ? "interrupted"
              : Trial->loaded() ? "loaded"
                                : "refused";
  S.Reason = Trial->Reason;
  S.Verified = Trial->Verified;
  S.States = Trial->States;
  S.VerificationUs =
      Trial->VerificationUs > 0 ? Trial->VerificationUs : Trial->LoadUs;
  return S;
}

static void addLines(Explanation &E, const ProgramSource &Source,
                     const StateProfile &Profile, double UsPerInsn) {
  // Without line info each instruction stands for itself.
  using Key = std::tuple<std::string, uint32_t, std::string, uint32_t>;
  std::map<Key, ExplainedLine> Lines;
  bool InVisitedRun = false;
  for (uint32_t I = 0; I < Profile.Visits.size(); ++I) {
    if (Source.beginsLine(I))
      InVisitedRun = false;
    uint32_t Visits = Profile.Visits[I];
    if (!Visits)
      continue;
    SourcePlace Place = Source.placeOf(I);
    Key K = Place.File.empty() ? Key("", 0, Place.Function, Place.Index)
                               : Key(Place.File, Place.Line, "", 0);
    ExplainedLine &L = Lines[K];
    if (Visits > L.MostVisits) {
      L.MostVisits = Visits;
      L.Where = std::move(Place);
    }
    L.Visits += Visits;
    ++L.Insns;
    L.Copies += !InVisitedRun;
    InVisitedRun = true;
  }
  for (auto &[K, L] : Lines) {
    L.CostUs = double(L.Visits) * UsPerInsn;
    E.Lines.push_back(std::move(L));
  }
  stable_sort(E.Lines, [](const ExplainedLine &A, const ExplainedLine &B) {
    return A.Visits > B.Visits;
  });
}

static void addFunctions(Explanation &E, const ProgramSource &Source,
                         const StateProfile &Profile, double UsPerInsn) {
  for (const LoadedFunction &Loaded : Source.program().Functions) {
    ExplainedFunction F;
    F.Name = Loaded.Name;
    F.Insns = Loaded.Count;
    if (Loaded.Count)
      F.Entered = Profile.Visits[Loaded.Start];
    for (uint32_t I = 0; I < Loaded.Count; ++I)
      F.Visits += Profile.Visits[Loaded.Start + I];
    F.CostUs = double(F.Visits) * UsPerInsn;
    E.Functions.push_back(std::move(F));
  }
  stable_sort(E.Functions,
              [](const ExplainedFunction &A, const ExplainedFunction &B) {
                return A.Visits > B.Visits;
              });
}

static ExplainedLocation explain(const PointLocation &L, uint32_t Point,
                                 const ProgramSource &Source,
                                 const StateProfile &Profile) {
  ExplainedLocation Result;
  Result.Where = toString(L.Where);
  Result.Scalar = L.Scalar;
  Result.Values = L.Values;
  Result.Precise = L.Precise;
  Result.Known = L.Known;
  Result.Merge = L.Merge;
  Result.UMin = L.UMin;
  Result.UMax = L.UMax;
  Result.Variable = Source.variableName(Point, L.Where);
  std::vector<uint32_t> Writes = Source.lastWrites(Point, L.Where);
  stable_sort(Writes, [&](uint32_t A, uint32_t B) {
    return Profile.Visits[A] > Profile.Visits[B];
  });
  for (uint32_t Write : Writes) {
    SourcePlace Place = Source.placeOf(Write);
    StringRef Name = Place.File.empty() ? "" : assignedName(Place.Text);
    // The most visited of them, unless only another one has a name.
    if (!Result.Written || (Result.Variable.empty() && !Name.empty())) {
      if (Result.Variable.empty())
        Result.Variable = Name.str();
      Result.Written = std::move(Place);
    }
  }
  return Result;
}

static bool costsMore(const ExplainedPoint &A, const ExplainedPoint &B) {
  return std::tie(A.CostUs, A.Visits) > std::tie(B.CostUs, B.Visits);
}

static void sortLocations(ExplainedPoint &P) {
  stable_sort(P.Locations,
              [](const ExplainedLocation &A, const ExplainedLocation &B) {
                return std::tie(A.Merge, A.Values, A.Precise) >
                       std::tie(B.Merge, B.Values, B.Precise);
              });
}

/// Adds what is known of a location in another copy of the code.
static void addCopy(ExplainedPoint &P, const ExplainedLocation &L) {
  auto IsSame = [&](const ExplainedLocation &Have) {
    // The copies of a named variable may be in different places.
    return L.Variable.empty() ? Have.name() == L.name()
                              : Have.Variable == L.Variable;
  };
  auto Have = find_if(P.Locations, IsSame);
  if (Have == P.Locations.end()) {
    P.Locations.push_back(L);
    return;
  }
  SmallVector<StringRef, 4> Places;
  StringRef(Have->Where).split(Places, '/');
  if (!is_contained(Places, L.Where))
    Have->Where += "/" + L.Where;
  Have->Values = std::max(Have->Values, L.Values);
  Have->Precise += L.Precise;
  Have->Known += L.Known;
  Have->Merge += L.Merge;
  Have->UMin = std::min(Have->UMin, L.UMin);
  Have->UMax = std::max(Have->UMax, L.UMax);
}

namespace {
/// The points of one source line, with the instructions behind them: regions
/// overlap.
struct LinePoint {
  ExplainedPoint Sum;
  std::set<uint32_t> Region;
};
} // namespace

static void addToLine(LinePoint &Line, const ExplainedPoint &P) {
  ExplainedPoint &Sum = Line.Sum;
  if (Sum.Where.Function.empty()) {
    Sum = P;
    return;
  }
  ++Sum.Copies;
  Sum.Visits += P.Visits;
  Sum.Cut += P.Cut;
  Sum.States += P.States;
  Sum.Ways = std::max(Sum.Ways, P.Ways);
  for (const ExplainedLocation &L : P.Locations)
    addCopy(Sum, L);
}

static void addPoints(Explanation &E, const ProgramSource &Source,
                      const StateProfile &Profile, double UsPerInsn) {
  using Key = std::tuple<std::string, uint32_t, std::string, uint32_t>;
  std::map<Key, std::vector<uint32_t>> Regions;
  for (const PointProfile &P : Profile.Points) {
    if (P.Visits < 2 || !binary_search(Source.points(), P.At))
      continue;
    ExplainedPoint Point;
    for (const PointLocation &L : P.Locations)
      if (L.Scalar && L.Precise && L.Values > 1)
        Point.Locations.push_back(explain(L, P.At, Source, Profile));
    if (Point.Locations.empty())
      continue;
    sortLocations(Point);
    Point.Where = Source.placeOf(P.At);
    Point.Visits = P.Visits;
    Point.Cut = Profile.Safe[P.At];
    Point.States = P.States;
    Point.Ways = Source.waysTo(P.At);
    std::vector<uint32_t> Region = Source.regionOf(P.At);
    for (uint32_t I : Region)
      Point.CostUs += double(Profile.Visits[I]) * UsPerInsn;
    const SourcePlace &W = Point.Where;
    Regions[Key("", 0, W.Function, W.Index)] = std::move(Region);
    E.Points.push_back(std::move(Point));
  }
  stable_sort(E.Points, costsMore);

  std::map<Key, LinePoint> Lines;
  for (const ExplainedPoint &P : E.Points) {
    const SourcePlace &W = P.Where;
    Key Own("", 0, W.Function, W.Index);
    LinePoint &Line = Lines[W.File.empty() ? Own : Key(W.File, W.Line, "", 0)];
    addToLine(Line, P);
    const std::vector<uint32_t> &Region = Regions[Own];
    Line.Region.insert(Region.begin(), Region.end());
  }
  for (auto &[K, Line] : Lines) {
    Line.Sum.CostUs = 0;
    for (uint32_t I : Line.Region)
      Line.Sum.CostUs += double(Profile.Visits[I]) * UsPerInsn;
    sortLocations(Line.Sum);
    E.LinePoints.push_back(std::move(Line.Sum));
  }
  stable_sort(E.LinePoints, costsMore);
}

static void addNotes(Explanation &E, const ProgramSource &Source,
                     const StateProfile &Profile) {
  const LoadSummary &S = E.Program;
  if (Profile.UnknownLines)
    E.Notes.push_back("not understood: " +
                      counted(Profile.UnknownLines, "line") + " of the log");
  if (E.Partial)
    E.Notes.push_back(
        std::string("the log ended ") +
        (Profile.Timeout ? "when time was up" : "early") +
        ": what follows is " + utostr(E.Visits) + " visits" +
        (S.Verified ? " of " + utostr(*S.Verified) : std::string()));
  if (!Source.hasLines())
    E.Notes.push_back("the object has no line info (compile with -g): "
                      "instructions take the place of lines");
  // Measured: loads whose cost is paths take 0.3 to 2 us an instruction on a
  // quiet machine. btf_struct_access() walks the kernel's types at each load
  // through a trusted pointer.
  if (S.usPerInsn() > 20 && S.VerificationUs > 1000)
    E.Notes.push_back(
        formatFixed(S.usPerInsn(), 1) +
        " us for each verified instruction is more than paths cost (0.3 to "
        "2, unless the machine is busy): look for loads of pointer fields "
        "through trusted pointers, for "
        "which the kernel searches its types");
  else if (S.Verified && S.Insns && *S.Verified < 2 * uint64_t(S.Insns) &&
           S.Verdict == "loaded")
    E.Notes.push_back("instructions are visited less than twice on average: "
                      "there are hardly any paths to save");
}

void addProfile(Explanation &E, const ProgramSource &Source,
                const StateProfile &Profile) {
  for (uint32_t Count : Profile.Visits)
    E.Visits += Count;
  // Writing the log takes time too: a load that is interrupted comes less far.
  E.Partial = Profile.Truncated || Profile.Timeout;
  double UsPerInsn = E.Program.usPerInsn();
  addNotes(E, Source, Profile);
  addLines(E, Source, Profile, UsPerInsn);
  addFunctions(E, Source, Profile, UsPerInsn);
  addPoints(E, Source, Profile, UsPerInsn);
}

/// The limits of do_check() and push_stack() (6.1 to 6.18), and what the other
/// common refusals mean.
static void explainReason(ExplainedRefusal &R) {
  StringRef Reason = R.Reason;
  if (Reason.contains("too large. Processed")) {
    R.ForSize = true;
    R.Meaning = "the verifier stopped at its limit of instructions, not at a "
                "mistake: hot lines and merge points tell where its paths "
                "multiply";
  } else if (Reason.contains("jumps is too complex")) {
    R.ForSize = true;
    R.Meaning = "too many branches were waiting for their other side on one "
                "path: a loop, unrolled or not, whose rounds all end in "
                "different states";
  } else if (Reason.contains("infinite loop detected")) {
    R.Meaning = "a loop came back to the same state: the verifier does not see "
                "what makes it end";
  }
}

ExplainedRefusal explainRefusal(const ProgramSource &Source,
                                const FailingPath &Failure) {
  ExplainedRefusal R;
  R.Reason = Failure.Reason;
  explainReason(R);
  R.Tail = Failure.Tail;
  constexpr size_t MaxPath = 10;
  for (int32_t Index : reverse(Failure.Path)) {
    if (Index < 0)
      continue;
    SourcePlace Place = Source.placeOf(uint32_t(Index));
    if (!R.At) {
      R.At = Place;
      R.Instruction = Source.disassembly(uint32_t(Index));
    }
    if (!R.Path.empty() && R.Path.back().name() == Place.name() &&
        R.Path.back().File == Place.File)
      continue;
    if (R.Path.size() == MaxPath)
      break;
    R.Path.push_back(std::move(Place));
  }
  std::reverse(R.Path.begin(), R.Path.end());
  return R;
}

} // namespace prepatch
