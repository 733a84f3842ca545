//===- DecisionsReplay.cpp - Decisions found again in a program ----------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A no-op at a wrong place computes nothing wrong, but it can make a kernel
// refuse the program, and there is none here to ask. So the less sure a place
// is, the better must the value fit; and nothing is taken that fits nowhere or
// at two places equally.
//===----------------------------------------------------------------------===//

#include "Widening/DecisionsMap.h"
#include "Widening/DecisionsVars.h"
#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/STLExtras.h"

using namespace llvm;

namespace prepatch {

namespace {

enum class Certainty : uint8_t {
  Exact,  ///< line, count and code are as written
  Likely, ///< one of them has changed, and only this place fits
  Guess,  ///< more than one has changed
};

struct FoundPlace {
  unsigned Point = DecisionsMap::NoPoint;
  Certainty How = Certainty::Exact;
  /// How it differs from what was written; or, without a point, why none was
  /// found.
  std::string Note;
};

/// Finds the places of one function.
class PlaceFinder {
public:
  explicit PlaceFinder(const DecisionsMap &Map) : Map(Map) {}

  /// The place that is exactly as it was, if there is one.
  FoundPlace findExact(const Place &P) const;
  /// The best of those that are not taken.
  FoundPlace findSimilar(const Place &P) const;
  void take(unsigned Point) { Taken.insert(Point); }

private:
  bool isFree(unsigned Point) const {
    return Point != DecisionsMap::NoPoint && !Taken.contains(Point);
  }
  bool byLine(const Place &P) const { return P.hasLine() && Map.hasLines(); }
  unsigned exactPoint(const Place &P) const;
  unsigned inRun(const Place &P, unsigned First) const;
  FoundPlace similarOnLine(const Place &P) const;
  FoundPlace onShiftedLine(const Place &P) const;
  FoundPlace beforeLine(const Place &P, ArrayRef<unsigned> Runs) const;
  FoundPlace withChangedLine(const Place &P) const;
  FoundPlace similarBlock(const Place &P) const;
  /// Of \p Points, the free one with the code of \p P that is nearest to index
  /// \p At; NoPoint if there is none. \p Number is its index, \p Count how
  /// many have that code.
  unsigned nearestEqual(const Place &P, ArrayRef<unsigned> Points, unsigned At,
                        unsigned &Number, unsigned &Count) const;

