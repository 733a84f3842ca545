//===- LiveStack.cpp - What the verifier's live-stack pass costs ---------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Analysis/LiveStack.h"
#include "llvm/ADT/BitVector.h"

using namespace llvm;

namespace prepatch {

void LiveStack::addEvents(Block &B, Insn &I, const RegState &State) {
  auto read = [&](const RegValue &Pointer, int32_t Off, int32_t Bytes) {
    if (!Pointer.is(ValueKind::Stack) || !Pointer.hasKnownOffset())
      return;
    int32_t From = Pointer.offset() + Off, To = From + Bytes;
    if (From < -NumSlots * 8 || To > 0)
      return;
    B.Events.push_back(
        {EventKind::Read, uint8_t((-To) / 8), uint8_t((-From - 1) / 8)});
  };
  // How much a call reads behind a pointer is known for a lookup's key only.
  auto readArguments = [&] {
    const Map *M = State[1].map();
    bool IsLookup = I.kind() == InsnKind::HelperCall && M && M->KeySize;
    for (unsigned R = 1; R <= 5; ++R)
      read(State[R], 0, IsLookup && R == 2 ? M->KeySize : 8);
  };
  switch (I.kind()) {
  case InsnKind::Store:
  case InsnKind::StoreImm:
    if (memBytes(I.opcode()) == 8 && State[I.dst()].is(ValueKind::Stack) &&
        (B.Events.empty() || B.Events.back().Kind != EventKind::Write))
      B.Events.push_back({EventKind::Write});
    return;
  case InsnKind::Load:
    read(State[I.src()], I.off(), memBytes(I.opcode()));
    return;
  case InsnKind::HelperCall:
  case InsnKind::KfuncCall:
    readArguments();
    B.Events.push_back({EventKind::HelperCall, 0, 0, &I});
    return;
  case InsnKind::BpfCall:
    if (I.callee() && I.callee()->isGlobal())
      return;
    readArguments();
    B.Events.push_back({EventKind::StaticCall, 0, 0, &I});
    return;
  default:
    return;
  }
}

LiveStack::LiveStack(const RegKinds &Kinds, Function &F) {
  Blocks.resize(F.numberBlocks());
  for (BasicBlock &BB : F) {
    Block &B = Blocks[BB.number()];
    B.BB = &BB;
    Kinds.forEach(
        BB, [&](Insn &I, const RegState &State) { addEvents(B, I, State); });
    if (BB.fallsThrough() && BB.next())
      B.Next = BB.next()->number();
    Insn *Last = BB.back();
    if (Last && isBranch(Last->kind()) && Last->target())
      B.Target = Last->target()->number();
    if (Last && Last->kind() == InsnKind::IndirectJump)
      for (BasicBlock *To : BB.successors())
        B.More.push_back(To->number());
  }
}

unsigned LiveStack::runs(const DenseSet<const Insn *> &Outlined,
                         const DenseSet<const BasicBlock *> &Inverted) const {
  BitVector Seen(unsigned(Blocks.size()));
  std::vector<int> Pending = {0};
  // Farthest block in layout order from which each slot is known to be read:
  // before it, the slot is live already.
  int ReadUpTo[NumSlots];
  std::fill(std::begin(ReadUpTo), std::end(ReadUpTo), -1);
  bool Marked = false;
  unsigned Runs = 0;
  auto run = [&] {
    Runs += Marked;
    Marked = false;
  };
  while (!Pending.empty()) {
    int At = Pending.back();
    Pending.pop_back();
    run();
    while (At >= 0 && !Seen[At]) {
      Seen.set(At);
      const Block &B = Blocks[At];
      for (const Event &E : B.Events) {
        if (E.Kind == EventKind::Write)
          Marked = true;
        else if (E.Kind == EventKind::Read) {
          for (int Slot = E.FirstSlot; Slot <= E.LastSlot; ++Slot)
            if (ReadUpTo[Slot] < At) {
              ReadUpTo[Slot] = At;
              Marked = true;
            }
        } else if (E.Kind == EventKind::StaticCall || Outlined.contains(E.I))
          run();
      }
      int First = B.Next, Second = B.Target;
      if (First < 0 || Inverted.contains(B.BB))
        std::swap(First, Second);
      if (Second >= 0)
        Pending.push_back(Second);
      Pending.insert(Pending.end(), B.More.begin(), B.More.end());
      At = First;
    }
  }
  run();
  return Runs;
}

} // namespace prepatch
