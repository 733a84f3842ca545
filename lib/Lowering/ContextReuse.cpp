//===- ContextReuse.cpp - Do not load again what a register holds --------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// TLDR: a context field or the result of a helper that a register holds
// already is copied from there instead of being asked for again.
//
// convert_ctx_accesses() (6.18) makes several instructions of the load of many
// context fields, do_misc_fixups() the same of some helper calls, and each is a
// patch (catalogue: sections 2.1, 2.3 and 4.1: a field kept in a register costs
// one patch instead of one a load). Compilers load again after every store or
// call that might have changed the field; most cannot.
//
//     r6 = *(u32 *)(r1 + 40)          r6 = *(u32 *)(r1 + 40)
//     ...                             ...
//     r2 = *(u32 *)(r1 + 40)   ->     r2 = r6
//
//     call 8                          call 8
//     r7 = r0                         r7 = r0
//     ...                             ...
//     call 8                   ->     r0 = r7
//
// Where no register keeps it, the stack can (KeepFacts.h): the first call or
// load on the way to the others stores it.
//
//     call 8                          call 8
//     ...                             *(u64 *)(r10 - 136) = r0
//     call 8                   ->     r0 = *(u64 *)(r10 - 136)
//
// Conditions
// - The site grows, and on every way to it the same register or spilled slot
//   holds the fact (HeldFacts.h says what ends one).
// - Of helpers, only those whose result is the same all through a run, by the
//   profile: the processor, as programs are not migrated, but no clocks and
//   no random numbers.
// - Fields that something else in the kernel changes meanwhile: what is reused
//   is what the load would have given had it run that much earlier. This is
//   how compilers treat loads, too.
// - r1 to r5 keep their values where a call goes away: nobody reads them
//   behind a call.
//
// The register lives longer, so the verifier compares it in more states. It
// holds what it held, so nothing that was accepted is refused for its value.
//
// A bpf_fastcall helper goes together with the spills and fills around it,
// which the kernel would have deleted one by one; in functions that have such
// pairs no fact is taken from the stack, as a use of that part of it would make
// the kernel keep all pairs (check_fastcall_stack_contract()).
//
// Left alone
// - Packet pointers and other pointers in the context.
// - Sites with nothing to reuse: they are no decision and not reported.
//
//   prepatch lower in.bpf.o -o out.bpf.o --passes=context-reuse --report -
//===----------------------------------------------------------------------===//

#include "Analysis/Fastcall.h"
#include "Lowering/EmptyBlocks.h"
#include "Lowering/HeldFacts.h"
#include "Lowering/KeepFacts.h"
#include "Lowering/Trade.h"
#include "llvm/ADT/DenseSet.h"
#include <map>

using namespace llvm;

namespace prepatch {

namespace {

class Reuser {
public:
  Reuser(LoweringContext &Ctx)
      : Ctx(Ctx), A(Ctx.analyses()), Effects(A, Ctx.Profile), B(Ctx.Prog) {}

  bool run(Function &F);

private:
  void findScalars(Function &F, DenseSet<const Insn *> &Scalars) const;
  bool replace(const PatchSite &S, const FactKey &Key, const HeldPlace &Place,
               ArrayRef<FastcallPair> Pairs);

