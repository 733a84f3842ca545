//===- ProgramModel.h - A loaded program in terms of the object ----------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A loader appends the subprograms that a program calls and numbers the
// instructions through. This translates between those numbers and places in
// the object's functions, and turns plans into the code that a session inserts.
//===----------------------------------------------------------------------===//
#ifndef PREPATCH_TUNE_PROGRAMMODEL_H
#define PREPATCH_TUNE_PROGRAMMODEL_H

#include "Tune/KernelSession.h"
#include "Tune/Plan.h"

namespace prepatch {

/// The functions of an object by number, with what no-ops may use in them.
class ObjectModel {
public:
  ObjectModel(Program &P, Widener &W);

  Widener &widener() const { return TheWidener; }
  Function &function(uint32_t Number) const { return *Functions[Number]; }
  /// The number of the only function of that name that is not opaque.
  std::optional<uint32_t> findFunction(llvm::StringRef Name) const;
  Insn *find(CodePlace At) const;
  /// What is alike in copies of one piece of code: its next opcodes.
  uint64_t fingerprint(CodePlace At) const;

private:
  Widener &TheWidener;
  std::vector<Function *> Functions;
};

/// The insertions of a plan; Places[K] is where insertion K stands.
struct PlannedCode {
  std::vector<Insertion> Insertions;
  std::vector<CodePlace> Places;
  unsigned Insns = 0;
};

class ProgramModel {
public:
  ProgramModel(const ObjectModel &Obj, const SessionProgram &Loaded);

  const ObjectModel &object() const { return Obj; }
  const std::string &name() const { return Name; }
  unsigned insns() const { return Insns; }

  /// The place of a loaded instruction; none in a function that the object
  /// does not name uniquely.
  std::optional<CodePlace> placeOf(uint32_t Flat) const;
  std::optional<uint32_t> flatOf(CodePlace At) const;
  bool holds(uint32_t Fn) const;

  /// Where no-ops may do something: the starts of blocks, in order.
  llvm::ArrayRef<uint32_t> points() const { return Points; }
  /// Whether several ways lead to a point.
  bool isJoin(uint32_t Point) const {
    return llvm::binary_search(Joins, Point);
  }
  /// Whether a loop begins at a point.
  bool isLoopHead(uint32_t Point) const {
    return llvm::binary_search(LoopHeads, Point);
  }

  /// Choices outside of this program, or without resources, are left out.
  PlannedCode codeFor(const Plan &ThePlan) const;

private:
  struct Range {
    uint32_t Start, Count;
    std::optional<uint32_t> Fn;
  };
  const ObjectModel &Obj;
  std::string Name;
  unsigned Insns;
  void findPoints();

  std::vector<Range> Ranges; ///< in order
  std::vector<uint32_t> Points, Joins, LoopHeads;
};

} // namespace prepatch

#endif
