//===- Operands.h - What an instruction reads and writes -----------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef PREPATCH_ISA_OPERANDS_H
#define PREPATCH_ISA_OPERANDS_H

#include "ISA/Classify.h"

namespace prepatch {

/// A set of registers, bit N for rN.
using RegSet = uint16_t;

inline constexpr RegSet regBit(unsigned Reg) { return RegSet(1u << Reg); }

/// r0 to r5: what every call clobbers.
inline constexpr RegSet CallClobbered = 0x3f;
/// r1 to r5: what a call may read.
inline constexpr RegSet CallArguments = 0x3e;
/// r6 to r9.
inline constexpr RegSet CalleeSaved = 0x3c0;

/// Registers that \p Insn reads. A call is taken to read r1 to r5, as how many
/// arguments it has is not part of the encoding; exit reads r0.
RegSet readRegs(const RawInsn &Insn, InsnKind Kind);

/// Registers that hold another value after \p Insn (calls: r0 to r5).
RegSet writtenRegs(const RawInsn &Insn, InsnKind Kind);

} // namespace prepatch

#endif
