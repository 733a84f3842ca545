//===- PatchSites.cpp - What the kernel will patch -----------------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Analysis/PatchSites.h"
#include "Analysis/SiteFinder.h"

using namespace llvm;

namespace prepatch {

StringRef siteKindName(SiteKind K) {
  switch (K) {
#define PREPATCH_SITE_KIND(ID, NAME, TEXT)                                     \
  case SiteKind::ID:                                                           \
    return NAME;
#include "Analysis/SiteKinds.def"
  }
  return "";
}

StringRef siteKindText(SiteKind K) {
  switch (K) {
#define PREPATCH_SITE_KIND(ID, NAME, TEXT)                                     \
  case SiteKind::ID:                                                           \
    return TEXT;
#include "Analysis/SiteKinds.def"
  }
  return "";
}

PatchSites::PatchSites(const RegKinds &Kinds, const KernelProfile &Profile)
    : Graph(Kinds.graph()), Profile(Profile) {
  ArrayRef<Function *> Functions = Graph.functions();
  ByFunction.resize(Functions.size());
  ContextReads.resize(Functions.size());
  WritesPacket.resize(Functions.size());
  for (unsigned N = 0; N < Functions.size(); ++N) {
    if (Graph.programsWith(*Functions[N]).empty() || Functions[N]->isOpaque())
      continue;
    SiteFinder Finder(Kinds, Profile, *Functions[N]);
    Finder.run();
    ByFunction[N] = std::move(Finder.Sites);
    ContextReads[N] = std::move(Finder.ContextReads);
    WritesPacket[N] = Finder.WritesPacket;
  }
  // How much a candidate grows may depend on what else its program does.
  for (std::vector<PatchSite> &Sites : ByFunction) {
    for (PatchSite &S : Sites) {
      if (S.isDeletion())
        continue;
      int Most = 0;
      for (unsigned L : Graph.programsWith(*S.Fn))
        Most = std::max(Most, growthOf(S, Graph.loadedPrograms()[L]));
      S.Grows = Most;
    }
    erase_if(Sites, [](const PatchSite &S) { return S.Grows == 0; });
    stable_sort(Sites, [](const PatchSite &A, const PatchSite &B) {
      return std::tie(A.Slot, A.Kind) < std::tie(B.Slot, B.Kind);
    });
  }
}

bool PatchSites::readsContextAt(const LoadedProgram &L, uint16_t Off) const {
  return any_of(L.Functions, [&](Function *F) {
    return binary_search(ContextReads[Graph.indexOf(*F)], Off);
  });
}

unsigned PatchSites::contextInsns(const PatchSite &S,
                                  const LoadedProgram &L) const {
  const ContextTable *Table = Profile.context(L.ProgType, L.AttachType);
  if (!Table || !Table->converts())
    return 1;
  auto Rewrite = Table->lookup(S.Offset, S.Size, S.Access);
  if (!Rewrite)
    return 1;
  if (Rewrite->AltTrigger >= 0 &&
      readsContextAt(L, uint16_t(Rewrite->AltTrigger)))
    return Rewrite->AltInsns;
  return Rewrite->insns(S.DestIsBase);
}

unsigned PatchSites::helperInsns(const PatchSite &S,
                                 const LoadedProgram &L) const {
  HelperCall Call;
  Call.Id = S.Helper;
  Call.ProgType = L.ProgType;
  Call.AttachType = L.AttachType;
  if (S.TheMap) {
    Call.MapType = S.TheMap->Type;
    Call.MapFlags = S.TheMap->Flags;
  }
  Call.OneCallback = S.OneCallback;
  Call.ZeroFlags = S.ZeroFlags;
  Call.PercpuKptr = S.PercpuKptr;
  return Profile.helperInsns(Call);
}

int PatchSites::growthOf(const PatchSite &S, const LoadedProgram &L) const {
  switch (S.Kind) {
  case SiteKind::ContextRead:
  case SiteKind::ContextWrite:
    return int(contextInsns(S, L)) - 1;
  case SiteKind::SocketRead:
  case SiteKind::SocketWrite: {
    auto Rewrite = Profile.socket(S.Socket).lookup(S.Offset, S.Size, S.Access);
    return Rewrite ? int(Rewrite->growth(S.DestIsBase)) : 0;
  }
  case SiteKind::MapLookup:
  case SiteKind::Helper:
  case SiteKind::BpfLoop:
    return int(helperInsns(S, L)) - 1;
  case SiteKind::Prologue:
    // Found in every entry function; only in its own program it stands first.
    if (L.Entry == S.Fn && any_of(L.Functions, [&](Function *F) {
          return WritesPacket[Graph.indexOf(*F)];
        }))
      return int(Profile.directWritePrologue(L.ProgType));
    return 0;
  case SiteKind::Throw:
    return L.Entry == S.Fn && L.HasThrow ? Profile.misc().ThrowAdds : 0;
  default:
    return S.Grows;
  }
}

int PatchSites::growthIn(const PatchSite &S, const LoadedProgram &L) const {
  // What the kernel does only once, or does everywhere the same.
  if (Graph.programsWith(*S.Fn).size() == 1 || S.isDeletion())
    return S.Grows;
  return growthOf(S, L);
}

std::vector<PatchSite> PatchSites::all() const {
  std::vector<PatchSite> Result;
  for (const std::vector<PatchSite> &Sites : ByFunction)
    Result.insert(Result.end(), Sites.begin(), Sites.end());
  return Result;
}

PatchTotals PatchSites::totals(const LoadedProgram &L) const {
  PatchTotals T;
  for (Function *F : L.Functions)
    for (const PatchSite &S : sites(*F)) {
      int Grows = growthIn(S, L);
      if (Grows > 0) {
        ++T.GrowthSites;
        T.Growth += unsigned(Grows);
      } else if (Grows < 0) {
        ++T.Deletions;
        T.Removed += unsigned(-Grows);
      }
    }
  return T;
}

} // namespace prepatch
