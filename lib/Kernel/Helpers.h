//===- Helpers.h - facts about helpers, kernel independent ----------------===//
//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Internal to lib/Kernel: the table behind KernelProfile::helper.
//
//===----------------------------------------------------------------------===//

#ifndef PREPATCH_KERNEL_HELPERS_H
#define PREPATCH_KERNEL_HELPERS_H

#include "KernelProfile.h"

namespace prepatch {

/// Highest helper id in Helpers.def.
unsigned numKnownHelpers();
/// All that does not depend on the kernel; a record without a name for an id
/// that is not in the table.
HelperInfo helperFacts(uint32_t Id);

} // namespace prepatch

#endif // PREPATCH_KERNEL_HELPERS_H
