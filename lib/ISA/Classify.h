//===- Classify.h - What an encoding is ----------------------------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Every encoding of the instruction set up to cpu v4 and its later additions
// has a kind; everything else, reserved fields in use included, is Unknown and
// makes its function untouchable.
//===----------------------------------------------------------------------===//
#ifndef PREPATCH_ISA_CLASSIFY_H
#define PREPATCH_ISA_CLASSIFY_H

#include "ISA/Encoding.h"
#include "ISA/Opcodes.h"

namespace prepatch {

enum class InsnKind : uint8_t {
  End,           ///< not an instruction: the end mark of a block's list
  Unknown,       ///< kept as it is
  Alu,           ///< 32- and 64-bit arithmetic, mov, movsx, byte swaps
  AddrSpaceCast, ///< rD = addr_space_cast(rS, to, from)
  Load,          ///< LDX, zero or sign extending
  Store,         ///< STX
  StoreImm,      ///< ST
  Atomic,        ///< read-modify-write, load-acquire, store-release
  LoadImm64,     ///< ld_imm64 in every pseudo form; two slots
  LoadAbs,       ///< legacy packet load, LD_ABS
  LoadInd,       ///< legacy packet load, LD_IND
  Jump,          ///< goto and gotol
  CondJump,      ///< JMP and JMP32 with a condition
  MayGoto,       ///< may_goto
  IndirectJump,  ///< gotox
  HelperCall,    ///< call of a helper by its number
  BpfCall,       ///< call of a subprogram, or of an extern by relocation
  KfuncCall,     ///< call of a kernel function by its BTF id
  Exit,
};

/// The kind of \p Insn by its first slot. The second slot of an ld_imm64 is
/// checked by isLdImm64Tail.
InsnKind classify(const RawInsn &Insn);

/// Whether \p Second may be the second slot of an ld_imm64: only its immediate
/// is used.
bool isLdImm64Tail(const RawInsn &Second);

inline bool isBranch(InsnKind K) {
  return K == InsnKind::Jump || K == InsnKind::CondJump ||
         K == InsnKind::MayGoto;
}

inline bool isCall(InsnKind K) {
  return K == InsnKind::HelperCall || K == InsnKind::BpfCall ||
         K == InsnKind::KfuncCall;
}

/// Whether the instruction after it is not reached from it.
inline bool endsFlow(InsnKind K) {
  return K == InsnKind::Jump || K == InsnKind::Exit ||
         K == InsnKind::IndirectJump;
}

/// Whether it ends a basic block.
inline bool isTerminator(InsnKind K) { return isBranch(K) || endsFlow(K); }

} // namespace prepatch

#endif
