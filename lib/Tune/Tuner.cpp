//===- Tuner.cpp - All programs of an object, on all kernels -------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Tune/Tuner.h"
#include "Tune/Refusal.h"
#include "llvm/Support/FormatVariadic.h"

using namespace llvm;

namespace prepatch {

/// What a second of the budget buys: instructions that one CPU verifies in
/// about that time, log reading included. A count, so that the search ends at
/// the same place however fast the machine is today.
static constexpr uint64_t EffortPerSecond = 1500000;
/// A program is not searched longer than this many loads of it as it is.
static constexpr uint64_t LoadsWorth = 120;
/// Below, there is nothing to win that anyone would notice.
static constexpr uint64_t MinVerified = 500;

Tuner::Tuner(const ObjectModel &Obj, MutableArrayRef<KernelSessions> Kernels,
             const TuneOptions &Options)
    : Obj(Obj), Kernels(Kernels), Options(Options),
      Start(std::chrono::steady_clock::now()),
      EffortLeft(uint64_t(Options.BudgetSeconds * double(EffortPerSecond))) {}

double Tuner::secondsLeft() const {
  std::chrono::duration<double> Gone = std::chrono::steady_clock::now() - Start;
  return Options.BudgetSeconds - Gone.count();
}

SmallVector<KernelSession *, 2> Tuner::sessionsOf(size_t Kernel) const {
  SmallVector<KernelSession *, 2> Sessions;
  for (auto &S : Kernels[Kernel].Sessions)
    Sessions.push_back(S.get());
  return Sessions;
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

static bool isWorthSearching(const Outcome &Before, unsigned Insns) {
  if (!Before.Loads)
    return kindOf(Before.Reason) == RefusalKind::TooMany;
  return Before.Verified >= MinVerified &&
         Before.Verified > uint64_t(Insns) * 5 / 4;
}

/// Why no no-op will help: each instruction costs far more than the 0.3 to 2
/// microseconds that walking paths takes. Empty if that is not so.
static std::string otherCost(const Outcome &O) {
  constexpr double Unusual = 20, WorthTelling = 20000;
  double Us = O.Verified ? O.VerificationUs / double(O.Verified) : 0;
  if (!O.Loads || Us < Unusual || O.VerificationUs < WorthTelling)
    return "";
  return formatv("; {0:F0} us for each verified instruction: paths are not "
                 "what it costs (prepatch explain)",
                 Us);
}

/// Loads every program on every kernel as it is.
Error Tuner::survey() {
  constexpr unsigned SurveyMs = 120000;
  KernelSession &First = *Kernels[0].Sessions[0];
  for (const SessionProgram &P : First.programs()) {
    if (!Options.Programs.empty() && !is_contained(Options.Programs, P.Name))
      continue;
    TunedProgram T;
    T.Name = P.Name;
    Job J;
    for (KernelSessions &K : Kernels) {
      KernelFigures Figures;
      const SessionProgram *Here = K.Sessions[0]->find(P.Name);
      if (Here && Here->Error.empty()) {
        auto R = K.Sessions[0]->tryLoad(P.Name, {}, SurveyMs);
        if (!R)
          return R.takeError();
        Figures.Before = outcomeOf(std::move(*R));
        J.Models.push_back(std::make_unique<ProgramModel>(Obj, *Here));
      } else {
        Figures.Before.Reason = Here ? Here->Error : "not in the object there";
        J.Models.push_back(nullptr);
      }
      Figures.After = Figures.Before;
      T.Kernels.push_back(std::move(Figures));
    }
    if (!J.Models[0] || !isWorthSearching(T.Kernels[0].Before, P.Insns)) {
      const Outcome &O = T.Kernels[0].Before;
      T.Reason = O.Loads ? "verifies each instruction about once" + otherCost(O)
                         : "does not load for another reason: " + O.Reason;
      J.Models.clear();
    }
    J.Result = Results.size();
    Results.push_back(std::move(T));
    if (!J.Models.empty())
      Jobs.push_back(std::move(J));
  }
  stable_sort(Jobs, [&](const Job &A, const Job &B) {
    return Results[A.Result].Kernels[0].Before.Verified >
           Results[B.Result].Kernels[0].Before.Verified;
  });
  return Error::success();
}

/// What earlier programs chose for the functions of this one.
Plan Tuner::fixedFor(const ProgramModel &Model) const {
  Plan Fixed;
  for (const TunedProgram &T : Results)
    Fixed.merge(T.Chosen);
  Fixed.removeIf([&](const Choice &C) { return !Model.holds(C.At.Fn); });
  return Fixed;
}

Error Tuner::search(Job &J) {
  TunedProgram &T = Results[J.Result];
  auto Began = std::chrono::steady_clock::now();
  auto Seconds = [&] {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() -
                                         Began)
        .count();
  };
  const ProgramModel &Model = *J.Models[0];
  if (!fixedFor(Model).empty()) {
    T.Reason = "shares a function with a program that was tuned before it";
    return Error::success();
  }
  Trials Kernel(sessionsOf(0), Model);
  const Outcome &Before = T.Kernels[0].Before;
  if (Before.Loads)
    Kernel.setTimeout(
        unsigned(std::max(300.0, 6 * Before.VerificationUs / 1000)));
  SearchOptions Search;
  Search.Effort = std::min(
      EffortLeft, std::max<uint64_t>(Before.Verified * LoadsWorth, 1000000));
  if (Options.Log)
    Search.Log = [&](const std::string &Text) {
      Options.Log(formatv("{0}: {1:F1} s: {2}", T.Name, Seconds(), Text));
    };
  Search.GoOn = [&](const Outcome &Best) {
    if (Best.Loads &&
        (T.Trajectory.empty() || Best.Verified < T.Trajectory.back().second))
      T.Trajectory.push_back({Seconds(), Best.Verified});
    if (Options.OnProgress &&
        !Options.OnProgress({T.Name, Done, unsigned(Jobs.size()),
                             Before.Verified, Best.Verified, secondsLeft()}))
      Interrupted = true;
    return !Interrupted && secondsLeft() > 0;
  };
  auto Found = prepatch::Search(Kernel, Search).run();
  if (!Found)
    return Found.takeError();
  EffortLeft -= std::min(EffortLeft, Kernel.verifiedInAll());
  T.Loads = Kernel.loads();
  T.Rounds = Found->Rounds;
  T.Stopped = Found->Stopped;
  T.Chosen = Found->Best;
  T.Kernels[0].After = Found->After;
  if (T.Chosen.empty())
    T.Reason =
        Before.Loads
            ? "nothing that was tried lowers its cost" + otherCost(Before)
            : "nothing that was tried makes it load: " + Before.Reason;
  else if (Error E = agreeWithOtherKernels(J, *Found))
    return E;
  T.Seconds = Seconds();
  return Error::success();
}

/// The worst ratio of verified instructions over the kernels that load the
/// program as it is; above 1 if one of them refuses the plan.
Expected<double> Tuner::judge(Job &J, const Plan &P,
                              std::vector<Outcome> &Answers) {
  double Worst = 0;
  const TunedProgram &T = Results[J.Result];
  Answers.clear();
  for (size_t K = 0; K != Kernels.size(); ++K) {
    Outcome After = T.Kernels[K].Before;
    if (J.Models[K] && (After.Loads || K == 0)) {
      unsigned Ms = unsigned(std::max(2000.0, After.VerificationUs / 100));
      auto R = Kernels[K].Sessions[0]->tryLoad(
          T.Name, J.Models[K]->codeFor(P).Insertions, After.Loads ? Ms : 60000);
      if (!R)
        return R.takeError();
      const Outcome &Before = T.Kernels[K].Before;
      After = outcomeOf(std::move(*R));
      After.Inserted = J.Models[K]->codeFor(P).Insns;
      if (!After.Loads)
        Worst = std::max(Worst, 1e9);
      else if (Before.Loads)
        Worst =
            std::max(Worst, double(After.Verified) /
                                double(std::max<uint64_t>(Before.Verified, 1)));
    }
    Answers.push_back(std::move(After));
  }
  return Worst;
}

/// Takes choices away until the kernel loads the program.
Expected<Plan> Tuner::narrowFor(Job &J, size_t Kernel, Plan P) {
  constexpr unsigned MaxSteps = 60;
  const ProgramModel &Model = *J.Models[Kernel];
  Trials There(sessionsOf(Kernel)[0], Model);
  for (unsigned Step = 0; Step != MaxSteps && !P.empty(); ++Step) {
    auto Failure = There.trace(P);
    if (!Failure)
      return Failure.takeError();
    if (Failure->Errno == 0)
      return P;
    if (kindOf(Failure->Reason) == RefusalKind::TooMany)
      break;
    std::vector<Choice> Culprits =
        findCulprits(Model, P, Model.codeFor(P), *Failure);
    if (Culprits.empty())
      break;
    for (const Choice &C : Culprits) {
      CopyClass Class = classOf(Obj, C);
      P.removeIf([&](const Choice &X) { return classOf(Obj, X) == Class; });
    }
  }
  return Plan();
}

Error Tuner::agreeWithOtherKernels(Job &J, const SearchResult &Found) {
  TunedProgram &T = Results[J.Result];
  if (Kernels.size() == 1)
    return Error::success();
  std::vector<Plan> Proposals = {Found.Best};
  for (size_t K = 1; K != Kernels.size(); ++K) {
    if (!J.Models[K] || !T.Kernels[K].Before.Loads)
      continue;
    auto Narrowed = narrowFor(J, K, Proposals.front());
    if (!Narrowed)
      return Narrowed.takeError();
    if (!Narrowed->empty() && !is_contained(Proposals, *Narrowed))
      Proposals.insert(Proposals.begin(), std::move(*Narrowed));
  }
  Proposals.insert(Proposals.end(), Found.Others.begin(), Found.Others.end());
  double BestRatio = 1;
  T.Chosen = Plan();
  for (const Plan &P : Proposals) {
    std::vector<Outcome> Answers;
    auto Ratio = judge(J, P, Answers);
    if (!Ratio)
      return Ratio.takeError();
    if (*Ratio >= BestRatio)
      continue;
    BestRatio = *Ratio;
    T.Chosen = P;
    for (size_t K = 0; K != Kernels.size(); ++K)
      T.Kernels[K].After = std::move(Answers[K]);
  }
  if (T.Chosen.empty()) {
    T.Reason = "no plan is good on all kernels";
    for (KernelFigures &F : T.Kernels)
      F.After = F.Before;
  }
  return Error::success();
}

static double median(std::vector<double> Values) {
  llvm::sort(Values);
  return Values.empty() ? 0 : Values[Values.size() / 2];
}

/// Times before and after in turns; a plan that is not faster goes.
Error Tuner::measure(Job &J) {
  TunedProgram &T = Results[J.Result];
  for (size_t K = 0; K != Kernels.size(); ++K) {
    KernelFigures &F = T.Kernels[K];
    if (!J.Models[K] || !F.Before.Loads || T.Chosen.empty())
      continue;
    // Half a second for each kernel, and three times at least.
    double Us = std::max(F.Before.VerificationUs, 1.0);
    unsigned Rounds = unsigned(std::clamp(250000 / Us, 3.0, 21.0));
    std::vector<double> Before, After;
    auto Code = J.Models[K]->codeFor(T.Chosen).Insertions;
    for (unsigned N = 0; N != 2 * Rounds; ++N) {
      bool IsAfter = N % 4 == 1 || N % 4 == 2;
      auto R = Kernels[K].Sessions[0]->tryLoad(
          T.Name, IsAfter ? ArrayRef(Code) : ArrayRef<Insertion>(), 120000);
      if (!R)
        return R.takeError();
      (IsAfter ? After : Before).push_back(R->VerificationUs);
    }
    F.BeforeUs = median(std::move(Before));
    F.AfterUs = median(std::move(After));
    if (F.AfterUs >= F.BeforeUs) {
      T.Chosen = Plan();
      T.Reason = "fewer instructions are verified, but not faster";
    }
  }
  if (T.Chosen.empty())
    for (KernelFigures &F : T.Kernels)
      F.After = F.Before;
  return Error::success();
}

/// Takes away what \p T chose for functions of \p Sharer; all, if the rest is
/// no good by itself.
Error Tuner::takeBack(TunedProgram &T, const ProgramModel &Sharer) {
  auto Mine =
      find_if(Jobs, [&](const Job &J) { return &Results[J.Result] == &T; });
  Plan Rest = T.Chosen;
  Rest.removeIf([&](const Choice &C) { return Sharer.holds(C.At.Fn); });
  T.Chosen = Plan();
  T.Reason = "what is good for it is not for '" + Sharer.name() +
             "', which shares functions with it";
  for (KernelFigures &F : T.Kernels)
    F.After = F.Before;
  if (Rest.empty() || Mine == Jobs.end())
    return Error::success();
  std::vector<Outcome> Answers;
  auto Ratio = judge(*Mine, Rest, Answers);
  if (!Ratio)
    return Ratio.takeError();
  if (*Ratio >= 1)
    return Error::success();
  T.Chosen = std::move(Rest);
  for (size_t K = 0; K != Kernels.size(); ++K)
    T.Kernels[K].After = std::move(Answers[K]);
  return measure(*Mine);
}

/// What was chosen for a function stands for every program that holds it: one
/// that is refused or slower with it has it taken back.
Error Tuner::checkSharers() {
  for (bool Again = true; Again;) {
    Again = false;
    for (TunedProgram &T : Results) {
      for (size_t K = 0; K != Kernels.size(); ++K) {
        const SessionProgram *Here = Kernels[K].Sessions[0]->find(T.Name);
        if (!Here || !T.Kernels[K].Before.Loads)
          continue;
        ProgramModel Model(Obj, *Here);
        Plan All = fixedFor(Model);
        // Also what was judged before others had something taken back.
        if (All.empty()) {
          T.Kernels[K].After = T.Kernels[K].Before;
          continue;
        }
        auto R = Kernels[K].Sessions[0]->tryLoad(
            T.Name, Model.codeFor(All).Insertions, 120000);
        if (!R)
          return R.takeError();
        Outcome After = outcomeOf(std::move(*R));
        After.Inserted = Model.codeFor(All).Insns;
        if (After.Loads && After.Verified <= T.Kernels[K].Before.Verified) {
          T.Kernels[K].After = std::move(After);
          continue;
        }
        for (TunedProgram &Other : Results) {
          if (none_of(Other.Chosen.choices(),
                      [&](const Choice &C) { return Model.holds(C.At.Fn); }))
            continue;
          if (Error E = takeBack(Other, Model))
            return E;
          Again = true;
        }
      }
    }
  }
  return Error::success();
}

Expected<std::vector<TunedProgram>> Tuner::run() {
  if (Error E = survey())
    return E;
  for (Job &J : Jobs) {
    TunedProgram &T = Results[J.Result];
    uint64_t Verified = T.Kernels[0].Before.Verified;
    if (Options.OnProgress &&
        !Options.OnProgress({T.Name, Done, unsigned(Jobs.size()), Verified,
                             Verified, secondsLeft()}))
      Interrupted = true;
    if (Interrupted)
      T.Reason = "interrupted before it was its turn";
    else if (secondsLeft() <= 0 || EffortLeft == 0)
      T.Reason = "the budget was spent before it was its turn";
    else if (Error E = search(J))
      return E;
    if (!T.Chosen.empty())
      if (Error E = measure(J))
        return E;
    ++Done;
  }
  if (Error E = checkSharers())
    return E;
  return std::move(Results);
}

Plan mergePlans(ArrayRef<TunedProgram> Programs) {
  Plan All;
  for (const TunedProgram &T : Programs)
    All.merge(T.Chosen);
  return All;
}

} // namespace prepatch
