//===- Disassemble.h - One instruction as text ---------------------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef PREPATCH_ISA_DISASSEMBLE_H
#define PREPATCH_ISA_DISASSEMBLE_H

#include "ISA/Classify.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/raw_ostream.h"

namespace prepatch {

/// Prints \p Insn in the notation of bpftool and llvm-objdump.
/// \p ImmHigh is the immediate of the second slot of an ld_imm64.
/// \p Target replaces the branch offset, the callee or the symbol, where the
/// caller knows a name for it.
void disassemble(llvm::raw_ostream &OS, const RawInsn &Insn, InsnKind Kind,
                 int32_t ImmHigh = 0, llvm::StringRef Target = "");

} // namespace prepatch

#endif
