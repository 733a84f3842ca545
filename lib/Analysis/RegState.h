//===- RegState.h - All registers and spilled slots at one place ---------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Slots are kept only where they hold something that is worth knowing, in a
// sorted list that states share until one of them writes.
//===----------------------------------------------------------------------===//
#ifndef PREPATCH_ANALYSIS_REGSTATE_H
#define PREPATCH_ANALYSIS_REGSTATE_H

#include "Analysis/RegValue.h"
#include "llvm/ADT/IntrusiveRefCntPtr.h"

namespace prepatch {

/// The slots of one stack frame. A slot is named by the offset from r10 of
/// its lowest byte, a multiple of 8.
class StackSlots {
public:
  /// What the 8 bytes at \p Off hold; Unknown if nothing is known.
  RegValue get(int32_t Off) const;
  /// An 8-byte store.
  void set(int32_t Off, const RegValue &V);
  /// Forgets what lies in [\p From, \p To).
  void forget(int32_t From, int32_t To);
  void forgetAll() { Table.reset(); }
  /// Forgets what lies at \p From and above. If that is only where the object
  /// begins, numbers elsewhere are forgotten too: a wrong number would be
  /// believed, while the verifier lets nobody use a pointer that was
  /// overwritten.
  void forgetFrom(int32_t From, bool Guessed);
  bool empty() const { return !Table || Table->Slots.empty(); }
  bool join(const StackSlots &Other);
  /// See RegValue::widen.
  void widen(const StackSlots &Old, llvm::ArrayRef<int64_t> Stops);
  /// Replaces what lies at \p From and above by what \p After, which a callee
  /// left, knows of it.
  void adopt(const StackSlots &After, int32_t From);
  /// As a callee sees them: what points into the frame is a pointer to its
  /// caller's frame there.
  StackSlots forCallee() const;

private:
  struct Slot {
    int32_t Off;
    RegValue Value;
  };
  struct List : llvm::RefCountedBase<List> {
    llvm::SmallVector<Slot, 0> Slots;
  };
  List &own();

  llvm::IntrusiveRefCntPtr<List> Table;
};

class RegState {
public:
  /// Nothing reaches here.
  bool isReached() const { return Reached; }

  RegValue reg(unsigned R) const {
    return R == RegFp ? RegValue::pointer(ValueKind::Stack) : Regs[R];
  }
  RegValue operator[](unsigned R) const { return reg(R); }
  /// What is spilled at \p Off from r10.
  RegValue slot(int32_t Off) const;

  bool join(const RegState &Other);
  /// See RegValue::widen.
  void widen(const RegState &Old, llvm::ArrayRef<int64_t> Stops);

private:
  friend class RegKinds;
  friend class Transfer;

  RegValue Regs[RegFp];
  StackSlots Slots;       ///< of this function's frame
  StackSlots CallerSlots; ///< of the caller's, by offsets in that frame
  /// Lowest offset of an own stack pointer that was stored to memory or
  /// handed to a call; 0 if none was.
  int32_t EscapedFrom = 0;
  bool Reached = false;
};

} // namespace prepatch

#endif
