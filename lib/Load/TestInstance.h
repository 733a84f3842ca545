//===- TestInstance.h - one object, ready to be run -----------------------===//
//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// An object with maps of its own, whose programs can be test-run on chosen
// inputs and map contents.
//
//===----------------------------------------------------------------------===//

#ifndef PREPATCH_LOAD_TESTINSTANCE_H
#define PREPATCH_LOAD_TESTINSTANCE_H

#include "Inputs.h"
#include "MapState.h"

namespace prepatch {

/// What a test run left behind.
struct Outcome {
  int Errno = 0; ///< of the run itself; then nothing else is valid
  uint32_t ReturnValue = 0;
  std::vector<uint8_t> Packet, Context;
  std::vector<MapDump> Maps;
};

class TestInstance {
public:
  /// Null, and Error set, if the object cannot be loaded again.
  static std::unique_ptr<TestInstance> create(const std::string &Path,
                                              LoadPlan Plan, uint8_t Pattern,
                                              std::string &Error);

  /// Loads the program, and what it may tail-call. Empty, or why not.
  std::string select(const std::string &Program);

  /// Resets the maps and runs the selected program once.
  Outcome run(const TestInput &Input, uint64_t Seed, unsigned Number,
              const SeenKeys &Seen);

  /// The kernel's average over Repeat runs in nanoseconds, 0 on failure.
  uint32_t time(const TestInput &Input, uint64_t Seed, unsigned Number,
                unsigned Repeat);

  const MapState &maps() const { return *State; }
  uint32_t programType() const { return Type; }
  /// XDP programs of device and CPU maps are refused by
  /// bpf_prog_test_run_xdp(), 6.18.
  bool attachForbidsRuns() const;

private:
  TestInstance() = default;
  void fillProgramArrays();
  void dirtyStack(const TestInput &Input);

  std::unique_ptr<LoadedObject> Object;
  std::unique_ptr<MapState> State;
  OwnedFd Program, StackWriter;
  std::vector<OwnedFd> Callees;
  bool ArraysFilled = false;
  uint8_t Pattern = 0;
  uint32_t Type = 0, Attach = 0;
};

} // namespace prepatch

#endif
