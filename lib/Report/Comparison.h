//===- Comparison.h - One object before and after ------------------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Pairs the programs of two objects as the kernel saw them and judges each
// pair: does what loaded before still load, and does it do the same?
//===----------------------------------------------------------------------===//
#ifndef PREPATCH_REPORT_COMPARISON_H
#define PREPATCH_REPORT_COMPARISON_H

#include "Report/Format.h"
#include "Report/KernelReport.h"

namespace prepatch {

enum class Judgement : uint8_t {
  Same,         ///< loads, and test runs did the same
  NotRunnable,  ///< loads; the kernel has no test run for it or refused all
  NotRun,       ///< loads; no test runs were asked for
  NeverLoaded,  ///< refused before and after
  LoadsNow,     ///< refused before, loads after
  Different,    ///< test runs did something else
  RefusedAfter, ///< loaded before, does not load any more
  OnlyBefore,   ///< the program is missing after
  OnlyAfter,    ///< the program was not there before
  Unknown,      ///< the loader failed over it
};
llvm::StringRef judgementName(Judgement J);
/// Different and what follows it.
bool isProblem(Judgement J);

/// Counts and medians of one program in one object.
struct ProgramFigures {
  std::optional<int64_t> Insns, XlatedInsns, Growths, GrownInsns, Deletions,
      VerifiedInsns;
  std::optional<double> VerificationUs, LoadUs; ///< medians
};

struct ProgramComparison {
  std::string Name, Section, Type;
  std::string VerdictBefore, VerdictAfter; ///< "-" where there is no program
  ProgramFigures Before, After;
  Judgement Result = Judgement::Unknown;
  /// What a user needs to know to understand the judgement; may be empty.
  std::string Reason;
  int64_t Inputs = 0;       ///< random inputs that were run on both
  int64_t FailedInputs = 0; ///< of them, that the kernel refused for both
  /// What could not be compared, as it differs from itself.
  std::vector<std::string> Nondeterministic;
  size_t LoadRuns = 0; ///< measured loads of each

  bool loadsInBoth() const {
    return VerdictBefore == "loaded" && VerdictAfter == "loaded";
  }
};

struct ObjectComparison {
  std::string Kernel, PathBefore, PathAfter;
  std::vector<ProgramComparison> Programs; ///< in the order of the file before
  /// Sums over the programs that load in both objects.
  ProgramFigures TotalBefore, TotalAfter;
  /// Geometric means of after / before over the same programs.
  std::optional<double> VerificationRatio, LoadRatio;

  size_t count(Judgement J) const;
  bool hasProblems() const;
};

/// The ratio of two figures, if both are known and the first is not zero.
template <typename T>
std::optional<double> ratio(std::optional<T> Before, std::optional<T> After) {
  if (!Before || !After || !*Before)
    return std::nullopt;
  return double(*After) / double(*Before);
}

/// \p Report holds the object before, then the object after; an error says
/// which could not be loaded at all. \p RunsWanted: test runs were asked for.
llvm::Expected<ObjectComparison> compareObjects(const KernelReport &Report,
                                                bool RunsWanted);

/// Takes the times of \p Again, a report on the same objects, for the programs
/// that it has, in place of those of \p Report.
void replaceTimes(KernelReport &Report, const KernelReport &Again);

void writeComparison(llvm::raw_ostream &OS, const ObjectComparison &C,
                     ReportFormat Format);
/// "program 'x': loaded before, refused after: ...".
std::string describeProblem(const ProgramComparison &P);

} // namespace prepatch

#endif
