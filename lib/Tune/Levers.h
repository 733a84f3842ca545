//===- Levers.h - No-ops, global functions and may_goto together ---------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Runs the search for no-ops on the object as it is and on variants of it, and
// takes for each group of programs that share functions the variant that ends
// best. A change of the object must pay for itself: the object as it is stands
// unless another is better by 3 % and worse for no program.
//===----------------------------------------------------------------------===//
#ifndef PREPATCH_TUNE_LEVERS_H
#define PREPATCH_TUNE_LEVERS_H

#include "Tune/OpenVariant.h"

namespace prepatch {

struct LeverOptions {
  bool Globals = true;
  bool MayGoto = false;  ///< the user allows it
  TuneOptions Tune;      ///< with the budget for all together
  unsigned Sessions = 1; ///< on the first kernel
};

struct LeverResult {
  std::unique_ptr<Variant> Final; ///< the plans are of this, but not in it
  std::vector<TunedProgram> Programs;
  /// Programs of whose functions some are global, or some loop has a may_goto.
  std::vector<std::string> WithGlobals, WithMayGoto;
  std::vector<std::string> Notes; ///< for the user
};

class Levers {
public:
  /// \p Original must outlive this.
  Levers(OpenVariant &Original, const KernelProfile &Profile,
         VariantOpener Open, LeverOptions Options);

  llvm::Expected<LeverResult> run();

private:
  /// What the search came to on one variant.
  struct Stage {
    Structure What;
    std::vector<TunedProgram> Programs;
    bool Stopped = false;
    const TunedProgram *find(llvm::StringRef Name) const;
  };

  llvm::Expected<Stage> tune(OpenVariant &V, double Seconds,
                             const std::vector<std::string> &Programs);
  Structure findGlobals(LeverResult &Result);
  llvm::Error addGlobals(Stage &Best, LeverResult &Result);
  llvm::Error addMayGoto(Stage &Best, LeverResult &Result);
  std::vector<CodePlace> loopsWorthIt(const Stage &Best,
                                      std::vector<std::string> &Programs) const;
  std::vector<char> groupsBetter(const Stage &A, const Stage &B) const;
  llvm::Error dropSlower(std::vector<char> &Groups, OpenVariant &V, Stage &S);
  Stage combine(const Stage &A, const Stage &B,
                const std::vector<char> &TakeB) const;
  std::vector<char> groupsOf(const Structure &What) const;
  Stage asItIs() const;
  llvm::Error survey();
  void nameChanged(const Stage &Best, LeverResult &Result) const;
  bool kernelsAreAtLeast(unsigned Major, unsigned Minor) const;
  double secondsLeft() const;
  unsigned groupOf(uint32_t Function) const;

  OpenVariant &Original;
  const KernelProfile &Profile;
  VariantOpener Open;
  LeverOptions Options;
  ProgramGroups Groups;
  std::chrono::steady_clock::time_point Start;
  bool Interrupted = false;
  /// Of the object as it is; empty until it is asked for.
  std::vector<TunedProgram> AsItIs;
};

} // namespace prepatch

#endif
