//===- Refusal.h - What must stay known ----------------------------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A plan that forgets too much is refused: a bound is lost, a loop seems
// endless, a value must be a constant. From what the refused instruction uses,
// this walks the failing path back to the first place where the plan forgot
// that value, or one that it was made from.
//===----------------------------------------------------------------------===//
#ifndef PREPATCH_TUNE_REFUSAL_H
#define PREPATCH_TUNE_REFUSAL_H

#include "Tune/ProgramModel.h"

namespace prepatch {

enum class RefusalKind : uint8_t {
  Value,   ///< something must be known better
  Loop,    ///< "infinite loop detected"
  TooMany, ///< instructions or pending branches: not a question of a value
};

RefusalKind kindOf(llvm::StringRef Reason);

/// The choices of \p ThePlan that the refusal comes from: one or, where the
/// values do not tell, all of the last place on the path. Empty if the path
/// does not pass any choice: then it is not the plan's fault.
std::vector<Choice> findCulprits(const ProgramModel &Model, const Plan &ThePlan,
                                 const PlannedCode &Code,
                                 const FailingPath &Failure);

} // namespace prepatch

#endif
