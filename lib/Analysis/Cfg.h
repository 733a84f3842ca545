//===- Cfg.h - Order, dominance and loops of the blocks ------------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the shape of a function says: predecessors, reverse post order,
// dominators and the forest of natural loops.
// Blocks are named by their number in layout order. A Cfg is a snapshot: after
// an edit that adds or removes blocks or branches, build another.
//===----------------------------------------------------------------------===//
#ifndef PREPATCH_ANALYSIS_CFG_H
#define PREPATCH_ANALYSIS_CFG_H

#include "IR/Function.h"
#include "llvm/ADT/ArrayRef.h"
#include <vector>

namespace prepatch {

class Cfg {
public:
  static constexpr unsigned NoBlock = ~0u;

  /// Numbers the blocks of \p F and looks at them. Near linear.
  explicit Cfg(Function &F);

  Function &function() const { return *Fn; }
  unsigned size() const { return unsigned(Blocks.size()); }
  BasicBlock &block(unsigned N) const { return *Blocks[N]; }

  /// Both without duplicates of an edge that occurs twice, except that a
  /// branch to the next block counts once for each way.
  llvm::ArrayRef<unsigned> successors(unsigned N) const {
    return edges(Succs, SuccStart, N);
  }
  llvm::ArrayRef<unsigned> predecessors(unsigned N) const {
    return edges(Preds, PredStart, N);
  }

  /// The blocks that can be reached from the entry, entry first.
  llvm::ArrayRef<unsigned> reversePostOrder() const { return Order; }
  /// Place in the reverse post order, NoBlock if unreachable.
  unsigned orderIndex(unsigned N) const { return OrderIndex[N]; }
  bool isReachable(unsigned N) const { return OrderIndex[N] != NoBlock; }

  /// NoBlock for the entry and for unreachable blocks.
  unsigned immediateDominator(unsigned N) const { return Idom[N]; }
  /// Whether every way to \p B passes \p A. A block dominates itself;
  /// unreachable blocks neither dominate nor are dominated.
  bool dominates(unsigned A, unsigned B) const;

  /// How many loops are around block \p N; 0 is straight-line code.
  unsigned loopDepth(unsigned N) const { return Depth[N]; }
  /// Header of the innermost loop that holds \p N (itself for a header), or
  /// NoBlock.
  unsigned loopHeader(unsigned N) const {
    return IsHeader[N] ? N : OuterHeader[N];
  }
  /// Header of the loop around the one that \p N is the header of; for other
  /// blocks the same as loopHeader.
  unsigned outerHeader(unsigned N) const { return OuterHeader[N]; }
  bool isLoopHeader(unsigned N) const { return IsHeader[N]; }
  /// A loop that is entered at several places: it counts as one with the
  /// block that comes first as its header, and its body may be incomplete.
  bool hasIrreducibleLoop() const { return Irreducible; }

private:
  static llvm::ArrayRef<unsigned> edges(const std::vector<unsigned> &Edges,
                                        const std::vector<unsigned> &Start,
                                        unsigned N) {
    return llvm::ArrayRef(Edges).slice(Start[N], Start[N + 1] - Start[N]);
  }
  void findEdges();
  void findOrder();
  void findDominators();
  void findLoops();

  Function *Fn;
  std::vector<BasicBlock *> Blocks;
  std::vector<unsigned> Succs, SuccStart, Preds, PredStart;
  std::vector<unsigned> Order, OrderIndex, Idom;
  std::vector<unsigned> Preorder, TreeParent; ///< of the depth first walk
  std::vector<unsigned> DomIn, DomOut; ///< interval in the dominator tree
  std::vector<unsigned> Depth, OuterHeader;
  std::vector<char> IsHeader;
  bool Irreducible = false;
};

} // namespace prepatch

#endif