  const DecisionsMap &Map;
  DenseSet<unsigned> Taken;
};

} // namespace

static std::string kOfN(unsigned K, size_t N) {
  return std::to_string(K) + " of " + std::to_string(N);
}

static std::string roleText(PlaceRole R) {
  return R == PlaceRole::Join    ? "join"
         : R == PlaceRole::Start ? "start of a block"
                                 : "instruction run";
}

/// The instruction in the run that starts at \p First that \p P means: the one
/// with its number, or the one near it that has its code.
unsigned PlaceFinder::inRun(const Place &P, unsigned First) const {
  if (P.Role != PlaceRole::Inside)
    return First;
  unsigned Length = Map.runLength(First), Step = P.InRun.Number - 1;
  unsigned Same = Map.stepInRun(First, Step);
  if (Same != DecisionsMap::NoPoint && Map.code(Same) == P.Code)
    return Same;
  for (unsigned Far = 1; Far < std::max(Length, Step + 1); ++Far)
    for (int64_t At : {int64_t(Step) - Far, int64_t(Step) + Far})
      if (At >= 0 && At < Length && Map.code(First + At) == P.Code)
        return unsigned(First + At);
  return Length == P.InRun.Total ? Same : DecisionsMap::NoPoint;
}

unsigned PlaceFinder::exactPoint(const Place &P) const {
  if (!byLine(P)) {
    unsigned At = Map.inBlock(P.Block.Number - 1, P.BlockStep);
    return P.Block.Total == Map.numBlocks() && At != DecisionsMap::NoPoint &&
                   Map.role(At) == P.Role
               ? At
               : DecisionsMap::NoPoint;
  }
  std::vector<unsigned> On = Map.pointsOnLine(P, P.Role, P.Column);
  return On.size() == P.OnLine.Total ? inRun(P, On[P.OnLine.Number - 1])
                                     : DecisionsMap::NoPoint;
}

FoundPlace PlaceFinder::findExact(const Place &P) const {
  unsigned At = exactPoint(P);
  if (!isFree(At) || Map.code(At) != P.Code)
    return {};
  return {At, Certainty::Exact, ""};
}

unsigned PlaceFinder::nearestEqual(const Place &P, ArrayRef<unsigned> Points,
                                   unsigned At, unsigned &Number,
                                   unsigned &Count) const {
  unsigned Best = DecisionsMap::NoPoint;
  Count = 0;
  for (unsigned N = 0; N < Points.size(); ++N) {
    unsigned Point = inRun(P, Points[N]);
    if (!isFree(Point) || Map.code(Point) != P.Code)
      continue;
    ++Count;
    auto Distance = [&](unsigned From) {
      return From > At ? From - At : At - From;
    };
    if (Best == DecisionsMap::NoPoint || Distance(N) < Distance(Number)) {
      Best = Point;
      Number = N;
    }
  }
  return Best;
}

/// Of a line of which only the number is known: the nearest with as many
/// places of the kind, where the one that is meant has the code. Something was
/// put in before it, or taken out.
FoundPlace PlaceFinder::onShiftedLine(const Place &P) const {
  for (uint32_t Line : Map.otherLines(P)) {
    Place Shifted = P;
    Shifted.Line = Line;
    FoundPlace F = findExact(Shifted);
    if (F.Point != DecisionsMap::NoPoint)
      return {F.Point, Certainty::Likely,
              "line " + std::to_string(Line) + ", it was " +
                  std::to_string(P.Line)};
  }
  return {};
}

FoundPlace PlaceFinder::similarOnLine(const Place &P) const {
  if (P.Text.empty())
    if (FoundPlace F = onShiftedLine(P); F.Point != DecisionsMap::NoPoint)
      return F;
  unsigned At = P.OnLine.Number - 1, Number = 0, Count = 0;
  PlaceRole Other = P.Role == PlaceRole::Join    ? PlaceRole::Start
                    : P.Role == PlaceRole::Start ? PlaceRole::Join
                                                 : PlaceRole::Inside;
  std::vector<unsigned> SameColumn = Map.pointsOnLine(P, P.Role, P.Column);
  std::vector<unsigned> AnyColumn = Map.pointsOnLine(P, P.Role, ~0u);
  std::vector<unsigned> OtherRole = Map.pointsOnLine(P, Other, ~0u);

  // As many as there were: order decides, unless only another has the code.
  if (SameColumn.size() == P.OnLine.Total) {
    unsigned Equal = nearestEqual(P, SameColumn, At, Number, Count);
    unsigned Same = inRun(P, SameColumn[At]);
    if (Count == 1 && Equal != Same)
      return {Equal, Certainty::Likely,
              roleText(P.Role) + " " + kOfN(Number + 1, P.OnLine.Total) +
                  " of the line instead of " + std::to_string(P.OnLine.Number)};
    if (isFree(Same))
      return {Same, Certainty::Likely, "the code there has changed"};
  }
  for (const std::vector<unsigned> *Pool :
       {&SameColumn, &AnyColumn, &OtherRole}) {
    if (Pool == &OtherRole && Other == P.Role)
      break;
    unsigned Equal = nearestEqual(P, *Pool, At, Number, Count);
    if (Equal != DecisionsMap::NoPoint)
      return {Equal, Certainty::Likely,
              roleText(Map.role(Equal)) + " " + kOfN(Number + 1, Pool->size()) +
                  " of the line, it was " +
                  kOfN(P.OnLine.Number, P.OnLine.Total)};
  }
  for (const std::vector<unsigned> *Pool : {&SameColumn, &AnyColumn})
    if (Pool->size() == 1 && P.OnLine.Total == 1)
      if (unsigned Point = inRun(P, Pool->front()); isFree(Point))
        return {Point, Certainty::Likely, "the code there has changed"};
  if (At < SameColumn.size())
    if (unsigned Point = inRun(P, SameColumn[At]); isFree(Point))
      return {Point, Certainty::Guess,
              roleText(P.Role) + " " + kOfN(At + 1, SameColumn.size()) +
                  " of the line, it was of " + std::to_string(P.OnLine.Total) +
                  ", and the code there has changed"};
  if (!AnyColumn.empty())
    return {DecisionsMap::NoPoint, Certainty::Guess,
            "the line has " + std::to_string(AnyColumn.size()) +
                " places of that kind (" + roleText(P.Role) + "), it had " +
                std::to_string(P.OnLine.Total) +
                ", and none has the code of this one"};
  std::vector<unsigned> Runs = Map.pointsOnLine(P, PlaceRole::Inside, P.Column);
  if (Runs.empty())
    Runs = Map.pointsOnLine(P, PlaceRole::Inside, ~0u);
  if (!Runs.empty())
    return beforeLine(P, Runs);
  return withChangedLine(P);
}

/// No block begins on the line, but it has code, in \p Runs: a statement may
/// have been put before it, and the block begins there.
FoundPlace PlaceFinder::beforeLine(const Place &P,
                                   ArrayRef<unsigned> Runs) const {
  std::vector<unsigned> Starts;
  for (unsigned First : Runs) {
    unsigned Start = Map.inBlock(Map.blockOf(First), 0);
    if (Map.role(Start) == P.Role && !is_contained(Starts, Start))
      Starts.push_back(Start);
  }
  if (Starts.size() == P.OnLine.Total && isFree(Starts[P.OnLine.Number - 1]))
    return {Starts[P.OnLine.Number - 1], Certainty::Guess,
            "another line begins the block now"};
  return {DecisionsMap::NoPoint, Certainty::Guess,
          "no block begins on the line any more"};
}

/// Nothing comes from the line any more: it may have been edited.
FoundPlace PlaceFinder::withChangedLine(const Place &P) const {
  unsigned Found = DecisionsMap::NoPoint;
  bool Several = false;
  for (unsigned N = 0; N < Map.numBlocks(); ++N) {
    unsigned At = Map.inBlock(N, P.BlockStep);
    if (!isFree(At) || Map.role(At) != P.Role || Map.code(At) != P.Code)
      continue;
    Several |= Found != DecisionsMap::NoPoint;
    Found = At;
  }
  if (Found == DecisionsMap::NoPoint || Several)
    return {DecisionsMap::NoPoint, Certainty::Guess,
            "no code of the function comes from the line any more"};
  return {Found, Certainty::Guess, "the line has changed; found by its code"};
}

FoundPlace PlaceFinder::similarBlock(const Place &P) const {
  std::vector<unsigned> Equal;
  for (unsigned N = 0; N < Map.numBlocks(); ++N) {
    unsigned At = Map.inBlock(N, P.BlockStep);
    if (isFree(At) && Map.role(At) == P.Role && Map.code(At) == P.Code)
      Equal.push_back(At);
  }
  auto note = [&](unsigned Point) {
    return "block " + kOfN(Map.blockOf(Point) + 1, Map.numBlocks()) +
           " of the function, it was " + kOfN(P.Block.Number, P.Block.Total);
  };
  if (!Equal.empty()) {
    auto Distance = [&](unsigned Point) {
      return std::abs(int64_t(Map.blockOf(Point)) -
                      (int64_t(P.Block.Number) - 1));
    };
    unsigned Best = *llvm::min_element(Equal, [&](unsigned A, unsigned B) {
      return Distance(A) < Distance(B);
    });
    return {Best, Equal.size() == 1 ? Certainty::Likely : Certainty::Guess,
            note(Best)};
  }
  unsigned Same = exactPoint(P);
  if (isFree(Same))
    return {Same, Certainty::Guess, "the code there has changed"};
  return {DecisionsMap::NoPoint, Certainty::Guess,
          "no block of the function has its code any more"};
}

FoundPlace PlaceFinder::findSimilar(const Place &P) const {
  return byLine(P) ? similarOnLine(P) : similarBlock(P);
}

namespace {

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

} // namespace

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

namespace {

/// Replays the decisions on one function.
class FunctionReplay {
public:
  FunctionReplay(Replay &R, Function &F, const DecisionsMap &Map,
                 const Widener &W, const RegKinds &Kinds, DecisionsVars &Vars)
      : R(R), F(F), Map(Map), W(W), Kinds(Kinds), Vars(Vars) {}

