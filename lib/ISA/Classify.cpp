//===- Classify.cpp - What an encoding is --------------------------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "ISA/Classify.h"

namespace prepatch {

static bool validRegs(const RawInsn &I) {
  return I.Dst < NumRegs && I.Src < NumRegs;
}

static InsnKind classifyAlu(const RawInsn &I) {
  bool Is64 = insnClass(I.Opcode) == ClassAlu64;
  bool IsReg = usesSrcReg(I.Opcode);
  uint8_t Op = aluOp(I.Opcode);
  if (Op == AluNeg)
    return !IsReg && !I.Src && !I.Off && !I.Imm ? InsnKind::Alu
                                                : InsnKind::Unknown;
  if (Op == AluEnd) {
    // ALU64 has only the unconditional swap, encoded with the immediate form.
    bool Valid = !(Is64 && IsReg) && !I.Src && !I.Off &&
                 (I.Imm == 16 || I.Imm == 32 || I.Imm == 64);
    return Valid ? InsnKind::Alu : InsnKind::Unknown;
  }
  if (Op > AluEnd)
    return InsnKind::Unknown;
  if (!IsReg && I.Src)
    return InsnKind::Unknown;
  if (Op == AluMov && IsReg) {
    if (Is64 && I.Off == 1)
      return I.Imm ? InsnKind::AddrSpaceCast : InsnKind::Unknown;
    bool Valid = I.Imm == 0 && (I.Off == 0 || I.Off == 8 || I.Off == 16 ||
                                (Is64 && I.Off == 32));
    return Valid ? InsnKind::Alu : InsnKind::Unknown;
  }
  if (IsReg && I.Imm)
    return InsnKind::Unknown;
  if (Op == AluDiv || Op == AluMod)
    return I.Off == 0 || I.Off == 1 ? InsnKind::Alu : InsnKind::Unknown;
  return I.Off == 0 ? InsnKind::Alu : InsnKind::Unknown;
}

static InsnKind classifyCall(const RawInsn &I) {
  if (usesSrcReg(I.Opcode) || I.Dst)
    return InsnKind::Unknown;
  switch (I.Src) {
  case CallHelper:
    return I.Off == 0 ? InsnKind::HelperCall : InsnKind::Unknown;
  case CallBpf:
    return I.Off == 0 ? InsnKind::BpfCall : InsnKind::Unknown;
  case CallKfunc:
    return InsnKind::KfuncCall;
  default:
    return InsnKind::Unknown;
  }
}

static InsnKind classifyJump(const RawInsn &I) {
  bool Is32 = insnClass(I.Opcode) == ClassJmp32;
  bool IsReg = usesSrcReg(I.Opcode);
  switch (jmpOp(I.Opcode)) {
  case JmpA:
    if (IsReg)
      return !Is32 && !I.Src && !I.Off && !I.Imm ? InsnKind::IndirectJump
                                                 : InsnKind::Unknown;
    if (I.Dst || I.Src)
      return InsnKind::Unknown;
    return (Is32 ? I.Off : I.Imm) == 0 ? InsnKind::Jump : InsnKind::Unknown;
  case JmpCall:
    return Is32 ? InsnKind::Unknown : classifyCall(I);
  case JmpExit:
    return !Is32 && !IsReg && !I.Dst && !I.Src && !I.Off && !I.Imm
               ? InsnKind::Exit
               : InsnKind::Unknown;
  case JmpCond:
    return !Is32 && !IsReg && !I.Dst && !I.Src && !I.Imm ? InsnKind::MayGoto
                                                         : InsnKind::Unknown;
  case 0xf0:
    return InsnKind::Unknown;
  default:
    return (IsReg ? I.Imm == 0 : I.Src == 0) ? InsnKind::CondJump
                                             : InsnKind::Unknown;
  }
}

static bool isValidAtomic(const RawInsn &I) {
  bool Wide = memSize(I.Opcode) == SizeW || memSize(I.Opcode) == SizeDw;
  switch (I.Imm) {
  case AtomicAdd:
  case AtomicAdd | AtomicFetch:
  case AtomicOr:
  case AtomicOr | AtomicFetch:
  case AtomicAnd:
  case AtomicAnd | AtomicFetch:
  case AtomicXor:
  case AtomicXor | AtomicFetch:
  case AtomicXchg:
  case AtomicCmpXchg:
    return Wide;
  case AtomicLoadAcquire:
  case AtomicStoreRelease:
    return true;
  default:
    return false;
  }
}

static InsnKind classifyLd(const RawInsn &I) {
  if (I.Opcode == OpLdImm64)
    return I.Off == 0 && I.Src <= PseudoMapIdxValue ? InsnKind::LoadImm64
                                                    : InsnKind::Unknown;
  if (memSize(I.Opcode) == SizeDw || I.Dst || I.Off)
    return InsnKind::Unknown;
  if (memMode(I.Opcode) == ModeAbs)
    return I.Src ? InsnKind::Unknown : InsnKind::LoadAbs;
  if (memMode(I.Opcode) == ModeInd)
    return InsnKind::LoadInd;
  return InsnKind::Unknown;
}

InsnKind classify(const RawInsn &I) {
  if (!validRegs(I))
    return InsnKind::Unknown;
  switch (insnClass(I.Opcode)) {
  case ClassAlu:
  case ClassAlu64:
    return classifyAlu(I);
  case ClassJmp:
  case ClassJmp32:
    return classifyJump(I);
  case ClassLd:
    return classifyLd(I);
  case ClassLdx:
    if (memMode(I.Opcode) == ModeMem)
      return I.Imm ? InsnKind::Unknown : InsnKind::Load;
    if (memMode(I.Opcode) == ModeMemSx && memSize(I.Opcode) != SizeDw)
      return I.Imm ? InsnKind::Unknown : InsnKind::Load;
    return InsnKind::Unknown;
  case ClassSt:
    return memMode(I.Opcode) == ModeMem && !I.Src ? InsnKind::StoreImm
                                                  : InsnKind::Unknown;
  default: // ClassStx
    if (memMode(I.Opcode) == ModeMem)
      return I.Imm ? InsnKind::Unknown : InsnKind::Store;
    if (memMode(I.Opcode) == ModeAtomic && isValidAtomic(I))
      return InsnKind::Atomic;
    return InsnKind::Unknown;
  }
}

bool isLdImm64Tail(const RawInsn &I) {
  return !I.Opcode && !I.Dst && !I.Src && !I.Off;
}

} // namespace prepatch
