//===- Plan.cpp - Which no-ops a program gets ----------------------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Tune/Plan.h"

using namespace llvm;

namespace prepatch {

static bool precedes(const Choice &A, CodePlace At, Location L) {
  return std::tie(A.At, A.What.Where) < std::tie(At, L);
}

static bool isFor(const Choice &C, CodePlace At, Location L) {
  return C.At == At && C.What.Where == L;
}

void Plan::set(const Choice &C) {
  auto At = llvm::partition_point(Choices, [&](const Choice &Old) {
    return precedes(Old, C.At, C.What.Where);
  });
  if (At != Choices.end() && isFor(*At, C.At, C.What.Where))
    *At = C;
  else
    Choices.insert(At, C);
}

const Choice *Plan::find(CodePlace At, Location L) const {
  auto It = llvm::partition_point(
      Choices, [&](const Choice &Old) { return precedes(Old, At, L); });
  return It != Choices.end() && isFor(*It, At, L) ? &*It : nullptr;
}

void Plan::merge(const Plan &Other) {
  for (const Choice &C : Other.Choices)
    set(C);
}

} // namespace prepatch