  LoweringContext &Ctx;
  Analyses &A;
  ContextEffects Effects;
  Builder B;
};

/// The loads of \p F that give a number, and calls.
void Reuser::findScalars(Function &F, DenseSet<const Insn *> &Scalars) const {
  const Cfg &Flow = A.Kinds.cfg(F);
  for (unsigned N = 0; N < Flow.size(); ++N) {
    const Insn *Load = nullptr;
    auto look = [&](const RegState &After) {
      if (Load && After[Load->dst()].is(ValueKind::Scalar))
        Scalars.insert(Load);
      Load = nullptr;
    };
    A.Kinds.forEach(Flow.block(N), [&](Insn &I, const RegState &S) {
      look(S);
      if (I.kind() == InsnKind::Load)
        Load = &I;
      else if (I.kind() == InsnKind::HelperCall)
        Scalars.insert(&I);
    });
    // A load at the end: only what all ways to the next block agree on.
    if (Load && N + 1 < Flow.size())
      look(A.Kinds.stateAtEntry(Flow.block(N + 1)));
  }
}

bool Reuser::replace(const PatchSite &S, const FactKey &Key,
                     const HeldPlace &Place, ArrayRef<FastcallPair> Pairs) {
  Insn &I = *S.I;
  unsigned Dst = Key.isContext() ? I.dst() : 0;
  std::string What = describeSite(S, Ctx.Profile);
  std::string From = Place.InSlot
                         ? "the stack at " + std::to_string(Place.SlotOff)
                         : "r" + std::to_string(Place.Reg);
  CostModel Model = Ctx.Profile.costModel();
  Trade Deal;
  Deal.Visits = Ctx.visits().visits(*S.Fn, I);
  Deal.SavedUs = A.Cost.total(S);
  SmallVector<Insn *> Around;
  for (const FastcallPair &P : Pairs)
    if (P.Call == &I)
      Around.append({P.Spill, P.Fill});
  for (const PatchSite &Other : A.Sites.sites(*S.Fn))
    if (Other.Kind == SiteKind::FastcallSpill && is_contained(Around, Other.I))
      Deal.SavedUs += A.Cost.total(Other);
  // Both are cheaper to verify than what they replace.
  double Now =
      Model.visitUs(Key.isContext() ? VisitClass::CtxLoad : VisitClass::Helper);
  double Then =
      Model.visitUs(Place.InSlot ? VisitClass::StackAccess : VisitClass::Mov);
  Deal.AddedUs = Deal.Visits * std::max(0.0, Then - Now);
  Deal.IsHot = isHot(A, *S.BB);
  Verdict V = weigh(Ctx.TheGoal, Deal);
  if (!V.Take) {
    Ctx.refuse("context-reuse", *S.Fn, I, What, V.Reason, V.NetUs);
    return false;
  }
  Ctx.take("context-reuse", *S.Fn, I, What, From + " holds it: " + V.Reason,
           V.NetUs);
  if (Place.InSlot || Place.Reg != Dst) {
    B.setInsertPoint(I);
    if (Place.InSlot)
      B.load(Dst, RegFp, int16_t(Place.SlotOff), 8);
    else
      B.movReg(Dst, Place.Reg);
    B.setInsertPoint(*S.BB);
  }
  B.erase(*S.BB, I);
  for (Insn *SpillOrFill : Around)
    B.erase(*S.BB, *SpillOrFill);
  return true;
}

bool Reuser::run(Function &F) {
  std::vector<FactKey> Keys;
  std::map<FactKey, uint16_t> Number;
  DenseMap<const Insn *, uint16_t> FactOf;
  DenseMap<const Insn *, const PatchSite *> SiteOf;
  std::map<FactKey, unsigned> Count;
  for (const PatchSite &S : A.Sites.sites(F))
    if (auto Key = factAskedAt(S, Ctx.Profile))
      ++Count[*Key];
  // One site alone never has anything to reuse.
  if (none_of(Count, [](const auto &C) { return C.second > 1; }))
    return false;
  DenseSet<const Insn *> Scalars;
  findScalars(F, Scalars);
  for (const PatchSite &S : A.Sites.sites(F)) {
    auto Key = factAskedAt(S, Ctx.Profile);
    if (!Key || Count[*Key] < 2 || !Scalars.contains(S.I) ||
        Keys.size() >= HeldState::None)
      continue;
    auto [It, New] = Number.try_emplace(*Key, uint16_t(Keys.size()));
    if (New)
      Keys.push_back(*Key);
    FactOf[S.I] = It->second;
    SiteOf[S.I] = &S;
  }
  if (FactOf.empty())
    return false;

  std::vector<FastcallPair> Pairs = findFastcallPairs(F, A.Kinds, Ctx.Profile);
  HeldFacts Held(F, A, Ctx.Profile, Effects, Keys, FactOf);
  struct Choice {
    const PatchSite *Site;
    FactKey Key;
    HeldPlace Place;
  };
  std::vector<Choice> Choices;
  const Cfg &Flow = A.Kinds.cfg(F);
  for (unsigned N = 0; N < Flow.size(); ++N)
    Held.forEach(Flow.block(N), [&](Insn &I, const HeldState &S) {
      auto It = FactOf.find(&I);
      if (It == FactOf.end())
        return;
      const FactKey &Key = Keys[It->second];
      auto Place = S.find(It->second, Key.isContext() ? I.dst() : 0);
      if (Place && !(Place->InSlot && !Pairs.empty()))
        Choices.push_back({SiteOf[&I], Key, *Place});
    });

  bool Changed = false;
  for (const Choice &C : Choices)
    Changed |= replace(*C.Site, C.Key, C.Place, Pairs);
  if (Changed)
    removeEmptyBlocks(F);
  return Changed;
}

} // namespace

/// One round over all functions.
static bool reuse(LoweringContext &Ctx) {
  Reuser R(Ctx);
  bool Changed = false;
  for (Function *F : Ctx.analyses().Graph.functions())
    if (!F->isOpaque() && Ctx.analyses().Kinds.isAnalysed(*F))
      Changed |= R.run(*F);
  if (Changed)
    Ctx.invalidate();
  return Changed;
}

bool runContextReuse(LoweringContext &Ctx) {
  bool Changed = reuse(Ctx);
  // What registers could not keep.
  std::vector<KeptSlot> Slots = keepFacts(Ctx);
  if (Slots.empty())
    return Changed;
  Ctx.invalidate();
  reuse(Ctx);
  Changed |= dropUnusedSlots(Ctx.Prog, Slots);
  Ctx.invalidate();
  return Changed;
}

} // namespace prepatch
