//===- BasicBlock.h - A list of instructions -----------------------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A block holds a circular list of instructions; only the last may be a
// terminator. A block whose last instruction does not end the flow falls
// through to the next block of its function.
//===----------------------------------------------------------------------===//
#ifndef PREPATCH_IR_BASICBLOCK_H
#define PREPATCH_IR_BASICBLOCK_H

#include "IR/Insn.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/ilist_node.h"
#include <iterator>

namespace prepatch {

/// Walks the instructions of a block. The current instruction may be erased
/// once the iterator has moved on; see BasicBlock::earlyInsns.
class InsnIterator {
public:
  using iterator_category = std::bidirectional_iterator_tag;
  using value_type = Insn;
  using difference_type = std::ptrdiff_t;
  using pointer = Insn *;
  using reference = Insn &;

  explicit InsnIterator(InsnLink *L = nullptr) : Link(L) {}
  Insn &operator*() const { return *static_cast<Insn *>(Link); }
  Insn *operator->() const { return static_cast<Insn *>(Link); }
  InsnIterator &operator++() {
    Link = Link->Next;
    return *this;
  }
  InsnIterator operator++(int) {
    InsnIterator Old = *this;
    ++*this;
    return Old;
  }
  InsnIterator &operator--() {
    Link = Link->Prev;
    return *this;
  }
  bool operator==(const InsnIterator &) const = default;

private:
  InsnLink *Link;
};

class BasicBlock : public llvm::ilist_node<BasicBlock> {
  friend class Builder;
  friend class Function;

public:
  InsnIterator begin() const { return InsnIterator(EndMark.Next); }
  InsnIterator end() const {
    return InsnIterator(const_cast<InsnLink *>(&EndMark));
  }
  bool empty() const { return EndMark.Next == &EndMark; }
  /// First and last instruction, null in an empty block.
  Insn *front() const { return Insn::fromLink(EndMark.Next); }
  Insn *back() const { return Insn::fromLink(EndMark.Prev); }

  Function *parent() const { return Parent; }
  /// Number in layout order, as of the last Function::numberBlocks.
  unsigned number() const { return Number; }

  /// The next block in layout order, or null.
  BasicBlock *next() const;
  BasicBlock *prev() const;

  /// Whether control may run off its end into next().
  bool fallsThrough() const {
    Insn *Last = back();
    return !Last || !endsFlow(Last->kind());
  }

  /// Blocks that may run after this one: first the one it falls through to,
  /// then the target of its branch; of a gotox the function's jump tables.
  llvm::SmallVector<BasicBlock *, 2> successors() const;

private:
  explicit BasicBlock(Function *F) : Parent(F) {
    EndMark.Prev = EndMark.Next = &EndMark;
  }

  InsnLink EndMark;
  Function *Parent;
  unsigned Number = 0;
};

} // namespace prepatch

#endif
