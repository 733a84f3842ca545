//===- Insn.h - One instruction in a list --------------------------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A decoded instruction: a node of its block's circular list, 56 bytes. What
// an encoding expresses by offsets is a pointer here: branches name a block,
// calls and function pointers a function. Only the Builder creates, moves and
// deletes instructions.
//===----------------------------------------------------------------------===//
#ifndef PREPATCH_IR_INSN_H
#define PREPATCH_IR_INSN_H

#include "IR/Attachment.h"
#include "ISA/Operands.h"
#include <cassert>
#include <cstdint>

namespace prepatch {

class BasicBlock;
class Builder;
class Function;

/// Links and the packed fields that the end mark of a list shares with the
/// instructions in it.
class InsnLink {
  friend class BasicBlock;
  friend class Builder;
  friend class Insn;
  friend class InsnIterator;

protected:
  InsnLink *Prev = nullptr;
  InsnLink *Next = nullptr;
  InsnKind Kind = InsnKind::End;
  uint8_t Opcode = 0;
  uint8_t Dst : 4 = 0;
  uint8_t Src : 4 = 0;
  int16_t Off = 0;
};

class Insn : public InsnLink {
  friend class BasicBlock;
  friend class Builder;

public:
  /// Original index of an instruction that no input held.
  static constexpr uint32_t NoIndex = ~0u;

  InsnKind kind() const { return Kind; }
  uint8_t opcode() const { return Opcode; }
  uint8_t dst() const { return Dst; }
  uint8_t src() const { return Src; }
  /// The offset field; meaningless for branches, which have a target().
  int16_t off() const { return Off; }
  int32_t imm() const { return Imm; }
  /// Immediate of the second slot of an ld_imm64.
  int32_t immHigh() const { return ImmHigh; }
  uint64_t imm64() const {
    return uint64_t(uint32_t(ImmHigh)) << 32 | uint32_t(Imm);
  }
  /// 8-byte slots that it takes: 2 for ld_imm64, else 1.
  unsigned slots() const { return Kind == InsnKind::LoadImm64 ? 2 : 1; }
  /// The first slot as encoded, without target, callee and relocation.
  RawInsn raw() const { return {Opcode, Dst, Src, Off, Imm}; }

  RegSet reads() const { return readRegs(raw(), Kind); }
  RegSet writes() const { return writtenRegs(raw(), Kind); }

  /// Slot index in its input section, or NoIndex.
  uint32_t originalIndex() const { return OrigIndex; }
  bool isInserted() const { return OrigIndex == NoIndex; }

  /// Of a branch: where it goes. Null only in an opaque function.
  BasicBlock *target() const {
    assert(isBranch(Kind) && "only branches have a target");
    return Target;
  }
  void setTarget(BasicBlock *BB) {
    assert(isBranch(Kind) && "only branches have a target");
    Target = BB;
  }

  /// Of a BPF-to-BPF call or a function pointer: the function, or null when
  /// it is an extern, known by its relocation only.
  Function *callee() const {
    assert(refersToFunction() && "neither a call nor a function pointer");
    return Callee;
  }
  void setCallee(Function *F) {
    assert(refersToFunction() && "neither a call nor a function pointer");
    Callee = F;
  }
  /// Whether callee() may be asked.
  bool refersToFunction() const {
    return Kind == InsnKind::BpfCall || isFunctionPointer();
  }
  bool isFunctionPointer() const {
    return Kind == InsnKind::LoadImm64 && IsFunctionRef;
  }

  void setDst(unsigned Reg) { Dst = Reg; }
  void setSrc(unsigned Reg) { Src = Reg; }
  void setOff(int16_t V) { Off = V; }
  void setImm(int32_t V) { Imm = V; }

  const Attachment *attachments() const { return Attached; }
  /// The record that starts a source line here, or null.
  const LineRecord *line() const;
  /// The relocation at this instruction, or null.
  const Relocation *relocation() const;
  bool hasCoreRecord() const;

  /// The neighbour in the same block, or null at its ends.
  Insn *next() const { return fromLink(Next); }
  Insn *prev() const { return fromLink(Prev); }

private:
  Insn(const RawInsn &Raw, InsnKind K, int32_t High, uint32_t Index)
      : Imm(Raw.Imm), ImmHigh(High), OrigIndex(Index) {
    Kind = K;
    Opcode = Raw.Opcode;
    Dst = Raw.Dst;
    Src = Raw.Src;
    Off = Raw.Off;
  }
  static Insn *fromLink(InsnLink *L) {
    return L->Kind == InsnKind::End ? nullptr : static_cast<Insn *>(L);
  }

  int32_t Imm;
  int32_t ImmHigh;
  uint32_t OrigIndex;
  bool IsFunctionRef = false;
  union {
    BasicBlock *Target = nullptr;
    Function *Callee;
  };
  Attachment *Attached = nullptr;
};

static_assert(sizeof(Insn) <= 64, "an instruction is one cache line at most");

} // namespace prepatch

#endif
