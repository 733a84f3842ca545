//===- Globalize.h - Static functions become global ----------------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the pass `globalize` does, in two steps for whoever wants to choose:
// find what may become global, and make it so. Both change linkage and types
// alone, and what no caller can see; whether a kernel's verifier is content
// with a body that it checks without knowing the arguments, it alone can tell.
//===----------------------------------------------------------------------===//
#ifndef PREPATCH_LOWERING_GLOBALIZE_H
#define PREPATCH_LOWERING_GLOBALIZE_H

#include "Lowering/Pass.h"
#include "Object/BtfFunctions.h"

namespace prepatch {

struct GlobalizeOptions {
  /// Visits of the entry, on average over the programs with the function, from
  /// which on it is worth it. With fewer, what the caller knew of arguments and
  /// result may save more.
  double MinVisits = 4;
  /// Whether all kernels in question know tags on arguments ("arg:nonnull",
  /// "arg:ctx"): those from 6.8 on.
  bool ArgumentTags = true;
};

/// Whether the profile's kernel knows tags on arguments.
bool knowsArgumentTags(const KernelProfile &Profile);

/// A static function, and what has to change for it to be global.
struct GlobalCandidate {
  Function *F = nullptr;
  /// Why it stays static; empty if it may become global.
  std::string Refused;
  double Visits = 0;  ///< of its entry, on average over the programs with it
  double SavedUs = 0; ///< expected verification time saved, over all programs
  GlobalPrototype Prototype;
  unsigned LeftOut = 0; ///< arguments that BTF names and the code has not
  /// Another function has the same FUNC in BTF.
  bool SharesBtf = false;
  /// The result is not a number, and no caller looks at it: it becomes 0.
  bool ZeroResult = false;
  /// Pointers that are never null but that the verifier has to be told so, by a
  /// check at the entry: what kernels without tags need.
  RegSet NullChecks = 0;
};

/// All subprograms of \p Obj that are not global yet, in layout order.
std::vector<GlobalCandidate>
findGlobalCandidates(Object &Obj, Analyses &A, const VisitCounts &Visits,
                     const KernelProfile &Profile,
                     const GlobalizeOptions &Options);

/// Makes the function of \p C, which must not be refused, global. Other
/// candidates stay valid; analyses do not.
llvm::Error makeGlobal(Object &Obj, const GlobalCandidate &C);

} // namespace prepatch

#endif
