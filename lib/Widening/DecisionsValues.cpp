//===- DecisionsValues.cpp - Values of decisions found again -------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Widening/DecisionsValues.h"
#include "llvm/ADT/STLExtras.h"

using namespace llvm;

namespace prepatch {

/// How well two values fit.
struct Fit {
  unsigned Def = 0, Use = 0; ///< similarity of the best pair
  unsigned Matches = 0;      ///< marks that have a counterpart
  bool SameVariable = false;

  bool isStrong() const { return SameVariable || (Def > 1 && Use > 1); }
  bool isWeak() const { return Def || Use; }
  unsigned score() const {
    return SameVariable * 1000 + (Def + Use) * 100 + Matches;
  }
};

const ValueShape &ValueFinder::shapeOf(Location L) {
  auto [It, New] = Shapes.try_emplace(L);
  if (New)
    It->second = Map.valueAt(At.Point, L);
  return It->second;
}

bool ValueFinder::mayTouch(Location L, std::string &Why) {
  RegValue V = L.IsSlot ? State.slot(L.Where) : State[L.Where];
  if (V.isPointer()) {
    Why = "holds a pointer there";
    return false;
  }
  // The stack has no liveness that knows the middle of a block; what reads the
  // slot next, or makes its address, is what a value is described by anyway.
  bool IsLive = L.IsSlot ? !shapeOf(L).Uses.empty()
                         : (LiveRegs & regBit(unsigned(L.Where))) != 0;
  if (!IsLive)
    Why = "is not live there";
  return IsLive;
}

/// 0: different; 1: the same operation; 2: of one line, or the same operation
/// where lines are not known; 3: both. A line without text is known by its
/// number, which may have moved by \p Shift.
static unsigned similarity(const ValueMark &A, const ValueMark &B,
                           int64_t Shift) {
  bool SameOp = A.Op == B.Op;
  if (!A.Line || !B.Line)
    return A.Line == B.Line && SameOp ? 3 : SameOp ? 2 : 0;
  if (A.Text && B.Text)
    return A.Text != B.Text ? 0 : SameOp ? 3 : 2;
  if (A.Line == B.Line || A.Line + Shift == B.Line)
    return SameOp ? 3 : 2;
  return SameOp;
}

static unsigned similarity(ArrayRef<ValueMark> Old, ArrayRef<ValueMark> New,
                           int64_t Shift, unsigned &Matches) {
  if (Old.empty() && New.empty())
    return 2;
  unsigned Best = 0;
  for (const ValueMark &O : Old) {
    unsigned Mine = 0;
    for (const ValueMark &N : New)
      Mine = std::max(Mine, similarity(O, N, Shift));
    Matches += Mine > 1;
    Best = std::max(Best, Mine);
  }
  return Best;
}

/// Whether the same operations write and read both, in the same order.
static bool haveSameOperations(const ValueShape &A, const ValueShape &B) {
  auto SameOp = [](const ValueMark &X, const ValueMark &Y) {
    return X.Op == Y.Op && (!X.Text || !Y.Text || X.Text == Y.Text);
  };
  return llvm::equal(A.Defs, B.Defs, SameOp) &&
         llvm::equal(A.Uses, B.Uses, SameOp);
}

Fit ValueFinder::fit(const ForgetDecision &D, Location L, bool AskDwarf) {
  Fit F;
  const ValueShape &Shape = shapeOf(L);
  F.Def = similarity(D.Value.Defs, Shape.Defs, Shift, F.Matches);
  F.Use = similarity(D.Value.Uses, Shape.Uses, Shift, F.Matches);
  if (AskDwarf && !I.isInserted()) {
    const Function &Fn = *BB.parent();
    F.SameVariable = is_contained(
        Vars.namesAt(Fn, I.originalIndex() - Fn.originalStart(), L),
        StringRef(D.Value.Variable));
  }
  return F;
}

std::vector<Location> ValueFinder::candidates(const ForgetDecision &D) {
  std::vector<Location> All;
  auto add = [&](Location L) {
    std::string Why;
    bool Taken = any_of(Chosen, [&](const auto &C) {
      return C.second == L && C.first != D.Hint;
    });
    if (!Taken && mayTouch(L, Why))
      All.push_back(L);
  };
  for (unsigned R = 0; R < RegFp; ++R)
    if (LiveRegs & regBit(R))
      add(Location::reg(R));
  for (int16_t Off : Map.slots())
    add(Location::slot(Off));
  return All;
}

std::optional<Location> ValueFinder::findLocation(const ForgetDecision &D,
                                                  std::string &Why) {
  // The same value by another form.
  if (auto It = Chosen.find(D.Hint); It != Chosen.end())
    return It->second;
  bool HintIsTaken =
      any_of(Chosen, [&](const auto &C) { return C.second == D.Hint; });
  bool MayTouchHint = !HintIsTaken && mayTouch(D.Hint, Why);
  // Most often all is as it was.
  if (MayTouchHint && At.How != Certainty::Guess &&
      haveSameOperations(D.Value, shapeOf(D.Hint)))
    return D.Hint;
  std::vector<Location> All = candidates(D);
  for (bool AskDwarf : {false, true}) {
    if (AskDwarf && D.Value.Variable.empty())
      break;
    std::optional<Location> Best;
    unsigned BestScore = 0;
    bool Tied = false;
    for (Location L : All) {
      Fit F = fit(D, L, AskDwarf);
      if (!F.isStrong())
        continue;
      unsigned Score = 2 * F.score() + (L == D.Hint);
      Tied |= Best && Score == BestScore;
      if (!Best || Score > BestScore) {
        Best = L;
        BestScore = Score;
        Tied = false;
      }
    }
    if (Best && !Tied)
      return Best;
    if (Best)
      Why = "is not the only value that fits there";
  }
  if (MayTouchHint && At.How != Certainty::Guess && Why.empty() &&
      fit(D, D.Hint, false).isWeak())
    return D.Hint;
  if (Why.empty())
    Why = HintIsTaken ? "holds another value of this place"
                      : "holds another value there";
  return std::nullopt;
}

/// \p D's form if there is room for it, else one that forgets no more.
std::optional<Form> ValueFinder::findForm(const ForgetDecision &D, Location L) {
  SmallVector<Widening, 1> Refused;
  if (L.IsSlot == isForSlots(D.How)) {
    W.code(I, Widening{L, D.How}, &Refused);
    if (Refused.empty())
      return D.How;
  }
  // Whoever forgets a part wants the rest known.
  auto ForgetsAll = [](Form F) {
    return F == Form::Touch || F == Form::Rewrite || F == Form::Atomic ||
           F == Form::Spill || xorBits(F) == 64;
  };
  if (!ForgetsAll(D.How))
    return std::nullopt;
  for (Form F : W.formsFor(I, L))
    if (ForgetsAll(F))
      return F;
  return std::nullopt;
}

static void addNote(std::string &Note, const Twine &More) {
  Note += (Note.empty() ? "" : "; ") + More.str();
}

std::optional<Widening> ValueFinder::find(const ForgetDecision &D,
                                          std::string &Note) {
  Note = At.Note;
  if (!IsReached) {
    Note = "nothing reaches the place";
    return std::nullopt;
  }
  std::string Why;
  auto L = findLocation(D, Why);
  if (!L) {
    addNote(Note, toString(D.Hint) + " " + Why);
    if (Why != "is not the only value that fits there")
      Note += ", and no other value there is written and read where its was";
    return std::nullopt;
  }
  auto How = findForm(D, *L);
  if (!How) {
    if (*L != D.Hint)
      addNote(Note, "the value is in " + toString(*L) + " now");
    if (L->IsSlot != isForSlots(D.How))
      addNote(Note, formName(D.How) + Twine(" is not for it"));
    else if (!W.isProven(I, *L, D.How))
      addNote(Note, "the value may be too large for " + formName(D.How));
    else
      addNote(Note,
              "no dead register or free stack slot for " + formName(D.How));
    return std::nullopt;
  }
  Chosen.try_emplace(D.Hint, *L);
  if (*L != D.Hint)
    addNote(Note, toString(*L) + " instead of " + toString(D.Hint));
  if (*How != D.How)
    addNote(Note, formName(*How) + " instead of " + formName(D.How));
  return Widening{*L, *How};
}

} // namespace prepatch
