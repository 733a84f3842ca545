//===- Plan.h - Which no-ops a program gets ------------------------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A plan is a set of choices: forget this location at this place in this way.
// Plans are small values that the search copies and compares.
//===----------------------------------------------------------------------===//
#ifndef PREPATCH_TUNE_PLAN_H
#define PREPATCH_TUNE_PLAN_H

#include "Widening/Widener.h"
#include "llvm/ADT/STLExtras.h"
#include <vector>

namespace prepatch {

/// An instruction of the input: a function by its number in file order, and
/// the slot from where it starts.
struct CodePlace {
  uint32_t Fn = 0;
  uint32_t Index = 0;
  auto operator<=>(const CodePlace &) const = default;
};

struct Choice {
  CodePlace At;
  Widening What;
  auto operator<=>(const Choice &) const = default;
};

/// Sorted, and at most one choice for a location at a place.
class Plan {
public:
  llvm::ArrayRef<Choice> choices() const { return Choices; }
  size_t size() const { return Choices.size(); }
  bool empty() const { return Choices.empty(); }

  /// Adds \p C, or replaces how its location is forgotten there.
  void set(const Choice &C);
  /// The choice for \p L at \p At, or null.
  const Choice *find(CodePlace At, Location L) const;
  template <typename Predicate> void removeIf(Predicate P) {
    llvm::erase_if(Choices, P);
  }
  /// All choices of both; \p Other wins where they differ.
  void merge(const Plan &Other);

  auto operator<=>(const Plan &) const = default;

private:
  std::vector<Choice> Choices;
};

} // namespace prepatch

#endif
