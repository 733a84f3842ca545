//===- ProposeFlow.cpp - Which numbers the verifier would be asked for ---===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Widening/ProposeFlow.h"
#include "llvm/ADT/STLExtras.h"

using namespace llvm;

namespace prepatch {

ProposeFlow::ProposeFlow(Function &F, const RegKinds &Kinds,
                         const KernelProfile &Profile, Cache &Callees)
    : Kinds(Kinds), Profile(Profile), Callees(Callees), Flow(Kinds.cfg(F)) {
  // First an entry that stands for all needs: recursion finds that.
  for (const CallSite &Site : Kinds.graph().callees(F)) {
    const Function &Callee = *Site.Callee;
    if (Callee.isGlobal() || !Kinds.isAnalysed(Callee) ||
        Callees.count(&Callee))
      continue;
    Needs &Entry = Callees[&Callee];
    Entry.Exact.set();
    Entry.Bounded.set();
    ProposeFlow Inner(*Site.Callee, Kinds, Profile, Callees);
    Entry = Inner.needsAt(Site.Callee->entry());
  }
  collect();
  solveNeeds();
  solveValues();
}

void ProposeFlow::collect() {
  Ops.resize(Flow.size());
  for (unsigned B = 0; B < Flow.size(); ++B)
    Kinds.forEach(Flow.block(B), [&](Insn &I, const RegState &S) {
      Ops[B].push_back(describe(I, S));
    });
}

ProposeFlow::Op ProposeFlow::describe(const Insn &I, const RegState &S) const {
  Op O;
  O.I = &I;
  auto isNumber = [&](unsigned R) { return S[R].is(ValueKind::Scalar); };
  auto slotOf = [&](unsigned Base) {
    if (!S[Base].is(ValueKind::Stack) || !S[Base].hasKnownOffset())
      return;
    int32_t Off = S[Base].offset() + I.off();
    O.Slot = placeOfSlot(Off);
    O.Whole = memBytes(I.opcode()) == 8;
  };
  switch (I.kind()) {
  case InsnKind::Alu:
  case InsnKind::CondJump:
    O.DstPointer = !isNumber(I.dst());
    O.SrcPointer = usesSrcReg(I.opcode()) && !isNumber(I.src());
    break;
  case InsnKind::Load:
    slotOf(I.src());
    break;
  case InsnKind::Store:
    slotOf(I.dst());
    O.SrcPointer = !isNumber(I.src());
    break;
  case InsnKind::StoreImm:
    slotOf(I.dst());
    break;
  case InsnKind::HelperCall: {
    const HelperInfo *H = Profile.helper(uint32_t(I.imm()));
    for (unsigned A = 0; A < 5; ++A) {
      HelperArg Arg = H ? H->Args[A] : HelperArg::Unknown;
      if (Arg != HelperArg::None && Arg != HelperArg::Scalar && isNumber(A + 1))
        O.Bounded |= regBit(A + 1);
    }
    break;
  }
  case InsnKind::BpfCall:
    // A global function takes its arguments for unknown anyway.
    if (I.callee() && I.callee()->isGlobal())
      break;
    [[fallthrough]];
  case InsnKind::KfuncCall:
    for (unsigned R = 1; R <= 5; ++R)
      if (isNumber(R))
        (needsOf(I) ? O.Numbers : O.Bounded) |= regBit(R);
    break;
  case InsnKind::Exit:
    // What programs and callbacks may return is limited. What others return
    // their callers know.
    if (isNumber(0) &&
        (Flow.function().isEntry() || Flow.function().isGlobal() ||
         Kinds.graph().isCallback(Flow.function())))
      O.Bounded = regBit(0);
    break;
  default:
    break;
  }
  return O;
}

/// What the function that is called needs, if it is one that is looked at.
const ProposeFlow::Needs *ProposeFlow::needsOf(const Insn &Call) const {
  if (Call.kind() != InsnKind::BpfCall || !Call.callee())
    return nullptr;
  auto It = Callees.find(Call.callee());
  return It == Callees.end() ? nullptr : &It->second;
}

/// \p P holds before \p O what it held after it.
void ProposeFlow::propagate(const Op &O, PlaceSet &P, bool IsBounds) {
  const Insn &I = *O.I;
  switch (I.kind()) {
  case InsnKind::Alu: {
    if (!P[I.dst()])
      return;
    uint8_t Op = aluOp(I.opcode());
    bool Reg = usesSrcReg(I.opcode()) && Op != AluEnd;
    if (Op == AluMov ||
        (Reg && I.src() == I.dst() && (Op == AluXor || Op == AluSub)))
      P.reset(I.dst());
    // These bound what comes out, whatever goes in.
    if (IsBounds && !Reg &&
        ((Op == AluAnd && I.imm() >= 0) || (Op == AluMod && I.imm() > 0) ||
         (Op == AluRsh && I.imm() >= 32)))
      P.reset(I.dst());
    if (Reg && Op == AluMov && !O.SrcPointer)
      P.set(I.src());
    else if (Reg && Op != AluMov && I.src() != I.dst() && !O.SrcPointer)
      P.set(I.src());
    return;
  }
  case InsnKind::Load:
    if (!P[I.dst()])
      return;
    P.reset(I.dst());
    if (O.Slot >= 0 && !(IsBounds && memBytes(I.opcode()) <= 2))
      P.set(O.Slot);
    return;
  case InsnKind::Store:
    if (O.Slot < 0 || !P[O.Slot])
      return;
    if (O.Whole)
      P.reset(O.Slot);
    if (!O.SrcPointer && I.src() < RegFp)
      P.set(I.src());
    return;
  case InsnKind::StoreImm:
    if (O.Slot >= 0 && O.Whole)
      P.reset(O.Slot);
    return;
  case InsnKind::HelperCall:
  case InsnKind::BpfCall:
  case InsnKind::KfuncCall:
    for (unsigned R = 0; R <= 5; ++R)
      P.reset(R);
    return;
  case InsnKind::LoadImm64:
    P.reset(I.dst());
    return;
  default:
    return;
  }
}

void ProposeFlow::stepBack(const Op &O, Needs &N) const {
  const Needs After = N;
  propagate(O, N.Exact, false);
  propagate(O, N.Bounded, true);
  propagate(O, N.Loop, false);
  const Insn &I = *O.I;
  auto need = [&](unsigned R) {
    N.Exact.set(R);
    N.Bounded.set(R);
  };
  if (I.kind() == InsnKind::Alu && usesSrcReg(I.opcode()) &&
      (aluOp(I.opcode()) == AluAdd || aluOp(I.opcode()) == AluSub) &&
      O.DstPointer != O.SrcPointer && I.src() < RegFp)
    need(O.DstPointer ? I.src() : I.dst());
  for (unsigned R = 0; R <= 5; ++R)
    if (O.Bounded & regBit(R))
      need(R);
  if (const Needs *Callee = O.Numbers ? needsOf(I) : nullptr)
    for (unsigned R = 1; R <= 5; ++R)
      if (O.Numbers & regBit(R)) {
        // The result may be made of any of them.
        N.Exact[R] = After.Exact[0] || Callee->Exact[R];
        N.Bounded[R] = After.Bounded[0] || Callee->Bounded[R];
        N.Loop[R] = After.Loop[0] || Callee->Loop[R];
      }
}

/// The branch that ends a block: what its two ways need, less the bounds that
/// it gives on each.
void ProposeFlow::branchNeeds(unsigned Block, const Op &O, Needs &N) const {
  const Insn &I = *O.I;
  BasicBlock &BB = Flow.block(Block);
  bool Exits = false;
  for (BasicBlock *Succ : BB.successors()) {
    Needs Other = In[Succ->number()];
    bool Taken = Succ == I.target();
    if (I.target() != BB.next()) {
      uint8_t Op = jmpOp(I.opcode());
      bool Bounds = Taken ? Op == JmpLt || Op == JmpLe || Op == JmpEq
                          : Op == JmpGt || Op == JmpGe || Op == JmpNe;
      if (Bounds && I.kind() == InsnKind::CondJump)
        Other.Bounded.reset(I.dst());
    }
    N.Exact |= Other.Exact;
    N.Bounded |= Other.Bounded;
    N.Loop |= Other.Loop;
    if (unsigned Header = Flow.loopHeader(Block); Header != Cfg::NoBlock) {
      unsigned H = Flow.loopHeader(Succ->number());
      while (H != Cfg::NoBlock && H != Header)
        H = Flow.outerHeader(H);
      Exits |= H != Header;
    }
  }
  if (I.kind() != InsnKind::CondJump)
    return;
  auto asked = [&](unsigned R, bool IsPointer) {
    if (IsPointer || R >= RegFp)
      return;
    N.Exact.set(R);
    if (Exits)
      N.Loop.set(R);
  };
  asked(I.dst(), O.DstPointer);
  if (usesSrcReg(I.opcode()))
    asked(I.src(), O.SrcPointer);
}

void ProposeFlow::solveNeeds() {
  In.resize(Flow.size());
  ArrayRef<unsigned> Order = Flow.reversePostOrder();
  for (bool Changed = true; Changed;) {
    Changed = false;
    for (unsigned B : llvm::reverse(Order)) {
      ArrayRef<Op> Block = Ops[B];
      Needs N;
      if (!Block.empty() && isTerminator(Block.back().I->kind()) &&
          Block.back().I->kind() != InsnKind::Exit &&
          isBranch(Block.back().I->kind())) {
        branchNeeds(B, Block.back(), N);
        Block = Block.drop_back();
      } else {
        for (unsigned Succ : Flow.successors(B)) {
          N.Exact |= In[Succ].Exact;
          N.Bounded |= In[Succ].Bounded;
          N.Loop |= In[Succ].Loop;
        }
      }
      for (const Op &O : llvm::reverse(Block))
        stepBack(O, N);
      Changed |= N.Exact != In[B].Exact || N.Bounded != In[B].Bounded ||
                 N.Loop != In[B].Loop;
      In[B] = N;
    }
  }
}

void ProposeFlow::stepValues(const Op &O, MutableArrayRef<uint32_t> V) {
  const Insn &I = *O.I;
  auto define = [&](unsigned Place, bool Constant) {
    V[Place] = FromConstants.size();
    FromConstants.push_back(Constant);
  };
  switch (I.kind()) {
  case InsnKind::Alu: {
    bool Reg = usesSrcReg(I.opcode()) && aluOp(I.opcode()) != AluEnd;
    bool Move = aluOp(I.opcode()) == AluMov;
    if (Move && Reg && !I.off()) {
      V[I.dst()] = I.src() < RegFp ? V[I.src()] : 0;
      return;
    }
    bool SrcConstant = !Reg || (I.src() < RegFp && FromConstants[V[I.src()]]);
    if (Move)
      define(I.dst(), SrcConstant);
    else if (aluOp(I.opcode()) == AluAnd || aluOp(I.opcode()) == AluRsh)
      // A mask makes nothing known of what is not.
      define(I.dst(), FromConstants[V[I.dst()]]);
    else
      define(I.dst(), FromConstants[V[I.dst()]] || (Reg && SrcConstant));
    return;
  }
  case InsnKind::Load:
    if (O.Slot >= 0)
      V[I.dst()] = V[O.Slot];
    else
      define(I.dst(), false);
    return;
  case InsnKind::Store:
    if (O.Slot >= 0 && O.Whole && I.src() < RegFp)
      V[O.Slot] = V[I.src()];
    else if (O.Slot >= 0)
      define(O.Slot, I.src() < RegFp && FromConstants[V[I.src()]]);
    return;
  case InsnKind::StoreImm:
    if (O.Slot >= 0)
      define(O.Slot, true);
    return;
  case InsnKind::LoadImm64:
    define(I.dst(), true);
    return;
  case InsnKind::HelperCall:
  case InsnKind::BpfCall:
  case InsnKind::KfuncCall:
    for (unsigned R = 0; R <= 5; ++R)
      define(R, false);
    return;
  default:
    return;
  }
}

void ProposeFlow::solveValues() {
  unsigned N = Flow.size();
  Values.assign(size_t(N) * NumPlaces, 0);
  // Value 0 is none, then those at the entry, then those of meetings.
  FromConstants.assign(1 + NumPlaces + size_t(N) * NumPlaces, 0);
  std::vector<uint32_t> Out(size_t(N) * NumPlaces, 0);
  for (unsigned B : Flow.reversePostOrder()) {
    auto V = MutableArrayRef(Values).slice(size_t(B) * NumPlaces, NumPlaces);
    bool First = true;
    for (unsigned P : Flow.predecessors(B)) {
      // Ways back are left out: no-ops go where control goes forward.
      if (!Flow.isReachable(P) || Flow.orderIndex(P) >= Flow.orderIndex(B))
        continue;
      auto From = ArrayRef(Out).slice(size_t(P) * NumPlaces, NumPlaces);
      for (unsigned L = 0; L < NumPlaces; ++L) {
        uint32_t Meeting = meetingAt(B, L);
        if (First) {
          V[L] = From[L];
        } else if (V[L] != From[L]) {
          FromConstants[Meeting] |=
              FromConstants[V[L]] || FromConstants[From[L]];
          V[L] = Meeting;
        }
      }
      First = false;
    }
    if (First) // the entry
      for (unsigned L = 0; L < NumPlaces; ++L)
        V[L] = 1 + L;
    std::vector<uint32_t> Now(V.begin(), V.end());
    for (const Op &O : Ops[B])
      stepValues(O, Now);
    llvm::copy(Now, Out.begin() + size_t(B) * NumPlaces);
  }
}

} // namespace prepatch
