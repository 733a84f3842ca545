//===- Search.cpp - Finding the best plan for one program ----------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Tune/Search.h"
#include "Tune/Refusal.h"
#include "llvm/Support/FormatVariadic.h"

using namespace llvm;

namespace prepatch {

/// Whether \p A is a better end of a search than \p B.
static bool isBetter(const Outcome &A, const Outcome &B) {
  if (A.Loads != B.Loads)
    return A.Loads;
  return A.Loads && A.Verified < B.Verified;
}

static Plan without(const Plan &P, ArrayRef<Choice> Dropped) {
  Plan Rest = P;
  Rest.removeIf([&](const Choice &C) { return binary_search(Dropped, C); });
  return Rest;
}

bool Search::mayGoOn() const {
  return !Stopped && Kernel.verifiedInAll() < Options.Effort;
}

void Search::log(const char *Step, const Plan &P, const Outcome &O) const {
  if (Options.Log)
    Options.Log(formatv("{0}: {1} no-ops, {2}", Step, P.size(),
                        O.Loads         ? std::to_string(O.Verified)
                        : O.Interrupted ? "interrupted"
                                        : "refused: " + O.Reason));
}

Expected<Outcome> Search::load(const Plan &P, ArrayRef<Plan> Next) {
  auto O = Kernel.load(P, Next);
  if (O && !Options.GoOn(Best.Result))
    Stopped = true;
  return O;
}

void Search::remember(const Scored &S) {
  constexpr size_t Kept = 8;
  if (!S.Result.Loads || S.P.empty() || is_contained(Result.Others, S.P))
    return;
  Result.Others.insert(Result.Others.begin(), S.P);
  if (Result.Others.size() > Kept)
    Result.Others.pop_back();
}

// --- Refusals ---------------------------------------------------------------

/// What "narrow13" and "narrow16" have in common.
static std::string familyOf(Form F) {
  return StringRef(formName(F)).rtrim("-0123456789").str();
}

/// The culprit is forgotten in the next way of its place, as are its copies
/// that are forgotten as it is, or not at all. A location that gives way again
/// and again does so everywhere.
void Search::giveWay(Plan &P, const Choice &Culprit, Culprits &Seen) const {
  constexpr unsigned Often = 4;
  const ObjectModel &Obj = Model.object();
  bool Everywhere = ++Seen[{Culprit.At.Fn, Culprit.What.Where}] > Often;
  CopyClass Class = classOf(Obj, Culprit);
  std::vector<Choice> Dropped, Changed;
  for (const Choice &C : P.choices()) {
    if (C.What.Where != Culprit.What.Where || C.At.Fn != Culprit.At.Fn ||
        familyOf(C.What.How) != familyOf(Culprit.What.How) ||
        (!Everywhere && classOf(Obj, C) != Class))
      continue;
    Dropped.push_back(C);
    auto Known = KnownWays.find({C.At, C.What.Where});
    if (Known == KnownWays.end())
      continue;
    auto Way = find(Known->second, C.What);
    if (Way != Known->second.end() && std::next(Way) != Known->second.end())
      Changed.push_back({C.At, *std::next(Way)});
  }
  P = without(P, Dropped);
  for (const Choice &C : Changed)
    P.set(C);
}

/// The way of \p C that its copies in the best plan are forgotten in.
Choice Search::choiceLikeCopies(const Candidate &C) const {
  for (const Choice &Known : Best.P.choices()) {
    if (Known.At.Fn != C.At.Fn || Known.What.Where != C.Where ||
        classOf(Model.object(), Known) != C.Class)
      continue;
    for (const Widening &Way : C.Ways)
      if (familyOf(Way.How) == familyOf(Known.What.How))
        return {C.At, Way};
  }
  return C.choice();
}

/// Of the choices of this round, keeps those whose locations keep most states
/// apart. Without any the plan is given up: it has nothing left to spare.
void Search::dropWeakHalf(Plan &P) const {
  std::vector<std::pair<uint32_t, Choice>> Ranked;
  for (const Choice &C : P.choices()) {
    auto Known = find_if(Candidates, [&](const Candidate &K) {
      return K.At == C.At && K.Where == C.What.Where;
    });
    if (Known != Candidates.end())
      Ranked.push_back({Known->Merge, C});
  }
  if (Ranked.empty()) {
    P = Plan();
    return;
  }
  sort(Ranked);
  std::vector<Choice> Dropped;
  for (size_t I = 0; I != (Ranked.size() + 1) / 2; ++I)
    Dropped.push_back(Ranked[I].second);
  sort(Dropped);
  P = without(P, Dropped);
}

Expected<Search::Scored> Search::repair(Plan P) {
  constexpr unsigned MaxSteps = 300;
  Culprits Seen;
  for (unsigned Step = 0; Step != MaxSteps && mayGoOn() && !P.empty(); ++Step) {
    auto O = load(P);
    if (!O)
      return O.takeError();
    if (O->Loads || O->Interrupted)
      return Scored{std::move(P), std::move(*O)};
    if (kindOf(O->Reason) == RefusalKind::TooMany) {
      if (StringRef(O->Reason).contains("too large"))
        return Scored{std::move(P), std::move(*O)};
      dropWeakHalf(P);
      continue;
    }
    auto Failure = Kernel.trace(P);
    if (!Failure)
      return Failure.takeError();
    std::vector<Choice> Found =
        findCulprits(Model, P, Model.codeFor(P), *Failure);
    if (Found.empty()) {
      log("not the plan's fault", P, *O);
      return Scored{std::move(P), std::move(*O)};
    }
    for (const Choice &C : Found)
      log(formatv("gives up {0} by {1} at {2}+{3}", toString(C.What.Where),
                  formName(C.What.How), Model.object().function(C.At.Fn).name(),
                  C.At.Index)
              .str()
              .c_str(),
          P, *O);
    for (const Choice &C : Found)
      giveWay(P, C, Seen);
  }
  return Scored{Plan(), Result.Before};
}

// --- Seeds ------------------------------------------------------------------

Search::Seeds Search::makeSeeds(ArrayRef<Candidate> All) const {
  auto Select = [&](auto Predicate) {
    Plan P = Best.P;
    for (const Candidate &C : All)
      if (!P.find(C.At, C.Where) && Predicate(C))
        P.set(choiceLikeCopies(C));
    return P;
  };
  Seeds S;
  auto Add = [&](const char *Name, auto Predicate) {
    Plan P = Select(Predicate);
    if (P != Best.P &&
        none_of(S, [&](auto &Other) { return Other.second == P; }))
      S.push_back({Name, std::move(P)});
  };
  Add("all", [](const Candidate &C) { return C.IsAsked; });
  Add("merging", [](const Candidate &C) { return C.IsAsked && C.Merge; });
  Add("joins", [](const Candidate &C) { return C.IsAsked && C.IsJoin; });
  Add("slots", [](const Candidate &C) { return C.IsAsked && C.Where.IsSlot; });
  Add("registers",
      [](const Candidate &C) { return C.IsAsked && !C.Where.IsSlot; });
  Add("loop heads", [&](const Candidate &C) {
    return Model.isLoopHead(*Model.flatOf(C.At));
  });
  Add("all and loop heads", [](const Candidate &) { return true; });
  return S;
}

// --- Dropping ---------------------------------------------------------------

/// Drops each group in turn if the program verifies no worse without it.
Error Search::eliminateGroups(ArrayRef<std::vector<Choice>> Groups) {
  for (size_t I = 0; I != Groups.size() && mayGoOn(); ++I) {
    Plan Rest = without(Best.P, Groups[I]);
    if (Rest == Best.P || Rest.empty())
      continue;
    std::vector<Plan> Next;
    for (size_t N = I + 1; N < Groups.size() && N < I + 3; ++N)
      Next.push_back(without(Best.P, Groups[N]));
    auto O = load(Rest, Next);
    if (!O)
      return O.takeError();
    if (O->Loads && O->Verified <= Best.Result.Verified) {
      if (O->Verified * 50 < Best.Result.Verified * 49)
        remember(Best);
      Best = {std::move(Rest), std::move(*O)};
    }
  }
  return Error::success();
}

namespace {
/// Choices by a key, the largest groups first.
template <typename KeyOf>
std::vector<std::vector<Choice>> groupBy(const Plan &P, KeyOf Key) {
  std::map<decltype(Key(P.choices()[0])), std::vector<Choice>> Groups;
  for (const Choice &C : P.choices())
    Groups[Key(C)].push_back(C);
  std::vector<std::vector<Choice>> Sorted;
  for (auto &[K, G] : Groups)
    Sorted.push_back(std::move(G));
  stable_sort(Sorted,
              [](const auto &A, const auto &B) { return A.size() > B.size(); });
  return Sorted;
}
} // namespace

Error Search::eliminate() {
  if (Best.P.empty())
    return Error::success();
  if (Error E = eliminateGroups(groupBy(Best.P, [](const Choice &C) {
        return std::pair(C.At.Fn, C.What.Where);
      })))
    return E;
  if (Error E = eliminateGroups(groupBy(Best.P, [&](const Choice &C) {
        return std::pair(C.At.Fn, Model.object().fingerprint(C.At));
      })))
    return E;
  if (Error E = eliminateGroups(groupBy(
          Best.P, [&](const Choice &C) { return classOf(Model.object(), C); })))
    return E;
  // Halves, quarters, ... of what is left, down to single choices.
  for (size_t Size = Best.P.size() / 2; mayGoOn();
       Size = std::min(Size, Best.P.size()) / 2) {
    Size = std::max<size_t>(Size, 1);
    std::vector<std::vector<Choice>> Chunks;
    ArrayRef<Choice> All = Best.P.choices();
    for (size_t At = 0; At < All.size(); At += Size)
      Chunks.push_back(All.slice(At, std::min(Size, All.size() - At)).vec());
    // A long list of single drops seldom pays for itself.
    constexpr size_t MaxChunks = 128;
    if (Chunks.size() > MaxChunks)
      break;
    if (Error E = eliminateGroups(Chunks))
      return E;
    if (Size == 1)
      break;
  }
  return Error::success();
}

// --- Adding -----------------------------------------------------------------

namespace {
struct RankedClass {
  uint64_t Weight = 0;
  CopyClass Class;
  std::vector<const Candidate *> Members;
};
} // namespace

Error Search::addClasses() {
  std::map<CopyClass, RankedClass> ByClass;
  for (const Candidate &C : Candidates) {
    if (Best.P.find(C.At, C.Where))
      continue;
    RankedClass &R = ByClass[C.Class];
    R.Class = C.Class;
    R.Weight += uint64_t(C.Merge) * 16 + C.Visits;
    R.Members.push_back(&C);
  }
  std::vector<RankedClass> Ranked;
  for (auto &[K, R] : ByClass)
    Ranked.push_back(std::move(R));
  stable_sort(Ranked, [](const RankedClass &A, const RankedClass &B) {
    return A.Weight > B.Weight;
  });
  constexpr size_t MaxClasses = 40;
  if (Ranked.size() > MaxClasses)
    Ranked.resize(MaxClasses);
  auto PlanWith = [&](const RankedClass &R, unsigned Way) {
    Plan P = Best.P;
    for (const Candidate *C : R.Members)
      P.set(C->choice(std::min<unsigned>(Way, C->Ways.size() - 1)));
    return P;
  };
  for (size_t I = 0; I != Ranked.size() && mayGoOn(); ++I) {
    unsigned Ways = 0;
    for (const Candidate *C : Ranked[I].Members)
      Ways = std::max<unsigned>(Ways, C->Ways.size());
    for (unsigned Way = 0; Way != Ways && mayGoOn(); ++Way) {
      Plan P = PlanWith(Ranked[I], Way);
      std::vector<Plan> Next;
      if (I + 1 < Ranked.size())
        Next.push_back(PlanWith(Ranked[I + 1], 0));
      auto O = load(P, Next);
      if (!O)
        return O.takeError();
      if (isBetter(*O, Best.Result)) {
        remember(Best);
        Best = {std::move(P), std::move(*O)};
        break;
      }
      // Another way may be one that the verifier can live with.
      if (O->Loads)
        break;
    }
  }
  return Error::success();
}

Error Search::addSingles() {
  std::vector<const Candidate *> Ranked;
  for (const Candidate &C : Candidates)
    if (C.Merge && !Best.P.find(C.At, C.Where))
      Ranked.push_back(&C);
  stable_sort(Ranked, [](const Candidate *A, const Candidate *B) {
    return A->Merge > B->Merge;
  });
  constexpr size_t MaxSingles = 30;
  if (Ranked.size() > MaxSingles)
    Ranked.resize(MaxSingles);
  for (size_t I = 0; I != Ranked.size() && mayGoOn(); ++I) {
    auto PlanWith = [&](size_t N) {
      Plan P = Best.P;
      P.set(choiceLikeCopies(*Ranked[N]));
      return P;
    };
    Plan P = PlanWith(I);
    std::vector<Plan> Next;
    if (I + 1 < Ranked.size())
      Next.push_back(PlanWith(I + 1));
    auto O = load(P, Next);
    if (!O)
      return O.takeError();
    if (isBetter(*O, Best.Result))
      Best = {std::move(P), std::move(*O)};
  }
  return Error::success();
}

/// Each class of the plan by each other way that its members know.
Error Search::tryOtherWays() {
  for (const std::vector<Choice> &Group : groupBy(Best.P, [&](const Choice &C) {
         return classOf(Model.object(), C);
       })) {
    unsigned Count = 0;
    for (const Choice &C : Group)
      Count = std::max<unsigned>(Count, KnownWays[{C.At, C.What.Where}].size());
    for (unsigned Way = 0; Way != Count; ++Way) {
      if (!mayGoOn())
        return Error::success();
      Plan P = Best.P;
      for (const Choice &C : Group)
        if (ArrayRef<Widening> Ways = KnownWays[{C.At, C.What.Where}];
            Way < Ways.size() && P.find(C.At, C.What.Where))
          P.set({C.At, Ways[Way]});
      if (P == Best.P)
        continue;
      auto O = load(P);
      if (!O)
        return O.takeError();
      if (isBetter(*O, Best.Result))
        Best = {std::move(P), std::move(*O)};
    }
  }
  return Error::success();
}

static unsigned cyclesOf(const Plan &P) {
  unsigned Cycles = 0;
  for (const Choice &C : P.choices())
    Cycles += runCycles(C.What.How);
  return Cycles;
}

/// Ways that take less time when the program runs, as long as the count stays
/// about what it is.
Error Search::preferFastForms() {
  const uint64_t Limit =
      std::min(Best.Result.Verified + Best.Result.Verified / 20,
               Result.Before.Loads ? Result.Before.Verified : UINT64_MAX);
  for (const std::vector<Choice> &Group : groupBy(Best.P, [&](const Choice &C) {
         return std::pair(C.At.Fn, C.What.Where);
       })) {
    std::map<std::string, Plan> ByFamily;
    for (const Choice &C : Group)
      for (const Widening &Way : KnownWays[{C.At, C.What.Where}])
        if (runCycles(Way.How) < runCycles(C.What.How))
          ByFamily.try_emplace(familyOf(Way.How), Best.P)
              .first->second.set({C.At, Way});
    for (auto &[Family, P] : ByFamily) {
      if (!mayGoOn())
        return Error::success();
      if (cyclesOf(P) >= cyclesOf(Best.P))
        continue;
      auto O = load(P);
      if (!O)
        return O.takeError();
      if (O->Loads && O->Verified <= Limit)
        Best = {std::move(P), std::move(*O)};
    }
  }
  return Error::success();
}

// --- The whole --------------------------------------------------------------

/// Of plans that do not load yet: goes on from the one with which the verifier
/// came to see most of the program.
Error Search::reachFurther(ArrayRef<Scored> Refused) {
  size_t MostSeen = 0;
  for (const Scored &S : Refused) {
    if (S.P.empty() || !mayGoOn())
      continue;
    auto Profile = Kernel.profile(S.P);
    if (!Profile)
      return Profile.takeError();
    size_t Seen = count_if(Profile->Visits, [](uint32_t N) { return N != 0; });
    if (Seen <= MostSeen)
      continue;
    MostSeen = Seen;
    Best = S;
  }
  return Error::success();
}

Error Search::round() {
  const uint64_t Earlier = Best.Result.Loads ? Best.Result.Verified : ~0ull;
  auto Profile = Kernel.profile(Best.P);
  if (!Profile)
    return Profile.takeError();
  Candidates = findCandidates(Model, *Profile);
  for (const Candidate &C : Candidates)
    KnownWays[{C.At, C.Where}].assign(C.Ways.begin(), C.Ways.end());
  log(("round " + std::to_string(Result.Rounds) + ", " +
       std::to_string(Candidates.size()) + " candidates")
          .c_str(),
      Best.P, Best.Result);
  std::vector<Scored> Tried;
  for (const auto &[Name, Seed] : makeSeeds(Candidates)) {
    if (!mayGoOn())
      break;
    auto Fixed = repair(Seed);
    if (!Fixed)
      return Fixed.takeError();
    log(Name, Fixed->P, Fixed->Result);
    Tried.push_back(std::move(*Fixed));
  }
  const Scored *Winner = nullptr;
  for (const Scored &S : Tried)
    if (isBetter(S.Result, Winner ? Winner->Result : Best.Result))
      Winner = &S;
  for (const Scored &S : Tried)
    if (&S != Winner && isBetter(S.Result, Best.Result))
      remember(S);
  if (Winner)
    Best = *Winner;
  else if (!Best.Result.Loads)
    return reachFurther(Tried);
  // Places behind the first ones matter more than a few no-ops too many, and
  // every trial gets cheaper on the way.
  if (Winner && Best.Result.Verified < Earlier - Earlier / 10)
    return Error::success();
  if (Error E = eliminate())
    return E;
  log("after dropping", Best.P, Best.Result);
  if (Error E = addClasses())
    return E;
  log("after adding classes", Best.P, Best.Result);
  Error E = addSingles();
  log("after adding", Best.P, Best.Result);
  return E;
}

Expected<SearchResult> Search::run() {
  auto Before = Kernel.load(Plan());
  if (!Before)
    return Before.takeError();
  Result.Before = *Before;
  Best = {Plan(), *Before};
  bool TooLarge =
      !Before->Loads && kindOf(Before->Reason) == RefusalKind::TooMany;
  if (!Before->Loads && !TooLarge) {
    Result.After = *Before;
    return std::move(Result);
  }
  while (Result.Rounds != Options.MaxRounds && mayGoOn()) {
    ++Result.Rounds;
    Outcome Earlier = Best.Result;
    Plan EarlierPlan = Best.P;
    if (Error E = round())
      return E;
    // Less than a fiftieth gained: the places behind the first ones are done.
    if (Best.Result.Loads && Earlier.Loads &&
        Best.Result.Verified * 50 > Earlier.Verified * 49)
      break;
    if (!Best.Result.Loads && Best.P == EarlierPlan)
      break;
  }
  if (Best.Result.Loads)
    if (Error E = tryOtherWays())
      return E;
  log("after other ways", Best.P, Best.Result);
  if (Best.Result.Loads)
    if (Error E = preferFastForms())
      return E;
  log("with forms that run fast", Best.P, Best.Result);
  Result.Stopped = !mayGoOn();
  if (isBetter(Best.Result, Result.Before)) {
    llvm::erase(Result.Others, Best.P);
    Result.Best = std::move(Best.P);
    Result.After = std::move(Best.Result);
  } else {
    Result.After = Result.Before;
    Result.Others.clear();
  }
  return std::move(Result);
}

} // namespace prepatch
