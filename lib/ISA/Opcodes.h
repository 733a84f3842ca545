//===- Opcodes.h - The fields of a BPF opcode ---------------------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Names and values as in the BPF instruction set specification (RFC 9669) and
// its later additions: load-acquire/store-release, may_goto, gotox.
//
//   ALU, ALU64, JMP, JMP32:      LD, LDX, ST, STX:
//    7      4  3    2  0          7    5 4    3 2  0
//   +--------+---+------+        +------+------+------+
//   |   op   |src| class|        | mode | size | class|
//   +--------+---+------+        +------+------+------+
//===----------------------------------------------------------------------===//
#ifndef PREPATCH_ISA_OPCODES_H
#define PREPATCH_ISA_OPCODES_H

#include <cstdint>

namespace prepatch {

enum InsnClass : uint8_t {
  ClassLd = 0,
  ClassLdx = 1,
  ClassSt = 2,
  ClassStx = 3,
  ClassAlu = 4,
  ClassJmp = 5,
  ClassJmp32 = 6,
  ClassAlu64 = 7,
};

/// Bit 3 of arithmetic and jumps: the second operand is a register.
enum OperandSource : uint8_t { SrcImm = 0x00, SrcReg = 0x08 };

enum AluOp : uint8_t {
  AluAdd = 0x00,
  AluSub = 0x10,
  AluMul = 0x20,
  AluDiv = 0x30,
  AluOr = 0x40,
  AluAnd = 0x50,
  AluLsh = 0x60,
  AluRsh = 0x70,
  AluNeg = 0x80,
  AluMod = 0x90,
  AluXor = 0xa0,
  AluMov = 0xb0,
  AluArsh = 0xc0,
  AluEnd = 0xd0,
};

enum JmpOp : uint8_t {
  JmpA = 0x00,
  JmpEq = 0x10,
  JmpGt = 0x20,
  JmpGe = 0x30,
  JmpSet = 0x40,
  JmpNe = 0x50,
  JmpSgt = 0x60,
  JmpSge = 0x70,
  JmpCall = 0x80,
  JmpExit = 0x90,
  JmpLt = 0xa0,
  JmpLe = 0xb0,
  JmpSlt = 0xc0,
  JmpSle = 0xd0,
  JmpCond = 0xe0, ///< may_goto
};

enum MemMode : uint8_t {
  ModeImm = 0x00,
  ModeAbs = 0x20,
  ModeInd = 0x40,
  ModeMem = 0x60,
  ModeMemSx = 0x80,
  ModeAtomic = 0xc0,
};

enum MemSize : uint8_t {
  SizeW = 0x00,
  SizeH = 0x08,
  SizeB = 0x10,
  SizeDw = 0x18,
};

/// Immediates of atomic instructions.
enum AtomicOp : int32_t {
  AtomicAdd = 0x00,
  AtomicFetch = 0x01,
  AtomicOr = 0x40,
  AtomicAnd = 0x50,
  AtomicXor = 0xa0,
  AtomicXchg = 0xe1,
  AtomicCmpXchg = 0xf1,
  AtomicLoadAcquire = 0x100,
  AtomicStoreRelease = 0x110,
};

/// Source register field of ld_imm64: what the immediate stands for.
enum LdImm64Pseudo : uint8_t {
  PseudoNone = 0,
  PseudoMapFd = 1,
  PseudoMapValue = 2,
  PseudoBtfId = 3,
  PseudoFunc = 4,
  PseudoMapIdx = 5,
  PseudoMapIdxValue = 6,
};

/// Source register field of call.
enum CallPseudo : uint8_t {
  CallHelper = 0,
  CallBpf = 1,
  CallKfunc = 2,
};

inline constexpr uint8_t OpLdImm64 = ClassLd | SizeDw | ModeImm;
inline constexpr uint8_t OpJa = ClassJmp | JmpA;
inline constexpr uint8_t OpGotol = ClassJmp32 | JmpA;
inline constexpr uint8_t OpGotox = ClassJmp | JmpA | SrcReg;
inline constexpr uint8_t OpMayGoto = ClassJmp | JmpCond;
inline constexpr uint8_t OpCall = ClassJmp | JmpCall;
inline constexpr uint8_t OpExit = ClassJmp | JmpExit;
inline constexpr uint8_t OpMov64Reg = ClassAlu64 | AluMov | SrcReg;
inline constexpr uint8_t OpMov64Imm = ClassAlu64 | AluMov;
inline constexpr uint8_t OpMov32Reg = ClassAlu | AluMov | SrcReg;
inline constexpr uint8_t OpMov32Imm = ClassAlu | AluMov;

inline constexpr unsigned NumRegs = 11; ///< r0 to r10
inline constexpr uint8_t RegFp = 10;    ///< the read-only frame pointer
inline constexpr unsigned SlotBytes = 8;

inline uint8_t insnClass(uint8_t Opcode) { return Opcode & 0x07; }
inline bool usesSrcReg(uint8_t Opcode) { return Opcode & SrcReg; }
inline uint8_t aluOp(uint8_t Opcode) { return Opcode & 0xf0; }
inline uint8_t jmpOp(uint8_t Opcode) { return Opcode & 0xf0; }
inline uint8_t memMode(uint8_t Opcode) { return Opcode & 0xe0; }
inline uint8_t memSize(uint8_t Opcode) { return Opcode & 0x18; }

/// Width of a memory access in bytes: 1, 2, 4 or 8.
inline unsigned memBytes(uint8_t Opcode) {
  switch (memSize(Opcode)) {
  case SizeB:
    return 1;
  case SizeH:
    return 2;
  case SizeW:
    return 4;
  default:
    return 8;
  }
}

/// The size field for an access of \p Bytes (1, 2, 4 or 8).
inline uint8_t memSizeFor(unsigned Bytes) {
  return Bytes == 1 ? SizeB : Bytes == 2 ? SizeH : Bytes == 4 ? SizeW : SizeDw;
}

} // namespace prepatch

#endif
