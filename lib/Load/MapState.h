//===- MapState.h - map contents before and after a test run --------------===//
//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Puts the maps of one instance of an object into a state that depends on a
// seed alone, and reads back what a run made of it.
//
//===----------------------------------------------------------------------===//

#ifndef PREPATCH_LOAD_MAPSTATE_H
#define PREPATCH_LOAD_MAPSTATE_H

#include "ObjectLoader.h"
#include "Random.h"

namespace prepatch {

/// The entries of a map, sorted by key.
using MapDump = std::vector<std::pair<std::string, std::string>>;

/// Keys that turned up in the maps of an earlier run, by map name: random keys
/// alone would never hit.
using SeenKeys = std::map<std::string, std::vector<std::string>>;

class MapState {
public:
  explicit MapState(const std::vector<ObjectMap> &Maps);
  ~MapState();
  MapState(const MapState &) = delete;
  MapState &operator=(const MapState &) = delete;

  /// The state number Epoch of the given seed.
  void reset(uint64_t Seed, unsigned Epoch, const SeenKeys &Seen);

  /// Contents of all maps that can be read, in the order of the object.
  std::vector<MapDump> dump();

  /// Adds the keys in Dumps to Seen, a few for each map.
  void harvest(const std::vector<MapDump> &Dumps, SeenKeys &Seen) const;

  const std::string &name(size_t Index) const;
  size_t size() const { return Maps.size(); }

private:
  struct Impl;
  std::vector<std::unique_ptr<Impl>> Maps;
};

uint64_t hashDump(const MapDump &Dump);

} // namespace prepatch

#endif
