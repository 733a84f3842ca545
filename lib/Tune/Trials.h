//===- Trials.h - Asking the kernel about plans --------------------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Loads one program with the code of a plan and remembers the answers. Several
// sessions of the same kernel work side by side: what will probably be asked
// next is loaded ahead. That changes when an answer is there, never what it
// is.
//===----------------------------------------------------------------------===//
#ifndef PREPATCH_TUNE_TRIALS_H
#define PREPATCH_TUNE_TRIALS_H

#include "Tune/ProgramModel.h"
#include <map>

namespace prepatch {

/// What the kernel said.
struct Outcome {
  bool Loads = false;
  /// Took longer than it was allowed to: worse than what is known.
  bool Interrupted = false;
  uint64_t Verified = 0; ///< instructions; of a refused program until then
  double VerificationUs = 0;
  unsigned Inserted = 0; ///< instructions
  std::string Reason;    ///< of a refusal
};

class Trials {
public:
  /// \p Sessions must outlive this, and be of one kernel.
  Trials(llvm::ArrayRef<KernelSession *> Sessions, const ProgramModel &Model)
      : Sessions(Sessions), Model(Model), Busy(Sessions.size()) {}
  ~Trials();

  const ProgramModel &model() const { return Model; }

  /// Loads the program by \p P, unless the answer is known. \p Next are plans
  /// that are likely to be asked for if this one is no success.
  llvm::Expected<Outcome> load(const Plan &P, llvm::ArrayRef<Plan> Next = {});
  /// The state log of a load, at the model's points.
  llvm::Expected<StateProfile> profile(const Plan &P);
  /// How a refused program got to where it was refused.
  llvm::Expected<FailingPath> trace(const Plan &P);

  /// A load that takes longer, in milliseconds, is interrupted.
  void setTimeout(unsigned Ms) { TimeoutMs = Ms; }
  unsigned timeout() const { return TimeoutMs; }

  /// Instructions that the verifier went through for the answers that were
  /// asked for: a clock that runs alike in every run of a search.
  uint64_t verifiedInAll() const { return VerifiedInAll; }
  unsigned loads() const { return Loads; }

private:
  llvm::Error start(size_t Session, const Plan &P);
  llvm::Error finish(size_t Session);
  llvm::Error waitForAny();
  llvm::Error drain();
  bool isUnderWay(const Plan &P) const;

  llvm::SmallVector<KernelSession *, 2> Sessions;
  const ProgramModel &Model;
  std::vector<std::optional<Plan>> Busy; ///< by session
  std::map<Plan, Outcome> Known;
  std::map<Plan, bool> Counted;
  unsigned TimeoutMs = 60000;
  uint64_t VerifiedInAll = 0;
  unsigned Loads = 0;
};

} // namespace prepatch

#endif
