//===- StackLiveness.cpp - Which stack bytes are read later --------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Analysis/StackLiveness.h"

using namespace llvm;

namespace prepatch {

/// What one block does: bytes that it reads before it writes them, and bytes
/// that it writes.
class StackEffects {
public:
  StackEffects(const KernelProfile &Profile) : Profile(Profile) {}

  StackBytes Reads, Writes;
  bool Known = true;

  void visit(const Insn &I, const RegState &State);

private:
  void visitHelper(const Insn &I, const RegState &State);
  void read(const RegValue &Pointer, int64_t Off, int64_t Bytes);
  void write(const RegValue &Pointer, int64_t Off, int64_t Bytes);
  /// A callee gets below its pointer with container_of, and anywhere by the
  /// pointers that it finds.
  void readAll() { Reads |= ~Writes; }
  /// Helpers that print are handed strings by pointers to them, in memory.
  void readThrough(const RegValue &Pointer, const RegState &State) {
    if (!Pointer.is(ValueKind::Stack))
      return;
    for (int Off = Pointer.offset() & ~7; Off < 0; Off += 8)
      if (RegValue V = State.slot(Off); V.is(ValueKind::Stack))
        readAllAbove(V);
  }
  void readAllAbove(const RegValue &Pointer) {
    if (Pointer.is(ValueKind::Stack) && Pointer.hasKnownOffset())
      read(Pointer, 0, -int64_t(Pointer.offset()));
    else if (Pointer.mayPointToStack())
      Known = false;
  }

  const KernelProfile &Profile;
};

void StackEffects::read(const RegValue &Pointer, int64_t Off, int64_t Bytes) {
  if (!Pointer.mayPointToStack())
    return;
  if (!Pointer.is(ValueKind::Stack) || !Pointer.hasKnownOffset()) {
    Known = false;
    return;
  }
  int64_t From = Pointer.offset() + Off;
  for (int64_t At = From; At < From + Bytes; ++At)
    if (At < 0 && At >= -512 && !Writes[-At - 1])
      Reads.set(-At - 1);
}

void StackEffects::write(const RegValue &Pointer, int64_t Off, int64_t Bytes) {
  if (!Pointer.is(ValueKind::Stack) || !Pointer.hasKnownOffset())
    return; // somewhere: ends no byte's life
  int64_t From = Pointer.offset() + Off;
  for (int64_t At = From; At < From + Bytes; ++At)
    if (At < 0 && At >= -512)
      Writes.set(-At - 1);
}

/// Whether a helper writes all of the memory that it is given, also when it
/// fails: it then clears it. The string readers write up to the end of the
/// string only.
static bool fillsItsMemory(uint32_t Helper) {
  switch (Helper) {
  case 4:   // probe_read
  case 16:  // get_current_comm
  case 26:  // skb_load_bytes
  case 112: // probe_read_user
  case 113: // probe_read_kernel
    return true;
  default:
    return false;
  }
}

void StackEffects::visitHelper(const Insn &I, const RegState &State) {
  const HelperInfo *H = Profile.helper(I.imm());
  const Map *M = State[1].map();
  for (unsigned A = 0; A < 5; ++A) {
    RegValue V = State[A + 1];
    HelperArg Arg = H ? H->Args[A] : HelperArg::Unknown;
    switch (Arg) {
    case HelperArg::Scalar:
      // An address like any other to bpf_probe_read_kernel and "%s". Numbers
      // of which nothing is known are none: they come out of memory.
      if (V.is(ValueKind::Stack))
        readAllAbove(V);
      break;
    case HelperArg::None:
    case HelperArg::Ctx:
    case HelperArg::Map:
    case HelperArg::Size:
      break;
    case HelperArg::MemOut: {
      RegValue Size = A + 2 <= 5 ? State[A + 2] : RegValue::unknown();
      if (Size.isConstant() && Size.constant() <= 512 &&
          fillsItsMemory(I.imm()))
        write(V, 0, Size.constant());
      break;
    }
    case HelperArg::MapKey:
    case HelperArg::MapValue: {
      uint32_t Bytes = !M                         ? 0
                       : Arg == HelperArg::MapKey ? M->KeySize
                                                  : M->ValueSize;
      if (Bytes)
        read(V, 0, Bytes);
      else
        readAllAbove(V);
      break;
    }
    case HelperArg::Mem: {
      RegValue Size = A + 2 <= 5 ? State[A + 2] : RegValue::unknown();
      if (Size.isConstant() && Size.constant() <= 512)
        read(V, 0, Size.constant());
      else
        readAllAbove(V);
      readThrough(V, State);
      break;
    }
    case HelperArg::FixedMem:
      readAllAbove(V);
      break;
    default:
      // Callbacks, dynptrs, timers and the like keep the pointer.
      if (V.mayPointToStack())
        Known = false;
      break;
    }
  }
}

void StackEffects::visit(const Insn &I, const RegState &State) {
  switch (I.kind()) {
  case InsnKind::Load:
    read(State[I.src()], I.off(), memBytes(I.opcode()));
    return;
  case InsnKind::Store:
  case InsnKind::StoreImm: {
    bool IntoFrame =
        State[I.dst()].is(ValueKind::Stack) && State[I.dst()].hasKnownOffset();
    // A stack pointer may be kept in the frame, where its slot is tracked. Less
    // than 8 bytes of one are no pointer any more.
    if (I.kind() == InsnKind::Store && State[I.src()].mayPointToStack() &&
        memBytes(I.opcode()) == 8 && !IntoFrame)
      Known = false;
    if (!IntoFrame && State[I.dst()].mayPointToStack())
      Known = false;
    write(State[I.dst()], I.off(), memBytes(I.opcode()));
    return;
  }
  case InsnKind::Atomic:
    if (State[I.src()].mayPointToStack() || State[I.dst()].mayPointToStack())
      Known = false;
    return;
  case InsnKind::HelperCall:
    visitHelper(I, State);
    return;
  case InsnKind::BpfCall:
  case InsnKind::KfuncCall:
    for (unsigned R = 1; R <= 5; ++R)
      if (State[R].mayPointToStack()) {
        if (I.kind() == InsnKind::KfuncCall || !I.callee())
          Known = false; // iterators and the like live in the frame
        else
          readAll();
      }
    return;
  default:
    return;
  }
}

StackLiveness::StackLiveness(const RegKinds &Kinds,
                             const KernelProfile &Profile, Function &F) {
  unsigned N = F.numberBlocks();
  In.resize(N);
  std::vector<StackBytes> Reads(N), Writes(N);
  std::vector<BasicBlock *> Blocks;
  for (BasicBlock &BB : F) {
    StackEffects Effects(Profile);
    Kinds.forEach(
        BB, [&](Insn &I, const RegState &State) { Effects.visit(I, State); });
    Known &= Effects.Known;
    Reads[BB.number()] = Effects.Reads;
    Writes[BB.number()] = Effects.Writes;
    Blocks.push_back(&BB);
  }
  if (!Known)
    return;
  for (bool Changed = true; Changed;) {
    Changed = false;
    for (unsigned B = N; B-- > 0;) {
      StackBytes Out;
      for (BasicBlock *Succ : Blocks[B]->successors())
        Out |= In[Succ->number()];
      StackBytes New = Reads[B] | (Out & ~Writes[B]);
      if (New != In[B]) {
        In[B] = New;
        Changed = true;
      }
    }
  }
}

} // namespace prepatch