  void run(const FunctionDecisions &D);

private:
  void replay(const PlaceDecisions &P, const FoundPlace &At);

  Replay &R;
  Function &F;
  const DecisionsMap &Map;
  const Widener &W;
  const RegKinds &Kinds;
  DecisionsVars &Vars;
};

} // namespace

static std::string lineOf(const Place &P) {
  if (!P.hasLine())
    return "";
  return P.File + ":" + std::to_string(P.Line) +
         (P.Text.empty() ? "" : ": " + P.Text);
}

static void addMisfits(Replay &R, const std::string &Function,
                       const PlaceDecisions &P, const std::string &Reason) {
  for (const ForgetDecision &D : P.Forget)
    R.Misfits.push_back({D.LineNo, Function, lineOf(P.Where),
                         toString(Widening{D.Hint, D.How}), Reason});
}

void FunctionReplay::replay(const PlaceDecisions &P, const FoundPlace &At) {
  int64_t Shift = P.Where.hasLine() && Map.hasLines()
                      ? int64_t(Map.sourceLine(At.Point)) - P.Where.Line
                      : 0;
  ValueFinder Values(Map, W, Kinds, Vars, At, Shift);
  for (const ForgetDecision &D : P.Forget) {
    std::string Note;
    auto Found = Values.find(D, Note);
    if (!Found)
      R.Misfits.push_back({D.LineNo, F.name(), lineOf(P.Where),
                           toString(Widening{D.Hint, D.How}), Note});
    else if (is_contained(Map.noOpsBefore(At.Point), *Found))
      ++R.AlreadyThere;
    else
      R.Take.push_back({D.LineNo, &F, &Map.insn(At.Point), *Found, Note});
  }
}

/// The places of \p Wanted, in its order.
static std::vector<FoundPlace>
findPlaces(const DecisionsMap &Map, ArrayRef<const PlaceDecisions *> Wanted) {
  PlaceFinder Places(Map);
  // What is as it was goes first, so that nothing else takes its place.
  std::vector<FoundPlace> Found(Wanted.size());
  for (size_t N = 0; N < Wanted.size(); ++N) {
    Found[N] = Places.findExact(Wanted[N]->Where);
    if (Found[N].Point != DecisionsMap::NoPoint)
      Places.take(Found[N].Point);
  }
  // A guess goes last for the same reason.
  for (Certainty Least : {Certainty::Likely, Certainty::Guess})
    for (size_t N = 0; N < Wanted.size(); ++N) {
      if (Found[N].Point != DecisionsMap::NoPoint)
        continue;
      FoundPlace Similar = Places.findSimilar(Wanted[N]->Where);
      if (Similar.How > Least)
        continue;
      Found[N] = Similar;
      if (Similar.Point != DecisionsMap::NoPoint)
        Places.take(Similar.Point);
    }
  return Found;
}

/// Those of \p D that are of the kind asked for.
static SmallVector<const PlaceDecisions *> placesOf(const FunctionDecisions &D,
                                                    bool MayGoto) {
  SmallVector<const PlaceDecisions *> Places;
  for (const PlaceDecisions &P : D.Places)
    if (MayGoto ? P.MayGoto : !P.Forget.empty())
      Places.push_back(&P);
  return Places;
}

void FunctionReplay::run(const FunctionDecisions &D) {
  auto Wanted = placesOf(D, /*MayGoto=*/false);
  std::vector<FoundPlace> Found = findPlaces(Map, Wanted);
  for (size_t N = 0; N < Wanted.size(); ++N) {
    if (Found[N].Point == DecisionsMap::NoPoint)
      addMisfits(R, F.name(), *Wanted[N], Found[N].Note);
    else
      replay(*Wanted[N], Found[N]);
  }
}

namespace {
/// Static functions of several files may share a name: the n-th description is
/// of the n-th function.
class FunctionFinder {
public:
  explicit FunctionFinder(Program &P) {
    for (CodeSection &S : P.Sections)
      for (Function &F : S.Functions)
        ByName[F.name()].push_back(&F);
  }
  /// The function of the next description of that name, or why there is none.
  Function *next(StringRef Name, std::string &Why) {
    unsigned Number = Seen[Name]++;
    auto It = ByName.find(Name);
    Function *F = It == ByName.end() || Number >= It->second.size()
                      ? nullptr
                      : It->second[Number];
    if (!F)
      Why = "there is no function of that name";
    else if (F->isOpaque())
      Why = "the function is left as it is: " + F->opaqueReason();
    return F;
  }

private:
  StringMap<SmallVector<Function *, 1>> ByName;
  StringMap<unsigned> Seen;
};
} // namespace

LoopReplay resolveLoops(const DecisionsFile &File, Object &Obj) {
  LoopReplay R;
  FunctionFinder Functions(Obj.Prog);
  for (const FunctionDecisions &D : File.Functions) {
    std::string Why;
    Function *F = Functions.next(D.Name, Why);
    auto Wanted = placesOf(D, /*MayGoto=*/true);
    if (Wanted.empty())
      continue;
    std::vector<FoundPlace> Found(Wanted.size());
    std::optional<DecisionsMap> Map;
    if (Why.empty()) {
      Map.emplace(*F, Obj.Types ? &*Obj.Types : nullptr,
                  Obj.Elf.Endian == endianness::big);
      Found = findPlaces(*Map, Wanted);
    }
    for (size_t N = 0; N < Wanted.size(); ++N) {
      bool Is = Found[N].Point != DecisionsMap::NoPoint;
      R.Loops.push_back(
          {Wanted[N]->LineNo, F, Is ? &Map->insn(Found[N].Point) : nullptr,
           lineOf(Wanted[N]->Where), Why.empty() ? Found[N].Note : Why});
    }
  }
  return R;
}

Replay resolveDecisions(const DecisionsFile &File, Object &Obj,
                        const Widener &W, const RegKinds &Kinds) {
  Replay R;
  DecisionsVars Vars(Obj);
  FunctionFinder Functions(Obj.Prog);
  for (const FunctionDecisions &D : File.Functions) {
    std::string Why;
    Function *F = Functions.next(D.Name, Why);
    if (Why.empty() && !Kinds.isAnalysed(*F))
      Why = "nothing reaches the function";
    if (!Why.empty()) {
      for (const PlaceDecisions &P : D.Places)
        addMisfits(R, D.Name, P, Why);
      continue;
    }
    DecisionsMap Map(*F, Obj.Types ? &*Obj.Types : nullptr,
                     Obj.Elf.Endian == endianness::big);
    FunctionReplay(R, *F, Map, W, Kinds, Vars).run(D);
  }
  return R;
}

bool applyReplay(Replay &R, Widener &W) {
  // Code is made for a place as a whole.
  MapVector<Insn *, SmallVector<Widening, 4>> ByPlace;
  for (const Replay::Applied &A : R.Take)
    ByPlace[A.At].push_back(A.What);
  bool Changed = false;
  for (auto &[I, What] : ByPlace) {
    SmallVector<Widening, 4> Refused;
    auto Code = W.code(*I, What, &Refused);
    for (const Widening &No : Refused)
      llvm::erase_if(R.Take, [&, I = I](const Replay::Applied &A) {
        if (A.At != I || A.What != No)
          return false;
        R.Misfits.push_back({A.LineNo, A.F->name(), "", toString(A.What),
                             "no dead register or free stack slot for it "
                             "beside the others of the place"});
        return true;
      });
    if (Code.empty())
      continue;
    W.insert(*I, Code);
    Changed = true;
  }
  return Changed;
}

} // namespace prepatch
