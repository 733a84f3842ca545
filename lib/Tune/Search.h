//===- Search.h - Finding the best plan for one program ------------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The verifier in the loop. In each round the state log of the best plan so
// far names candidates; all of them at once, or some kinds, are tried; what is
// refused is narrowed down; then everything is dropped again that does not
// help, and single additions are tried. Plans are compared by verified
// instructions, and the search is limited by them, so that it goes the same
// way every time.
//===----------------------------------------------------------------------===//
#ifndef PREPATCH_TUNE_SEARCH_H
#define PREPATCH_TUNE_SEARCH_H

#include "Tune/Candidates.h"
#include "Tune/Trials.h"
#include <functional>

namespace prepatch {

struct SearchOptions {
  /// Instructions that the verifier may go through in all trials.
  uint64_t Effort = 0;
  unsigned MaxRounds = 20;
  /// Called after every trial with the best count so far; false stops the
  /// search, which then returns what it has.
  std::function<bool(const Outcome &Best)> GoOn;
  /// Told what is done; may be null.
  std::function<void(const std::string &)> Log;
};

struct SearchResult {
  Plan Best;      ///< empty if nothing is better
  Outcome Before; ///< of the program as it is
  Outcome After;  ///< of Best
  /// Good plans met on the way, the best first, for kernels that do not like
  /// Best. Best is not among them.
  std::vector<Plan> Others;
  unsigned Rounds = 0;
  bool Stopped = false; ///< before it was through
};

class Search {
public:
  Search(Trials &Kernel, const SearchOptions &Options)
      : Kernel(Kernel), Model(Kernel.model()), Options(Options) {}

  llvm::Expected<SearchResult> run();

private:
  struct Scored {
    Plan P;
    Outcome Result;
  };
  /// How often a location of a function was to blame for a refusal.
  using Culprits = std::map<std::pair<uint32_t, Location>, unsigned>;
  using Seeds = std::vector<std::pair<const char *, Plan>>;

  bool mayGoOn() const;
  void log(const char *Step, const Plan &P, const Outcome &O) const;
  llvm::Expected<Outcome> load(const Plan &P, llvm::ArrayRef<Plan> Next = {});
  llvm::Error round();
  Seeds makeSeeds(llvm::ArrayRef<Candidate> Candidates) const;
  llvm::Expected<Scored> repair(Plan P);
  Choice choiceLikeCopies(const Candidate &C) const;
  void giveWay(Plan &P, const Choice &Culprit, Culprits &Seen) const;
  void dropWeakHalf(Plan &P) const;
  llvm::Error eliminate();
  llvm::Error eliminateGroups(llvm::ArrayRef<std::vector<Choice>> Groups);
  llvm::Error addClasses();
  llvm::Error addSingles();
  llvm::Error tryOtherWays();
  llvm::Error preferFastForms();
  llvm::Error reachFurther(llvm::ArrayRef<Scored> Refused);
  void remember(const Scored &S);

  Trials &Kernel;
  const ProgramModel &Model;
  const SearchOptions &Options;

  Scored Best;
  SearchResult Result;
  std::vector<Candidate> Candidates; ///< of this round
  /// Of all rounds.
  std::map<std::pair<CodePlace, Location>, std::vector<Widening>> KnownWays;
  bool Stopped = false;
};

} // namespace prepatch

#endif
