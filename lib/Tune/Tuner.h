//===- Tuner.h - All programs of an object, on all kernels ---------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Searches a plan for each program, the most expensive first, on the first
// kernel; then makes sure that every other kernel takes it too and is no slower
// with it. Programs may share functions: what the first of them chose for a
// shared function stands for the others, or is taken back if one of them
// suffers.
//===----------------------------------------------------------------------===//
#ifndef PREPATCH_TUNE_TUNER_H
#define PREPATCH_TUNE_TUNER_H

#include "Tune/Search.h"
#include <chrono>
#include <functional>

namespace prepatch {

/// Sessions of one kernel that all have the same object open.
struct KernelSessions {
  std::string Name; ///< as the user gave it: "running", "6.1"
  std::vector<std::unique_ptr<KernelSession>> Sessions; ///< at least one
};

/// One program on one kernel.
struct KernelFigures {
  Outcome Before, After;
  /// Medians of interleaved loads, microseconds; 0 if not measured.
  double BeforeUs = 0, AfterUs = 0;
};

struct TunedProgram {
  std::string Name;
  Plan Chosen;        ///< empty: stays as it is
  std::string Reason; ///< why, if it does; or what went wrong on the way
  std::vector<KernelFigures> Kernels; ///< in the order of the kernels
  unsigned Loads = 0, Rounds = 0;
  double Seconds = 0;
  bool Stopped = false; ///< by budget or user, before it was through
  /// When the best so far got better: seconds since its search began, verified
  /// instructions.
  std::vector<std::pair<double, uint64_t>> Trajectory;
};

struct TuneProgress {
  llvm::StringRef Program;
  unsigned Done = 0, Total = 0;  ///< programs
  uint64_t Before = 0, Best = 0; ///< verified instructions of Program
  double SecondsLeft = 0;
};

struct TuneOptions {
  double BudgetSeconds = 60;
  std::vector<std::string> Programs; ///< empty: all
  /// Returns false to stop early with the best so far.
  std::function<bool(const TuneProgress &)> OnProgress;
  /// Told every step of the search; may be null.
  std::function<void(const std::string &)> Log;
};

class Tuner {
public:
  Tuner(const ObjectModel &Obj, llvm::MutableArrayRef<KernelSessions> Kernels,
        const TuneOptions &Options);

  /// All programs of the object that any kernel loads or refuses for their
  /// size; in the order in which they were searched.
  llvm::Expected<std::vector<TunedProgram>> run();

private:
  struct Job {
    size_t Result;                                     ///< its place in Results
    std::vector<std::unique_ptr<ProgramModel>> Models; ///< by kernel
  };

  llvm::Error survey();
  llvm::Error search(Job &J);
  llvm::Error agreeWithOtherKernels(Job &J, const SearchResult &Found);
  llvm::Expected<double> judge(Job &J, const Plan &P,
                               std::vector<Outcome> &Answers);
  llvm::Expected<Plan> narrowFor(Job &J, size_t Kernel, Plan P);
  llvm::Error measure(Job &J);
  llvm::Error checkSharers();
  llvm::Error takeBack(TunedProgram &T, const ProgramModel &Sharer);
  double secondsLeft() const;
  Plan fixedFor(const ProgramModel &Model) const;
  llvm::SmallVector<KernelSession *, 2> sessionsOf(size_t Kernel) const;

  const ObjectModel &Obj;
  llvm::MutableArrayRef<KernelSessions> Kernels;
  const TuneOptions &Options;
  std::chrono::steady_clock::time_point Start;
  uint64_t EffortLeft;
  std::vector<TunedProgram> Results;
  std::vector<Job> Jobs;
  unsigned Done = 0;
  bool Interrupted = false; ///< by the user
};

/// The choices of all programs.
Plan mergePlans(llvm::ArrayRef<TunedProgram> Programs);

} // namespace prepatch

#endif
