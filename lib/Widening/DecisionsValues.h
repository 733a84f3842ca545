//===- DecisionsValues.h - Values of decisions found again ---------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A value was described by what writes it and what reads it next. It may be in
// another register or slot now.
//===----------------------------------------------------------------------===//
#ifndef PREPATCH_WIDENING_DECISIONSVALUES_H
#define PREPATCH_WIDENING_DECISIONSVALUES_H

#include "Widening/DecisionsPlaces.h"
#include "Widening/DecisionsVars.h"

namespace prepatch {

struct Fit;

/// Finds the values of one place.
class ValueFinder {
public:
  ValueFinder(const DecisionsMap &Map, const Widener &W, const RegKinds &Kinds,
              DecisionsVars &Vars, const FoundPlace &At, int64_t Shift)
      : Map(Map), W(W), Vars(Vars), At(At), Shift(Shift),
        BB(Map.block(At.Point)), I(Map.insn(At.Point)),
        IsReached(Kinds.isReached(BB)) {
    if (IsReached) {
      State = Kinds.stateBefore(BB, I);
      LiveRegs = W.liveAt(I);
    }
  }

  /// The no-op for \p D, or why there is none.
  std::optional<Widening> find(const ForgetDecision &D, std::string &Note);

private:
  bool mayTouch(Location L, std::string &Why);
  const ValueShape &shapeOf(Location L);
  Fit fit(const ForgetDecision &D, Location L, bool AskDwarf);
  std::optional<Location> findLocation(const ForgetDecision &D,
                                       std::string &Why);
  std::vector<Location> candidates(const ForgetDecision &D);
  std::optional<Form> findForm(const ForgetDecision &D, Location L);

  const DecisionsMap &Map;
  const Widener &W;
  DecisionsVars &Vars;
  const FoundPlace &At;
  int64_t Shift; ///< lines by which the place has moved
  BasicBlock &BB;
  Insn &I;
  bool IsReached;
  RegState State;
  RegSet LiveRegs = 0;
  std::map<Location, ValueShape> Shapes;
  std::map<Location, Location> Chosen; ///< by hint
};

} // namespace prepatch

#endif
