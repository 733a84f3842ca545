//===- Worker.h - loads, measures and runs the programs -------------------===//
//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The work itself, done in a process that may die.
//
//===----------------------------------------------------------------------===//

#ifndef PREPATCH_KLOAD_WORKER_H
#define PREPATCH_KLOAD_WORKER_H

#include "Channel.h"
#include "Options.h"

#include <set>

namespace prepatch {

/// Opens the objects, and processes the groups of programs from FirstGroup on.
/// A group is the program of one name and section in all the objects. Objects
/// whose number is in Broken are left alone.
void runLoads(const KloadOptions &Options, unsigned FirstGroup,
              const std::set<uint32_t> &Broken, MessageSender &Sender);

/// As much locked memory and as many descriptors as there may be.
void raiseLimits();

} // namespace prepatch

#endif
