//===- DecisionsPlaces.cpp - Places of decisions found again -------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Widening/DecisionsPlaces.h"
#include "llvm/ADT/STLExtras.h"

using namespace llvm;

namespace prepatch {

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

} // namespace prepatch
