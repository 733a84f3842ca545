//===- Structure.cpp - Global functions and loops with a may_goto --------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Tune/Structure.h"
#include "Lowering/Globalize.h"
#include "Lowering/MayGoto.h"
#include "llvm/ADT/MapVector.h"

using namespace llvm;

namespace prepatch {

/// Loops of fewer rounds are cheap enough as they are.
static constexpr uint64_t FewestRounds = 8;

bool isAtLeast(StringRef Release, unsigned Major, unsigned Minor) {
  unsigned M = 0, N = 0;
  if (Release.consumeInteger(10, M) || !Release.consume_front(".") ||
      Release.consumeInteger(10, N))
    return false;
  return M > Major || (M == Major && N >= Minor);
}

// --- Loops ------------------------------------------------------------------

/// The loop whose head \p I stands in.
static const CountedLoop *loopAt(ArrayRef<CountedLoop> Loops, const Insn &I) {
  for (const CountedLoop &L : Loops)
    for (const Insn &In : *L.Head)
      if (&In == &I)
        return &L;
  return nullptr;
}

/// Puts a may_goto into the loops that begin at \p Heads, instructions of the
/// function beside them. For each, why not; empty if it is done.
static std::vector<std::string>
addMayGotos(Program &P, Analyses &A,
            ArrayRef<std::pair<Function *, const Insn *>> Heads) {
  std::vector<std::string> Reasons(Heads.size());
  std::vector<CountedLoop> Taken;
  std::vector<size_t> TakenFor;
  MapVector<Function *, std::vector<CountedLoop>> Loops;
  DenseMap<Function *, uint64_t> Rounds;
  for (size_t N = 0; N != Heads.size(); ++N) {
    auto [F, I] = Heads[N];
    auto [It, New] = Loops.try_emplace(F);
    if (New)
      It->second = findCountedLoops(*F, A, MayGotoRounds);
    const CountedLoop *L = loopAt(It->second, *I);
    if (!L)
      Reasons[N] = "no loop begins there";
    else
      Reasons[N] = whyNoMayGoto(*L, A);
    if (!Reasons[N].empty())
      continue;
    if (Rounds[F] + L->TotalRounds > MayGotoRounds) {
      Reasons[N] = "too many rounds together with the loops before it";
      continue;
    }
    Rounds[F] += L->TotalRounds;
    Taken.push_back(*L);
    TakenFor.push_back(N);
  }
  if (Taken.empty())
    return Reasons;
  if (Error E = insertMayGoto(P, Taken)) {
    std::string Why = toString(std::move(E));
    for (size_t N : TakenFor)
      Reasons[N] = Why;
  }
  return Reasons;
}

std::vector<CodePlace> findMayGotoLoops(const Variant &V) {
  std::vector<CodePlace> Found;
  Analyses &A = V.analyses();
  uint32_t Number = 0;
  for (CodeSection &S : V.object().Prog.Sections)
    for (Function &F : S.Functions) {
      uint32_t Fn = Number++;
      // The search knows functions by their names.
      if (F.isOpaque() || V.model().findFunction(F.name()) != Fn ||
          !A.Kinds.isAnalysed(F))
        continue;
      uint64_t Sum = 0;
      for (const CountedLoop &L : findCountedLoops(F, A, MayGotoRounds)) {
        if (L.Rounds < FewestRounds || !whyNoMayGoto(L, A).empty() ||
            Sum + L.TotalRounds > MayGotoRounds)
          continue;
        Sum += L.TotalRounds;
        Found.push_back(
            {Fn, L.Head->front()->originalIndex() - F.originalStart()});
      }
    }
  sort(Found);
  return Found;
}

// --- Globals ----------------------------------------------------------------

/// Makes \p Functions global. For each, why not; empty if it is done.
static Expected<std::vector<std::string>>
makeGlobals(Object &Obj, Analyses &A, const KernelProfile &Profile,
            bool ArgumentTags, ArrayRef<Function *> Functions) {
  std::vector<std::string> Reasons(Functions.size());
  if (Functions.empty())
    return Reasons;
  GlobalizeOptions Options;
  Options.MinVisits = 0;
  Options.ArgumentTags = ArgumentTags;
  auto Candidates = findGlobalCandidates(
      Obj, A, VisitCounts::measured(A.Graph, {}), Profile, Options);
  for (size_t N = 0; N != Functions.size(); ++N) {
    auto C = find_if(Candidates, [&](const GlobalCandidate &C) {
      return C.F == Functions[N];
    });
    if (C == Candidates.end())
      Reasons[N] = "it is no static function";
    else if (!C->Refused.empty())
      Reasons[N] = C->Refused;
    else if (Error E = makeGlobal(Obj, *C))
      return std::move(E);
  }
  return Reasons;
}

// --- Variants ---------------------------------------------------------------

static std::vector<Function *> functionsOf(Program &P) {
  std::vector<Function *> All;
  for (CodeSection &S : P.Sections)
    for (Function &F : S.Functions)
      All.push_back(&F);
  return All;
}

static const Insn *findInsn(Function &F, uint32_t Index) {
  for (BasicBlock &BB : F)
    for (Insn &I : BB)
      if (!I.isInserted() && I.originalIndex() == F.originalStart() + Index)
        return &I;
  return nullptr;
}

static Error applyStructure(Object &Obj, const Structure &What,
                            const KernelProfile &Profile, bool ArgumentTags) {
  std::vector<Function *> All = functionsOf(Obj.Prog);
  std::vector<std::string> Reasons;
  if (!What.Loops.empty()) {
    Analyses A(Obj.Prog, Profile);
    std::vector<std::pair<Function *, const Insn *>> Heads;
    for (CodePlace At : What.Loops)
      Heads.push_back({All[At.Fn], findInsn(*All[At.Fn], At.Index)});
    Reasons = addMayGotos(Obj.Prog, A, Heads);
  }
  if (!What.Globals.empty()) {
    Analyses A(Obj.Prog, Profile);
    std::vector<Function *> Functions;
    for (uint32_t N : What.Globals)
      Functions.push_back(All[N]);
    auto More = makeGlobals(Obj, A, Profile, ArgumentTags, Functions);
    if (!More)
      return More.takeError();
    append_range(Reasons, *More);
  }
  for (const std::string &Why : Reasons)
    if (!Why.empty())
      return createStringError("cannot change the object: " + Why);
  return Error::success();
}

Expected<std::unique_ptr<Variant>> Variant::make(MemoryBufferRef Original,
                                                 const Structure &What,
                                                 const KernelProfile &Profile,
                                                 bool ArgumentTags) {
  std::unique_ptr<Variant> V(new Variant);
  V->What = What;
  MemoryBufferRef Buffer = Original;
  std::vector<std::string> Notes;
  if (!What.empty()) {
    auto Obj = Object::read(Original);
    if (!Obj)
      return Obj.takeError();
    if (Error E = applyStructure(**Obj, What, Profile, ArgumentTags))
      return std::move(E);
    std::string Bytes;
    raw_string_ostream OS(Bytes);
    if (Error E = (*Obj)->write(OS, /*Changed=*/true))
      return std::move(E);
    Notes = std::move((*Obj)->Notes);
    V->Owned =
        MemoryBuffer::getMemBufferCopy(Bytes, Original.getBufferIdentifier());
    Buffer = V->Owned->getMemBufferRef();
  }
  V->Bytes = Buffer.getBuffer();
  auto Obj = Object::read(Buffer);
  if (!Obj)
    return Obj.takeError();
  V->Obj = std::move(*Obj);
  V->Obj->Notes.insert(V->Obj->Notes.begin(), Notes.begin(), Notes.end());
  if (V->Obj->isFrozen())
    return createStringError("a variant of the object is not understood: " +
                             V->Obj->FrozenReason);
  Program &P = V->Obj->Prog;
  V->Known = std::make_unique<Analyses>(P, Profile);
  Analyses &A = *V->Known;
  V->TheWidener =
      std::make_unique<Widener>(P, A.Graph, A.Live, A.Kinds, A.Stack, Profile);
  V->Model = std::make_unique<ObjectModel>(P, *V->TheWidener);
  return std::move(V);
}

// --- Decisions --------------------------------------------------------------

void describeStructure(DecisionsFile &File, const Variant &Original,
                       const Structure &What) {
  for (uint32_t N : What.Globals)
    File.Globals.push_back({0, Original.model().function(N).name()});
  std::vector<std::pair<Function *, uint32_t>> Heads;
  for (CodePlace At : What.Loops)
    Heads.push_back({&Original.model().function(At.Fn), At.Index});
  describeLoops(File, Original.object(), Heads);
}

/// Without the may_goto the loops of the function seem endless once their
/// counters are forgotten: none of its no-ops is taken.
static void leaveOut(DecisionsFile &File, const std::string &Function,
                     StructureReplay &R) {
  for (FunctionDecisions &D : File.Functions) {
    if (D.Name != Function)
      continue;
    for (PlaceDecisions &P : D.Places) {
      for (const ForgetDecision &F : P.Forget)
        R.Misfits.push_back({F.LineNo, D.Name, "",
                             toString(Widening{F.Hint, F.How}),
                             "a may-goto of the function does not fit"});
      P.Forget.clear();
    }
  }
}

static void replayLoops(DecisionsFile &File, Object &Obj, Analyses &A,
                        const KernelProfile &Profile, StructureReplay &R) {
  std::vector<std::pair<Function *, const Insn *>> Heads;
  std::vector<LoopReplay::Found> Found;
  std::vector<std::string> Broken;
  auto Refuse = [&](const LoopReplay::Found &L, std::string Why) {
    std::string Name = L.F ? L.F->name() : "";
    // A function that is not there any more has its own misfits.
    R.Misfits.push_back({L.LineNo, Name, L.Place, "may-goto", std::move(Why)});
    if (!is_contained(Broken, Name))
      Broken.push_back(Name);
  };
  for (const LoopReplay::Found &L : resolveLoops(File, Obj).Loops) {
    if (L.F && A.Graph.facts(*L.F).HasMayGoto)
      ++R.AlreadyThere;
    else if (!L.Head)
      Refuse(L, L.Note);
    else if (!Profile.features().MayGoto)
      Refuse(L, "the kernel has no may_goto");
    else {
      Heads.push_back({L.F, L.Head});
      Found.push_back(L);
    }
  }
  std::vector<std::string> Reasons = addMayGotos(Obj.Prog, A, Heads);
  for (size_t N = 0; N != Found.size(); ++N) {
    if (Reasons[N].empty())
      R.Made.push_back({Found[N].LineNo, Found[N].F->name(), Found[N].Place,
                        "may-goto", Found[N].Note});
    else
      Refuse(Found[N], Reasons[N]);
  }
  for (const std::string &Name : Broken)
    leaveOut(File, Name, R);
}

static Error replayGlobals(const DecisionsFile &File, Object &Obj, Analyses &A,
                           const KernelProfile &Profile, StructureReplay &R) {
  std::vector<Function *> Functions;
  std::vector<const GlobalDecision *> Wanted;
  for (const GlobalDecision &G : File.Globals) {
    Function *F = Obj.Prog.findFunction(G.Name);
    if (F && F->isGlobal()) {
      ++R.AlreadyThere;
    } else if (F) {
      Functions.push_back(F);
      Wanted.push_back(&G);
    } else {
      R.Misfits.push_back({G.LineNo, G.Name, "", "global",
                           "there is no function of that name"});
    }
  }
  // As they were when the file was written.
  bool ArgumentTags = File.Kernels.empty()
                          ? knowsArgumentTags(Profile)
                          : all_of(File.Kernels, [](StringRef Release) {
                              return isAtLeast(Release, 6, 8);
                            });
  auto Reasons = makeGlobals(Obj, A, Profile, ArgumentTags, Functions);
  if (!Reasons)
    return Reasons.takeError();
  for (size_t N = 0; N != Wanted.size(); ++N) {
    if ((*Reasons)[N].empty())
      R.Made.push_back({Wanted[N]->LineNo, Wanted[N]->Name, "", "global", ""});
    else
      R.Misfits.push_back(
          {Wanted[N]->LineNo, Wanted[N]->Name, "", "global", (*Reasons)[N]});
  }
  return Error::success();
}

Expected<StructureReplay> replayStructure(DecisionsFile &File, Object &Obj,
                                          Analyses &A,
                                          const KernelProfile &Profile) {
  StructureReplay R;
  replayLoops(File, Obj, A, Profile, R);
  if (R.changed()) {
    Analyses Fresh(Obj.Prog, Profile);
    if (Error E = replayGlobals(File, Obj, Fresh, Profile, R))
      return std::move(E);
  } else if (Error E = replayGlobals(File, Obj, A, Profile, R)) {
    return std::move(E);
  }
  return std::move(R);
}

} // namespace prepatch
