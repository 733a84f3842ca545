//===- SiteCost.h - What a site costs where it is ------------------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Microseconds of load time by the profile's cost model, summed over the
// loaded programs that hold the site's function. Programs that are not loaded
// by default ('?') count as well.
//===----------------------------------------------------------------------===//
#ifndef PREPATCH_ANALYSIS_SITECOST_H
#define PREPATCH_ANALYSIS_SITECOST_H

#include "Analysis/PatchSites.h"

namespace prepatch {

class SiteCost {
public:
  SiteCost(const PatchSites &Sites, const KernelProfile &Profile);

  /// What the kernel's patching of \p S costs in \p L, or in all programs.
  double inProgram(const PatchSite &S, const LoadedProgram &L) const;
  double total(const PatchSite &S) const;
  /// A growth patch of \p Grows slots at \p Slot of \p F, in all programs that
  /// hold it; for comparing with a site that a lowering would make.
  double growthAt(const Function &F, unsigned Slot, unsigned Grows) const;
  /// The same for one that would stand at the end of every program that holds
  /// \p F, where a new subprogram would be appended.
  double growthAtEnd(const Function &F, unsigned Grows) const;
  /// Sum over the sites of \p L.
  double program(const LoadedProgram &L) const;

private:
  const PatchSites &Sites;
  const CallGraph &Graph;
  CostModel Model;
};

} // namespace prepatch

#endif
