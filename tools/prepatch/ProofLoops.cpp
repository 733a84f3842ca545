//===- ProofLoops.cpp - The may_goto that a proof lets through -----------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Functions are aligned twice: with a may_goto where it would be proved, and
// if they are not the same then, with one anywhere, to name what is wrong.
// Where they stand is a guess in both; insertMayGoto and the comparison after
// it decide.
//===----------------------------------------------------------------------===//

#include "ProofLoops.h"
#include "Lowering/MayGoto.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/STLExtras.h"

using namespace llvm;

namespace prepatch {

static size_t countMayGotos(Function &F) {
  size_t N = 0;
  for (const BasicBlock &BB : F)
    N += BB.back() && BB.back()->kind() == InsnKind::MayGoto;
  return N;
}

static std::string lineOf(Object &Obj, Function &F, const Insn &At) {
  const LineRecord *Last = nullptr;
  for (BasicBlock &BB : F)
    for (Insn &I : BB) {
      if (const LineRecord *L = I.line())
        Last = L;
      if (&I == &At)
        return Last ? Obj.describeLine(*Last) : "";
    }
  return "";
}

namespace {

class LoopProver {
public:
  LoopProver(Object &Before, const KernelProfile &Profile)
      : Before(Before), A(Before.Prog, Profile),
        W(Before.Prog, A.Graph, A.Live, A.Kinds, A.Stack, Profile) {}

  /// The loops of \p F that have a may_goto in \p Changed. False: one cannot
  /// be proved.
  bool add(Function &F, Function &Changed);

  std::vector<CountedLoop> Taken; ///< in layout order of their branches
  std::optional<ProofDifference> Difference;

private:
  bool refuse(Function &F, const Insn &At, std::string What) {
    Difference =
        ProofDifference{F.name(), At.originalIndex() - F.originalStart(),
                        lineOf(Before, F, At), std::move(What)};
    return false;
  }

  Object &Before;
  Analyses A;
  Widener W;
};

} // namespace

bool LoopProver::add(Function &F, Function &Changed) {
  std::vector<CountedLoop> Loops = findCountedLoops(F, A, MayGotoRounds);
  auto loopOf = [&](const Insn &I) {
    return find_if(Loops, [&](const CountedLoop &L) { return L.Branch == &I; });
  };
  ExtraMayGotos Extra =
      findExtraMayGotos(Before, W, F, Changed, [&](const Insn &I) {
        auto L = loopOf(I);
        return L != Loops.end() && whyNoMayGoto(*L, A).empty();
      });
  if (!Extra.Whole)
    Extra = findExtraMayGotos(Before, W, F, Changed,
                              [](const Insn &) { return true; });
  const Insn *Last = nullptr;
  for (const Insn *I : Extra.Behind) {
    auto L = loopOf(*I);
    if (L == Loops.end())
      return refuse(F, *I,
                    "found a may_goto, expected it only before the branch "
                    "that ends a counted loop");
    if (std::string Why = whyNoMayGoto(*L, A); !Why.empty())
      return refuse(F, *I, "found a may_goto that may jump: " + Why);
    if (I == Last)
      return refuse(F, *I, "found a second may_goto for the same loop");
    Last = I;
    Taken.push_back(*L);
  }
  return true;
}

/// insertMayGoto sums up by functions, and names the one that has too many.
static ProofDifference tooMany(ArrayRef<CountedLoop> Loops, Error E) {
  ProofDifference D;
  D.What = toString(std::move(E));
  for (const CountedLoop &L : Loops) {
    std::string Prefix = "function '" + L.F->name() + "': ";
    StringRef Rest = D.What;
    if (!Rest.consume_front(Prefix))
      continue;
    D.Function = L.F->name();
    D.What = "found may_goto that may jump: " + Rest.str();
    break;
  }
  return D;
}

ProofLoops addProvenMayGotos(Object &Before, Object &After,
                             const KernelProfile &Profile) {
  ProofLoops Result;
  // What does not match by name is told by the comparison.
  MapVector<Function *, Function *> More;
  for (auto [A, B] : zip(Before.Prog.Sections, After.Prog.Sections))
    for (auto [FA, FB] : zip(A.Functions, B.Functions))
      if (FA.name() == FB.name() && !FA.isOpaque() && !FB.isOpaque() &&
          countMayGotos(FB) > countMayGotos(FA))
        More[&FA] = &FB;
  if (More.empty() || Before.Elf.Endian != After.Elf.Endian)
    return Result;
  LoopProver Prover(Before, Profile);
  for (auto [F, Changed] : More)
    if (!Prover.add(*F, *Changed)) {
      Result.Difference = std::move(Prover.Difference);
      return Result;
    }
  for (const CountedLoop &L : Prover.Taken)
    Result.Rounds.push_back(L.TotalRounds);
  if (Error E = insertMayGoto(Before.Prog, Prover.Taken))
    Result.Difference = tooMany(Prover.Taken, std::move(E));
  return Result;
}

} // namespace prepatch
