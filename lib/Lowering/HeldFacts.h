//===- HeldFacts.h - Which registers still hold a loaded fact ------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A fact is something that a program asks the kernel for and that stays the
// same until something is known to change it: a field of the context, or the
// result of a helper that is constant for a run. HeldFacts finds by forward
// flow which registers and spilled slots hold which fact on every way to an
// instruction.
//
// What ends what is held:
// - any write to the register or slot; calls take r0 to r5, and slots whose
//   address they may get;
// - for context fields only: a store to the context; a helper that may change
//   the context or the packet, runs a callback, or is not known; a call of a
//   kernel function; a call of a function that does any of this.
// Memory that is not the context cannot hold a context field: fields live in
// kernel structures that a program reaches through the context alone.
//===----------------------------------------------------------------------===//
#ifndef PREPATCH_LOWERING_HELDFACTS_H
#define PREPATCH_LOWERING_HELDFACTS_H

#include "Lowering/Pass.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/SmallVector.h"
#include <array>
#include <compare>

namespace prepatch {

/// What was asked for. Two loads that CO-RE adjusts are the same if their
/// records are.
struct FactKey {
  uint32_t Helper = 0; ///< helper id, or 0 for a context field
  int32_t Offset = 0;
  uint8_t Size = 0;
  bool SignExtend = false;
  std::optional<std::array<uint32_t, 3>> Core;

  auto operator<=>(const FactKey &) const = default;
  bool isContext() const { return Helper == 0; }
  /// Whether all bits above the low 32 are 0.
  bool fitsLowWord() const { return isContext() && !SignExtend && Size <= 4; }
};

/// The fact that a site asks for, if it asks for one.
std::optional<FactKey> factAskedAt(const PatchSite &S,
                                   const KernelProfile &Profile);

/// Where a fact is held.
struct HeldPlace {
  bool InSlot = false;
  unsigned Reg = 0;
  int32_t SlotOff = 0; ///< from r10
};

/// Facts by place, at one point.
class HeldState {
public:
  static constexpr uint16_t None = 0xffff;

  bool isReached() const { return Reached; }
  uint16_t reg(unsigned R) const { return R < RegFp ? Regs[R] : None; }
  uint16_t slot(int32_t Off) const;
  /// A place that holds \p Fact: \p Wanted if that does, then r6 to r9, then
  /// the others, then slots.
  std::optional<HeldPlace> find(uint16_t Fact, unsigned Wanted) const;

private:
  friend class HeldFacts;
  HeldState() { Regs.fill(None); }
  bool join(const HeldState &Other);

  std::array<uint16_t, RegFp> Regs;
  /// Sorted by offset.
  llvm::SmallVector<std::pair<int32_t, uint16_t>, 0> Slots;
  bool Reached = false;
};

/// Which functions leave the context of their caller as it is.
class ContextEffects {
public:
  explicit ContextEffects(const Analyses &A, const KernelProfile &Profile)
      : A(A), Profile(Profile) {}

  bool mayChange(const Function &F);
  bool helperMayChange(uint32_t Id) const;

private:
  enum Answer : char { Running, No, Yes };
  const Analyses &A;
  const KernelProfile &Profile;
  llvm::DenseMap<const Function *, Answer> Known;
};

/// Whether a store through \p Base may change a field of the context.
bool storeMayChangeContext(const RegValue &Base);

class HeldFacts {
public:
  /// \p FactOf names the fact that an instruction puts into its register.
  HeldFacts(Function &F, const Analyses &A, const KernelProfile &Profile,
            ContextEffects &Effects, llvm::ArrayRef<FactKey> Keys,
            const llvm::DenseMap<const Insn *, uint16_t> &FactOf);

  /// Calls \p Visit for each instruction with what is held before it.
  void forEach(const BasicBlock &BB,
               llvm::function_ref<void(Insn &, const HeldState &)> Visit) const;

private:
  void solve();
  void step(HeldState &S, const Insn &I, const RegState &Known) const;
  void memoryWrite(HeldState &S, const Insn &I, const RegState &Known) const;
  void call(HeldState &S, const Insn &I, const RegState &Known) const;
  void endContext(HeldState &S) const;

  Function &F;
  const Analyses &A;
  const KernelProfile &Profile;
  ContextEffects &Effects;
  llvm::ArrayRef<FactKey> Keys;
  const llvm::DenseMap<const Insn *, uint16_t> &FactOf;
  std::vector<HeldState> In; ///< by block number
};

} // namespace prepatch

#endif
