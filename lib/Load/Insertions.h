//===- Insertions.h - a captured load with code put in --------------------===//
//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Puts instructions in front of given instructions of a captured program, so
// that a change can be tried without writing and opening another object. The
// captured load itself stays as it is.
//
//===----------------------------------------------------------------------===//

#ifndef PREPATCH_LOAD_INSERTIONS_H
#define PREPATCH_LOAD_INSERTIONS_H

#include "PreparedLoad.h"

namespace prepatch {

/// Code in front of one instruction. It may jump within itself and to its end,
/// nowhere else. Jumps and calls to the instruction go to the code.
struct Insertion {
  uint32_t Index = 0; ///< in the captured program
  std::vector<bpf_insn> Code;
};

/// Builds in Variant what Load becomes with Insertions, whose indices must
/// increase. False, and Error set, if that cannot be done.
bool insertCode(const PreparedLoad &Load,
                const std::vector<Insertion> &Insertions, LoadVariant &Variant,
                std::string &Error);

} // namespace prepatch

#endif
