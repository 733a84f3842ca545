//===- ArrayModel.h - A program as an array, the plain way ----------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the kernel does when it patches: the program is an array, every record
// is an index into it, and each edit moves the tail and repairs all indices.
// Slow and simple on purpose: the other side of a comparison.
//===----------------------------------------------------------------------===//
#ifndef PREPATCH_TEST_UNIT_OBJECT_ARRAYMODEL_H
#define PREPATCH_TEST_UNIT_OBJECT_ARRAYMODEL_H

#include "TestObject.h"

namespace prepatch::test {

class ArrayModel {
public:
  explicit ArrayModel(ObjectSpec S) : Spec(std::move(S)) {}

  ObjectSpec Spec;

  /// Slots of the instruction at \p At: 1 or 2.
  static unsigned slotsAt(const CodeSpec &C, uint32_t At);

  /// Replaces the instruction at slot \p At of section \p Section by \p With.
  /// What jumps to it jumps to the first of \p With; its line record stays
  /// with the first. With \p KeepsOriginal, \p With ends in the instruction
  /// itself, which keeps its target, its relocation and its CO-RE record.
  /// Branches in \p With reach inside it as they are.
  void patch(size_t Section, uint32_t At, std::vector<RawInsn> With,
             bool KeepsOriginal);

  /// Deletes the instruction at slot \p At. What jumps to it jumps to the one
  /// after it, and its line record goes there if that has none.
  void remove(size_t Section, uint32_t At);

private:
  void adjust(size_t Section, uint32_t At, int64_t OldSlots, int64_t NewSlots,
              bool KeepsOriginal);
  void adjustRecords(CodeSpec &C, uint32_t At, int64_t OldSlots,
                     int64_t NewSlots, bool KeepsOriginal);
};

} // namespace prepatch::test

#endif
