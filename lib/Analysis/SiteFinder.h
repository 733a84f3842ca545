//===- SiteFinder.h - The candidates of one function ---------------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Internal to PatchSites. What a candidate grows by in a loaded program is
// decided later, where that depends on the program.
//===----------------------------------------------------------------------===//
#ifndef PREPATCH_ANALYSIS_SITEFINDER_H
#define PREPATCH_ANALYSIS_SITEFINDER_H

#include "Analysis/PatchSites.h"

namespace prepatch {

class SiteFinder {
public:
  SiteFinder(const RegKinds &Kinds, const KernelProfile &Profile, Function &F)
      : Kinds(Kinds), Profile(Profile), F(F) {}

  void run();

  std::vector<PatchSite> Sites;
  std::vector<uint16_t> ContextReads; ///< sorted
  bool WritesPacket = false;

private:
  PatchSite &add(SiteKind Kind, BasicBlock &BB, Insn &I, int Grows = 0);
  void visit(BasicBlock &BB, Insn &I, const RegState &S);
  void access(BasicBlock &BB, Insn &I, const RegValue &Base, AccessKind Kind);
  void helperCall(BasicBlock &BB, Insn &I, const RegState &S);
  void kfuncCall(BasicBlock &BB, Insn &I);
  void division(BasicBlock &BB, Insn &I);
  void findDeletions();
  void findZeroExtensions();
  void findWholeFunctionSites();

  const RegKinds &Kinds;
  const KernelProfile &Profile;
  Function &F;
  unsigned Slot = 0;
  /// By block: its first slot, and how many instructions of it are reached.
  std::vector<unsigned> StartSlot, Reached;
  struct Exchange {
    BasicBlock *BB;
    Insn *I;
    unsigned Slot;
  };
  std::vector<Exchange> Exchanges; ///< 32-bit compare-and-exchange
  bool HasMayGoto = false;
};

/// For each block of \p Flow whether r0 may be read as 64 bits from its
/// beginning on before it is written.
std::vector<char> findWideReads(const Cfg &Flow);
/// The same right after \p I of \p BB.
bool isReadWideAfter(const Cfg &Flow, const std::vector<char> &WideIn,
                     const BasicBlock &BB, const Insn &I);

} // namespace prepatch

#endif
