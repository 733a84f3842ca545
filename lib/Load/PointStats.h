//===- PointStats.h - what states met at a point --------------------------===//
//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Statistics over the verifier's states at one instruction, in memory that does
// not grow with the number of visits.
//
//===----------------------------------------------------------------------===//

#ifndef PREPATCH_LOAD_POINTSTATS_H
#define PREPATCH_LOAD_POINTSTATS_H

#include "StateText.h"

#include <vector>

namespace prepatch {

/// A set of hashes (never 0) that keeps ever smaller samples when it would
/// exceed its limit.
class SampledSet {
public:
  explicit SampledSet(uint32_t Limit = 1024) : Limit(Limit) {}
  /// True if Hash is in the sample now and was not before.
  bool insert(uint64_t Hash);
  /// Distinct hashes seen: exact up to the limit, then an estimate.
  uint64_t size() const { return uint64_t(Count) << Level; }

private:
  bool place(uint64_t Hash);
  void grow(size_t Size);

  std::vector<uint64_t> Table;
  uint32_t Limit, Count = 0;
  unsigned Level = 0;
};

/// One location at one point.
struct LocationProfile {
  unsigned Location = 0; ///< as in FrameState
  bool Scalar = true;    ///< a fully initialised scalar at every visit
  uint8_t Bytes = 0xff;  ///< bytes that held a scalar at every visit
  uint64_t Values = 0;   ///< distinct ones, at most MaxValues
  uint64_t Precise = 0;  ///< how often its exact value was asked for
  uint64_t Known = 0;    ///< visits at which it was a constant
  uint64_t Min = UINT64_MAX, Max = 0;
  uint64_t Merge = 0; ///< states that would be the same without it
  static constexpr uint64_t MaxValues = 1000;
};

struct PointProfile {
  uint32_t Index = 0;
  uint64_t Visits = 0; ///< with a known state: not those that were cut
  unsigned Frame = 0;  ///< the deepest
  uint64_t States = 0;
  /// Those with several values, or asked for.
  std::vector<LocationProfile> Locations;
};

class PointStats {
public:
  /// Rows: how many different states to keep for the question what a location
  /// keeps apart. States: how many to count exactly.
  explicit PointStats(uint32_t Rows, uint32_t States = 1024)
      : States(States), MaxRows(Rows) {}

  void visit(const FrameState &State);
  void precise(unsigned Location);
  PointProfile profile(uint32_t Index) const;

private:
  struct PerLocation {
    LocationProfile Profile;
    std::vector<uint32_t> Values; ///< open addressing, 0: free
    uint32_t Last = 0;
    bool Visited = false;
  };
  PerLocation &at(unsigned Location);
  static void note(PerLocation &L, const LocationValue &Value);
  static void addValue(PerLocation &L, uint32_t Hash);
  void countMerges(std::vector<LocationProfile> &Listed, uint64_t Seen) const;

  uint64_t Visits = 0;
  unsigned Frame = 0;
  std::vector<PerLocation> Locations;
  SampledSet States;
  uint32_t MaxRows, Rows = 0;
  /// The first different states, as the hashes of their locations.
  std::vector<uint32_t> RowData, RowStart;
};

} // namespace prepatch

#endif
