//===- RewriteProbe.h - what the kernel rewrote, per instruction ----------===//
//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Loads a program with one line-info record for every instruction. The kernel
// moves the records along with its rewrites, so reading them back tells where
// each original instruction went.
//
//===----------------------------------------------------------------------===//

#ifndef PREPATCH_LOAD_REWRITEPROBE_H
#define PREPATCH_LOAD_REWRITEPROBE_H

#include "PreparedLoad.h"

#include <string>
#include <vector>

namespace prepatch {

struct GrownInsn {
  uint32_t Index = 0; ///< in the program as it was loaded
  uint32_t After = 0; ///< instructions that stand there now
};

struct RewriteCounts {
  std::string Error; ///< if not empty, nothing else is valid
  std::vector<GrownInsn> Grown;
  std::vector<uint32_t> Deleted; ///< a two-slot instruction by its first slot
  uint32_t GrownInsns = 0;       ///< sum of what was added
  uint32_t DeletedInsns = 0;     ///< in slots
  uint32_t DeletedRuns = 0;      ///< contiguous in the original program
  uint32_t Appended = 0; ///< hidden exception subprogram behind the program
  uint32_t LengthBefore = 0, LengthAfter = 0;
  std::string Inconsistent; ///< what does not add up; empty if all does
};

/// PlainLength is the translated length of the program loaded as it is.
RewriteCounts probeRewrites(const PreparedLoad &Load, uint32_t PlainLength);

/// How many edits the deletions took: the kernel cuts each run of instructions
/// that were never reached at once, but no-op jumps and spills one by one
/// (opt_remove_dead_code() and opt_remove_nops(), 6.18). Visits tells which
/// were reached.
uint32_t countDeletionSteps(const RewriteCounts &Counts,
                            const std::vector<bpf_insn> &Insns,
                            const std::vector<uint64_t> &Visits);

} // namespace prepatch

#endif
