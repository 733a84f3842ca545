//===- Verifier.h - Invariants of the representation ---------------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// For every function:
//  1. It has a block, and every block has an instruction.
//  2. Links of blocks and instructions agree in both directions, and blocks
//     name the function they are in.
//  3. Every instruction has the kind that its encoding has.
// and unless it is opaque:
//  4. Only the last instruction of a block is a terminator.
//  5. Branches and jump tables name blocks of the same function.
//  6. The last block does not fall through.
//  7. No encoding is unknown.
// For calls and function pointers:
//  8. The function they name is in a section of the program.
//  9. A call of no function has a relocation that names what it calls, unless
//     the function is opaque.
// For line records:
// 10. If any instruction of a function has one, the first has.
//===----------------------------------------------------------------------===//
#ifndef PREPATCH_IR_VERIFIER_H
#define PREPATCH_IR_VERIFIER_H

#include "IR/Program.h"
#include "llvm/Support/Error.h"

namespace prepatch {

/// The first broken invariant of \p P as an error, or success. Linear.
llvm::Error verify(Program &P);

} // namespace prepatch

#endif
