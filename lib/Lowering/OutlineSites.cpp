//===- OutlineSites.cpp - One subprogram for many growing sites ----------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// TLDR: the kernel patches an instruction of a shared function once, however
// often it is called. Sites that are patched in the same way (lookups in one
// map, reads of one context field, divisions of one form) become calls of one
// function that holds the site.
//
// Relies on: do_misc_fixups() and convert_ctx_accesses() walk the program
// once, subprograms behind the main one; each growing patch moves all that
// follows it (bpf_patch_insn_data). kernel-patches.md, 4.2 and 6.3.
//
//   r2 = r10                          r2 = r10
//   r2 += -40                         r2 += -40
//   r1 = map 'symbols' ll             call prepatch_lookup_symbols
//   call bpf_map_lookup_elem  # +2    ...
//                                     prepatch_lookup_symbols:
//                                       r1 = map 'symbols' ll
//                                       call bpf_map_lookup_elem  # +2, once
//                                       exit
//
// Where patches are all that counts, lookups in several maps share one function
// that takes the map in r1, which the kernel does not patch at all; and
// registers in use wait on the stack during the call.
//
// Three forms. By value, where the key is a scalar that goes to a stack slot
// for the lookup alone: the store goes away too, and the callee does not look
// into its caller's stack. By pointer else. Global, where scalars go in and
// come out and the verifier knows no more of the result than "a scalar": then
// it checks the body once, not at each call.
//
// Conditions: see OutlineLegality.cpp; two sites at least; r0 to r5 free where
// the site is not a call already; the load gets cheaper by the cost model,
// which counts patches saved against visits of the call, and runs of the
// live-stack pass (Analysis/LiveStack.h) that returns from the callee cause.
// Sites in loops and callbacks stay unless load or patches are all that
// counts: the call costs one to two nanoseconds each time.
//
//   prepatch lower in.bpf.o -o out.bpf.o --passes=outline-sites --report -
//===----------------------------------------------------------------------===//

#include "Analysis/DefinedRegs.h"
#include "Analysis/Fastcall.h"
#include "Analysis/LiveStack.h"
#include "Lowering/KeySlots.h"
#include "Lowering/OutlineBodies.h"
#include "Lowering/OutlineLegality.h"
#include "Lowering/Trade.h"
#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/SmallPtrSet.h"
#include "llvm/Support/FormatVariadic.h"
#include <map>

using namespace llvm;

namespace prepatch {

namespace {

constexpr StringRef PassName = "outline-sites";

constexpr uint32_t Jiffies64 = 118;
/// Helpers that may be called from another function of the same program with
/// the same result: the verifier keeps nothing at the call that depends on what
/// it is given.
constexpr uint32_t MovableHelpers[] = {
    8,         // get_smp_processor_id
    Jiffies64, //
    107,       // sk_storage_get
    145,       // inode_storage_get
    156,       // task_storage_get
    194,       // kptr_xchg
    210,       // cgrp_storage_get
};
/// Room for r0 to r5 on the stack.
constexpr unsigned SaveBytes = 48;

/// What a subprogram costs each program that gets it (allocation, symbol, a
/// compilation apart), in microseconds; 21 to 40 were seen on 6.18.
constexpr double SubprogramUs = 40;
/// What must be saved for each microsecond that is added.
constexpr double Margin = 2;

/// What moving a group of sites brings a program, in microseconds.
struct Balance {
  unsigned Sites = 0;
  double SavedUs = 0;
  double AddedUs = 0;
  double AddedVisits = 0; ///< of instructions, by the verifier
  double netUs() const { return SavedUs - AddedUs; }
};
/// By place in CallGraph::loadedPrograms().
using Balances = std::map<unsigned, Balance>;

class Outliner {
public:
  explicit Outliner(LoweringContext &Ctx)
      : Ctx(Ctx), A(Ctx.analyses()), Model(Ctx.Profile.costModel()) {}

  bool run();

private:
  using Group = std::vector<OutlineSite>;

