//===- KeepFacts.cpp - A slot of the stack for what is asked often -------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Lowering/KeepFacts.h"
#include "Analysis/Fastcall.h"
#include "IR/Builder.h"
#include "Lowering/HeldFacts.h"
#include "Lowering/Trade.h"
#include <map>

using namespace llvm;

namespace prepatch {

namespace {

class Keeper {
public:
  Keeper(LoweringContext &Ctx, Function &F)
      : Ctx(Ctx), A(Ctx.analyses()), Effects(A, Ctx.Profile), F(F),
        B(Ctx.Prog) {}

  void run(std::vector<KeptSlot> &Kept);

private:
  using Sites = std::vector<const PatchSite *>;

  bool contextMayChange();
  bool givesNumber(const PatchSite &S) const;
  bool dominates(const PatchSite &First, const PatchSite &Then) const;
  bool paysOff(const Sites &First, const Sites &Others) const;

  LoweringContext &Ctx;
  Analyses &A;
  ContextEffects Effects;
  Function &F;
  Builder B;
};

bool Keeper::contextMayChange() {
  bool May = false;
  for (BasicBlock &BB : F)
    A.Kinds.forEach(BB, [&](Insn &I, const RegState &State) {
      switch (I.kind()) {
      case InsnKind::Store:
      case InsnKind::StoreImm:
      case InsnKind::Atomic:
        May |= storeMayChangeContext(State[I.dst()]);
        return;
      case InsnKind::HelperCall:
        May |= Effects.helperMayChange(I.imm());
        return;
      case InsnKind::BpfCall:
        May |= !I.callee() || Effects.mayChange(*I.callee());
        return;
      case InsnKind::KfuncCall:
        May = true;
        return;
      default:
        return;
      }
    });
  return May;
}

/// A pointer may not go through a slot and stay what it is everywhere.
bool Keeper::givesNumber(const PatchSite &S) const {
  if (S.Kind == SiteKind::Helper)
    return true; // factAskedAt takes those that do
  const Insn *Next = S.I->next();
  return Next &&
         A.Kinds.stateBefore(*S.BB, *Next)[S.I->dst()].is(ValueKind::Scalar);
}

bool Keeper::dominates(const PatchSite &First, const PatchSite &Then) const {
  if (First.BB != Then.BB)
    return A.Kinds.cfg(F).dominates(First.BB->number(), Then.BB->number());
  return First.Slot < Then.Slot;
}

bool Keeper::paysOff(const Sites &First, const Sites &Others) const {
  CostModel Model = Ctx.Profile.costModel();
  Trade Deal;
  for (const PatchSite *S : Others)
    Deal.SavedUs += A.Cost.total(*S);
  for (const PatchSite *S : First) {
    double Visits = Ctx.visitsOf(F, *S->I);
    Deal.Visits += Visits;
    Deal.AddedUs += Visits * Model.visitUs(VisitClass::StackAccess);
    Deal.IsHot |= isHot(A, *S->BB);
  }
  // The others execute less, so one store more on the way is no loss, unless
  // it is in a loop of its own.
  Deal.SlowsRun = Deal.IsHot;
  return weigh(Ctx.TheGoal, Deal).Take;
}

void Keeper::run(std::vector<KeptSlot> &Kept) {
  std::map<FactKey, Sites> Facts;
  for (const PatchSite &S : A.Sites.sites(F))
    if (auto Key = factAskedAt(S, Ctx.Profile))
      Facts[*Key].push_back(&S);
  std::erase_if(Facts, [](const auto &E) { return E.second.size() < 2; });
  if (Facts.empty() || !findFastcallPairs(F, A.Kinds, Ctx.Profile).empty())
    return;
  bool MayChange = contextMayChange();
  unsigned Bytes = 0;
  for (auto &[Key, All] : Facts) {
    if (Key.isContext() && MayChange)
      continue;
    if (!all_of(All, [&](const PatchSite *S) {
          return A.Kinds.isReached(*S->BB) && givesNumber(*S);
        }))
      continue;
    Sites First, Others;
    for (const PatchSite *S : All)
      (any_of(All,
              [&](const PatchSite *O) { return O != S && dominates(*O, *S); })
           ? Others
           : First)
          .push_back(S);
    unsigned Slot = (A.Stack.ownBytes(F) + 7) / 8 * 8 + Bytes + 8;
    if (Others.empty() || !paysOff(First, Others) ||
        !A.Stack.mayGrow(F, Slot - A.Stack.ownBytes(F)))
      continue;
    KeptSlot &New = Kept.emplace_back(KeptSlot{&F, int16_t(-int(Slot)), {}});
    for (const PatchSite *S : First) {
      unsigned Result = Key.isContext() ? S->I->dst() : 0;
      if (Insn *Next = S->I->next())
        B.setInsertPoint(*Next);
      else
        B.setInsertPoint(*S->BB);
      New.Stores.push_back({S->BB, B.store(RegFp, New.Off, Result, 8)});
    }
    Bytes += 8;
  }
}

} // namespace

std::vector<KeptSlot> keepFacts(LoweringContext &Ctx) {
  std::vector<KeptSlot> Kept;
  for (Function *F : Ctx.analyses().Graph.functions())
    if (!F->isOpaque() && Ctx.analyses().Kinds.isAnalysed(*F) &&
        Ctx.analyses().Stack.isKnown(*F))
      Keeper(Ctx, *F).run(Kept);
  return Kept;
}

static bool isLoaded(const KeptSlot &Slot) {
  for (BasicBlock &BB : *Slot.Fn)
    for (Insn &I : BB)
      if (I.kind() == InsnKind::Load && I.src() == RegFp && I.off() == Slot.Off)
        return true;
  return false;
}

bool dropUnusedSlots(Program &P, ArrayRef<KeptSlot> Slots) {
  Builder B(P);
  bool AnyUsed = false;
  for (const KeptSlot &Slot : Slots) {
    if (isLoaded(Slot)) {
      AnyUsed = true;
      continue;
    }
    for (auto [BB, Store] : Slot.Stores)
      B.erase(*BB, *Store);
  }
  return AnyUsed;
}

} // namespace prepatch
