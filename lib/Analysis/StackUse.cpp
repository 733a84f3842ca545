//===- StackUse.cpp - Stack depth of functions and call chains -----------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Analysis/StackUse.h"
#include "llvm/Support/MathExtras.h"

using namespace llvm;

namespace prepatch {

static constexpr int32_t HelperLoop = 181;

StackUse::StackUse(const RegKinds &Kinds, const KernelProfile &Profile)
    : Graph(Kinds.graph()), Profile(Profile) {
  for (Function *F : Graph.functions()) {
    Depth &D = Depths.emplace_back();
    D.Own = measure(Kinds, *F);
    D.Known = !Graph.facts(*F).HasRawBytes;
  }
  addUpChains();
}

unsigned StackUse::rounded(unsigned Bytes) const {
  const KernelLimits &L = Profile.limits();
  return std::max(unsigned(alignTo(Bytes, std::max(1u, L.StackRounding))),
                  L.StackMinFrame);
}

unsigned StackUse::measure(const RegKinds &Kinds, Function &F) {
  int32_t Lowest = 0;
  bool Loop = false, MayGoto = false;
  auto use = [&](const RegValue &V, int32_t Off) {
    if (V.is(ValueKind::Stack))
      Lowest = std::min(Lowest, V.offset() + Off);
  };
  for (BasicBlock &BB : F)
    Kinds.forEach(BB, [&](Insn &I, const RegState &S) {
      switch (I.kind()) {
      case InsnKind::Load:
        return use(S[I.src()], I.off());
      case InsnKind::Store:
      case InsnKind::StoreImm:
      case InsnKind::Atomic:
        return use(S[I.dst()], I.off());
      case InsnKind::Alu:
        // Wherever a pointer into the frame goes from here, its base counts.
        if (aluOp(I.opcode()) == AluAdd && !usesSrcReg(I.opcode()))
          use(S[I.dst()], I.imm());
        return;
      case InsnKind::MayGoto:
        MayGoto = true;
        return;
      case InsnKind::HelperCall:
        Loop |= I.imm() == HelperLoop;
        [[fallthrough]];
      case InsnKind::BpfCall:
      case InsnKind::KfuncCall:
        for (unsigned R = 1; R <= 5; ++R)
          use(S[R], 0);
        return;
      default:
        return;
      }
    });
  // The verifier counts whole slots.
  unsigned Bytes = unsigned(alignTo(-int64_t(Lowest), 8));
  if (Loop)
    Bytes += Profile.misc().LoopStack;
  if (MayGoto)
    Bytes += Profile.misc().MayGotoStack;
  return Bytes;
}

void StackUse::addUpChains() {
  // Callees before callers; an edge back into the chain is recursion, which
  // the verifier refuses.
  enum : char { New, Active, Done };
  std::vector<char> Mark(Depths.size());
  std::vector<unsigned> PostOrder;
  SmallVector<std::pair<unsigned, unsigned>, 8> Stack;
  for (unsigned Root = 0; Root < Depths.size(); ++Root) {
    if (Mark[Root] != New)
      continue;
    Mark[Root] = Active;
    Stack.push_back({Root, 0});
    while (!Stack.empty()) {
      auto &[N, Next] = Stack.back();
      ArrayRef<CallSite> Out = Graph.callees(*Graph.functions()[N]);
      if (Next == Out.size()) {
        Mark[N] = Done;
        PostOrder.push_back(N);
        Stack.pop_back();
        continue;
      }
      unsigned C = Graph.indexOf(*Out[Next++].Callee);
      if (Mark[C] == New) {
        Mark[C] = Active;
        Stack.push_back({C, 0});
      } else if (Mark[C] == Active) {
        Depths[C].Known = Depths[N].Known = false;
      }
    }
  }

  for (unsigned N : PostOrder) {
    Function &F = *Graph.functions()[N];
    Depth &D = Depths[N];
    unsigned Frame = rounded(D.Own), Deepest = 0, Frames = 0, Tail = 0;
    for (const CallSite &Site : Graph.callees(F)) {
      unsigned C = Graph.indexOf(*Site.Callee);
      Deepest = std::max(Deepest, Depths[C].Below);
      Frames = std::max(Frames, Depths[C].FramesBelow);
      D.Known &= Depths[C].Known;
      if (Graph.facts(*Site.Callee).HasTailCall || Depths[C].BeforeTailCall)
        Tail = std::max(Tail, Frame + Depths[C].BeforeTailCall);
    }
    D.Below = Frame + Deepest;
    D.FramesBelow = Frames + 1;
    D.BeforeTailCall = Tail;
  }
  for (unsigned N : llvm::reverse(PostOrder)) {
    Depth &D = Depths[N];
    unsigned Frame = rounded(D.Own), Above = 0, Frames = 0;
    for (const CallSite &Site : Graph.callers(*Graph.functions()[N])) {
      const Depth &Caller = of(*Site.Caller);
      Above = std::max(Above, Caller.Down);
      Frames = std::max(Frames, Caller.Frames);
      D.Known &= Caller.Known;
    }
    D.Down = Frame + Above;
    D.Frames = Frames + 1;
  }
}

bool StackUse::mayCall(const Function &F, unsigned Bytes) const {
  const Depth &D = of(F);
  return D.Known && D.Frames < Profile.limits().CallFrames &&
         D.Down + rounded(Bytes) <= Profile.limits().StackBytes;
}

bool StackUse::mayGrow(const Function &F, unsigned Bytes) const {
  const Depth &D = of(F);
  const KernelLimits &L = Profile.limits();
  if (!D.Known || D.Own + Bytes > L.StackBytes)
    return false;
  unsigned Frame = rounded(D.Own), More = rounded(D.Own + Bytes) - Frame;
  if (D.Down + D.Below - Frame + More > L.StackBytes)
    return false;
  return !D.BeforeTailCall ||
         D.Down - Frame + D.BeforeTailCall + More < L.StackBytesTailCall;
}

} // namespace prepatch
