//===- Widener.h - Where no-ops go, and what they may use there ----------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Knows for every place of a program, as it was when this was built, which
// registers are dead and which stack slot is free, and makes the code of the
// no-ops for it. The same code goes into trial loads and into the object.
//===----------------------------------------------------------------------===//
#ifndef PREPATCH_WIDENING_WIDENER_H
#define PREPATCH_WIDENING_WIDENER_H

#include "Analysis/Liveness.h"
#include "Analysis/StackUse.h"
#include "Widening/Sequences.h"
#include "llvm/ADT/DenseMap.h"

namespace prepatch {

/// One no-op.
struct Widening {
  Location Where;
  Form How;
  auto operator<=>(const Widening &) const = default;
};

class Widener {
public:
  /// The analyses, and the program as they saw it, must outlive this.
  Widener(Program &P, const CallGraph &Graph, const Liveness &Live,
          const RegKinds &Kinds, const StackUse &Stack,
          const KernelProfile &Profile);
  ~Widener();

  /// The instruction at slot \p Index of \p F in the input, or null if there is
  /// none, or the function is opaque.
  Insn *find(const Function &F, uint32_t Index) const;
  BasicBlock *blockOf(const Insn &I) const;

  /// What no-ops before \p I may use. Registers are dead by Liveness. The slot
  /// is one below all that the function uses, or one of its own that is dead
  /// where a block starts; none if the frame may not grow, or pointers into it
  /// get out of sight.
  Resources resourcesAt(const Insn &I) const;
  /// Whether the 8 bytes at \p Off from r10 may be overwritten before \p I:
  /// whether no-ops there may use them, if the frame may grow.
  bool isFree(const Insn &I, int16_t Off) const;
  /// Registers that are live before \p I and surely written there.
  RegSet liveAt(const Insn &I) const;

  /// Whether \p F is an identity for what \p L holds before \p I: always, or
  /// because the value is less than 2^provenBits(F) there in every run.
  bool isProven(const Insn &I, Location L, Form F) const;

  /// Forms that are possible for \p L before \p I, the best first. Of xorK only
  /// 64, 32, 16 and 8 are listed; where one is possible, all are. Of those that
  /// need a proof there are the least K and 8, 16 and 32 above it; what is
  /// between them is possible, too.
  llvm::SmallVector<Form, 4> formsFor(const Insn &I, Location L) const;

  /// The code of all \p Widenings before \p I, in a fixed order: slots, then
  /// registers. What is forgotten is never used as a dead register or as the
  /// free slot. A no-op whose resources are not there, or that is none as its
  /// value may be too large, is left out and put into \p Refused, if given.
  llvm::SmallVector<RawInsn, 8>
  code(const Insn &I, llvm::ArrayRef<Widening> Widenings,
       llvm::SmallVectorImpl<Widening> *Refused = nullptr) const;

  /// Puts \p Code before \p I: branches to I go to the code. I keeps its
  /// source line, the code gets the same.
  void insert(Insn &I, llvm::ArrayRef<RawInsn> Code);

private:
  struct Impl;
  std::unique_ptr<Impl> Pimpl;
};

} // namespace prepatch

#endif
