//===- StackUse.h - Stack depth of functions and call chains -------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The verifier adds up the frames of every call chain and refuses more than
// 512 bytes or 8 frames (check_max_stack_depth_subprog). How each frame is
// rounded differs between kernels and is in the profile: 6.18 rounds up to 16
// bytes under the JIT. A function with a tail call may not be reached over
// more than 256 bytes of frames before it.
//===----------------------------------------------------------------------===//
#ifndef PREPATCH_ANALYSIS_STACKUSE_H
#define PREPATCH_ANALYSIS_STACKUSE_H

#include "Analysis/RegKinds.h"

namespace prepatch {

class StackUse {
public:
  StackUse(const RegKinds &Kinds, const KernelProfile &Profile);

  /// Bytes of its own frame that \p F uses, not rounded. Includes what the
  /// kernel adds for may_goto and an inlined bpf_loop.
  unsigned ownBytes(const Function &F) const { return of(F).Own; }
  /// The same, rounded as the kernel does.
  unsigned frameBytes(const Function &F) const { return rounded(of(F).Own); }
  /// Largest sum of frames of a chain from an entry down to \p F, its own
  /// frame included.
  unsigned bytesDownTo(const Function &F) const { return of(F).Down; }
  /// Largest sum of frames from \p F to the end of a chain, its own included.
  unsigned bytesBelow(const Function &F) const { return of(F).Below; }
  /// Frames of the longest chain down to \p F, at least 1.
  unsigned framesDownTo(const Function &F) const { return of(F).Frames; }
  unsigned framesBelow(const Function &F) const { return of(F).FramesBelow; }
  /// False if its stack use is not known or it calls itself.
  bool isKnown(const Function &F) const { return of(F).Known; }

  /// Whether \p F may call one more function that uses \p Bytes of stack and
  /// calls nothing itself.
  bool mayCall(const Function &F, unsigned Bytes) const;
  /// Whether \p F may use \p Bytes more of its own frame.
  bool mayGrow(const Function &F, unsigned Bytes) const;

  unsigned rounded(unsigned Bytes) const;

private:
  struct Depth {
    unsigned Own = 0, Down = 0, Below = 0, Frames = 1, FramesBelow = 1;
    /// Most bytes of frames before a tail call, over the chains through it;
    /// 0 if there is none.
    unsigned BeforeTailCall = 0;
    bool Known = true;
  };
  const Depth &of(const Function &F) const { return Depths[Graph.indexOf(F)]; }
  unsigned measure(const RegKinds &Kinds, Function &F);
  void addUpChains();

  const CallGraph &Graph;
  const KernelProfile &Profile;
  std::vector<Depth> Depths;
};

} // namespace prepatch

#endif
