//===- SiteCost.cpp - What a site costs where it is ----------------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Analysis/SiteCost.h"

namespace prepatch {

SiteCost::SiteCost(const PatchSites &Sites, const KernelProfile &Profile)
    : Sites(Sites), Graph(Sites.graph()), Model(Profile.costModel()) {}

double SiteCost::inProgram(const PatchSite &S, const LoadedProgram &L) const {
  int Grows = Sites.growthIn(S, L);
  if (Grows == 0)
    return 0;
  uint64_t Place = L.Slots; // what is appended stands at the end
  if (S.Kind != SiteKind::Throw)
    Place = Graph.startIn(L, *S.Fn).value_or(0) + S.Slot;
  return Grows < 0
             ? Model.deletionUs(L.Slots, Place)
             : Model.growthUs(L.Slots, Place, unsigned(Grows), L.LineRecords);
}

double SiteCost::total(const PatchSite &S) const {
  double Sum = 0;
  for (unsigned L : Graph.programsWith(*S.Fn))
    Sum += inProgram(S, Graph.loadedPrograms()[L]);
  return Sum;
}

double SiteCost::growthAt(const Function &F, unsigned Slot,
                          unsigned Grows) const {
  double Sum = 0;
  for (unsigned N : Graph.programsWith(F)) {
    const LoadedProgram &L = Graph.loadedPrograms()[N];
    Sum += Model.growthUs(L.Slots, Graph.startIn(L, F).value_or(0) + Slot,
                          Grows, L.LineRecords);
  }
  return Sum;
}

double SiteCost::growthAtEnd(const Function &F, unsigned Grows) const {
  double Sum = 0;
  for (unsigned N : Graph.programsWith(F)) {
    const LoadedProgram &L = Graph.loadedPrograms()[N];
    Sum += Model.growthUs(L.Slots, L.Slots, Grows, L.LineRecords);
  }
  return Sum;
}

double SiteCost::program(const LoadedProgram &L) const {
  double Sum = 0;
  for (Function *F : L.Functions)
    for (const PatchSite &S : Sites.sites(*F))
      Sum += inProgram(S, L);
  return Sum;
}

} // namespace prepatch
