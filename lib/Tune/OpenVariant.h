//===- OpenVariant.h - A variant of an object, open on all kernels -------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef PREPATCH_TUNE_OPENVARIANT_H
#define PREPATCH_TUNE_OPENVARIANT_H

#include "Tune/Structure.h"
#include "Tune/Tuner.h"

namespace prepatch {

struct OpenVariant {
  std::unique_ptr<Variant> V;
  std::shared_ptr<void> File; ///< where it stands; removed with the last owner
  std::vector<KernelSessions> Kernels;
};

/// Makes a variant and opens it, with so many sessions on the first kernel. The
/// kernels are the same each time.
using VariantOpener = std::function<llvm::Expected<OpenVariant>(
    const Structure &What, unsigned Sessions)>;

/// Programs that share functions, directly or by way of others: they are
/// changed together or not at all.
class ProgramGroups {
public:
  explicit ProgramGroups(llvm::ArrayRef<SessionProgram> Programs);
  unsigned size() const { return Count; }
  /// By names; size() for what no group has.
  unsigned ofProgram(llvm::StringRef Name) const;
  unsigned ofFunction(llvm::StringRef Name) const;

private:
  unsigned Count = 0;
  std::map<std::string, unsigned> ByProgram, ByFunction;
};

/// All programs on one kernel after another: Answers[program][kernel].
using Answers = std::vector<std::vector<Outcome>>;

/// How programs fare against what they were; the smaller, the better.
struct Standing {
  unsigned Broken = 0;  ///< loaded before, and do not now, on some kernel
  unsigned Refused = 0; ///< do not load on the first kernel
  unsigned Worse = 0;   ///< verify over 1 % more on some kernel
  uint64_t Sum = 0;     ///< verified instructions on the first kernel
  auto operator<=>(const Standing &) const = default;

  void add(llvm::ArrayRef<Outcome> Before, llvm::ArrayRef<Outcome> After);
  /// Whether it is worth a change of the object over \p Other.
  bool isClearlyBetterThan(const Standing &Other) const;
};

} // namespace prepatch

#endif
