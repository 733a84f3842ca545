//===- Globals.h - Which static functions become global ------------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// All that the verifier walks several times to begin with. What a kernel
// refuses without knowing its arguments, or whose caller needs to know of its
// result, stays static; then each that does not help is taken back. Programs
// that share functions have their functions global only if that is clearly
// better for all of them together and worse for none, on all kernels.
//===----------------------------------------------------------------------===//
#ifndef PREPATCH_TUNE_GLOBALS_H
#define PREPATCH_TUNE_GLOBALS_H

#include "Tune/OpenVariant.h"

namespace prepatch {

struct GlobalsOptions {
  bool ArgumentTags = true; ///< all kernels know them
  /// Instructions that the verifier may go through in all trials.
  uint64_t Effort = 0;
  /// False stops; nothing becomes global then. May be null.
  std::function<bool()> GoOn;
  std::function<void(const std::string &)> Log; ///< may be null
};

class GlobalsSearch {
public:
  GlobalsSearch(OpenVariant &Original, const KernelProfile &Profile,
                VariantOpener Open, GlobalsOptions Options);

  /// Their numbers, increasing.
  llvm::Expected<std::vector<uint32_t>> run();

private:
  struct Verdict {
    Answers After;
    std::vector<uint32_t> Culprits; ///< of refusals, increasing
  };

  std::vector<uint32_t> candidates(llvm::ArrayRef<VisitRecord> Visits,
                                   double MinVisits);
  llvm::Error survey();
  llvm::Error measureVisits(llvm::ArrayRef<uint32_t> Functions);
  bool holdsAny(const SessionProgram &P,
                llvm::ArrayRef<uint32_t> Functions) const;
  llvm::Expected<Verdict> ask(llvm::ArrayRef<uint32_t> Set,
                              llvm::ArrayRef<uint32_t> About, size_t Kernels,
                              const Answers &Known);
  llvm::Expected<std::optional<uint32_t>> culprit(OpenVariant &There,
                                                  size_t Kernel,
                                                  const SessionProgram &P,
                                                  llvm::ArrayRef<uint32_t> Set);
  llvm::Error narrow(std::vector<uint32_t> &Set);
  llvm::Error drop(std::vector<uint32_t> &Set);
  llvm::Error judge(std::vector<uint32_t> &Set);
  Standing standing(const Answers &After, llvm::ArrayRef<uint32_t> About) const;
  std::optional<uint32_t> numberOf(llvm::StringRef Function) const;
  llvm::StringRef nameOf(uint32_t Function) const;
  bool mayGoOn() const;
  void log(const std::string &Text) const;

  OpenVariant &Original;
  const KernelProfile &Profile;
  VariantOpener Open;
  GlobalsOptions Options;
  llvm::ArrayRef<SessionProgram> Programs;
  Answers Before;  ///< of the original
  Answers Current; ///< of the set so far
  std::vector<VisitRecord> Visits;
  uint64_t Spent = 0;
};

} // namespace prepatch

#endif
