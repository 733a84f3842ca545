//===- Widener.cpp - Where no-ops go, and what they may use there --------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Widening/Widener.h"
#include "Analysis/DefinedRegs.h"
#include "Analysis/Fastcall.h"
#include "Analysis/StackLiveness.h"
#include "IR/Builder.h"
#include "llvm/ADT/BitVector.h"
#include "llvm/Support/MathExtras.h"

using namespace llvm;

namespace prepatch {

namespace {

/// Whether all ways in which \p F and what it calls get at its frame are seen,
/// so that nothing but F's own code can know of bytes below it.
class FrameWatcher {
public:
  explicit FrameWatcher(const RegKinds &Kinds) : Kinds(Kinds) {}

  bool seesAllOf(Function &F, int32_t Lowest) {
    Clear = Kinds.isAnalysed(F);
    for (BasicBlock &BB : F)
      Kinds.forEach(BB, [&](Insn &I, const RegState &S) { visit(I, S); });
    for (const CallSite &Site : Kinds.graph().callees(F))
      if (Clear)
        visitCallee(*Site.Callee, Lowest);
    return Clear;
  }

private:
  /// A pointer that may be one to a frame, but of which nobody knows where to.
  static bool isLost(const RegValue &V) {
    if (!V.mayPointToStack())
      return false;
    return (!V.is(ValueKind::Stack) && !V.is(ValueKind::CallerStack)) ||
           V.isBoundGuessed();
  }

  void visit(const Insn &I, const RegState &S) {
    switch (I.kind()) {
    case InsnKind::Load:
      Clear &= !isLost(S[I.src()]);
      return;
    case InsnKind::Store:
    case InsnKind::StoreImm:
    case InsnKind::Atomic:
      Clear &= !isLost(S[I.dst()]);
      return;
    case InsnKind::HelperCall:
    case InsnKind::BpfCall:
    case InsnKind::KfuncCall:
      for (unsigned R = 1; R <= 5; ++R)
        Clear &= !isLost(S[R]);
      return;
    default:
      return;
    }
  }

  /// Pointers into a caller's frame keep their offset in that frame, so a
  /// callee that goes below what its caller uses itself is seen.
  void visitCallee(Function &Callee, int32_t Lowest) {
    if (!Kinds.isAnalysed(Callee))
      Clear = false;
    auto below = [&](const RegValue &V, int32_t Off) {
      if (V.is(ValueKind::CallerStack) &&
          (V.isBoundGuessed() || V.offset() + Off < Lowest))
        Clear = false;
    };
    for (BasicBlock &BB : Callee)
      Kinds.forEach(BB, [&](Insn &I, const RegState &S) {
        if (I.kind() == InsnKind::Load)
          below(S[I.src()], I.off());
        else if (I.kind() == InsnKind::Store ||
                 I.kind() == InsnKind::StoreImm || I.kind() == InsnKind::Atomic)
          below(S[I.dst()], I.off());
        else if (isCall(I.kind()))
          for (unsigned R = 1; R <= 5; ++R)
            below(S[R], 0);
      });
  }

  const RegKinds &Kinds;
  bool Clear = true;
};

/// What is found out about a function when it is first asked for.
struct FunctionFrame {
  /// Bytes below this belong to nobody.
  std::optional<int32_t> Below;
  /// The first slot there, if the frame may grow by it.
  std::optional<int16_t> Fresh;
  bool PreferDead = false;
  /// Slots from here up to r10 may be taken where they are dead.
  int32_t LowestDead = 0;
  std::unique_ptr<StackLiveness> Bytes; ///< null if nothing is known
  std::unique_ptr<DefinedRegs> Defined;
  std::vector<Insn *> ByIndex;
};

} // namespace

struct Widener::Impl {
  Impl(Program &P, const Liveness &Live, const RegKinds &Kinds,
       const StackUse &Stack, const KernelProfile &Profile)
      : P(P), Live(Live), Kinds(Kinds), Stack(Stack), Profile(Profile) {}

  Program &P;
  const Liveness &Live;
  const RegKinds &Kinds;
  const StackUse &Stack;
  const KernelProfile &Profile;
  DenseMap<const Insn *, BasicBlock *> Blocks;
  DenseMap<const Function *, std::unique_ptr<FunctionFrame>> Frames;

