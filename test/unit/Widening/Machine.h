//===- Machine.h - Runs the instructions that no-ops are made of ---------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the instruction set specification says of the few instructions that
// the sequences use, for values of any type: numbers here, terms of an SMT
// solver in ProofTest. Anything else is a failed test.
//===----------------------------------------------------------------------===//
#ifndef PREPATCH_TEST_UNIT_WIDENING_MACHINE_H
#define PREPATCH_TEST_UNIT_WIDENING_MACHINE_H

#include "ISA/Classify.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"
#include "gtest/gtest.h"

namespace prepatch {

/// Little endian, or big endian if asked for. \p Ops has the type Value of 64
/// bits, Byte, and Bool for whether an instruction is reached, and makes them.
/// Branches lead forward; what is not reached has no effect.
template <typename Ops> class Machine {
public:
  using Value = typename Ops::Value;
  using Byte = typename Ops::Byte;
  using Bool = typename Ops::Bool;

  Ops &O;
  bool IsBigEndian = false;
  Value Regs[NumRegs];
  Byte Frame[512]; ///< Frame[N] is the byte at r10 - 512 + N
  Bool Exited;     ///< whether the last run() came to an exit

  explicit Machine(Ops &O) : O(O), Exited(O.no()), Reached(O.yes()) {}

  /// 8 bytes on the stack, little endian or not.
  void putNumber(int Off, Value V) { store(Off, 8, V); }
  Value number(int Off) { return load(Off, 8); }

  void run(llvm::ArrayRef<RawInsn> Code) {
    Exited = O.no();
    llvm::SmallVector<Bool, 16> ReachedAt(Code.size() + 1, O.no());
    ReachedAt[0] = O.yes();
    for (size_t N = 0; N != Code.size(); ++N) {
      const RawInsn &I = Code[N];
      Reached = ReachedAt[N];
      switch (classify(I)) {
      case InsnKind::CondJump: {
        ASSERT_GE(I.Off, 0) << "a branch back";
        ASSERT_LE(N + 1 + I.Off, Code.size()) << "a branch out of the code";
        ASSERT_EQ(insnClass(I.Opcode), ClassJmp);
        ASSERT_FALSE(usesSrcReg(I.Opcode));
        Bool Taken =
            O.both(Reached, O.compare(JmpOp(aluOp(I.Opcode)), Regs[I.Dst],
                                      uint64_t(int64_t(I.Imm))));
        Bool &There = ReachedAt[N + 1 + I.Off];
        There = O.either(There, Taken);
        Reached = O.both(Reached, O.negate(Taken));
        break;
      }
      case InsnKind::Exit:
        Exited = O.either(Exited, Reached);
        Reached = O.no();
        break;
      default:
        step(I);
      }
      ReachedAt[N + 1] = O.either(ReachedAt[N + 1], Reached);
    }
    Reached = O.yes();
  }

private:
  Bool Reached;

  void setReg(unsigned R, Value V) { Regs[R] = O.choose(Reached, V, Regs[R]); }
  Byte &byteAt(int Off, unsigned N, unsigned Bytes) {
    return Frame[512 + Off + int(IsBigEndian ? Bytes - 1 - N : N)];
  }
  bool inFrame(const RawInsn &I, unsigned Base, unsigned Bytes) {
    bool Is = Base == RegFp && I.Off >= -512 && I.Off + int(Bytes) <= 0 &&
              I.Off % int(Bytes) == 0;
    EXPECT_TRUE(Is) << "an access to the stack that is out of it or unaligned";
    return Is;
  }
  Value load(int Off, unsigned Bytes) {
    Value V = O.constant(0);
    for (unsigned N = 0; N < Bytes; ++N)
      V = O.binary(
          AluOr, V,
          O.binary(AluLsh, O.widen(byteAt(Off, N, Bytes)), O.constant(8 * N)));
    return V;
  }
  void store(int Off, unsigned Bytes, Value V) {
    for (unsigned N = 0; N < Bytes; ++N)
      byteAt(Off, N, Bytes) =
          O.choose(Reached, O.lowByte(O.binary(AluRsh, V, O.constant(8 * N))),
                   byteAt(Off, N, Bytes));
  }

  void step(const RawInsn &I) {
    unsigned Bytes = memBytes(I.Opcode);
    switch (classify(I)) {
    case InsnKind::Load:
      ASSERT_EQ(memMode(I.Opcode), ModeMem);
      ASSERT_LT(I.Dst, RegFp);
      if (inFrame(I, I.Src, Bytes))
        setReg(I.Dst, load(I.Off, Bytes));
      return;
    case InsnKind::Store:
      if (inFrame(I, I.Dst, Bytes))
        store(I.Off, Bytes, Regs[I.Src]);
      return;
    case InsnKind::StoreImm:
      if (inFrame(I, I.Dst, Bytes))
        store(I.Off, Bytes, O.constant(uint64_t(int64_t(I.Imm))));
      return;
    case InsnKind::Atomic:
      ASSERT_EQ(I.Imm, AtomicOr);
      if (inFrame(I, I.Dst, Bytes))
        store(I.Off, Bytes, O.binary(AluOr, load(I.Off, Bytes), Regs[I.Src]));
      return;
    case InsnKind::Alu: {
      ASSERT_EQ(insnClass(I.Opcode), ClassAlu64);
      ASSERT_LT(I.Dst, RegFp);
      ASSERT_EQ(I.Off, 0);
      Value Src = usesSrcReg(I.Opcode) ? Regs[I.Src]
                                       : O.constant(uint64_t(int64_t(I.Imm)));
      AluOp Op = AluOp(aluOp(I.Opcode));
      setReg(I.Dst, Op == AluMov ? Src : O.binary(Op, Regs[I.Dst], Src));
      return;
    }
    default:
      FAIL() << "an instruction that no sequence uses";
    }
  }
};

} // namespace prepatch

#endif
