//===- DecisionsDescribe.cpp - From chosen no-ops to a decisions file ----===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Widening/DecisionsMap.h"
#include "Widening/DecisionsVars.h"

using namespace llvm;

namespace prepatch {

std::string toString(const Widening &What) {
  return "forget " + toString(What.Where) + " by " + formName(What.How);
}

static FunctionDecisions describe(Function &F, const Object &Obj,
                                  DecisionsVars &Vars,
                                  MutableArrayRef<ChosenWidening> Chosen) {
  FunctionDecisions D;
  D.Name = F.name();
  DecisionsMap Map(F, Obj.Types ? &*Obj.Types : nullptr,
                   Obj.Elf.Endian == endianness::big);
  llvm::sort(Chosen, [](const ChosenWidening &A, const ChosenWidening &B) {
    return std::tuple(A.Index, A.Where, A.How) <
           std::tuple(B.Index, B.Where, B.How);
  });
  unsigned Last = DecisionsMap::NoPoint;
  for (const ChosenWidening &C : Chosen) {
    unsigned P = Map.find(C.Index);
    assert(P != DecisionsMap::NoPoint && "chosen at no instruction");
    if (P == DecisionsMap::NoPoint)
      continue;
    if (P != Last)
      D.Places.push_back({0, Map.describe(P), {}, false});
    Last = P;
    ForgetDecision &Forget = D.Places.back().Forget.emplace_back();
    Forget.Hint = C.Where;
    Forget.How = C.How;
    Forget.Value = Map.valueAt(P, C.Where);
    auto Names = Vars.namesAt(F, C.Index, C.Where);
    if (!Names.empty())
      Forget.Value.Variable = Names.back().str();
  }
  return D;
}

DecisionsFile describeDecisions(const Object &Obj,
                                ArrayRef<ChosenWidening> Chosen) {
  DecisionsFile File;
  DecisionsVars Vars(Obj);
  DenseMap<const Function *, std::vector<ChosenWidening>> ByFunction;
  for (const ChosenWidening &C : Chosen)
    ByFunction[C.F].push_back(C);
  for (const CodeSection &S : Obj.Prog.Sections)
    for (const Function &F : S.Functions) {
      auto It = ByFunction.find(&F);
      if (It == ByFunction.end())
        continue;
      File.Functions.push_back(
          describe(*It->second.front().F, Obj, Vars, It->second));
    }
  return File;
}

void describeLoops(DecisionsFile &File, const Object &Obj,
                   ArrayRef<std::pair<Function *, uint32_t>> Heads) {
  std::vector<FunctionDecisions> Merged;
  std::vector<FunctionDecisions> Known = std::exchange(File.Functions, {});
  auto Next = Known.begin();
  for (const CodeSection &S : Obj.Prog.Sections)
    for (const Function &F : S.Functions) {
      FunctionDecisions D;
      D.Name = F.name();
      for (auto [Where, Index] : Heads) {
        if (Where != &F)
          continue;
        DecisionsMap Map(*Where, Obj.Types ? &*Obj.Types : nullptr,
                         Obj.Elf.Endian == endianness::big);
        unsigned P = Map.find(Index);
        if (P == DecisionsMap::NoPoint)
          continue;
        D.Places.push_back({0, Map.describe(P), {}, true});
      }
      if (Next != Known.end() && Next->Name == D.Name) {
        llvm::append_range(D.Places, Next->Places);
        ++Next;
      }
      if (!D.Places.empty())
        Merged.push_back(std::move(D));
    }
  File.Functions = std::move(Merged);
}

} // namespace prepatch