  void collect(Function &F);
  std::string whyNotSite(const PatchSite &S, OutlineSite &Out);
  std::string whyNotLookup(OutlineSite &Out);
  bool looksIntoSeveralMaps(const Function &F);
  RegSet registersInUse(const PatchSite &S) const;
  bool saveRegisters(OutlineSite &Out);
  bool canBeGlobal(const OutlineKey &Key) const;
  Balances weigh(const Group &G, bool Global);
  void addLiveStack(const Group &G, Balances &Programs);
  void countPrograms();
  std::string whyNotIn(unsigned Program, const Balance &B) const;
  void keepWhatPays(Group &G, bool Global);
  void refuse(const PatchSite &S, std::string Why, double SavedUs = 0) {
    Ctx.refuse(PassName, *S.Fn, *S.I, describeSite(S, Ctx.Profile),
               std::move(Why), SavedUs);
  }

  LoweringContext &Ctx;
  Analyses &A;
  CostModel Model;
  std::map<OutlineKey, Group> Groups;
  DenseMap<const Map *, const Insn *> MapLoads; ///< one for each map
  DenseMap<const Insn *, Insn *> KeyStores;     ///< of the current function
  std::map<unsigned, LiveStack> LiveStacks;     ///< by function index
  /// What saving registers in a function needs to know.
  struct SaveFacts {
    DefinedRegs Defined;
    bool HasFastcall;
  };
  std::map<unsigned, SaveFacts> Saves;  ///< by function index
  std::map<unsigned, bool> SeveralMaps; ///< by loaded program
  /// What a loaded program comes to with the groups that are chosen so far.
  struct ProgramSize {
    unsigned Functions = 0;
    double Visits = 0; ///< 0 where nothing was measured
  };
  std::vector<ProgramSize> Sizes; ///< by place in loadedPrograms()
};

/// Registers that are alive over the site and that a call would clobber.
RegSet Outliner::registersInUse(const PatchSite &S) const {
  RegSet After = A.Live.liveAfter(*S.BB, *S.I) & CallClobbered;
  return S.Kind == SiteKind::ContextWrite ? After : After & ~regBit(S.I->dst());
}

/// Where patches are all that counts, registers in use wait on the stack while
/// the call is made. False if they cannot.
bool Outliner::saveRegisters(OutlineSite &Out) {
  Function &F = *Out.Site.Fn;
  RegSet InUse = registersInUse(Out.Site);
  if (Ctx.TheGoal != Goal::Patches || !F.isEntry() || !A.Stack.isKnown(F) ||
      !A.Stack.mayCall(F, SaveBytes))
    return false;
  unsigned Index = A.Graph.indexOf(F);
  auto It = Saves.find(Index);
  if (It == Saves.end())
    It = Saves
             .insert({Index,
                      {DefinedRegs(A.Kinds.cfg(F)),
                       !findFastcallPairs(F, A.Kinds, Ctx.Profile).empty()}})
             .first;
  const SaveFacts &Facts = It->second;
  // A use of the stack below them would keep the spills of bpf_fastcall.
  if (Facts.HasFastcall ||
      (InUse & ~Facts.Defined.before(*Out.Site.BB, *Out.Site.I)))
    return false;
  unsigned Base = (A.Stack.ownBytes(F) + 7) / 8 * 8;
  Out.Saved = {InUse, int16_t(-int(Base) - 8)};
  return true;
}

/// Whether the verifier does not see that \p Store writes a constant key of an
/// array. Since 6.18 a lookup of one cannot fail for it, if the key stands in a
/// slot of 8 bytes from its start (get_constant_map_key). The body must keep a
/// key as the site did: if the verifier now saw a constant, a check behind the
/// lookup would become dead code, which is dearer than the patch that is saved;
/// if it saw none any more, a program without a check would be refused.
static bool isUnseenConstant(const Insn &Store, const RegValue &Key,
                             const Map &M) {
  bool IsArray = M.Type == MapType::Array || M.Type == MapType::PercpuArray;
  return IsArray && Store.off() % 8 != 0 &&
         (Store.kind() == InsnKind::StoreImm || Key.isConstant());
}

/// Whether every program that holds \p F looks into two maps at least: then one
/// body serves for all of them and is not patched at all, as the verifier sees
/// several maps at its call (bpf_map_ptr_poisoned). The lookup itself is
/// slower.
bool Outliner::looksIntoSeveralMaps(const Function &F) {
  auto severalIn = [&](unsigned L) {
    auto [It, New] = SeveralMaps.try_emplace(L, false);
    if (!New)
      return It->second;
    SmallPtrSet<const Map *, 4> Maps; // null for those found at run time
    for (const Function *Part : A.Graph.loadedPrograms()[L].Functions)
      for (const PatchSite &S : A.Sites.sites(*Part))
        if (S.Kind == SiteKind::MapLookup)
          Maps.insert(S.TheMap);
    return It->second = Maps.size() > 1;
  };
  return all_of(A.Graph.programsWith(F), severalIn);
}

std::string Outliner::whyNotLookup(OutlineSite &Out) {
  const PatchSite &S = Out.Site;
  if (Ctx.TheGoal == Goal::Patches && looksIntoSeveralMaps(*S.Fn))
    return ""; // any map in r1
  if (!S.TheMap)
    return "which map it looks into is not known";
  // A map inside a map has a description, but no address in the program.
  Out.MapLoad = MapLoads.lookup(S.TheMap);
  if (!Out.MapLoad)
    return "the map is found at run time";
  Insn *Store = KeyStores.lookup(S.I);
  if (!Store)
    return "";
  Out.Form = OutlineForm::ByValue;
  Out.Key = {Store, memBytes(Store->opcode())};
  RegValue Key = Store->kind() == InsnKind::Store
                     ? A.Kinds.stateBefore(*S.BB, *Store)[Store->src()]
                     : RegValue::unknown();
  if (isUnseenConstant(*Store, Key, *S.TheMap))
    Out.Key.Slot = -int16_t(Out.Key.Size);
  return "";
}

/// Why a site cannot go into a subprogram; if it can, \p Out says how.
std::string Outliner::whyNotSite(const PatchSite &S, OutlineSite &Out) {
  Out.Site = S;
  const Insn &I = *S.I;
  switch (S.Kind) {
  case SiteKind::MapLookup:
    return whyNotLookup(Out);
  case SiteKind::Helper:
    if (!llvm::is_contained(MovableHelpers, S.Helper))
      return "its arguments tie it to its place";
    return "";
  case SiteKind::ContextRead: {
    Out.Form = OutlineForm::Registers;
    RegValue Loaded = RegValue::unknown();
    if (Insn *Next = S.I->next())
      Loaded = A.Kinds.stateBefore(*S.BB, *Next)[I.dst()];
    if (Loaded.is(ValueKind::Packet) || Loaded.is(ValueKind::PacketEnd) ||
        Loaded.is(ValueKind::PacketMeta))
      return "packet pointers stay where they are";
    break;
  }
  case SiteKind::ContextWrite:
  case SiteKind::Division:
    Out.Form = OutlineForm::Registers;
    break;
  default:
    return "sites of this kind cannot be shared";
  }
  if (registersInUse(S) && !saveRegisters(Out))
    return "r0 to r5 are in use";
  return "";
}

void Outliner::collect(Function &F) {
  KeyStores = F.isOpaque() ? DenseMap<const Insn *, Insn *>()
                           : findKeyStores(F, A.Kinds, Ctx.Profile);
  for (const PatchSite &S : A.Sites.sites(F)) {
    if (S.isDeletion())
      continue;
    OutlineSite Site;
    std::string Why = whyNotSite(S, Site);
    if (Why.empty())
      Why = whyNoCall(F, stackOf(Site) + (Site.Saved.Regs ? SaveBytes : 0), A);
    if (Why.empty() && Ctx.visitsAreMeasured() && Ctx.visitsOf(F, *S.I) == 0)
      Why = "the verifier never comes here, so it is not patched";
    if (Why.empty() && isHot(A, *S.BB) &&
        (Ctx.TheGoal == Goal::Balanced || Ctx.TheGoal == Goal::Run))
      Why = "in a loop or callback: a call would slow it down";
    if (!Why.empty()) {
      refuse(S, Why);
      continue;
    }
    Groups[keyOf(Site, Ctx.Prog)].push_back(Site);
  }
}

bool Outliner::canBeGlobal(const OutlineKey &Key) const {
  bool HasFuncInfo =
      Ctx.Obj.Ext && !Ctx.Obj.Ext->Tables[BtfExt::FuncInfo].Groups.empty();
  // A division's result is unknown to the verifier either way, so is the time
  // in jiffies. The number of a processor it knows to be small.
  bool ScalarsOnly = Key.Kind == SiteKind::Division ||
                     (Key.Kind == SiteKind::Helper && Key.Helper == Jiffies64);
  return ScalarsOnly && HasFuncInfo && Ctx.Profile.features().GlobalFunctions;
}

/// Adds what more runs of the live-stack pass cost if the group is moved into
/// a static function.
void Outliner::addLiveStack(const Group &G, Balances &Programs) {
  if (!Ctx.Profile.features().LiveStackPass)
    return;
  std::map<unsigned, DenseSet<const Insn *>> ByFunction;
  for (const OutlineSite &S : G)
    ByFunction[A.Graph.indexOf(*S.Site.Fn)].insert(S.Site.I);
  for (auto &[Index, Calls] : ByFunction) {
    Function &F = *A.Graph.functions()[Index];
    LiveStack &Stack = LiveStacks.try_emplace(Index, A.Kinds, F).first->second;
    double Before = Stack.runs({}, {}), After = Stack.runs(Calls, {});
    double Us = (After - Before) *
                Model.staticCallSiteUs(CalleeStack::ReadsCaller,
                                       A.Graph.facts(F).Slots) *
                std::max(1.0, Ctx.visitsAtEntry(F));
    for (unsigned L : A.Graph.programsWith(F))
      Programs[L].AddedUs += std::max(0.0, Us);
  }
}

Balances Outliner::weigh(const Group &G, bool Global) {
  Balances Programs;
  const OutlineSite &First = G.front();
  OutlineShape Shape = shapeOf(First);
  double Mov = Model.visitUs(VisitClass::Mov);
  double PerVisit = Global
                        ? Model.globalCallUs()
                        : Model.staticCallUs(First.Form == OutlineForm::ByValue
                                                 ? CalleeStack::Own
                                                 : CalleeStack::None) +
                              Shape.BodyInsns * Mov;
  for (const OutlineSite &S : G) {
    // Visits are those of all programs together; shared code is rare.
    double Visits = Ctx.visitsOf(*S.Site.Fn, *S.Site.I);
    double AddedUs = Visits * (PerVisit + shapeOf(S).SiteInsns * Mov);
    for (unsigned N : A.Graph.programsWith(*S.Site.Fn)) {
      const LoadedProgram &L = A.Graph.loadedPrograms()[N];
      Balance &B = Programs[N];
      if (!B.Sites++) // what stays: the function, and one patch at its end
        B.AddedUs += SubprogramUs + Model.growthUs(L.Slots, L.Slots,
                                                   std::max(S.Site.Grows, 1),
                                                   L.LineRecords);
      B.SavedUs += A.Cost.inProgram(S.Site, L);
      B.AddedUs += AddedUs;
      B.AddedVisits +=
          Visits * (1 + Shape.BodyInsns + std::max(0, shapeOf(S).SiteInsns));
    }
  }
  if (!Global)
    addLiveStack(G, Programs);
  return Programs;
}

void Outliner::countPrograms() {
  for (const LoadedProgram &L : A.Graph.loadedPrograms()) {
    ProgramSize &Size = Sizes.emplace_back();
    Size.Functions = L.Functions.size();
    if (!Ctx.visitsAreMeasured())
      continue;
    for (Function *F : L.Functions)
      for (BasicBlock &BB : *F)
        for (Insn &I : BB)
          Size.Visits += Ctx.visitsOf(*F, I);
  }
}

std::string Outliner::whyNotIn(unsigned Program, const Balance &B) const {
  if (B.Sites < 2)
    return "its program has no other such site";
  const KernelLimits &Limits = Ctx.Profile.limits();
  if (Sizes[Program].Functions + 1 > Limits.Subprogs)
    return "its program has as many functions as the kernel allows";
  // Estimates are too high to be held against a limit.
  if (Ctx.visitsAreMeasured() &&
      Sizes[Program].Visits + B.AddedVisits > Limits.VerifiedInsns)
    return "calls would take the verifier over its limit";
  if (Ctx.TheGoal == Goal::Patches)
    return "";
  if (Ctx.TheGoal == Goal::Run)
    return "a call would slow it down";
  if (B.SavedUs < B.AddedUs * Margin)
    return formatv("{0} such sites: {1:F1} us of patching saved, {2:F1} us of "
                   "verification added",
                   B.Sites, B.SavedUs, B.AddedUs)
        .str();
  return "";
}

/// Takes out of \p G, and refuses, the sites of programs that would lose; what
/// the others share with them gets less worth by that, so again until all win.
void Outliner::keepWhatPays(Group &G, bool Global) {
  for (bool Dropped = true; Dropped && !G.empty();) {
    Dropped = false;
    Balances Programs = weigh(G, Global);
    Group Kept;
    for (const OutlineSite &S : G) {
      std::string Why;
      double Each = 0;
      for (unsigned L : A.Graph.programsWith(*S.Site.Fn))
        if (Why.empty() && !(Why = whyNotIn(L, Programs[L])).empty())
          Each = Programs[L].netUs() / Programs[L].Sites;
      if (Why.empty()) {
        Kept.push_back(S);
        continue;
      }
      refuse(S.Site, Why, Each);
      Dropped = true;
    }
    G = std::move(Kept);
  }
}

bool Outliner::run() {
  for (Function *F : A.Graph.functions())
    for (BasicBlock &BB : *F)
      for (Insn &I : BB)
        if (const Map *M = Ctx.Prog.mapOf(I))
          MapLoads.try_emplace(M, &I);
  countPrograms();
  for (Function *F : A.Graph.functions())
    collect(*F);
  struct Choice {
    const Group *Sites;
    bool Global;
  };
  std::vector<Choice> Chosen;
  for (auto &[Key, G] : Groups) {
    bool Global = canBeGlobal(Key);
    keepWhatPays(G, Global);
    if (G.empty())
      continue;
    Balance Sum;
    for (auto &[L, B] : weigh(G, Global)) {
      Sum.SavedUs += B.SavedUs;
      Sum.AddedUs += B.AddedUs;
      Sizes[L].Functions += 1;
      Sizes[L].Visits += B.AddedVisits;
    }
    Chosen.push_back({&G, Global});
    std::string How =
        formatv("one of {0} in one {1} function{2}: {3:F1} us of patching "
                "saved, {4:F1} us of verification added in all",
                G.size(), Global ? "global" : "static",
                Key.Form == OutlineForm::ByValue ? ", key by value" : "",
                Sum.SavedUs, Sum.AddedUs)
            .str();
    for (const OutlineSite &S : G)
      Ctx.take(PassName, *S.Site.Fn, *S.Site.I,
               describeSite(S.Site, Ctx.Profile), How, Sum.netUs() / G.size());
  }
  for (const Choice &C : Chosen) {
    // libbpf refuses a function without lines in a program that has lines.
    auto Model = find_if(*C.Sites, [](const OutlineSite &S) {
      return coveringLine(*S.Site.BB, *S.Site.I);
    });
    Function &Body = createBody(
        Ctx.Prog, Model == C.Sites->end() ? C.Sites->front() : *Model,
        Ctx.Profile, C.Global);
    for (const OutlineSite &S : *C.Sites)
      callBody(Ctx.Prog, S, Body);
  }
  return !Chosen.empty();
}

} // namespace

bool runOutlineSites(LoweringContext &Ctx) { return Outliner(Ctx).run(); }

} // namespace prepatch
