//===- OpenVariant.cpp - A variant of an object, open on all kernels -----===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Tune/OpenVariant.h"
#include "llvm/ADT/EquivalenceClasses.h"

using namespace llvm;

namespace prepatch {

ProgramGroups::ProgramGroups(ArrayRef<SessionProgram> Programs) {
  EquivalenceClasses<size_t> Classes;
  std::map<std::string, size_t> FirstWith;
  for (size_t P = 0; P != Programs.size(); ++P) {
    Classes.insert(P);
    for (const LoadedFunction &F : Programs[P].Functions) {
      auto [It, New] = FirstWith.try_emplace(F.Name, P);
      if (!New)
        Classes.unionSets(It->second, P);
    }
  }
  std::map<size_t, unsigned> Numbers;
  for (size_t P = 0; P != Programs.size(); ++P)
    ByProgram[Programs[P].Name] =
        Numbers.try_emplace(Classes.getLeaderValue(P), Numbers.size())
            .first->second;
  Count = unsigned(Numbers.size());
  for (auto &[Name, P] : FirstWith)
    ByFunction[Name] = ByProgram[Programs[P].Name];
}

unsigned ProgramGroups::ofProgram(StringRef Name) const {
  auto It = ByProgram.find(Name.str());
  return It == ByProgram.end() ? Count : It->second;
}

unsigned ProgramGroups::ofFunction(StringRef Name) const {
  auto It = ByFunction.find(Name.str());
  return It == ByFunction.end() ? Count : It->second;
}

void Standing::add(ArrayRef<Outcome> Before, ArrayRef<Outcome> After) {
  bool IsBroken = false, IsWorse = false;
  for (size_t K = 0; K != Before.size(); ++K) {
    if (!Before[K].Loads)
      continue;
    IsBroken |= !After[K].Loads;
    IsWorse |= After[K].Verified * 100 > Before[K].Verified * 101;
  }
  Broken += IsBroken;
  Worse += IsWorse;
  Refused += !After[0].Loads;
  Sum += After[0].Verified;
}

bool Standing::isClearlyBetterThan(const Standing &Other) const {
  if (Broken || Worse)
    return false;
  if (Refused != Other.Refused)
    return Refused < Other.Refused;
  return Sum * 100 <= Other.Sum * 97;
}

} // namespace prepatch
