//===- ProposeFlow.h - Which numbers the verifier would be asked for -----===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Internal to Propose. Two flow analyses of one function over registers and
// spilled slots, without a kernel:
// - backward, what is needed of a number later on: whether a branch or an
//   access will have the verifier ask for its exact value (mark_chain_precision
//   is called for both sides of a comparison that it decides, and for what is
//   added to a pointer), whether an access needs it bounded, and whether it
//   decides when a loop ends;
// - forward, which value it is: a number of its own for each definition and
//   each place where definitions meet.
//===----------------------------------------------------------------------===//
#ifndef PREPATCH_WIDENING_PROPOSEFLOW_H
#define PREPATCH_WIDENING_PROPOSEFLOW_H

#include "Analysis/RegKinds.h"
#include "Widening/Sequences.h"
#include <bitset>
#include <map>

namespace prepatch {

/// r0 to r9, then the 64 slots of a frame from r10 down.
inline constexpr unsigned NumPlaces = RegFp + 64;
using PlaceSet = std::bitset<NumPlaces>;

inline constexpr int placeOfSlot(int32_t Off) {
  return Off < 0 && Off >= -512 ? int(RegFp) + (-Off - 1) / 8 : -1;
}
inline Location locationOf(unsigned Place) {
  return Place < RegFp ? Location::reg(Place)
                       : Location::slot(int16_t(-8 * int(Place - RegFp + 1)));
}

class ProposeFlow {
public:
  struct Needs {
    PlaceSet Exact;   ///< will be asked for its exact value
    PlaceSet Bounded; ///< an access needs bounds that nothing there gives
    PlaceSet Loop;    ///< decides when a loop ends
  };
  /// What static functions need of their arguments.
  using Cache = std::map<const Function *, Needs>;

  /// Looks at the functions that \p F calls, too, and fills in \p Callees.
  ProposeFlow(Function &F, const RegKinds &Kinds, const KernelProfile &Profile,
              Cache &Callees);

  /// Where \p BB starts.
  const Needs &needsAt(const BasicBlock &BB) const { return In[BB.number()]; }

  /// The values where \p BB starts; 0 for what cannot be reached.
  llvm::ArrayRef<uint32_t> valuesAt(const BasicBlock &BB) const {
    return llvm::ArrayRef(Values).slice(BB.number() * NumPlaces, NumPlaces);
  }
  /// Whether definitions meet at \p BB and nowhere before.
  bool meets(const BasicBlock &BB, unsigned Place) const {
    return valuesAt(BB)[Place] == meetingAt(BB.number(), Place);
  }
  /// Whether the verifier may know such a value exactly: it is, or is computed
  /// from, constants.
  bool isFromConstants(uint32_t Value) const { return FromConstants[Value]; }

private:
  /// An instruction with what RegKinds knows of its operands.
  struct Op {
    const Insn *I;
    int Slot = -1;      ///< place of the slot that it loads or stores
    bool Whole = false; ///< all 8 bytes of it
    bool DstPointer = false, SrcPointer = false;
    RegSet Bounded = 0; ///< arguments of a call that must be bounded
    RegSet Numbers = 0; ///< of the arguments of a call
    bool MakesConstant = false;
  };

  void collect();
  Op describe(const Insn &I, const RegState &S) const;
  const Needs *needsOf(const Insn &Call) const;
  void solveNeeds();
  void stepBack(const Op &O, Needs &N) const;
  static void propagate(const Op &O, PlaceSet &P, bool IsBounds);
  void branchNeeds(unsigned Block, const Op &O, Needs &N) const;
  void solveValues();
  void stepValues(const Op &O, llvm::MutableArrayRef<uint32_t> V);
  uint32_t meetingAt(unsigned Block, unsigned Place) const {
    return 1 + NumPlaces + Block * NumPlaces + Place;
  }

  const RegKinds &Kinds;
  const KernelProfile &Profile;
  Cache &Callees;
  const Cfg &Flow;
  std::vector<std::vector<Op>> Ops; ///< by block
  std::vector<Needs> In;
  std::vector<uint32_t> Values;
  std::vector<char> FromConstants; ///< by value
};

} // namespace prepatch

#endif
