//===- Transfer.h - What one instruction does to a RegState --------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Internal to RegKinds.
//===----------------------------------------------------------------------===//
#ifndef PREPATCH_ANALYSIS_TRANSFER_H
#define PREPATCH_ANALYSIS_TRANSFER_H

#include "Analysis/RegKinds.h"
#include "llvm/ADT/BitVector.h"
#include "llvm/ADT/SetVector.h"

namespace prepatch {

/// The largest frame that the verifier accepts, by offsets from r10.
inline constexpr int32_t FrameEnd = 0, FrameStart = -512;

struct RegKinds::FunctionInfo {
  Function *Fn = nullptr;
  std::unique_ptr<Cfg> Flow;
  /// Distinct types of the programs that hold it, sorted.
  llvm::SmallVector<uint32_t, 1> ProgTypes;
  std::vector<RegState> In; ///< by block; empty if not analysed
  /// By block: how often what it begins with rose in a way that may go on for
  /// ever, up to the largest number.
  std::vector<uint8_t> Rises;
  /// Blocks to look at again, by their place in the reverse post order.
  llvm::BitVector Dirty;
  bool Solving = false;
  bool Queued = false;
  bool Returns = false; ///< an exit is reached
  RegValue Return;      ///< what r0 holds there
  /// What it leaves in its caller's frame.
  StackSlots LeftToCaller;
  /// Blocks with calls that run it as a callback.
  llvm::SmallSetVector<std::pair<FunctionInfo *, unsigned>, 2> CallbackUsers;
};

class Transfer {
public:
  /// With a \p Solver, what callees get is handed on to it.
  Transfer(const RegKinds &Kinds, const RegKinds::FunctionInfo &Info,
           RegState &State, RegKinds *Solver = nullptr, unsigned Block = 0)
      : Kinds(Kinds), Info(Info), S(State), Solver(Solver), Block(Block) {}

  /// Everything but branches. The state is unreached after a call that does
  /// not return.
  void step(const Insn &I);
  /// Whether the branch is taken, if constants say so.
  std::optional<bool> decide(const Insn &Branch) const;
  /// Adds what is known where the branch is taken, or is not.
  void refine(const Insn &Branch, bool Taken);

private:
  void setReg(unsigned R, const RegValue &V) {
    if (R < RegFp)
      S.Regs[R] = V;
  }
  void clobberCall(const RegValue &Result);
  void alu(const Insn &I);
  RegValue aluResult(const Insn &I, const RegValue &Dst,
                     const RegValue &Src) const;
  void refineRange(const Insn &Branch, bool Taken);
  void loadImm64(const Insn &I);
  void load(const Insn &I);
  RegValue loaded(const RegValue &Base, int32_t Off, unsigned Size) const;
  bool mayGivePointer(const RegValue &Base, unsigned Size) const;
  void store(const Insn &I, const RegValue &V);
  void store(const RegValue &Base, int32_t Off, unsigned Size,
             const RegValue &V);
  void atomic(const Insn &I);
  void escape(const RegValue &V);
  /// A callee may write from \p V on; \p Size bytes, or nobody knows.
  void mayWrite(const RegValue &V, std::optional<uint64_t> Size);
  void callHelper(const Insn &I);
  RegValue helperResult(const HelperInfo &H) const;
  void enterCallback(const HelperInfo &H, unsigned Arg);
  /// Takes over what a callee that got \p Args has left in the own frame.
  void adoptSlots(const StackSlots &Left, llvm::ArrayRef<RegValue> Args);
  void callFunction(const Insn &I);
  void callKfunc(const Insn &I);
  void enterAny(const RegValue &Callback);
  RegState argumentsFor(const Function &Callee) const;

  const RegKinds &Kinds;
  const RegKinds::FunctionInfo &Info;
  RegState &S;
  RegKinds *Solver;
  unsigned Block; ///< the number of the one it is in
};

} // namespace prepatch

#endif
