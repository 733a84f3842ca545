//===- Pass.h - What a lowering pass gets and gives ----------------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A pass is a function that edits the program of a LoweringContext and says
// whether it did. It decides by cost, and records every site that it took or
// refused, with the reason.
//===----------------------------------------------------------------------===//
#ifndef PREPATCH_LOWERING_PASS_H
#define PREPATCH_LOWERING_PASS_H

#include "Analysis/Liveness.h"
#include "Analysis/PatchSites.h"
#include "Analysis/SiteCost.h"
#include "Analysis/StackUse.h"
#include "Analysis/Visits.h"
#include "Object/Object.h"

namespace prepatch {

/// What the user wants less of.
enum class Goal : uint8_t {
  Patches,  ///< the fewest patches, whatever they cost elsewhere
  Load,     ///< the shortest load, whatever it costs at run time
  Balanced, ///< a shorter load where hot code is not slowed down
  Run,      ///< nothing that makes the program slower
};

/// What a pass did at one place.
struct Decision {
  llvm::StringRef Pass;
  std::string Function;
  uint32_t Index = Insn::NoIndex; ///< slot in its input function, or NoIndex
  std::string Line;               ///< "file.c:12: text", or empty
  std::string What;               ///< the site: "map-lookup of 'symbols'"
  bool Taken = false;
  std::string Reason; ///< why, with the numbers that decided
  double SavedUs = 0; ///< expected load time saved, microseconds
};

/// All analyses of the program as it is.
struct Analyses {
  Analyses(Program &P, const KernelProfile &Profile);

  CallGraph Graph;
  Liveness Live;
  RegKinds Kinds;
  StackUse Stack;
  PatchSites Sites;
  SiteCost Cost;
};

class LoweringContext {
public:
  LoweringContext(Object &Obj, const KernelProfile &Profile, Goal TheGoal,
                  llvm::ArrayRef<VisitRecord> Measured);

  Object &Obj;
  Program &Prog;
  const KernelProfile &Profile;
  const Goal TheGoal;
  std::vector<Decision> Decisions;

  /// Of the program as it is; built when first asked for after invalidate().
  Analyses &analyses();
  /// To be called after an edit that the analyses do not know of.
  void invalidate() { Current.reset(); }
  /// Visits by the original instructions: measured, or estimated from the
  /// program as it was read.
  const VisitCounts &visits() const { return *Visits; }
  bool visitsAreMeasured() const { return Visits->isMeasured(); }
  /// The same for code that a pass has moved, see recordMove.
  double visitsOf(const Function &F, const Insn &I) const;
  double visitsAtEntry(const Function &F) const;
  /// Tells that \p Part holds what was read as a stretch of \p Whole, and
  /// stands for \p Copies such stretches.
  void recordMove(const Function &Part, const Function &Whole, unsigned Copies);

  /// Records a decision about \p I of \p F. Call it while \p I still stands
  /// where it was.
  void take(llvm::StringRef Pass, const Function &F, const Insn &I,
            std::string What, std::string Reason, double SavedUs);
  void refuse(llvm::StringRef Pass, const Function &F, const Insn &I,
              std::string What, std::string Reason, double SavedUs = 0);

private:
  void record(llvm::StringRef Pass, const Function &F, const Insn &I,
              std::string What, bool Taken, std::string Reason, double SavedUs);

  struct Origin {
    const Function *Whole;
    unsigned Copies;
  };

  std::unique_ptr<Analyses> Current;
  std::optional<VisitCounts> Visits;
  llvm::DenseMap<const Function *, Origin> Moved;
};

/// "map-lookup of 'symbols'": a site in the words of the report.
std::string describeSite(const PatchSite &S, const KernelProfile &Profile);

/// Edits the program; returns whether it changed anything.
using PassFunction = bool (*)(LoweringContext &);

#define PREPATCH_PASS(NAME, FUNCTION, TEXT) bool FUNCTION(LoweringContext &);
#include "Lowering/Passes.def"

} // namespace prepatch

#endif
