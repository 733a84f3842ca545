//===- LiveStack.h - What the verifier's live-stack pass costs -----------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Since 6.18 the verifier keeps, for each function, which stack slots may be
// read later (kernel/bpf/liveness.c). bpf_update_live_stack() runs over all
// instructions of a function, twice as a rule, whenever marks were added since
// it ran last: when a path ends and another one is taken up, and when a static
// callee returns. In a function of 50 000 instructions each run costs a third
// of a millisecond, so how often it runs can be half of the load.
//
// LiveStack foretells the number of runs by walking the blocks in the order in
// which the verifier comes to them first: it goes on with the instruction after
// a branch and puts the target on a stack (check_cond_jmp_op, push_stack); a
// block seen before ends the path. New marks come from the first visit of an
// instruction that writes a whole slot (bytes and words do not count, nor what
// helpers write), and of one that reads a slot which is not known yet to be
// read later. Measured on 6.18: pyperf50, 100 and 180 have 252, 497 and 12
// runs, 256, 501 and 16 are foretold.
//===----------------------------------------------------------------------===//
#ifndef PREPATCH_ANALYSIS_LIVESTACK_H
#define PREPATCH_ANALYSIS_LIVESTACK_H

#include "Analysis/RegKinds.h"
#include "llvm/ADT/DenseSet.h"

namespace prepatch {

class LiveStack {
public:
  /// Looks at \p F once; linear. The blocks must stay as they are.
  LiveStack(const RegKinds &Kinds, Function &F);

  /// Runs over the function in one verification, if the calls in \p Outlined
  /// are calls of a static function; \p Inverted holds blocks whose branch is
  /// turned around, so that its target comes first.
  unsigned runs(const llvm::DenseSet<const Insn *> &Outlined,
                const llvm::DenseSet<const BasicBlock *> &Inverted) const;

private:
  static constexpr int NumSlots = 64; ///< of 8 bytes; slot 0 ends at r10
  enum class EventKind : uint8_t { Write, Read, HelperCall, StaticCall };
  struct Event {
    EventKind Kind;
    uint8_t FirstSlot = 0, LastSlot = 0; ///< of a read
    const Insn *I = nullptr;             ///< of a call
  };
  struct Block {
    const BasicBlock *BB;
    std::vector<Event> Events; ///< in order; repeated writes left out
    int Next = -1, Target = -1;
    llvm::SmallVector<int, 0> More; ///< of a gotox
  };

  void addEvents(Block &B, Insn &I, const RegState &State);

  std::vector<Block> Blocks;
};

} // namespace prepatch

#endif
