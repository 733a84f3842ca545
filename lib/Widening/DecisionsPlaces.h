//===- DecisionsPlaces.h - Places of decisions found again ---------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A place was described by its source line, by the code there, and by how many
// like it there were. What has not changed is found exactly; else the place is
// the better the less of that is different.
//===----------------------------------------------------------------------===//
#ifndef PREPATCH_WIDENING_DECISIONSPLACES_H
#define PREPATCH_WIDENING_DECISIONSPLACES_H

#include "Widening/DecisionsMap.h"
#include "llvm/ADT/DenseSet.h"

namespace prepatch {

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
  FoundPlace beforeLine(const Place &P, llvm::ArrayRef<unsigned> Runs) const;
  FoundPlace withChangedLine(const Place &P) const;
  FoundPlace similarBlock(const Place &P) const;
  /// Of \p Points, the free one with the code of \p P that is nearest to index
  /// \p At; NoPoint if there is none. \p Number is its index, \p Count how
  /// many have that code.
  unsigned nearestEqual(const Place &P, llvm::ArrayRef<unsigned> Points,
                        unsigned At, unsigned &Number, unsigned &Count) const;

  const DecisionsMap &Map;
  llvm::DenseSet<unsigned> Taken;
};

} // namespace prepatch

#endif
