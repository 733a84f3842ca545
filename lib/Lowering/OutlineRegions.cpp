//===- OutlineRegions.cpp - Large programs in parts ----------------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// TLDR: a large program is often one body after another, inlined several times
// over. Where nothing but the context and what can be computed again is alive
// between two bodies, each becomes a static function, and like ones become one.
//
// Relies on: bpf_update_live_stack() (6.18) runs over all instructions of one
// function; in small functions it is cheap (Analysis/LiveStack.h). And one
// body in place of five has a fifth of the patches (bpf_patch_insn_data), in a
// program that is a fifth as long.
//
//   body(ctx); body(ctx);             r6 = r1
//   r0 = 0                            call prepatch_part_0   # holds a body
//   exit                              r1 = r6
//                                     call prepatch_part_0
//                                     r0 = 0
//                                     exit
//
// Conditions: a stretch of blocks that is entered at its start and left to
// what follows it; no exit in it; at both ends no register and no byte of the
// stack is alive but the context, constants and addresses in the frame. The
// frame of the part replaces that of the program: what remains of the program
// must leave room for both.
//
// Refuses: small programs, programs that must not get subprograms
// (OutlineLegality.cpp), whatever the cost model sees no gain in.
//
//   prepatch lower in.bpf.o -o out.bpf.o --passes=outline-regions --report -
//===----------------------------------------------------------------------===//

#include "Analysis/LiveStack.h"
#include "Analysis/StackLiveness.h"
#include "IR/Builder.h"
#include "Lowering/OutlineLegality.h"
#include "Lowering/SameCode.h"
#include "llvm/Support/FormatVariadic.h"

using namespace llvm;

namespace prepatch {

namespace {

constexpr StringRef PassName = "outline-regions";
/// Below these, in slots, there is nothing to gain.
constexpr unsigned MinFunction = 4096;
constexpr unsigned MinRegion = 512;
/// What one more function costs the kernel, in microseconds: allocation, a
/// symbol, a compilation apart.
constexpr double FunctionUs = 50;
/// The callee-saved register that keeps the context between the parts.
constexpr unsigned ContextReg = 6;

/// A value that a part finds where its code expects it: computed again.
struct LiveValue {
  bool IsSlot;
  int Place; ///< register number, or offset from r10
  RegValue Value;

  bool operator==(const LiveValue &O) const {
    return IsSlot == O.IsSlot && Place == O.Place && Value == O.Value;
  }
};

struct Region {
  BasicBlock *First;
  BasicBlock *End; ///< where it goes on; never null
  unsigned Slots = 0;
  std::vector<LiveValue> LiveIn;
  int SameAs = -1; ///< an earlier region with the same code
};

class RegionOutliner {
public:
  RegionOutliner(LoweringContext &Ctx, Function &F)
      : Ctx(Ctx), A(Ctx.analyses()), Model(Ctx.Profile.costModel()), F(F),
        B(Ctx.Prog) {}

  bool run();

private:
  bool findRegions();
  bool liveValues(BasicBlock &BB, std::vector<LiveValue> &Out);
  bool holdsExit(const Region &R) const;
  void findSame();
  std::string whyNot();
  double duplicatePatchUs() const;
  unsigned bytesOfRest() const;
  void apply();
  Function &makePart(Region &R, unsigned Number);
  void compute(const std::vector<LiveValue> &Values, unsigned Context);
  void pinLine(BasicBlock &BB);

