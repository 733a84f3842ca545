//===- Globals.cpp - Which static functions become global ----------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Tune/Globals.h"
#include "Lowering/Globalize.h"
#include "Tune/Refusal.h"

using namespace llvm;

namespace prepatch {

GlobalsSearch::GlobalsSearch(OpenVariant &Original,
                             const KernelProfile &Profile, VariantOpener Open,
                             GlobalsOptions Options)
    : Original(Original), Profile(Profile), Open(std::move(Open)),
      Options(std::move(Options)),
      Programs(Original.Kernels[0].Sessions[0]->programs()) {}

StringRef GlobalsSearch::nameOf(uint32_t Function) const {
  return Original.V->model().function(Function).name();
}

std::optional<uint32_t> GlobalsSearch::numberOf(StringRef Function) const {
  return Original.V->model().findFunction(Function);
}

bool GlobalsSearch::mayGoOn() const {
  return Spent < Options.Effort && (!Options.GoOn || Options.GoOn());
}

void GlobalsSearch::log(const std::string &Text) const {
  if (Options.Log)
    Options.Log("globals: " + Text);
}

static Outcome outcomeOf(TrialResult R) {
  Outcome O;
  O.Loads = R.loaded();
  O.Interrupted = R.Timeout;
  O.Verified = R.Verified.value_or(0);
  O.VerificationUs = R.VerificationUs;
  O.Reason = std::move(R.Reason);
  return O;
}

/// Functions that may become global and are visited that often, by number.
std::vector<uint32_t> GlobalsSearch::candidates(ArrayRef<VisitRecord> Counts,
                                                double MinVisits) {
  Analyses &A = Original.V->analyses();
  GlobalizeOptions How;
  How.MinVisits = MinVisits;
  How.ArgumentTags = Options.ArgumentTags;
  std::vector<uint32_t> Found;
  for (const GlobalCandidate &C : findGlobalCandidates(
           Original.V->object(), A, VisitCounts::measured(A.Graph, Counts),
           Profile, How)) {
    std::optional<uint32_t> Number = numberOf(C.F->name());
    // Where code has to be added, nobody could check any more that only no-ops
    // were (prepatch compare --proof).
    if (C.Refused.empty() && Number && !C.ZeroResult && !C.NullChecks)
      Found.push_back(*Number);
  }
  sort(Found);
  return Found;
}

bool GlobalsSearch::holdsAny(const SessionProgram &P,
                             ArrayRef<uint32_t> Functions) const {
  return any_of(P.Functions, [&](const LoadedFunction &F) {
    auto N = numberOf(F.Name);
    return N && is_contained(Functions, *N);
  });
}

/// Loads every program on every kernel as it is.
Error GlobalsSearch::survey() {
  constexpr unsigned SurveyMs = 120000;
  for (const SessionProgram &P : Programs) {
    std::vector<Outcome> &Row = Before.emplace_back();
    for (KernelSessions &K : Original.Kernels) {
      Outcome &O = Row.emplace_back();
      const SessionProgram *Here = K.Sessions[0]->find(P.Name);
      if (!Here || !Here->Error.empty()) {
        O.Reason = Here ? Here->Error : "not in the object there";
        continue;
      }
      auto R = K.Sessions[0]->tryLoad(P.Name, {}, SurveyMs);
      if (!R)
        return R.takeError();
      O = outcomeOf(std::move(*R));
      Spent += O.Verified;
    }
  }
  return Error::success();
}

/// Counts how often the verifier comes to each instruction of the programs with
/// \p Functions, also where it gives up.
Error GlobalsSearch::measureVisits(ArrayRef<uint32_t> Functions) {
  constexpr unsigned ProfileMs = 20000;
  KernelSession &Session = *Original.Kernels[0].Sessions[0];
  for (size_t N = 0; N != Programs.size(); ++N) {
    const SessionProgram &P = Programs[N];
    const Outcome &O = Before[N][0];
    // Where each instruction is seen once there is nothing to save.
    if (O.Verified <= P.Insns || !holdsAny(P, Functions) || !mayGoOn() ||
        (!O.Loads && kindOf(O.Reason) != RefusalKind::TooMany))
      continue;
    auto Profile = Session.profile(P.Name, {}, {}, ProfileMs);
    if (!Profile)
      return Profile.takeError();
    Spent += O.Verified;
    for (const LoadedFunction &F : P.Functions)
      for (uint32_t I = 0; I != F.Count; ++I)
        if (F.Start + I < Profile->Visits.size())
          if (uint32_t Count = Profile->Visits[F.Start + I])
            Visits.push_back({F.Name, I, Count});
  }
  return Error::success();
}

/// The function of \p Set that a refusal comes from: one that the failing path
/// is in, or else has come back from.
Expected<std::optional<uint32_t>>
GlobalsSearch::culprit(OpenVariant &There, size_t Kernel,
                       const SessionProgram &P, ArrayRef<uint32_t> Set) {
  auto Failure =
      There.Kernels[Kernel].Sessions[0]->trace(P.Name, {}, /*TimeoutMs=*/60000);
  if (!Failure)
    return Failure.takeError();
  ProgramModel Model(There.V->model(), P);
  auto InSet = [&](uint32_t Fn) { return is_contained(Set, Fn); };
  std::optional<uint32_t> Called;
  for (int32_t Flat : reverse(Failure->Path)) {
    std::optional<CodePlace> At;
    if (Flat >= 0)
      At = Model.placeOf(uint32_t(Flat));
    if (!At)
      continue;
    if (InSet(At->Fn))
      return At->Fn;
    const Insn *I = There.V->model().find(*At);
    if (!Called && I && I->kind() == InsnKind::BpfCall && I->callee())
      if (auto Callee = numberOf(I->callee()->name()); Callee && InSet(*Callee))
        Called = Callee;
  }
  return Called;
}

/// How the programs with a function of \p About fare on the first \p Kernels
/// kernels if the functions of \p Set are global. The other answers are those
/// of \p Known.
Expected<GlobalsSearch::Verdict> GlobalsSearch::ask(ArrayRef<uint32_t> Set,
                                                    ArrayRef<uint32_t> About,
                                                    size_t Kernels,
                                                    const Answers &Known) {
  Verdict Result;
  Result.After = Known;
  auto There = Open({Set.vec(), {}}, 1);
  if (!There)
    return There.takeError();
  for (size_t N = 0; N != Programs.size(); ++N) {
    if (!holdsAny(Programs[N], About))
      continue;
    for (size_t K = 0; K != Kernels; ++K) {
      const Outcome &Was = Before[N][K];
      bool TooMany = !Was.Loads && kindOf(Was.Reason) == RefusalKind::TooMany;
      if (!Was.Loads && !(TooMany && K == 0))
        continue;
      Outcome &Is = Result.After[N][K];
      KernelSession &S = *There->Kernels[K].Sessions[0];
      const SessionProgram *Here = S.find(Programs[N].Name);
      if (!Here || !Here->Error.empty()) {
        Is = Outcome();
        Is.Reason = Here ? Here->Error : "not in the variant";
        for (uint32_t Fn : Set)
          if (holdsAny(Programs[N], Fn))
            Result.Culprits.push_back(Fn);
        continue;
      }
      unsigned Ms = unsigned(std::max(5000.0, Was.VerificationUs * 6 / 1000));
      auto R = S.tryLoad(Here->Name, {}, Ms);
      if (!R)
        return R.takeError();
      Is = outcomeOf(std::move(*R));
      Spent += Is.Verified;
      if (Is.Loads || Is.Interrupted ||
          kindOf(Is.Reason) == RefusalKind::TooMany)
        continue;
      auto Fn = culprit(*There, K, *Here, Set);
      if (!Fn)
        return Fn.takeError();
      log("'" + Here->Name + "' is refused: " + Is.Reason + "; " +
          (*Fn ? nameOf(**Fn).str() + " stays static" : "by no function"));
      if (*Fn)
        Result.Culprits.push_back(**Fn);
      else
        // It may be any of those that it holds.
        for (uint32_t Any : Set)
          if (holdsAny(Programs[N], Any))
            Result.Culprits.push_back(Any);
    }
  }
  sort(Result.Culprits);
  Result.Culprits.erase(unique(Result.Culprits), Result.Culprits.end());
  return std::move(Result);
}

Standing GlobalsSearch::standing(const Answers &After,
                                 ArrayRef<uint32_t> About) const {
  Standing S;
  for (size_t N = 0; N != Programs.size(); ++N)
    if (holdsAny(Programs[N], About))
      S.add(Before[N], After[N]);
  return S;
}

/// Takes out what is refused, until nothing is.
Error GlobalsSearch::narrow(std::vector<uint32_t> &Set) {
  while (!Set.empty() && mayGoOn()) {
    auto V = ask(Set, Set, Original.Kernels.size(), Before);
    if (!V)
      return V.takeError();
    Current = std::move(V->After);
    if (V->Culprits.empty())
      return Error::success();
    erase_if(Set, [&](uint32_t Fn) { return is_contained(V->Culprits, Fn); });
  }
  if (!Set.empty())
    log("no time to find out what is refused");
  Set.clear();
  return Error::success();
}

/// Drops each function that its programs are no worse without, the least
/// visited first.
Error GlobalsSearch::drop(std::vector<uint32_t> &Set) {
  std::map<uint32_t, uint64_t> Weight;
  for (const VisitRecord &R : Visits)
    if (auto N = numberOf(R.Function))
      Weight[*N] += R.Visits;
  std::vector<uint32_t> Order = Set;
  stable_sort(Order,
              [&](uint32_t A, uint32_t B) { return Weight[A] < Weight[B]; });
  for (uint32_t Fn : Order) {
    if (!mayGoOn())
      return Error::success();
    std::vector<uint32_t> Rest = Set;
    erase(Rest, Fn);
    if (Rest.empty())
      break; // the judgement is on this
    auto V = ask(Rest, Fn, 1, Current);
    if (!V)
      return V.takeError();
    Standing With = standing(Current, Fn), Without = standing(V->After, Fn);
    if (Without > With)
      continue;
    log(nameOf(Fn).str() + " is not needed: " + std::to_string(With.Sum) +
        " with it, " + std::to_string(Without.Sum) + " without");
    Set = std::move(Rest);
    Current = std::move(V->After);
  }
  return Error::success();
}

/// Takes back what is not good for all programs on all kernels.
Error GlobalsSearch::judge(std::vector<uint32_t> &Set) {
  ProgramGroups Groups(Programs);
  constexpr unsigned Attempts = 4;
  for (unsigned Attempt = 0; !Set.empty(); ++Attempt) {
    auto V = ask(Set, Set, Original.Kernels.size(), Before);
    if (!V)
      return V.takeError();
    Current = std::move(V->After);
    std::vector<Standing> Was(Groups.size()), Is(Groups.size());
    std::vector<uint32_t> Out;
    for (size_t N = 0; N != Programs.size(); ++N) {
      unsigned G = Groups.ofProgram(Programs[N].Name);
      Was[G].add(Before[N], Before[N]);
      Is[G].add(Before[N], Current[N]);
      Standing Mine;
      Mine.add(Before[N], Current[N]);
      // A program that suffers has its functions back, while there is hope
      // for the others.
      if ((Mine.Broken || Mine.Worse) && Attempt < Attempts)
        copy_if(Set, std::back_inserter(Out),
                [&](uint32_t Fn) { return holdsAny(Programs[N], Fn); });
    }
    bool IsFinal = Out.empty();
    if (IsFinal)
      copy_if(Set, std::back_inserter(Out), [&](uint32_t Fn) {
        unsigned G = Groups.ofFunction(nameOf(Fn));
        return !Is[G].isClearlyBetterThan(Was[G]);
      });
    erase_if(Set, [&](uint32_t Fn) { return is_contained(Out, Fn); });
    if (IsFinal)
      break;
  }
  return Error::success();
}

Expected<std::vector<uint32_t>> GlobalsSearch::run() {
  std::vector<uint32_t> Set = candidates({}, 0);
  erase_if(Set, [&](uint32_t Fn) {
    return none_of(Programs,
                   [&](const SessionProgram &P) { return holdsAny(P, Fn); });
  });
  if (Set.empty())
    return Set;
  if (Error E = survey())
    return std::move(E);
  if (Error E = measureVisits(Set))
    return std::move(E);
  // Where the verifier gave up, visits say little: a function that is checked
  // alone ends its branches there, and its calls end none.
  bool GaveUp = any_of(Before, [](ArrayRef<Outcome> Row) {
    return any_of(Row, [](const Outcome &O) {
      return !O.Loads && kindOf(O.Reason) == RefusalKind::TooMany;
    });
  });
  constexpr double MinVisits = 2;
  Set = candidates(Visits, GaveUp ? 0 : MinVisits);
  log(std::to_string(Set.size()) + " candidates");
  if (Error E = narrow(Set))
    return std::move(E);
  if (Error E = drop(Set))
    return std::move(E);
  if (Error E = judge(Set))
    return std::move(E);
  for (uint32_t Fn : Set)
    log(nameOf(Fn).str() + " becomes global");
  return Set;
}

} // namespace prepatch
