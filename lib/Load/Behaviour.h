//===- Behaviour.h - do two programs behave the same? ---------------------===//
//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Test-runs programs on random inputs and map contents, and compares what came
// out. The first object is instantiated twice: where its two instances differ,
// the difference is the program's own (time, addresses, random numbers), and
// that component of that run says nothing about the other objects.
//
//===----------------------------------------------------------------------===//

#ifndef PREPATCH_LOAD_BEHAVIOUR_H
#define PREPATCH_LOAD_BEHAVIOUR_H

#include "ObjectLoader.h"

namespace prepatch {

/// One program of one of the objects.
struct BehaviourSubject {
  uint32_t Object;
  std::string Program;
};

struct BehaviourResult {
  std::string Unsupported; ///< why there were no runs
  unsigned Done = 0;
  unsigned Failed = 0; ///< runs that the kernel refused, e.g. for their context
  std::string FirstError;
  std::string Digest; ///< of all deterministic outcomes, for comparing reports
  std::map<uint32_t, uint32_t> ReturnValues; ///< value -> runs, at most 16
  /// Components that differed between two instances of the same object.
  std::vector<std::string> Nondeterministic;

  bool Compared = false; ///< with the first subject
  unsigned Same = 0, Different = 0;
  std::string DifferentComponent, DifferentInput, DifferentBefore,
      DifferentAfter;
  unsigned DifferentRun = 0;
};

class BehaviourLab {
public:
  BehaviourLab(const std::vector<std::string> &Paths,
               const std::vector<LoadPlan> &Plans, uint64_t Seed);
  ~BehaviourLab();

  /// Runs each subject Runs times; the first one is what the others are
  /// compared with.
  std::vector<BehaviourResult>
  compare(const std::vector<BehaviourSubject> &Subjects, unsigned Runs);

  /// Nanoseconds of one run, as the kernel measures them over Repeat runs;
  /// several measurements of each subject, taken in turns.
  std::vector<std::vector<uint32_t>>
  time(const std::vector<BehaviourSubject> &Subjects, unsigned Repeat);

private:
  class Impl;
  std::unique_ptr<Impl> Lab;
};

} // namespace prepatch

#endif
