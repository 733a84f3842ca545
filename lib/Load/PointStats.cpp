//===- PointStats.cpp - what states met at a point ------------------------===//
//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A state's hash is the sum of the hashes of its locations, so that one
// location can be taken out again; a location that holds nothing adds nothing.
//
//===----------------------------------------------------------------------===//

#include "PointStats.h"

#include <algorithm>

using namespace prepatch;

/// Sum of these is a state's hash.
static uint64_t locationHash(unsigned Location, uint32_t Value) {
  if (!Value)
    return 0;
  uint64_t Hash = (uint64_t(Location + 1) << 32 | Value) * 0x9e3779b97f4a7c15;
  Hash ^= Hash >> 31;
  Hash *= 0xbf58476d1ce4e5b9;
  return Hash ^ (Hash >> 30);
}

static uint64_t finalHash(uint64_t Sum) {
  Sum ^= Sum >> 33;
  Sum *= 0xff51afd7ed558ccd;
  Sum ^= Sum >> 33;
  return Sum ? Sum : 1;
}

bool SampledSet::place(uint64_t Hash) {
  size_t Mask = Table.size() - 1;
  size_t At = (Hash >> 32) & Mask;
  while (Table[At] && Table[At] != Hash)
    At = (At + 1) & Mask;
  bool New = Table[At] == 0;
  Table[At] = Hash;
  return New;
}

void SampledSet::grow(size_t Size) {
  std::vector<uint64_t> Old(Size, 0);
  std::swap(Old, Table);
  Count = 0;
  for (uint64_t Hash : Old)
    if (Hash && (Hash & ((uint64_t(1) << Level) - 1)) == 0)
      Count += place(Hash);
}

bool SampledSet::insert(uint64_t Hash) {
  if (Hash & ((uint64_t(1) << Level) - 1))
    return false;
  if (2 * size_t(Count) + 2 > Table.size())
    grow(std::max<size_t>(16, Table.size() * 2));
  if (!place(Hash))
    return false;
  ++Count;
  while (Count > Limit) {
    ++Level;
    grow(Table.size());
  }
  return true;
}

void PointStats::addValue(PerLocation &L, uint32_t Hash) {
  if (L.Profile.Values >= LocationProfile::MaxValues)
    return;
  Hash = Hash ? Hash : UINT32_MAX; // Nothing, too, is a value
  auto Place = [&](uint32_t H) {
    size_t Mask = L.Values.size() - 1, At = (H * 0x9e3779b1u >> 7) & Mask;
    while (L.Values[At] && L.Values[At] != H)
      At = (At + 1) & Mask;
    bool New = L.Values[At] == 0;
    L.Values[At] = H;
    return New;
  };
  if (2 * L.Profile.Values + 2 > L.Values.size()) {
    std::vector<uint32_t> Old(std::max<size_t>(4, L.Values.size() * 2), 0);
    std::swap(Old, L.Values);
    for (uint32_t H : Old)
      if (H)
        Place(H);
  }
  L.Profile.Values += Place(Hash);
}

void PointStats::note(PerLocation &L, const LocationValue &Value) {
  LocationProfile &P = L.Profile;
  // Most visits bring the value of the one before.
  if (!L.Visited || Value.Hash != L.Last)
    addValue(L, Value.Hash);
  L.Visited = true;
  L.Last = Value.Hash;
  P.Bytes &= Value.Bytes;
  P.Scalar &= Value.Kind == LocationValue::Scalar && Value.Bytes == 0xff;
  if (Value.Kind != LocationValue::Scalar)
    return;
  P.Known += Value.Known;
  P.Min = std::min(P.Min, Value.Min);
  P.Max = std::max(P.Max, Value.Max);
}

PointStats::PerLocation &PointStats::at(unsigned Location) {
  while (Locations.size() <= Location) {
    PerLocation &L = Locations.emplace_back();
    L.Profile.Location = static_cast<unsigned>(Locations.size() - 1);
    // It held nothing at all visits so far.
    if (Visits)
      note(L, LocationValue());
  }
  return Locations[Location];
}

void PointStats::visit(const FrameState &State) {
  unsigned Used = State.used();
  at(Used - 1);
  ++Visits;
  Frame = std::max(Frame, State.frame());
  uint64_t Sum = 0;
  for (unsigned I = 0; I != Locations.size(); ++I) {
    note(Locations[I], State[I]);
    Sum += locationHash(I, State[I].Hash);
  }
  if (!States.insert(finalHash(Sum)) || Rows == MaxRows)
    return;
  ++Rows;
  RowStart.push_back(static_cast<uint32_t>(RowData.size()));
  for (unsigned I = 0; I != Used; ++I)
    RowData.push_back(State[I].Hash);
}

void PointStats::precise(unsigned Location) {
  if (Location < FrameState::Locations)
    ++at(Location).Profile.Precise;
}

void PointStats::countMerges(std::vector<LocationProfile> &Listed,
                             uint64_t Seen) const {
  std::vector<uint64_t> Sums(Rows), Without(Rows);
  auto Width = [&](uint32_t Row) {
    uint32_t End = Row + 1 == Rows ? static_cast<uint32_t>(RowData.size())
                                   : RowStart[Row + 1];
    return End - RowStart[Row];
  };
  for (uint32_t R = 0; R != Rows; ++R)
    for (uint32_t I = 0; I != Width(R); ++I)
      Sums[R] += locationHash(I, RowData[RowStart[R] + I]);
  for (LocationProfile &P : Listed) {
    for (uint32_t R = 0; R != Rows; ++R)
      Without[R] =
          Sums[R] -
          (P.Location < Width(R)
               ? locationHash(P.Location, RowData[RowStart[R] + P.Location])
               : 0);
    std::sort(Without.begin(), Without.end());
    uint64_t Left = static_cast<uint64_t>(
        std::unique(Without.begin(), Without.end()) - Without.begin());
    // Kept rows stand for all.
    P.Merge = Rows ? (Rows - Left) * std::max<uint64_t>(Seen, Rows) / Rows : 0;
  }
}

PointProfile PointStats::profile(uint32_t Index) const {
  PointProfile Result;
  Result.Index = Index;
  Result.Visits = Visits;
  Result.Frame = Frame;
  Result.States = std::min(States.size(), Visits); // it may be an estimate
  for (const PerLocation &L : Locations) {
    LocationProfile P = L.Profile;
    if (!Visits) {
      P.Scalar = false;
      P.Bytes = 0;
    }
    if (P.Values >= 2 || P.Precise)
      Result.Locations.push_back(P);
  }
  countMerges(Result.Locations, Result.States);
  return Result;
}
