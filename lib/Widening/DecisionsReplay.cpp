//===- DecisionsReplay.cpp - Decisions found again in a program ----------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A no-op at a wrong place computes nothing wrong, but it can make a kernel
// refuse the program, and there is none here to ask. So the less sure a place
// is, the better must the value fit; and nothing is taken that fits nowhere or
// at two places equally.
//===----------------------------------------------------------------------===//

#include "Widening/DecisionsValues.h"
#include "llvm/ADT/STLExtras.h"

using namespace llvm;

namespace prepatch {

namespace {

/// Replays the decisions on one function.
class FunctionReplay {
public:
  FunctionReplay(Replay &R, Function &F, const DecisionsMap &Map,
                 const Widener &W, const RegKinds &Kinds, DecisionsVars &Vars)
      : R(R), F(F), Map(Map), W(W), Kinds(Kinds), Vars(Vars) {}

  void run(const FunctionDecisions &D);

private:
  void replay(const PlaceDecisions &P, const FoundPlace &At);

  Replay &R;
  Function &F;
  const DecisionsMap &Map;
  const Widener &W;
  const RegKinds &Kinds;
  DecisionsVars &Vars;
};

} // namespace

static std::string lineOf(const Place &P) {
  if (!P.hasLine())
    return "";
  return P.File + ":" + std::to_string(P.Line) +
         (P.Text.empty() ? "" : ": " + P.Text);
}

static void addMisfits(Replay &R, const std::string &Function,
                       const PlaceDecisions &P, const std::string &Reason) {
  for (const ForgetDecision &D : P.Forget)
    R.Misfits.push_back({D.LineNo, Function, lineOf(P.Where),
                         toString(Widening{D.Hint, D.How}), Reason});
}

void FunctionReplay::replay(const PlaceDecisions &P, const FoundPlace &At) {
  int64_t Shift = P.Where.hasLine() && Map.hasLines()
                      ? int64_t(Map.sourceLine(At.Point)) - P.Where.Line
                      : 0;
  ValueFinder Values(Map, W, Kinds, Vars, At, Shift);
  for (const ForgetDecision &D : P.Forget) {
    std::string Note;
    auto Found = Values.find(D, Note);
    if (!Found)
      R.Misfits.push_back({D.LineNo, F.name(), lineOf(P.Where),
                           toString(Widening{D.Hint, D.How}), Note});
    else if (is_contained(Map.noOpsBefore(At.Point), *Found))
      ++R.AlreadyThere;
    else
      R.Take.push_back({D.LineNo, &F, &Map.insn(At.Point), *Found, Note});
  }
}

/// The places of \p Wanted, in its order.
static std::vector<FoundPlace>
findPlaces(const DecisionsMap &Map, ArrayRef<const PlaceDecisions *> Wanted) {
  PlaceFinder Places(Map);
  // What is as it was goes first, so that nothing else takes its place.
  std::vector<FoundPlace> Found(Wanted.size());
  for (size_t N = 0; N < Wanted.size(); ++N) {
    Found[N] = Places.findExact(Wanted[N]->Where);
    if (Found[N].Point != DecisionsMap::NoPoint)
      Places.take(Found[N].Point);
  }
  // A guess goes last for the same reason.
  for (Certainty Least : {Certainty::Likely, Certainty::Guess})
    for (size_t N = 0; N < Wanted.size(); ++N) {
      if (Found[N].Point != DecisionsMap::NoPoint)
        continue;
      FoundPlace Similar = Places.findSimilar(Wanted[N]->Where);
      if (Similar.How > Least)
        continue;
      Found[N] = Similar;
      if (Similar.Point != DecisionsMap::NoPoint)
        Places.take(Similar.Point);
    }
  return Found;
}

/// Those of \p D that are of the kind asked for.
static SmallVector<const PlaceDecisions *> placesOf(const FunctionDecisions &D,
                                                    bool MayGoto) {
  SmallVector<const PlaceDecisions *> Places;
  for (const PlaceDecisions &P : D.Places)
    if (MayGoto ? P.MayGoto : !P.Forget.empty())
      Places.push_back(&P);
  return Places;
}

void FunctionReplay::run(const FunctionDecisions &D) {
  auto Wanted = placesOf(D, /*MayGoto=*/false);
  std::vector<FoundPlace> Found = findPlaces(Map, Wanted);
  for (size_t N = 0; N < Wanted.size(); ++N) {
    if (Found[N].Point == DecisionsMap::NoPoint)
      addMisfits(R, F.name(), *Wanted[N], Found[N].Note);
    else
      replay(*Wanted[N], Found[N]);
  }
}

namespace {
/// Static functions of several files may share a name: the n-th description is
/// of the n-th function.
class FunctionFinder {
public:
  explicit FunctionFinder(Program &P) {
    for (CodeSection &S : P.Sections)
      for (Function &F : S.Functions)
        ByName[F.name()].push_back(&F);
  }
  /// The function of the next description of that name, or why there is none.
  Function *next(StringRef Name, std::string &Why) {
    unsigned Number = Seen[Name]++;
    auto It = ByName.find(Name);
    Function *F = It == ByName.end() || Number >= It->second.size()
                      ? nullptr
                      : It->second[Number];
    if (!F)
      Why = "there is no function of that name";
    else if (F->isOpaque())
      Why = "the function is left as it is: " + F->opaqueReason();
    return F;
  }

private:
  StringMap<SmallVector<Function *, 1>> ByName;
  StringMap<unsigned> Seen;
};
} // namespace

LoopReplay resolveLoops(const DecisionsFile &File, Object &Obj) {
  LoopReplay R;
  FunctionFinder Functions(Obj.Prog);
  for (const FunctionDecisions &D : File.Functions) {
    std::string Why;
    Function *F = Functions.next(D.Name, Why);
    auto Wanted = placesOf(D, /*MayGoto=*/true);
    if (Wanted.empty())
      continue;
    std::vector<FoundPlace> Found(Wanted.size());
    std::optional<DecisionsMap> Map;
    if (Why.empty()) {
      Map.emplace(*F, Obj.Types ? &*Obj.Types : nullptr,
                  Obj.Elf.Endian == endianness::big);
      Found = findPlaces(*Map, Wanted);
    }
    for (size_t N = 0; N < Wanted.size(); ++N) {
      bool Is = Found[N].Point != DecisionsMap::NoPoint;
      R.Loops.push_back(
          {Wanted[N]->LineNo, F, Is ? &Map->insn(Found[N].Point) : nullptr,
           lineOf(Wanted[N]->Where), Why.empty() ? Found[N].Note : Why});
    }
  }
  return R;
}

Replay resolveDecisions(const DecisionsFile &File, Object &Obj,
                        const Widener &W, const RegKinds &Kinds) {
  Replay R;
  DecisionsVars Vars(Obj);
  FunctionFinder Functions(Obj.Prog);
  for (const FunctionDecisions &D : File.Functions) {
    std::string Why;
    Function *F = Functions.next(D.Name, Why);
    if (Why.empty() && !Kinds.isAnalysed(*F))
      Why = "nothing reaches the function";
    if (!Why.empty()) {
      for (const PlaceDecisions &P : D.Places)
        addMisfits(R, D.Name, P, Why);
      continue;
    }
    DecisionsMap Map(*F, Obj.Types ? &*Obj.Types : nullptr,
                     Obj.Elf.Endian == endianness::big);
    FunctionReplay(R, *F, Map, W, Kinds, Vars).run(D);
  }
  return R;
}

bool applyReplay(Replay &R, Widener &W) {
  // Code is made for a place as a whole.
  MapVector<Insn *, SmallVector<Widening, 4>> ByPlace;
  for (const Replay::Applied &A : R.Take)
    ByPlace[A.At].push_back(A.What);
  bool Changed = false;
  for (auto &[I, What] : ByPlace) {
    SmallVector<Widening, 4> Refused;
    auto Code = W.code(*I, What, &Refused);
    for (const Widening &No : Refused)
      llvm::erase_if(R.Take, [&, I = I](const Replay::Applied &A) {
        if (A.At != I || A.What != No)
          return false;
        R.Misfits.push_back({A.LineNo, A.F->name(), "", toString(A.What),
                             "no dead register or free stack slot for it "
                             "beside the others of the place"});
        return true;
      });
    if (Code.empty())
      continue;
    W.insert(*I, Code);
    Changed = true;
  }
  return Changed;
}

} // namespace prepatch
