//===- LoopPlaces.h - What places hold after a round of a loop -----------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Each place (register, stack slot) is followed through one round as an
// expression of what some place held at the head.
//===----------------------------------------------------------------------===//
#ifndef PREPATCH_LOWERING_LOOPPLACES_H
#define PREPATCH_LOWERING_LOOPPLACES_H

#include "Lowering/CountedLoops.h"

namespace prepatch {

/// How the sum of an expression becomes its value.
enum class ExprEnding : uint8_t {
  Full,  ///< all 64 bits
  Zero,  ///< the low 32, zero extended
  Sign,  ///< the low 32, sign extended
  Upper, ///< the low 32, moved to the upper half
};

inline uint64_t shape(ExprEnding F, uint64_t V) {
  switch (F) {
  case ExprEnding::Full:
    return V;
  case ExprEnding::Zero:
    return uint32_t(V);
  case ExprEnding::Sign:
    return uint64_t(int64_t(int32_t(V)));
  case ExprEnding::Upper:
    return V << 32;
  }
  return V;
}

/// shape(How, Base + Add), where Base is what a place held at the start.
struct LoopExpr {
  enum KindType : uint8_t { None, Sum, Constant, Any } Kind = None;
  ExprEnding How = ExprEnding::Full;
  uint16_t Base = 0; ///< number of the place
  uint64_t Add = 0;  ///< of a constant: its value

  static LoopExpr of(uint16_t Place) {
    return {Sum, ExprEnding::Full, Place, 0};
  }
  static LoopExpr constant(uint64_t V) {
    return {Constant, ExprEnding::Full, 0, V};
  }
  static LoopExpr any() { return {Any, ExprEnding::Full, 0, 0}; }
  bool operator==(const LoopExpr &) const = default;

  void join(const LoopExpr &O) {
    if (Kind == None)
      *this = O;
    else if (O.Kind != None && !(*this == O))
      *this = any();
  }
  uint64_t value(uint64_t AtStart) const {
    return Kind == Constant ? Add : shape(How, AtStart + Add);
  }
};

/// What all places hold. Registers come first, then slots in use.
struct LoopExprs {
  std::vector<LoopExpr> At;
  bool join(const LoopExprs &O) {
    if (At.empty()) {
      At = O.At;
      return !At.empty();
    }
    bool Changed = false;
    for (size_t I = 0; I < At.size(); ++I) {
      LoopExpr Old = At[I];
      At[I].join(O.At[I]);
      Changed |= !(Old == At[I]);
    }
    return Changed;
  }
};

/// Follows places through blocks.
class RoundFollower {
public:
  RoundFollower(Function &F, Analyses &A);

  size_t count() const { return RegFp + Slots.size(); }
  CounterPlace place(uint16_t Number) const {
    if (Number < RegFp)
      return {uint8_t(Number), 0};
    return {RegFp, Slots[Number - RegFp]};
  }
  LoopExprs allUnknown() const {
    return {std::vector<LoopExpr>(count(), LoopExpr::any())};
  }
  /// Every place by itself.
  LoopExprs start() const;
  /// \p P after \p BB up to, not including, \p End.
  LoopExprs through(const BasicBlock &BB, LoopExprs P,
                    const Insn *End = nullptr) const;
  /// What is constant at the end of \p BB.
  LoopExprs constantsAfter(const BasicBlock &BB) const;

private:
  void step(LoopExprs &P, const Insn &I, const RegState &S) const;
  LoopExpr computed(const LoopExprs &P, const Insn &I) const;
  /// Number of the slot, or 0.
  uint16_t slotNumber(int32_t Off) const {
    auto It = llvm::find(Slots, Off);
    return It == Slots.end() ? 0 : uint16_t(RegFp + (It - Slots.begin()));
  }
  /// Forgets slots that reach into [From, To).
  void forget(LoopExprs &P, int64_t From, int64_t To) const {
    for (size_t I = 0; I < Slots.size(); ++I)
      if (Slots[I] < To && Slots[I] + int64_t(SlotBytes) > From)
        P.At[RegFp + I] = LoopExpr::any();
  }

  Analyses &A;
  std::vector<int32_t> Slots;
};

} // namespace prepatch

#endif
