//===- Relax.h - Branches that no longer reach ---------------------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A conditional branch, may_goto and goto reach 32 768 instructions, gotol
// reaches everything. The kernel refuses to patch what would overflow; we
// insert what reaches.
//
//   if r1 == 0 goto Far          if r1 == 0 goto Island
//   ...                          ...                        (within reach)
//   exit                         exit
//                                Island: gotol Far
//
// An island goes behind an instruction that ends the flow, so that nothing
// runs into it. Where none is within reach, one is made: `goto +1; Island:`,
// if need be inside a block.
// Without gotol (cpu v1 to v3), islands form a chain of gotos.
//===----------------------------------------------------------------------===//
#ifndef PREPATCH_OBJECT_RELAX_H
#define PREPATCH_OBJECT_RELAX_H

#include "IR/Program.h"

namespace prepatch {

/// How far branches may go, and with what.
struct BranchReach {
  bool HasGotol = false;
  /// Slots that a 16-bit branch may span; smaller in tests.
  int64_t Limit = 32767;
};

/// Whether the program holds instructions of cpu v4, so that its kernel knows
/// gotol.
bool usesCpuV4(Program &P);

/// Makes every branch reach its target. Returns whether it changed anything.
bool relaxBranches(Program &P, const BranchReach &Reach);

} // namespace prepatch

#endif
