//===- KeySlots.cpp - Stack slots that hold keys and nothing else --------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Lowering/KeySlots.h"
#include "Lowering/OutlineBodies.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/STLExtras.h"

using namespace llvm;

namespace prepatch {

namespace {

constexpr uint32_t LookupHelper = 1; // BPF_FUNC_map_lookup_elem
constexpr int32_t FrameStart = -512; // the largest frame

struct Use {
  int32_t From, To; ///< bytes from r10
  Insn *I;
  BasicBlock *BB;
};

class KeySlotFinder {
public:
  KeySlotFinder(Function &F, const RegKinds &Kinds,
                const KernelProfile &Profile)
      : F(F), Kinds(Kinds), Profile(Profile) {}

  DenseMap<const Insn *, Insn *> run() {
    for (BasicBlock &BB : F)
      Kinds.forEach(
          BB, [&](Insn &I, const RegState &State) { visit(BB, I, State); });
    DenseMap<const Insn *, Insn *> Result;
    if (LosesTrack)
      return Result;
    DenseMap<std::pair<int32_t, int32_t>, bool> KeyOnly;
    for (const Use &Key : Keys) {
      Insn *Store = storeOf(Key);
      if (!Store)
        continue;
      auto [It, New] = KeyOnly.try_emplace({Key.From, Key.To}, false);
      if (New)
        It->second = isKeyOnly(Key.From, Key.To);
      if (It->second)
        Result[Key.I] = Store;
    }
    return Result;
  }

private:
  void visit(BasicBlock &BB, Insn &I, const RegState &State);
  void visitCall(BasicBlock &BB, Insn &I, const RegState &State);
  void visitMemory(BasicBlock &BB, Insn &I, const RegState &State);
  Insn *storeOf(const Use &Key) const;
  bool isKeyOnly(int32_t From, int32_t To) const;

  /// Everything from \p Pointer upwards may be read.
  void escape(const RegValue &Pointer) {
    if (!Pointer.mayPointToStack())
      return;
    if (Pointer.is(ValueKind::Stack) && Pointer.hasKnownOffset())
      EscapesFrom = std::min(EscapesFrom, Pointer.offset());
    else
      LosesTrack = true;
  }

  Function &F;
  const RegKinds &Kinds;
  const KernelProfile &Profile;
  std::vector<Use> Keys, Stores, Reads;
  /// Lowest stack address handed to something that is not understood.
  int32_t EscapesFrom = 0;
  bool LosesTrack = false;
};

void KeySlotFinder::visitCall(BasicBlock &BB, Insn &I, const RegState &State) {
  unsigned Arguments = 5;
  // Code of the program, called here or by a helper that gets a callback.
  bool RunsProgram = I.kind() == InsnKind::BpfCall && I.callee();
  if (I.kind() == InsnKind::HelperCall) {
    const HelperInfo *H = Profile.helper(I.imm());
    if (H)
      Arguments = H->numArgs();
    RunsProgram = !H || is_contained(H->Args, HelperArg::Callback);
  }
  for (unsigned R = 1; R <= Arguments; ++R) {
    RegValue V = State[R];
    const Map *M = State[1].map();
    bool IsKey = I.kind() == InsnKind::HelperCall && R == 2 &&
                 I.imm() == int32_t(LookupHelper) && M && M->KeySize &&
                 V.is(ValueKind::Stack) && V.hasKnownOffset();
    if (IsKey)
      Keys.push_back({V.offset(), V.offset() + int32_t(M->KeySize), &I, &BB});
    else if (RunsProgram && V.mayPointToStack())
      EscapesFrom = FrameStart; // with container_of it gets at all of an object
    else
      escape(V);
  }
}

void KeySlotFinder::visitMemory(BasicBlock &BB, Insn &I,
                                const RegState &State) {
  bool IsLoad = I.kind() == InsnKind::Load;
  RegValue Base = State[IsLoad ? I.src() : I.dst()];
  if (I.kind() == InsnKind::Store || I.kind() == InsnKind::Atomic)
    escape(State[I.src()]);
  if (I.kind() == InsnKind::Atomic)
    escape(State[I.dst()]);
  if (!Base.mayPointToStack())
    return;
  if (!Base.is(ValueKind::Stack) || !Base.hasKnownOffset()) {
    LosesTrack = true;
    return;
  }
  int32_t From = Base.offset() + I.off();
  Use U{From, From + int32_t(memBytes(I.opcode())), &I, &BB};
  (IsLoad || I.kind() == InsnKind::Atomic ? Reads : Stores).push_back(U);
}

void KeySlotFinder::visit(BasicBlock &BB, Insn &I, const RegState &State) {
  switch (I.kind()) {
  case InsnKind::HelperCall:
  case InsnKind::KfuncCall:
  case InsnKind::BpfCall:
    visitCall(BB, I, State);
    return;
  case InsnKind::Load:
  case InsnKind::Store:
  case InsnKind::StoreImm:
  case InsnKind::Atomic:
    visitMemory(BB, I, State);
    return;
  default:
    return;
  }
}

/// The store of exactly that slot, nearest before the call in its block, whose
/// register has not changed since, but for the arguments of the call, which go
/// away with it.
Insn *KeySlotFinder::storeOf(const Use &Key) const {
  unsigned Size = Key.To - Key.From;
  if (Size != 1 && Size != 2 && Size != 4 && Size != 8)
    return nullptr;
  DenseSet<const Insn *> Arguments;
  for (unsigned R : {1, 2})
    for (Insn *I : argumentDefinitions(*Key.I, R))
      Arguments.insert(I);
  RegSet Changed = 0;
  for (Insn *I = Key.I->prev(); I; I = I->prev()) {
    bool IsStore =
        I->kind() == InsnKind::Store || I->kind() == InsnKind::StoreImm;
    if (IsStore && I->dst() == RegFp && I->off() == Key.From &&
        memBytes(I->opcode()) == Size) {
      bool Kept =
          I->kind() == InsnKind::StoreImm || !(Changed & regBit(I->src()));
      return Kept && !I->hasCoreRecord() ? I : nullptr;
    }
    if (!Arguments.contains(I))
      Changed |= I->writes();
  }
  return nullptr;
}

bool KeySlotFinder::isKeyOnly(int32_t From, int32_t To) const {
  auto overlaps = [&](const Use &U) { return U.From < To && From < U.To; };
  if (EscapesFrom < To)
    return false;
  for (const Use &U : Reads)
    if (overlaps(U))
      return false;
  DenseSet<const Insn *> Paired;
  for (const Use &U : Keys) {
    if (!overlaps(U))
      continue;
    Insn *Store = U.From == From && U.To == To ? storeOf(U) : nullptr;
    // One store, one lookup: else another lookup would lose its key.
    if (!Store || !Paired.insert(Store).second)
      return false;
  }
  for (const Use &U : Stores)
    if (overlaps(U) && !Paired.contains(U.I))
      return false;
  return true;
}

} // namespace

DenseMap<const Insn *, Insn *> findKeyStores(Function &F, const RegKinds &Kinds,
                                             const KernelProfile &Profile) {
  return KeySlotFinder(F, Kinds, Profile).run();
}

} // namespace prepatch
