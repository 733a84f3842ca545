//===- Operands.cpp - What an instruction reads and writes ---------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "ISA/Operands.h"

namespace prepatch {

static RegSet readByAtomic(const RawInsn &I) {
  if (I.Imm == AtomicLoadAcquire)
    return regBit(I.Src);
  RegSet Set = regBit(I.Dst) | regBit(I.Src);
  return I.Imm == AtomicCmpXchg ? Set | regBit(0) : Set;
}

static RegSet writtenByAtomic(const RawInsn &I) {
  if (I.Imm == AtomicLoadAcquire)
    return regBit(I.Dst);
  if (I.Imm == AtomicCmpXchg)
    return regBit(0);
  // Store-release has no fetch bit: 0x110.
  return I.Imm & AtomicFetch ? regBit(I.Src) : 0;
}

RegSet readRegs(const RawInsn &I, InsnKind Kind) {
  switch (Kind) {
  case InsnKind::End:
  case InsnKind::LoadImm64:
  case InsnKind::Jump:
  case InsnKind::MayGoto:
    return 0;
  case InsnKind::Unknown:
    return (1u << NumRegs) - 1;
  case InsnKind::Alu: {
    RegSet Set = usesSrcReg(I.Opcode) && aluOp(I.Opcode) != AluEnd
                     ? regBit(I.Src)
                     : RegSet(0);
    return aluOp(I.Opcode) == AluMov ? Set : Set | regBit(I.Dst);
  }
  case InsnKind::AddrSpaceCast:
  case InsnKind::Load:
    return regBit(I.Src);
  case InsnKind::Store:
    return regBit(I.Dst) | regBit(I.Src);
  case InsnKind::StoreImm:
  case InsnKind::IndirectJump:
    return regBit(I.Dst);
  case InsnKind::Atomic:
    return readByAtomic(I);
  case InsnKind::LoadAbs: // the context is in r6 by definition
    return regBit(6);
  case InsnKind::LoadInd:
    return regBit(6) | regBit(I.Src);
  case InsnKind::CondJump:
    return usesSrcReg(I.Opcode) ? regBit(I.Dst) | regBit(I.Src) : regBit(I.Dst);
  case InsnKind::HelperCall:
  case InsnKind::BpfCall:
  case InsnKind::KfuncCall:
    return CallArguments;
  case InsnKind::Exit:
    return regBit(0);
  }
  return 0;
}

RegSet writtenRegs(const RawInsn &I, InsnKind Kind) {
  switch (Kind) {
  case InsnKind::Unknown:
    return (1u << NumRegs) - 1;
  case InsnKind::Alu:
  case InsnKind::AddrSpaceCast:
  case InsnKind::Load:
  case InsnKind::LoadImm64:
    return regBit(I.Dst);
  case InsnKind::Atomic:
    return writtenByAtomic(I);
  // The kernel turns legacy packet loads into calls.
  case InsnKind::LoadAbs:
  case InsnKind::LoadInd:
  case InsnKind::HelperCall:
  case InsnKind::BpfCall:
  case InsnKind::KfuncCall:
    return CallClobbered;
  default:
    return 0;
  }
}

} // namespace prepatch
