//===- Levers.cpp - No-ops, global functions and may_goto together -------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Tune/Levers.h"
#include "Tune/Globals.h"
#include "Tune/Refusal.h"

using namespace llvm;

namespace prepatch {

Levers::Levers(OpenVariant &Original, const KernelProfile &Profile,
               VariantOpener Open, LeverOptions TheOptions)
    : Original(Original), Profile(Profile), Open(std::move(Open)),
      Options(std::move(TheOptions)),
      Groups(Original.Kernels[0].Sessions[0]->programs()),
      Start(std::chrono::steady_clock::now()) {
  // Whoever stops the search for no-ops wants no other one either.
  Options.Tune.OnProgress = [this, Inner = std::move(Options.Tune.OnProgress)](
                                const TuneProgress &P) {
    if (Inner && !Inner(P))
      Interrupted = true;
    return !Interrupted;
  };
}

double Levers::secondsLeft() const {
  std::chrono::duration<double> Gone = std::chrono::steady_clock::now() - Start;
  return Options.Tune.BudgetSeconds - Gone.count();
}

bool Levers::kernelsAreAtLeast(unsigned Major, unsigned Minor) const {
  return all_of(Original.Kernels, [&](const KernelSessions &K) {
    return isAtLeast(K.Sessions[0]->kernel(), Major, Minor);
  });
}

unsigned Levers::groupOf(uint32_t Function) const {
  return Groups.ofFunction(Original.V->model().function(Function).name());
}

const TunedProgram *Levers::Stage::find(StringRef Name) const {
  for (const TunedProgram &T : Programs)
    if (T.Name == Name)
      return &T;
  return nullptr;
}

// --- Stages -----------------------------------------------------------------

Expected<Levers::Stage> Levers::tune(OpenVariant &V, double Seconds,
                                     const std::vector<std::string> &Programs) {
  TuneOptions Mine = Options.Tune;
  Mine.BudgetSeconds = Seconds;
  if (!Programs.empty())
    Mine.Programs = Programs;
  auto Tuned = Tuner(V.V->model(), V.Kernels, Mine).run();
  if (!Tuned)
    return Tuned.takeError();
  Stage S;
  S.What = V.V->structure();
  S.Programs = std::move(*Tuned);
  for (TunedProgram &T : S.Programs) {
    S.Stopped |= T.Stopped;
    // What a variant was before its no-ops is nobody's concern.
    if (S.What.empty())
      continue;
    for (const TunedProgram &Was : AsItIs)
      if (Was.Name == T.Name)
        for (size_t K = 0; K != T.Kernels.size(); ++K)
          T.Kernels[K].Before = Was.Kernels[K].Before;
  }
  return std::move(S);
}

/// All programs as they are.
Error Levers::survey() {
  TuneOptions Mine = Options.Tune;
  Mine.BudgetSeconds = 0;
  auto Tuned = Tuner(Original.V->model(), Original.Kernels, Mine).run();
  if (!Tuned)
    return Tuned.takeError();
  AsItIs = std::move(*Tuned);
  return Error::success();
}

Levers::Stage Levers::asItIs() const {
  Stage S;
  S.Programs = AsItIs;
  for (TunedProgram &T : S.Programs)
    if (T.Kernels[0].Before.Loads)
      T.Reason = "nothing that was tried is clearly better";
    else
      T.Reason =
          "nothing that was tried makes it load: " + T.Kernels[0].Before.Reason;
  return S;
}

/// Which groups have something changed by \p What.
std::vector<char> Levers::groupsOf(const Structure &What) const {
  std::vector<char> Changed(Groups.size() + 1);
  for (uint32_t Fn : What.Globals)
    Changed[groupOf(Fn)] = true;
  for (CodePlace At : What.Loops)
    Changed[groupOf(At.Fn)] = true;
  return Changed;
}

/// Which groups of programs ended better in \p B: clearly, if the object has to
/// be changed for it.
std::vector<char> Levers::groupsBetter(const Stage &A, const Stage &B) const {
  std::vector<Standing> Now(Groups.size() + 1), Then(Groups.size() + 1);
  for (const TunedProgram &T : A.Programs) {
    const TunedProgram *Other = B.find(T.Name);
    std::vector<Outcome> Before, Mine, Theirs;
    for (size_t K = 0; K != T.Kernels.size(); ++K) {
      Before.push_back(T.Kernels[K].Before);
      Mine.push_back(T.Kernels[K].After);
      Theirs.push_back(Other ? Other->Kernels[K].After : Outcome());
    }
    unsigned G = Groups.ofProgram(T.Name);
    Now[G].add(Before, Mine);
    Then[G].add(Before, Theirs);
  }
  std::vector<char> InA = groupsOf(A.What), InB = groupsOf(B.What);
  std::vector<char> Better(Groups.size() + 1);
  for (unsigned G = 0; G != Groups.size(); ++G)
    Better[G] = InA[G] || InB[G] ? Then[G].isClearlyBetterThan(Now[G])
                                 : Then[G] < Now[G];
  return Better;
}

/// The groups that \p TakeB says from \p B, the others from \p A.
Levers::Stage Levers::combine(const Stage &A, const Stage &B,
                              const std::vector<char> &TakeB) const {
  Stage S;
  S.Stopped = A.Stopped || B.Stopped;
  for (const TunedProgram &T : A.Programs)
    S.Programs.push_back(TakeB[Groups.ofProgram(T.Name)] ? *B.find(T.Name) : T);
  auto Merge = [&](const Structure &From, bool IsB) {
    for (uint32_t Fn : From.Globals)
      if (bool(TakeB[groupOf(Fn)]) == IsB)
        S.What.Globals.push_back(Fn);
    for (CodePlace At : From.Loops)
      if (bool(TakeB[groupOf(At.Fn)]) == IsB)
        S.What.Loops.push_back(At);
  };
  Merge(A.What, false);
  Merge(B.What, true);
  sort(S.What.Globals);
  sort(S.What.Loops);
  return S;
}

// --- Globals ----------------------------------------------------------------

Structure Levers::findGlobals(LeverResult &Result) {
  GlobalsOptions How;
  How.ArgumentTags = kernelsAreAtLeast(6, 8);
  // A quarter of the budget, in what a second verifies.
  How.Effort = uint64_t(Options.Tune.BudgetSeconds * 1500000 / 4);
  How.Log = Options.Tune.Log;
  How.GoOn = [this] {
    TuneProgress P;
    P.Program = "global functions";
    P.SecondsLeft = secondsLeft();
    // No-ops are the better lever: most of the time is theirs.
    return Options.Tune.OnProgress(P) &&
           P.SecondsLeft > 0.6 * Options.Tune.BudgetSeconds;
  };
  auto Set = GlobalsSearch(Original, Profile, Open, How).run();
  if (!Set) {
    Result.Notes.push_back("no functions are made global: " +
                           toString(Set.takeError()));
    return {};
  }
  return {std::move(*Set), {}};
}

/// The first stage: with global functions if they help, and without if there
/// is time for both.
Error Levers::addGlobals(Stage &Best, LeverResult &Result) {
  // A second search needs some of the time that is there.
  double Share = Options.MayGoto ? 0.5 : 1;
  Structure What;
  if (Options.Globals)
    What = findGlobals(Result);
  if (What.empty()) {
    auto Plain = tune(Original, secondsLeft() * Share, {});
    if (!Plain)
      return Plain.takeError();
    Best = std::move(*Plain);
    return Error::success();
  }
  if (Error E = survey())
    return E;
  auto V = Open(What, Options.Sessions);
  if (!V)
    return V.takeError();
  auto With = tune(*V, secondsLeft() * Share, {});
  if (!With)
    return With.takeError();
  Stage Plain = asItIs();
  // Whether it was through by itself: not a matter of today's speed, unless
  // the budget is the limit anyway.
  if (!With->Stopped && !Interrupted &&
      secondsLeft() > Options.Tune.BudgetSeconds / 2) {
    auto Without = tune(Original, secondsLeft() * Share, {});
    if (!Without)
      return Without.takeError();
    Plain = std::move(*Without);
  }
  std::vector<char> Better = groupsBetter(Plain, *With);
  if (Error E = dropSlower(Better, *V, *With))
    return E;
  Best = combine(Plain, *With, Better);
  return Error::success();
}

// --- may_goto ---------------------------------------------------------------

/// Loops of the programs that are expensive after all; these and the others of
/// their groups are put into \p Programs.
std::vector<CodePlace>
Levers::loopsWorthIt(const Stage &Best,
                     std::vector<std::string> &Programs) const {
  KernelSession &S = *Original.Kernels[0].Sessions[0];
  std::vector<char> IsWorth(Groups.size() + 1), HasLoop(Groups.size() + 1);
  for (const TunedProgram &T : Best.Programs) {
    const Outcome &O = T.Kernels[0].After;
    const SessionProgram *P = S.find(T.Name);
    constexpr uint64_t MinVerified = 500;
    bool Worth = O.Loads ? O.Verified >= MinVerified && P &&
                               O.Verified > uint64_t(P->Insns) * 5 / 4
                         : kindOf(O.Reason) == RefusalKind::TooMany;
    if (Worth)
      IsWorth[Groups.ofProgram(T.Name)] = true;
  }
  std::vector<CodePlace> Loops = findMayGotoLoops(*Original.V);
  erase_if(Loops, [&](CodePlace At) {
    unsigned G = groupOf(At.Fn);
    HasLoop[G] = true;
    return G == Groups.size() || !IsWorth[G];
  });
  for (const TunedProgram &T : Best.Programs) {
    unsigned G = Groups.ofProgram(T.Name);
    if (G != Groups.size() && IsWorth[G] && HasLoop[G])
      Programs.push_back(T.Name);
  }
  return Loops;
}

Error Levers::addMayGoto(Stage &Best, LeverResult &Result) {
  if (!kernelsAreAtLeast(6, 9)) {
    Result.Notes.push_back("no may_goto: not all kernels have it (6.9)");
    return Error::success();
  }
  std::vector<std::string> Programs;
  Structure What = Best.What;
  What.Loops = loopsWorthIt(Best, Programs);
  if (What.Loops.empty() || Interrupted)
    return Error::success();
  if (secondsLeft() <= 0) {
    Result.Notes.push_back("no may_goto: the budget was spent before");
    return Error::success();
  }
  if (AsItIs.empty())
    if (Error E = survey())
      return E;
  auto V = Open(What, Options.Sessions);
  if (!V) {
    Result.Notes.push_back("no may_goto: " + toString(V.takeError()));
    return Error::success();
  }
  auto With = tune(*V, secondsLeft(), Programs);
  if (!With)
    return With.takeError();
  std::vector<char> Better = groupsBetter(Best, *With);
  if (Error E = dropSlower(Better, *V, *With))
    return E;
  Best = combine(Best, *With, Better);
  return Error::success();
}

// --- The whole --------------------------------------------------------------

static double median(std::vector<double> Values) {
  llvm::sort(Values);
  return Values.empty() ? 0 : Values[Values.size() / 2];
}

/// Times the programs of \p Taken groups of \p S that are changed in more than
/// no-ops, against the object as it is, in turns. Groups with a program that is
/// slower go from \p Taken.
Error Levers::dropSlower(std::vector<char> &Taken, OpenVariant &V, Stage &S) {
  std::vector<char> IsChanged = groupsOf(S.What);
  for (TunedProgram &T : S.Programs) {
    unsigned G = Groups.ofProgram(T.Name);
    if (!Taken[G] || !IsChanged[G])
      continue;
    for (size_t K = 0; K != T.Kernels.size(); ++K) {
      KernelFigures &F = T.Kernels[K];
      KernelSession &Before = *Original.Kernels[K].Sessions[0];
      KernelSession &After = *V.Kernels[K].Sessions[0];
      const SessionProgram *There = After.find(T.Name);
      F.BeforeUs = F.AfterUs = 0;
      // What verifies as before is not slower.
      if (!F.Before.Loads || !F.After.Loads || !There ||
          F.After.Verified == F.Before.Verified)
        continue;
      ProgramModel Model(V.V->model(), *There);
      auto Code = Model.codeFor(T.Chosen).Insertions;
      double Us = std::max(F.Before.VerificationUs, 1.0);
      unsigned Rounds = unsigned(std::clamp(250000 / Us, 3.0, 21.0));
      std::vector<double> Mine, Theirs;
      for (unsigned N = 0; N != 2 * Rounds; ++N) {
        bool IsAfter = N % 4 == 1 || N % 4 == 2;
        auto R = IsAfter ? After.tryLoad(T.Name, Code, 120000)
                         : Before.tryLoad(T.Name, {}, 120000);
        if (!R)
          return R.takeError();
        (IsAfter ? Theirs : Mine).push_back(R->VerificationUs);
      }
      F.BeforeUs = median(std::move(Mine));
      F.AfterUs = median(std::move(Theirs));
      if (F.AfterUs > F.BeforeUs * 1.02)
        Taken[G] = false;
    }
  }
  return Error::success();
}

/// Fills in which programs owe what to which lever.
void Levers::nameChanged(const Stage &Best, LeverResult &Result) const {
  KernelSession &S = *Original.Kernels[0].Sessions[0];
  for (const TunedProgram &T : Best.Programs) {
    const SessionProgram *P = S.find(T.Name);
    bool Global = false, Loop = false;
    for (const LoadedFunction &F :
         P ? P->Functions : std::vector<LoadedFunction>()) {
      auto N = Original.V->model().findFunction(F.Name);
      if (!N)
        continue;
      Global |= is_contained(Best.What.Globals, *N);
      Loop |=
          any_of(Best.What.Loops, [&](CodePlace At) { return At.Fn == *N; });
    }
    if (Global)
      Result.WithGlobals.push_back(T.Name);
    if (Loop)
      Result.WithMayGoto.push_back(T.Name);
  }
}

Expected<LeverResult> Levers::run() {
  LeverResult Result;
  Stage Best;
  if (Error E = addGlobals(Best, Result))
    return std::move(E);
  if (Options.MayGoto)
    if (Error E = addMayGoto(Best, Result))
      return std::move(E);
  // The plans go into this; nothing is loaded any more.
  auto Final = Variant::make(MemoryBufferRef(Original.V->bytes(), "object"),
                             Best.What, Profile, kernelsAreAtLeast(6, 8));
  if (!Final)
    return Final.takeError();
  Result.Final = std::move(*Final);
  nameChanged(Best, Result);
  Result.Programs = std::move(Best.Programs);
  for (TunedProgram &T : Result.Programs)
    if (T.Chosen.empty() && (is_contained(Result.WithGlobals, T.Name) ||
                             is_contained(Result.WithMayGoto, T.Name)))
      T.Reason.clear(); // it does not stay as it is
  return std::move(Result);
}

} // namespace prepatch
