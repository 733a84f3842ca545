//===- Supervisor.h - keeps the report whole whatever happens -------------===//
//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Runs workers in processes of their own, one after the other until every
// program has had its turn, and prints the report.
//
//===----------------------------------------------------------------------===//

#ifndef PREPATCH_KLOAD_SUPERVISOR_H
#define PREPATCH_KLOAD_SUPERVISOR_H

#include "Options.h"

namespace prepatch {

/// Loads the objects of Options and prints the report on standard output.
void superviseLoads(const KloadOptions &Options);

} // namespace prepatch

#endif
