//===- Fastcall.h - Spills around calls that keep registers --------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// For a helper or kernel function marked bpf_fastcall, a compiler spills what
// it wants to keep right before the call and fills it right after, for
// kernels that do not know the mark:
//
//   *(u64 *)(r10 - 16) = r1     \  pairs grow outward, the innermost at the
//   *(u64 *)(r10 - 24) = r2     |  lowest place that the function stores to,
//   call bpf_get_smp_processor_id  each next one 8 bytes higher
//   r2 = *(u64 *)(r10 - 24)     |
//   r1 = *(u64 *)(r10 - 16)     /
//
// 6.12 and later delete such pairs (mark_fastcall_patterns,
// remove_fastcall_spills_fills), one by one, unless the function uses that
// part of the stack for anything else.
//===----------------------------------------------------------------------===//
#ifndef PREPATCH_ANALYSIS_FASTCALL_H
#define PREPATCH_ANALYSIS_FASTCALL_H

#include "Analysis/RegKinds.h"

namespace prepatch {

struct FastcallPair {
  BasicBlock *BB;
  Insn *Call, *Spill, *Fill;
};

/// The pairs that the kernel will delete in \p F, in layout order of the
/// calls, inner pairs first.
std::vector<FastcallPair> findFastcallPairs(Function &F, const RegKinds &Kinds,
                                            const KernelProfile &Profile);

} // namespace prepatch

#endif