  LoweringContext &Ctx;
  Analyses &A;
  CostModel Model;
  Function &F;
  Builder B;
  std::vector<Region> Regions;
  std::vector<LiveValue> RestLiveIn; ///< of what stays behind the regions
  std::string Gain;                  ///< for the report
  double GainUs = 0;
};

bool canBeComputed(const RegValue &V) {
  if (V.mayBeNull())
    return false;
  if (V.is(ValueKind::Context) || V.is(ValueKind::Stack))
    return V.hasKnownOffset() && (V.is(ValueKind::Stack) || V.offset() == 0);
  return V.isConstant() && isInt<32>(int64_t(V.constant()));
}

/// What is alive where \p BB starts; false if it cannot be computed again.
bool RegionOutliner::liveValues(BasicBlock &BB, std::vector<LiveValue> &Out) {
  const RegState &State = A.Kinds.stateAtEntry(BB);
  for (unsigned R = 0; R < RegFp; ++R)
    if (A.Live.liveIn(BB) & regBit(R)) {
      if (!canBeComputed(State[R]))
        return false;
      Out.push_back({false, int(R), State[R]});
    }
  return true;
}

bool RegionOutliner::holdsExit(const Region &R) const {
  for (BasicBlock *BB = R.First; BB != R.End; BB = BB->next())
    for (Insn &I : *BB)
      if (I.kind() == InsnKind::Exit || I.kind() == InsnKind::IndirectJump)
        return true;
  return false;
}

/// Finds stretches between places that no branch passes over.
bool RegionOutliner::findRegions() {
  StackLiveness Stack(A.Kinds, Ctx.Profile, F);
  if (!Stack.isKnown())
    return false;
  unsigned N = F.numberBlocks();
  std::vector<int> Crossing(N + 1);
  for (BasicBlock &BB : F)
    for (BasicBlock *To : BB.successors()) {
      unsigned U = BB.number(), V = To->number();
      // Forward it passes over U+1 .. V-1, backward over V+1 .. U.
      unsigned From = std::min(U, V) + 1, Up = V > U ? V : U + 1;
      if (From < Up) {
        ++Crossing[From];
        --Crossing[Up];
      }
    }
  std::vector<Region> Found;
  Region Open{&F.entry(), nullptr};
  if (!liveValues(F.entry(), Open.LiveIn))
    return false;
  int Over = 0;
  for (BasicBlock &BB : F) {
    Over += Crossing[BB.number()];
    bool IsCut = BB.number() && Over == 0 && !BB.empty() &&
                 A.Kinds.isReached(BB) && Open.Slots >= MinRegion;
    if (IsCut) {
      std::vector<LiveValue> Live;
      const RegState &State = A.Kinds.stateAtEntry(BB);
      bool Clean = liveValues(BB, Live);
      for (int Slot = 0; Clean && Slot < 64; ++Slot) {
        bool IsLive = false;
        for (int Byte = 0; Byte < 8; ++Byte)
          IsLive |= Stack.liveIn(BB)[Slot * 8 + Byte];
        if (!IsLive)
          continue;
        int Off = -(Slot + 1) * 8;
        Clean = canBeComputed(State.slot(Off));
        Live.push_back({true, Off, State.slot(Off)});
      }
      if (Clean) {
        Open.End = &BB;
        Found.push_back(Open);
        Open = {&BB, nullptr, 0, Live};
      }
    }
    for (Insn &I : BB)
      Open.Slots += I.slots();
  }
  // What is behind the last cut stays.
  RestLiveIn = Open.LiveIn;
  // Parts must be a prefix of the program: the rest begins behind them.
  while (!Found.empty() &&
         any_of(Found, [&](const Region &R) { return holdsExit(R); })) {
    RestLiveIn = Found.back().LiveIn;
    Found.pop_back();
  }
  Regions = std::move(Found);
  return !Regions.empty();
}

void RegionOutliner::findSame() {
  for (unsigned I = 0; I < Regions.size(); ++I)
    for (unsigned J = 0; J < I && Regions[I].SameAs < 0; ++J)
      if (Regions[J].SameAs < 0 && Regions[I].Slots == Regions[J].Slots &&
          Regions[I].LiveIn == Regions[J].LiveIn &&
          isSameCode({Regions[I].First, Regions[I].End},
                     {Regions[J].First, Regions[J].End}))
        Regions[I].SameAs = J;
}

/// Patching of sites in regions that an earlier one stands for.
double RegionOutliner::duplicatePatchUs() const {
  double Us = 0;
  for (const PatchSite &S : A.Sites.sites(F))
    for (const Region &R : Regions)
      if (R.SameAs >= 0 && S.BB->number() >= R.First->number() &&
          S.BB->number() < R.End->number())
        Us += A.Cost.total(S);
  return Us;
}

/// Bytes of stack that the code behind the last region may use.
unsigned RegionOutliner::bytesOfRest() const {
  if (!RestLiveIn.empty() &&
      any_of(RestLiveIn, [](const LiveValue &V) { return V.IsSlot; }))
    return A.Stack.ownBytes(F);
  for (BasicBlock *BB = Regions.back().End; BB; BB = BB->next())
    for (Insn &I : *BB)
      if ((I.reads() & regBit(RegFp)) || (isCall(I.kind())))
        return A.Stack.ownBytes(F);
  return 0;
}

std::string RegionOutliner::whyNot() {
  if (Ctx.TheGoal == Goal::Run)
    return "calls would slow it down";
  for (unsigned N : A.Graph.programsWith(F))
    if (std::string Why = whyNoSubprogram(A.Graph.loadedPrograms()[N]);
        !Why.empty())
      return Why;
  if (!findRegions())
    return "no stretch of it stands for itself";
  if (Regions.size() < 2)
    return "only one stretch of it stands for itself";
  const KernelLimits &Limits = Ctx.Profile.limits();
  if (!A.Stack.isKnown(F) ||
      A.Stack.rounded(bytesOfRest()) + A.Stack.bytesBelow(F) >
          Limits.StackBytes ||
      A.Stack.framesBelow(F) + 1 > Limits.CallFrames)
    return "no room on the stack for one more frame";
  findSame();
  unsigned Largest = 0, Parts = 0;
  for (const Region &R : Regions) {
    Largest = std::max(Largest, R.Slots);
    Parts += R.SameAs < 0;
  }
  for (unsigned N : A.Graph.programsWith(F))
    if (A.Graph.loadedPrograms()[N].Functions.size() + Parts > Limits.Subprogs)
      return "its parts would be more functions than the kernel allows";
  double LiveStackUs = 0;
  unsigned Slots = A.Graph.facts(F).Slots;
  if (Ctx.Profile.features().LiveStackPass)
    LiveStackUs =
        LiveStack(A.Kinds, F).runs({}, {}) *
        Model.staticCallSiteUs(CalleeStack::ReadsCaller, Slots - Largest);
  double PatchUs = duplicatePatchUs();
  double AddedUs = Parts * FunctionUs +
                   Regions.size() * Model.staticCallUs(CalleeStack::Own);
  GainUs = LiveStackUs + PatchUs - AddedUs;
  Gain = formatv("{0} stretches in {1} functions: {2:F1} us of live-stack runs "
                 "and {3:F1} us of patching saved, {4:F1} us added",
                 Regions.size(), Parts, LiveStackUs, PatchUs, AddedUs)
             .str();
  bool FewerPatches = PatchUs > 0 && Ctx.TheGoal == Goal::Patches;
  return FewerPatches || GainUs > AddedUs ? "" : Gain;
}

/// Gives the first instruction of \p BB a line record of its own, as the
/// block before it goes away.
void RegionOutliner::pinLine(BasicBlock &BB) {
  Insn &First = *BB.front();
  if (First.line())
    return;
  for (BasicBlock *Before = BB.prev(); Before; Before = Before->prev())
    for (Insn *I = Before->back(); I; I = I->prev())
      if (const LineRecord *L = I->line()) {
        B.attach(First, *L);
        return;
      }
}

/// Emits what puts \p Values into their places. \p Context holds the context;
/// it is overwritten last.
void RegionOutliner::compute(const std::vector<LiveValue> &Values,
                             unsigned Context) {
  auto set = [&](unsigned Reg, const RegValue &V) {
    if (V.is(ValueKind::Context)) {
      if (Reg != Context)
        B.movReg(Reg, Context);
    } else if (V.is(ValueKind::Stack)) {
      B.movReg(Reg, RegFp);
      if (V.offset())
        B.aluImm(AluAdd, Reg, V.offset());
    } else {
      B.movImm(Reg, int32_t(V.constant()));
    }
  };
  for (const LiveValue &L : Values)
    if (L.IsSlot) {
      if (L.Value.is(ValueKind::Context)) {
        B.store(RegFp, L.Place, Context, 8);
      } else {
        set(0, L.Value);
        B.store(RegFp, L.Place, 0, 8);
      }
    }
  for (bool Last : {false, true})
    for (const LiveValue &L : Values)
      if (!L.IsSlot && (unsigned(L.Place) == Context) == Last)
        set(L.Place, L.Value);
}

Function &RegionOutliner::makePart(Region &R, unsigned Number) {
  Signature Sig;
  Sig.Params = {{"ctx", ParamType::Pointer}};
  Function &Part = Ctx.Prog.createSubprogram(
      F.name() + "_part_" + std::to_string(Number), std::move(Sig));
  Part.setOriginalStart(F.originalStart());
  BasicBlock &Start = B.createBlock(Part);
  B.moveBlocks(*R.First, R.End, Part);
  BasicBlock &Leave = B.createBlock(Part);
  B.setInsertPoint(Leave);
  B.movImm(0, 0);
  B.exit();
  for (BasicBlock &BB : Part)
    if (Insn *I = BB.back(); I && isBranch(I->kind()) && I->target() == R.End)
      I->setTarget(&Leave);
  B.setInsertPoint(Start);
  compute(R.LiveIn, 1);
  if (Start.empty())
    B.erase(Start);
  else if (const LineRecord *L = R.First->front()->line())
    B.attach(*Start.front(), *L);
  return Part;
}

void RegionOutliner::apply() {
  for (Region &R : Regions)
    pinLine(*R.End);
  std::vector<LineRecord> Lines;
  for (Region &R : Regions)
    if (const LineRecord *L = R.First->front()->line())
      Lines.push_back(*L);

  std::vector<Function *> Parts;
  unsigned Number = 0;
  for (Region &R : Regions) {
    if (R.SameAs < 0) {
      Parts.push_back(&makePart(R, Number++));
      unsigned Copies = 1 + count_if(Regions, [&](const Region &Other) {
                          return Other.SameAs == int(&R - Regions.data());
                        });
      Ctx.recordMove(*Parts.back(), F, Copies);
      continue;
    }
    Parts.push_back(Parts[R.SameAs]);
    for (BasicBlock *BB = R.First; BB != R.End;) {
      BasicBlock *Next = BB->next();
      B.erase(*BB);
      BB = Next;
    }
  }
  BasicBlock &Calls = B.createEntryBlock(F);
  B.setInsertPoint(Calls);
  B.movReg(ContextReg, 1);
  for (unsigned I = 0; I < Parts.size(); ++I) {
    Insn *First = I ? B.movReg(1, ContextReg) : Calls.front();
    if (I < Lines.size())
      B.attach(*First, Lines[I]);
    B.call(*Parts[I]);
  }
  compute(RestLiveIn, ContextReg);
}

bool RegionOutliner::run() {
  const Insn &First = *F.entry().front();
  std::string What =
      "function of " + std::to_string(A.Graph.facts(F).Slots) + " instructions";
  if (std::string Why = whyNot(); !Why.empty()) {
    Ctx.refuse(PassName, F, First, What, Why, GainUs);
    return false;
  }
  Ctx.take(PassName, F, First, What, Gain, GainUs);
  apply();
  return true;
}

} // namespace

bool runOutlineRegions(LoweringContext &Ctx) {
  bool Changed = false;
  std::vector<Function *> Large;
  CallGraph &Graph = Ctx.analyses().Graph;
  for (Function *F : Graph.functions())
    if (F->isEntry() && !F->isOpaque() && Graph.facts(*F).Slots >= MinFunction)
      Large.push_back(F);
  for (Function *F : Large)
    if (RegionOutliner(Ctx, *F).run()) {
      Changed = true;
      Ctx.invalidate();
    }
  return Changed;
}

} // namespace prepatch
