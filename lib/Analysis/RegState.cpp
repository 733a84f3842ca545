//===- RegState.cpp - All registers and spilled slots at one place -------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Analysis/RegState.h"
#include "llvm/ADT/STLExtras.h"

using namespace llvm;

namespace prepatch {

StackSlots::List &StackSlots::own() {
  if (!Table)
    Table = makeIntrusiveRefCnt<List>();
  else if (Table->UseCount() > 1) {
    auto Copy = makeIntrusiveRefCnt<List>();
    Copy->Slots = Table->Slots;
    Table = Copy;
  }
  return *Table;
}

RegValue StackSlots::get(int32_t Off) const {
  if (!Table)
    return RegValue::unknown();
  auto It = lower_bound(Table->Slots, Off,
                        [](const Slot &S, int32_t O) { return S.Off < O; });
  return It != Table->Slots.end() && It->Off == Off ? It->Value
                                                    : RegValue::unknown();
}

/// Whether it is worth a slot: all that Unknown does not say.
static bool isInteresting(const RegValue &V) {
  return V.isPointer() || V.is(ValueKind::Scalar) ||
         (V.is(ValueKind::Unknown) && !V.signedRange().isFull());
}

void StackSlots::set(int32_t Off, const RegValue &V) {
  if (get(Off) == V)
    return;
  if (!isInteresting(V)) {
    forget(Off, Off + 8);
    return;
  }
  auto &Slots = own().Slots;
  // A store to an unaligned place is refused or spills nothing.
  auto It = lower_bound(Slots, Off,
                        [](const Slot &S, int32_t O) { return S.Off < O; });
  if (It != Slots.end() && It->Off == Off)
    It->Value = V;
  else
    Slots.insert(It, Slot{Off, V});
}

void StackSlots::forget(int32_t From, int32_t To) {
  auto overlaps = [&](const Slot &S) { return S.Off < To && S.Off + 8 > From; };
  if (!Table || none_of(Table->Slots, overlaps))
    return;
  erase_if(own().Slots, overlaps);
}

void StackSlots::forgetFrom(int32_t From, bool Guessed) {
  forget(From, INT32_MAX);
  auto isNumber = [](const Slot &S) { return !S.Value.isPointer(); };
  if (Guessed && Table && any_of(Table->Slots, isNumber))
    erase_if(own().Slots, isNumber);
}

bool StackSlots::join(const StackSlots &Other) {
  if (Table == Other.Table || empty())
    return false;
  if (Other.empty()) {
    Table.reset();
    return true;
  }
  // Both lists are sorted: what is missing in one is unknown in both.
  const auto &Theirs = Other.Table->Slots;
  SmallVector<Slot, 16> Joined;
  bool Changed = false;
  auto It = Theirs.begin();
  for (const Slot &S : Table->Slots) {
    while (It != Theirs.end() && It->Off < S.Off)
      ++It;
    if (It == Theirs.end() || It->Off != S.Off) {
      Changed = true;
      continue;
    }
    Slot New = S;
    Changed |= New.Value.join(It->Value);
    if (isInteresting(New.Value))
      Joined.push_back(New);
  }
  if (Changed)
    own().Slots.assign(Joined.begin(), Joined.end());
  return Changed;
}

void StackSlots::widen(const StackSlots &Old, ArrayRef<int64_t> Stops) {
  if (Table == Old.Table || empty())
    return;
  for (Slot &S : own().Slots)
    S.Value.widen(Old.get(S.Off), Stops);
}

StackSlots StackSlots::forCallee() const {
  StackSlots Result;
  if (empty())
    return Result;
  auto Copy = makeIntrusiveRefCnt<List>();
  for (Slot S : Table->Slots) {
    if (S.Value.is(ValueKind::CallerStack))
      continue;
    if (S.Value.is(ValueKind::Stack))
      S.Value = S.Value.asCallerStack();
    Copy->Slots.push_back(S);
  }
  Result.Table = Copy;
  return Result;
}

void StackSlots::adopt(const StackSlots &After, int32_t From) {
  forget(From, INT32_MAX);
  if (After.empty())
    return;
  for (Slot S : After.Table->Slots) {
    if (S.Off < From)
      continue;
    if (S.Value.is(ValueKind::CallerStack) && S.Value.hasKnownOffset()) {
      RegValue Own = RegValue::pointer(ValueKind::Stack, S.Value.offset());
      S.Value = S.Value.mayBeNull() ? Own.orNull() : Own;
    }
    if (!S.Value.is(ValueKind::CallerStack))
      own().Slots.push_back(S);
  }
}

RegValue RegState::slot(int32_t Off) const {
  RegValue V = Slots.get(Off);
  // A pointer into the frame may have been spilled where nobody saw it.
  if (V.is(ValueKind::Unknown) && EscapedFrom < 0)
    return RegValue::unknown(/*MayPointToStack=*/true).within(V.signedRange());
  return V;
}

void RegState::widen(const RegState &Old, ArrayRef<int64_t> Stops) {
  for (unsigned R = 0; R < RegFp; ++R)
    Regs[R].widen(Old.Regs[R], Stops);
  Slots.widen(Old.Slots, Stops);
  CallerSlots.widen(Old.CallerSlots, Stops);
}

bool RegState::join(const RegState &Other) {
  if (!Other.Reached)
    return false;
  if (!Reached) {
    *this = Other;
    return true;
  }
  bool Changed = false;
  for (unsigned R = 0; R < RegFp; ++R)
    Changed |= Regs[R].join(Other.Regs[R]);
  Changed |= Slots.join(Other.Slots);
  Changed |= CallerSlots.join(Other.CallerSlots);
  if (Other.EscapedFrom < EscapedFrom) {
    EscapedFrom = Other.EscapedFrom;
    Changed = true;
  }
  return Changed;
}

} // namespace prepatch
