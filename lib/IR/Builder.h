//===- Builder.h - The only way to create and change code ----------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A builder has an insertion point: before an instruction, or at the end of a
// block. Every operation is O(1) but replaceAllTargets.
//
// Source lines follow the edits. A line record covers the instructions from
// its own to the next record in layout order, so
// - code inserted before an instruction takes over the record that starts
//   there, and belongs to that line;
// - the record of an erased instruction goes to the one after it, unless that
//   starts a line of its own.
// In this way the first instruction of a function keeps having a record.
//===----------------------------------------------------------------------===//
#ifndef PREPATCH_IR_BUILDER_H
#define PREPATCH_IR_BUILDER_H

#include "IR/Program.h"

namespace prepatch {

class Builder {
public:
  explicit Builder(Program &P) : Prog(P) {}

  /// New code goes to the end of \p BB.
  void setInsertPoint(BasicBlock &BB) {
    Point = &BB.EndMark;
    Before = nullptr;
  }
  /// New code goes before \p I, in the order in which it is created.
  void setInsertPoint(Insn &I) {
    Point = &I;
    Before = &I;
  }

  /// Any instruction by its encoding; a branch, call or function pointer gets
  /// its reference by the functions below or by Insn's setters.
  Insn *create(const RawInsn &Raw, int32_t ImmHigh = 0,
               uint32_t OriginalIndex = Insn::NoIndex);
  /// A copy with CO-RE record and relocation, without line record.
  Insn *clone(const Insn &I);

  Insn *movReg(unsigned Dst, unsigned Src);
  Insn *movImm(unsigned Dst, int32_t Imm);
  Insn *aluImm(AluOp Op, unsigned Dst, int32_t Imm, bool Is64 = true);
  Insn *aluReg(AluOp Op, unsigned Dst, unsigned Src, bool Is64 = true);
  /// \p Dst = *(unsigned of \p Bytes *)(\p Base + \p Off).
  Insn *load(unsigned Dst, unsigned Base, int16_t Off, unsigned Bytes);
  Insn *store(unsigned Base, int16_t Off, unsigned Src, unsigned Bytes);
  /// \p Dst = the address that \p Sym stands for (a map, a variable).
  Insn *loadSymbol(unsigned Dst, const Relocation &Sym);
  Insn *jump(BasicBlock &Target);
  Insn *condJumpImm(JmpOp Op, unsigned Dst, int32_t Imm, BasicBlock &Target,
                    bool Is64 = true);
  Insn *condJumpReg(JmpOp Op, unsigned Dst, unsigned Src, BasicBlock &Target,
                    bool Is64 = true);
  Insn *callHelper(int32_t Id);
  Insn *call(Function &Callee);
  Insn *exit();

  /// Marks an ld_imm64 as the address of \p F, or of an extern if null.
  static void makeFunctionPointer(Insn &I, Function *F);

  /// Adds a record behind those that \p I has.
  void attach(Insn &I, LineRecord Line);
  void attach(Insn &I, CoreRecord Core);
  void attach(Insn &I, Relocation Reloc);
  /// Takes the line record of \p I away, if it has one.
  static void dropLine(Insn &I);

  /// Deletes \p I, which is in \p BB.
  void erase(BasicBlock &BB, Insn &I);
  /// Deletes a block and what it holds. Nothing may branch to it.
  void erase(BasicBlock &BB);
  /// Gives \p I another encoding of the same operand shape; attachments and
  /// references stay.
  static void rewrite(Insn &I, const RawInsn &Raw);

  /// An empty block at the end of \p F, or after \p After.
  BasicBlock &createBlock(Function &F, BasicBlock *After = nullptr);
  /// An empty block before all others of \p F.
  BasicBlock &createEntryBlock(Function &F);
  /// Moves \p I and all after it from \p BB to a new block behind it, which is
  /// returned. \p BB then falls through to it.
  BasicBlock &splitBefore(BasicBlock &BB, Insn &I);
  /// Moves the blocks from \p First up to, not including, \p End (null: the
  /// end) of their function to the end of \p To. Linear in the blocks. The
  /// caller repairs branches that lead in or out, and line records where the
  /// stretch starts and ends.
  void moveBlocks(BasicBlock &First, BasicBlock *End, Function &To);

private:
  void attachNode(Insn &I, Attachment *A);
  static Attachment *takeLine(Insn &I);

  Program &Prog;
  InsnLink *Point = nullptr;
  Insn *Before = nullptr;
};

/// The instruction after \p I in layout order, in \p BB or a later block of
/// the function; null at its end.
Insn *nextInLayout(BasicBlock &BB, Insn &I);

} // namespace prepatch

#endif