  FunctionFrame &frameOf(Function &F);
  Resources resources(const Insn &I, RegSet NotRegs,
                      ArrayRef<int16_t> NotSlots);
  bool isDead(const FunctionFrame &Frame, const Insn &I, int32_t Off) const;
  std::optional<int16_t> deadSlot(const FunctionFrame &Frame, const Insn &I,
                                  ArrayRef<int16_t> NotSlots) const;
};

FunctionFrame &Widener::Impl::frameOf(Function &F) {
  std::unique_ptr<FunctionFrame> &Slot = Frames[&F];
  if (Slot)
    return *Slot;
  Slot = std::make_unique<FunctionFrame>();
  FunctionFrame &Frame = *Slot;
  for (BasicBlock &BB : F)
    for (Insn &I : BB) {
      if (I.isInserted() || I.originalIndex() < F.originalStart())
        continue;
      uint32_t At = I.originalIndex() - F.originalStart();
      if (At >= Frame.ByIndex.size())
        Frame.ByIndex.resize(At + 1);
      if (!Frame.ByIndex[At])
        Frame.ByIndex[At] = &I;
    }
  if (F.isOpaque() || !Kinds.isAnalysed(F))
    return Frame;
  Frame.Defined = std::make_unique<DefinedRegs>(Kinds.cfg(F));
  if (!Stack.isKnown(F))
    return Frame;
  int32_t Own = alignTo(Stack.ownBytes(F), 8);
  if (!FrameWatcher(Kinds).seesAllOf(F, -Own))
    return Frame;
  Frame.Below = -Own;
  if (Own + 8 <= 512 && Stack.mayGrow(F, Own + 8 - Stack.ownBytes(F)))
    Frame.Fresh = int16_t(-Own - 8);
  Frame.Bytes = std::make_unique<StackLiveness>(Kinds, Profile, F);
  if (!Frame.Bytes->isKnown())
    Frame.Bytes.reset();
  // The kernel deletes spills around fastcalls only while nothing else uses
  // the lowest part of the frame, where they are.
  Frame.LowestDead = -Own;
  for (const FastcallPair &Pair : findFastcallPairs(F, Kinds, Profile)) {
    Frame.PreferDead = true;
    Frame.LowestDead = std::max(Frame.LowestDead, Pair.Spill->off() + 8);
  }
  return Frame;
}

bool Widener::Impl::isDead(const FunctionFrame &Frame, const Insn &I,
                           int32_t Off) const {
  // What is dead is known where blocks start.
  const BasicBlock *BB = Blocks.lookup(&I);
  if (!Frame.Bytes || !BB || BB->front() != &I || !Kinds.isReached(*BB))
    return false;
  const StackBytes &Live = Frame.Bytes->liveIn(*BB);
  for (int32_t At = Off; At < Off + 8; ++At)
    if (Live[-At - 1])
      return false;
  return true;
}

std::optional<int16_t>
Widener::Impl::deadSlot(const FunctionFrame &Frame, const Insn &I,
                        ArrayRef<int16_t> NotSlots) const {
  for (int32_t Off = Frame.LowestDead; Off < 0; Off += 8)
    if (!is_contained(NotSlots, Off) && isDead(Frame, I, Off))
      return int16_t(Off);
  return std::nullopt;
}

Resources Widener::Impl::resources(const Insn &I, RegSet NotRegs,
                                   ArrayRef<int16_t> NotSlots) {
  Resources R;
  R.IsBigEndian = Profile.isBigEndian();
  const BasicBlock *BB = Blocks.lookup(&I);
  if (!BB || BB->parent()->isOpaque())
    return R;
  constexpr RegSet Writable = regBit(RegFp) - 1;
  R.Dead = Writable & ~Live.liveBefore(*BB, I) & ~NotRegs;
  const FunctionFrame &Frame = frameOf(*BB->parent());
  bool FreshIsFree = Frame.Fresh && !is_contained(NotSlots, *Frame.Fresh);
  if (FreshIsFree && !Frame.PreferDead)
    R.FreeSlot = Frame.Fresh;
  else
    R.FreeSlot = deadSlot(Frame, I, NotSlots);
  if (!R.FreeSlot && FreshIsFree)
    R.FreeSlot = Frame.Fresh;
  return R;
}

Widener::Widener(Program &P, const CallGraph &Graph, const Liveness &Live,
                 const RegKinds &Kinds, const StackUse &Stack,
                 const KernelProfile &Profile)
    : Pimpl(new Impl(P, Live, Kinds, Stack, Profile)) {
  for (Function *F : Graph.functions())
    for (BasicBlock &BB : *F)
      for (Insn &I : BB)
        Pimpl->Blocks[&I] = &BB;
}

Widener::~Widener() = default;

Insn *Widener::find(const Function &F, uint32_t Index) const {
  if (F.isOpaque())
    return nullptr;
  const std::vector<Insn *> &ByIndex =
      Pimpl->frameOf(const_cast<Function &>(F)).ByIndex;
  return Index < ByIndex.size() ? ByIndex[Index] : nullptr;
}

BasicBlock *Widener::blockOf(const Insn &I) const {
  return Pimpl->Blocks.lookup(&I);
}

Resources Widener::resourcesAt(const Insn &I) const {
  return Pimpl->resources(I, 0, {});
}

bool Widener::isFree(const Insn &I, int16_t Off) const {
  const BasicBlock *BB = blockOf(I);
  if (!BB || BB->parent()->isOpaque() || Off % 8 || Off >= 0 || Off < -512)
    return false;
  const FunctionFrame &Frame = Pimpl->frameOf(*BB->parent());
  return (Frame.Below && Off < *Frame.Below) || Pimpl->isDead(Frame, I, Off);
}

RegSet Widener::liveAt(const Insn &I) const {
  const BasicBlock *BB = blockOf(I);
  if (!BB || BB->parent()->isOpaque())
    return 0;
  const DefinedRegs *Defined = Pimpl->frameOf(*BB->parent()).Defined.get();
  if (!Defined)
    return 0;
  RegSet Live = Pimpl->Live.liveBefore(*BB, I) & Defined->before(*BB, I);
  return Live & RegSet(regBit(RegFp) - 1);
}

/// A K for which what \p L holds before \p I is less than 2^K; the least.
static std::optional<unsigned> bitsNeeded(const RegKinds &Kinds,
                                          const BasicBlock &BB, const Insn &I,
                                          Location L) {
  if (BB.parent()->isOpaque() || !Kinds.isAnalysed(*BB.parent()))
    return std::nullopt;
  RegState S = Kinds.stateBefore(BB, I);
  // No pointer, and no place of which nothing is known as nobody gets there.
  RegValue V = L.IsSlot ? S.slot(L.Where) : S[L.Where];
  if (!S.isReached() || (!V.is(ValueKind::Scalar) && !V.is(ValueKind::Unknown)))
    return std::nullopt;
  return std::max(1, int(bit_width(V.range().Max)));
}

bool Widener::isProven(const Insn &I, Location L, Form F) const {
  unsigned Bits = provenBits(F);
  if (!Bits)
    return true;
  const BasicBlock *BB = blockOf(I);
  if (!BB || (!L.IsSlot && (L.Where < 0 || L.Where >= RegFp)))
    return false;
  std::optional<unsigned> Needed = bitsNeeded(Pimpl->Kinds, *BB, I, L);
  return Needed && *Needed <= Bits;
}

SmallVector<Form, 4> Widener::formsFor(const Insn &I, Location L) const {
  static constexpr Form Ranked[] = {
      Form::Touch,     Form::Rewrite, Form::Atomic, Form::AtomicHigh,
      Form::AtomicLow, Form::Spill,   Form::Xor64,  Form::Xor32,
      Form::Xor16,     Form::Xor8};
  SmallVector<Form, 4> Possible;
  if (!L.IsSlot && !(liveAt(I) & regBit(L.Where)))
    return Possible;
  SmallVector<RawInsn, 8> Code;
  SmallVector<int16_t, 1> NotSlots;
  if (L.IsSlot)
    NotSlots.push_back(L.Where);
  Resources Have =
      Pimpl->resources(I, L.IsSlot ? 0 : regBit(L.Where), NotSlots);
  for (Form F : Ranked)
    if (appendForget(Code, L, F, Have))
      Possible.push_back(F);
  SmallVector<Form, 8> Bounded;
  const BasicBlock *BB = blockOf(I);
  if (auto Least = BB ? bitsNeeded(Pimpl->Kinds, *BB, I, L) : std::nullopt) {
    for (unsigned Bits : {*Least, 8u, 16u, 32u})
      if (Bits <= 32 && Bits >= *Least) {
        Form F = narrowForm(Bits, L.IsSlot);
        if (!is_contained(Bounded, F))
          Bounded.push_back(F);
      }
    for (Form F : {Form::Inner8, Form::Inner16, Form::Inner32})
      if (!L.IsSlot && provenBits(F) >= *Least)
        Bounded.push_back(F);
  }
  for (Form F : Bounded)
    if (appendForget(Code, L, F, Have))
      Possible.push_back(F);
  return Possible;
}

SmallVector<RawInsn, 8>
Widener::code(const Insn &I, ArrayRef<Widening> Widenings,
              SmallVectorImpl<Widening> *Refused) const {
  // By place and not by form, so that equal sets give equal code; the forms of
  // a register come in their order, and one xor serves all that want it.
  SmallVector<Widening, 8> Sorted(Widenings);
  llvm::sort(Sorted, [](const Widening &A, const Widening &B) {
    return std::tuple(!A.Where.IsSlot, A.How, A.Where.Where) <
           std::tuple(!B.Where.IsSlot, B.How, B.Where.Where);
  });
  Sorted.erase(llvm::unique(Sorted), Sorted.end());

  RegSet NotRegs = 0;
  SmallVector<int16_t, 8> NotSlots;
  for (const Widening &W : Sorted) {
    if (W.Where.IsSlot)
      NotSlots.push_back(W.Where.Where);
    else if (W.Where.Where >= 0 && W.Where.Where < RegFp)
      NotRegs |= regBit(W.Where.Where);
  }
  Resources Have = Pimpl->resources(I, NotRegs, NotSlots);
  SmallVector<RawInsn, 8> Code;
  for (size_t N = 0; N < Sorted.size();) {
    SmallVector<Location, 4> Group = {Sorted[N].Where};
    size_t End = N + 1;
    if (xorBits(Sorted[N].How))
      for (; End < Sorted.size() && Sorted[End].How == Sorted[N].How; ++End)
        Group.push_back(Sorted[End].Where);
    bool Made = isProven(I, Group.front(), Sorted[N].How) &&
                appendForget(Code, Group, Sorted[N].How, Have);
    if (!Made && Refused)
      Refused->append(Sorted.begin() + N, Sorted.begin() + End);
    N = End;
  }
  return Code;
}

void Widener::insert(Insn &I, ArrayRef<RawInsn> Code) {
  Builder B(Pimpl->P);
  B.setInsertPoint(I); // new code takes over the record of I's source line
  SmallVector<Insn *, 16> New;
  for (const RawInsn &Raw : Code)
    New.push_back(B.create(Raw));
  New.push_back(&I);
  // Where blocks begin: behind branches and exits, and where branches lead.
  BitVector Begins(New.size());
  for (size_t N = 0; N != Code.size(); ++N) {
    InsnKind K = New[N]->kind();
    if (isBranch(K) || endsFlow(K))
      Begins.set(N + 1);
    if (isBranch(K))
      Begins.set(N + 1 + Code[N].Off);
  }
  BasicBlock *BB = blockOf(I);
  SmallVector<BasicBlock *, 16> BlockAt(New.size());
  for (size_t N = 0; N != New.size(); ++N) {
    if (Begins[N])
      BB = &B.splitBefore(*BB, *New[N]);
    BlockAt[N] = BB;
    Pimpl->Blocks[New[N]] = BB;
  }
  for (size_t N = 0; N != Code.size(); ++N)
    if (isBranch(New[N]->kind()))
      New[N]->setTarget(BlockAt[N + 1 + Code[N].Off]);
  if (Begins.any())
    for (Insn &Behind : *BB)
      Pimpl->Blocks[&Behind] = BB;
}

} // namespace prepatch
