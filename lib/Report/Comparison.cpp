//===- Comparison.cpp - One object before and after ----------------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Judges pairs of programs. Whatever is not known to be right is a problem.
//===----------------------------------------------------------------------===//

#include "Report/Comparison.h"
#include "llvm/ADT/STLExtras.h"
#include <cmath>

using namespace llvm;

namespace prepatch {

StringRef judgementName(Judgement J) {
  switch (J) {
  case Judgement::Same:
    return "same";
  case Judgement::NotRunnable:
    return "not runnable";
  case Judgement::NotRun:
    return "not run";
  case Judgement::NeverLoaded:
    return "never loaded";
  case Judgement::LoadsNow:
    return "loads now";
  case Judgement::Different:
    return "different";
  case Judgement::RefusedAfter:
    return "refused after";
  case Judgement::OnlyBefore:
    return "only before";
  case Judgement::OnlyAfter:
    return "only after";
  case Judgement::Unknown:
    return "unknown";
  }
  return "";
}

bool isProblem(Judgement J) { return J >= Judgement::Different; }

static std::optional<double> median(std::vector<double> Values) {
  if (Values.empty())
    return std::nullopt;
  llvm::sort(Values);
  size_t Middle = Values.size() / 2;
  if (Values.size() % 2)
    return Values[Middle];
  return (Values[Middle - 1] + Values[Middle]) / 2;
}

static ProgramFigures figuresOf(const ProgramReport &P) {
  ProgramFigures F;
  F.Insns = P.Insns;
  F.XlatedInsns = P.XlatedInsns;
  F.VerifiedInsns = P.VerifiedInsns;
  if (P.Rewrites && P.Rewrites->Error.empty()) {
    F.Growths = P.Rewrites->Growths;
    F.GrownInsns = P.Rewrites->GrownInsns;
    F.Deletions = P.Rewrites->Deletions;
  }
  F.VerificationUs = median(P.VerificationUs);
  F.LoadUs = median(P.LoadUs);
  return F;
}

static std::string verdictOf(const ProgramReport &P) {
  return P.Verdict.empty() ? "unknown" : P.Verdict;
}

static void judgeRuns(const ProgramReport &Before, const ProgramReport &After,
                      bool RunsWanted, ProgramComparison &C) {
  if (!RunsWanted) {
    C.Result = Judgement::NotRun;
    return;
  }
  if (!Before.Runs || !After.Runs) {
    C.Result = Judgement::Unknown;
    C.Reason = "the loader reported no test runs";
    return;
  }
  if (!Before.Runs->Unsupported.empty() || !After.Runs->Unsupported.empty()) {
    // Supported on one side only is nothing that the type decides.
    bool Both =
        !Before.Runs->Unsupported.empty() && !After.Runs->Unsupported.empty();
    C.Result = Both ? Judgement::NotRunnable : Judgement::Unknown;
    C.Reason = Before.Runs->Unsupported.empty() ? After.Runs->Unsupported
                                                : Before.Runs->Unsupported;
    return;
  }
  C.Nondeterministic = Before.Runs->Nondeterministic;
  C.Inputs = After.Runs->Done + After.Runs->Failed;
  C.FailedInputs = After.Runs->Failed;
  if (!After.Runs->Same || !After.Runs->Different) {
    C.Result = Judgement::Unknown;
    C.Reason = "the loader compared no test runs";
  } else if (*After.Runs->Different) {
    C.Result = Judgement::Different;
    C.Reason = std::to_string(*After.Runs->Different) + " of " +
               std::to_string(C.Inputs) + " inputs";
    if (const std::optional<RunDifference> &D = After.Runs->FirstDifference)
      C.Reason += "; " + D->Component + " of run " + std::to_string(D->Run) +
                  " is " + D->After + ", was " + D->Before + " (" + D->Input +
                  ")";
  } else if (!Before.Runs->Done && !After.Runs->Done) {
    C.Result = Judgement::NotRunnable;
    C.Reason = "the kernel refused every input: " + After.Runs->FirstError;
  } else {
    C.Result = Judgement::Same;
  }
}

static void judge(const ProgramReport &Before, const ProgramReport &After,
                  bool RunsWanted, ProgramComparison &C) {
  if (!Before.Failed.empty() || !After.Failed.empty()) {
    C.Result = Judgement::Unknown;
    C.Reason = "the loader " + (Before.Failed.empty() ? After : Before).Failed;
  } else if (Before.isLoaded() && After.isLoaded()) {
    judgeRuns(Before, After, RunsWanted, C);
  } else if (Before.isLoaded()) {
    C.Result = Judgement::RefusedAfter;
    C.Reason = After.Reason;
  } else if (After.isLoaded()) {
    C.Result = Judgement::LoadsNow;
    C.Reason = Before.Reason;
  } else {
    C.Result = Judgement::NeverLoaded;
    C.Reason = Before.Reason;
  }
}

static const ProgramReport *find(const ObjectReport &Object,
                                 const ProgramReport &Like) {
  auto It = find_if(Object.Programs, [&](const ProgramReport &P) {
    return P.Name == Like.Name && P.Section == Like.Section;
  });
  return It == Object.Programs.end() ? nullptr : &*It;
}

static ProgramComparison comparePrograms(const ProgramReport *Before,
                                         const ProgramReport *After,
                                         bool RunsWanted) {
  const ProgramReport &Either = Before ? *Before : *After;
  ProgramComparison C;
  C.Name = Either.Name;
  C.Section = Either.Section;
  C.Type = Either.Type;
  C.VerdictBefore = Before ? verdictOf(*Before) : "-";
  C.VerdictAfter = After ? verdictOf(*After) : "-";
  if (Before)
    C.Before = figuresOf(*Before);
  if (After)
    C.After = figuresOf(*After);
  C.LoadRuns = Either.LoadUs.size();
  if (Before && After)
    judge(*Before, *After, RunsWanted, C);
  else
    C.Result = Before ? Judgement::OnlyBefore : Judgement::OnlyAfter;
  return C;
}

template <typename T>
static void addPair(std::optional<T> Before, std::optional<T> After,
                    std::optional<T> &SumBefore, std::optional<T> &SumAfter) {
  if (!Before || !After)
    return;
  SumBefore = SumBefore.value_or(0) + *Before;
  SumAfter = SumAfter.value_or(0) + *After;
}

static void addTotals(ObjectComparison &C, const ProgramComparison &P) {
  auto Add = [&](auto Member) {
    addPair(P.Before.*Member, P.After.*Member, C.TotalBefore.*Member,
            C.TotalAfter.*Member);
  };
  Add(&ProgramFigures::Insns);
  Add(&ProgramFigures::XlatedInsns);
  Add(&ProgramFigures::Growths);
  Add(&ProgramFigures::GrownInsns);
  Add(&ProgramFigures::Deletions);
  Add(&ProgramFigures::VerifiedInsns);
  Add(&ProgramFigures::VerificationUs);
  Add(&ProgramFigures::LoadUs);
}

static std::optional<double>
geometricMean(const ObjectComparison &C,
              std::optional<double> ProgramFigures::*Member) {
  double Sum = 0;
  size_t Count = 0;
  for (const ProgramComparison &P : C.Programs) {
    std::optional<double> R = ratio(P.Before.*Member, P.After.*Member);
    if (!P.loadsInBoth() || !R || *R <= 0)
      continue;
    Sum += std::log(*R);
    ++Count;
  }
  if (!Count)
    return std::nullopt;
  return std::exp(Sum / double(Count));
}

size_t ObjectComparison::count(Judgement J) const {
  return count_if(Programs,
                  [&](const ProgramComparison &P) { return P.Result == J; });
}

bool ObjectComparison::hasProblems() const {
  return any_of(Programs,
                [](const ProgramComparison &P) { return isProblem(P.Result); });
}

Expected<ObjectComparison> compareObjects(const KernelReport &Report,
                                          bool RunsWanted) {
  if (Report.Objects.size() != 2)
    return createStringError("the loader reported %zu objects, expected 2",
                             Report.Objects.size());
  for (const ObjectReport &Object : Report.Objects)
    if (!Object.Error.empty())
      return createStringError(Object.Path + ": " + Object.Error);
  const ObjectReport &Before = Report.Objects[0], &After = Report.Objects[1];
  ObjectComparison C;
  C.Kernel = Report.Kernel;
  C.PathBefore = Before.Path;
  C.PathAfter = After.Path;
  for (const ProgramReport &P : Before.Programs)
    C.Programs.push_back(comparePrograms(&P, find(After, P), RunsWanted));
  for (const ProgramReport &P : After.Programs)
    if (!find(Before, P))
      C.Programs.push_back(comparePrograms(nullptr, &P, RunsWanted));
  for (const ProgramComparison &P : C.Programs)
    if (P.loadsInBoth())
      addTotals(C, P);
  C.VerificationRatio = geometricMean(C, &ProgramFigures::VerificationUs);
  C.LoadRatio = geometricMean(C, &ProgramFigures::LoadUs);
  return C;
}

void replaceTimes(KernelReport &Report, const KernelReport &Again) {
  for (size_t I = 0; I != Report.Objects.size() && I != Again.Objects.size();
       ++I)
    for (ProgramReport &P : Report.Objects[I].Programs)
      if (const ProgramReport *New = find(Again.Objects[I], P);
          New && !New->LoadUs.empty()) {
        P.VerificationUs = New->VerificationUs;
        P.LoadUs = New->LoadUs;
      }
}

std::string describeProblem(const ProgramComparison &P) {
  std::string Text = "program '" + P.Name + "': ";
  switch (P.Result) {
  case Judgement::Different:
    Text += "behaves differently";
    break;
  case Judgement::RefusedAfter:
    Text += "loaded before, " + P.VerdictAfter + " after";
    break;
  case Judgement::OnlyBefore:
    return Text + "is missing in the object after";
  case Judgement::OnlyAfter:
    return Text + "is missing in the object before";
  default:
    Text += judgementName(P.Result);
    break;
  }
  return P.Reason.empty() ? Text : Text + ": " + P.Reason;
}

} // namespace prepatch
