//===- StateLog.h - the states in a level-2 log ---------------------------===//
//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Reads the verifier's level-2 log as a stream: how often each instruction was
// visited and each path cut there, and at chosen points what the states looked
// like and which locations were asked to be exact. Kernels 6.1 to 6.18.
//
//===----------------------------------------------------------------------===//

#ifndef PREPATCH_LOAD_STATELOG_H
#define PREPATCH_LOAD_STATELOG_H

#include "PointStats.h"

#include <string>

namespace prepatch {

/// All by index in the captured program.
struct StateProfile {
  /// Visits as the kernel counts them: those that were cut are among them.
  std::vector<uint64_t> Visits, Safe;
  std::vector<PointProfile> Points;
  uint64_t UnknownLines = 0;
  std::vector<std::string> UnknownExamples; ///< the first few
};

class StateLogReader {
public:
  /// Origin: of each instruction that was loaded, as in LoadVariant. Count:
  /// instructions of the captured program. Points: indices in it.
  StateLogReader(const std::vector<int32_t> &Origin, size_t Count,
                 const std::vector<uint32_t> &Points);

  /// Reads the complete lines at the start of Text, and returns their length.
  size_t read(std::string_view Text);
  StateProfile profile() const;

private:
  void readLine(std::string_view Line);
  bool readNumbered(std::string_view Line);
  bool readFrom(std::string_view Line);
  bool readPrecision(std::string_view Line);
  bool readWords(std::string_view Line);
  void visit(uint32_t Index, std::string_view Text);
  void cut(uint32_t Index);
  void series(int64_t Last, int64_t Subsequent);
  void asked(std::string_view Regs, std::string_view Stack, bool Hex,
             bool Parent);
  bool state(std::string_view Text, bool All) {
    return Points.empty() || State.apply(Text, All);
  }

  /// For each loaded instruction: where it counts, and the number of its point
  /// or -1.
  std::vector<uint32_t> Home;
  std::vector<int32_t> PointOf;
  std::vector<bool> Inserted;
  std::vector<PointStats> Stats;
  std::vector<uint32_t> Points;
  FrameState State;
  StateProfile Result;

  // Precision is asked for in series that walk backwards: each line tells what
  // is asked for before the instruction that the line before dealt with.
  int64_t Walked = -1;
  bool AfterParent = false, Counted = false;
};

} // namespace prepatch

#endif
