//===- PatchSites.h - What the kernel will patch -------------------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Every instruction that changes the length of the program after verification
// on the profiled kernel: what grows and what is deleted. A site belongs to a
// function; the kernel patches it once in each loaded program that holds the
// function, and how much it grows there may depend on the program's type.
// Rewrites that keep the length are no sites.
//===----------------------------------------------------------------------===//
#ifndef PREPATCH_ANALYSIS_PATCHSITES_H
#define PREPATCH_ANALYSIS_PATCHSITES_H

#include "Analysis/RegKinds.h"

namespace prepatch {

enum class SiteKind : uint8_t {
#define PREPATCH_SITE_KIND(ID, NAME, TEXT) ID,
#include "Analysis/SiteKinds.def"
};
inline constexpr unsigned NumSiteKinds =
#define PREPATCH_SITE_KIND(ID, NAME, TEXT) 1 +
#include "Analysis/SiteKinds.def"
    0;

/// "context-read".
llvm::StringRef siteKindName(SiteKind K);
/// "load of a context field".
llvm::StringRef siteKindText(SiteKind K);

struct PatchSite {
  Function *Fn = nullptr;
  BasicBlock *BB = nullptr;
  Insn *I = nullptr; ///< of a deleted run: its first instruction
  SiteKind Kind = SiteKind::Helper;
  /// Slots added, or taken away if negative: the most of any program that
  /// loads it; see PatchSites::growthIn.
  int Grows = 0;
  unsigned Slot = 0; ///< from the start of the function

  // What it is; only what belongs to the kind is set.
  uint32_t Helper = 0;         ///< helper id
  const Map *TheMap = nullptr; ///< map in the call, if it is one known map
  int32_t Offset = 0;          ///< of a context or socket access, bytes
  uint8_t Size = 0;            ///< of the access, bytes
  AccessKind Access = AccessKind::Read;
  bool DestIsBase = false; ///< loads into the pointer's own register
  SocketKind Socket = SocketKind::Sock;
  AluForm Alu;
  bool OneCallback = false, ZeroFlags = false, PercpuKptr = false;

  bool isDeletion() const { return Grows < 0; }
};

/// Sums over one loaded program.
struct PatchTotals {
  unsigned GrowthSites = 0; ///< growing rewrites
  unsigned Growth = 0;      ///< slots they add
  unsigned Deletions = 0;
  unsigned Removed = 0; ///< slots they take away
};

class PatchSites {
public:
  PatchSites(const RegKinds &Kinds, const KernelProfile &Profile);

  const CallGraph &graph() const { return Graph; }
  /// Sites of \p F in layout order; at one instruction what comes first in
  /// SiteKinds.def. Sites that belong to a whole program (Prologue, Throw)
  /// are those of the function at whose first instruction they are put.
  llvm::ArrayRef<PatchSite> sites(const Function &F) const {
    return ByFunction[Graph.indexOf(F)];
  }
  /// All sites, functions in the order of the graph.
  std::vector<PatchSite> all() const;

  /// What \p S adds in \p L, which holds its function; 0 if it is not patched
  /// there.
  int growthIn(const PatchSite &S, const LoadedProgram &L) const;
  PatchTotals totals(const LoadedProgram &L) const;

private:
  int growthOf(const PatchSite &S, const LoadedProgram &L) const;
  unsigned contextInsns(const PatchSite &S, const LoadedProgram &L) const;
  unsigned helperInsns(const PatchSite &S, const LoadedProgram &L) const;
  bool readsContextAt(const LoadedProgram &L, uint16_t Offset) const;

  const CallGraph &Graph;
  const KernelProfile &Profile;
  std::vector<std::vector<PatchSite>> ByFunction;
  /// For each function, the context offsets that it reads, sorted: some
  /// rewrites depend on what else the program reads.
  std::vector<std::vector<uint16_t>> ContextReads;
  std::vector<char> WritesPacket; ///< [function]
};

} // namespace prepatch

#endif
