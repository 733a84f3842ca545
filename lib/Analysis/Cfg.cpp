//===- Cfg.cpp - Order, dominance and loops of the blocks ----------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Analysis/Cfg.h"
#include "llvm/ADT/STLExtras.h"

using namespace llvm;

namespace prepatch {

Cfg::Cfg(Function &F) : Fn(&F) {
  Blocks.resize(F.numberBlocks());
  for (BasicBlock &BB : F)
    Blocks[BB.number()] = &BB;
  findEdges();
  findOrder();
  findDominators();
  findLoops();
}

void Cfg::findEdges() {
  unsigned N = size();
  SuccStart.reserve(N + 1);
  PredStart.assign(N + 1, 0);
  for (BasicBlock *BB : Blocks) {
    SuccStart.push_back(unsigned(Succs.size()));
    for (BasicBlock *S : BB->successors()) {
      Succs.push_back(S->number());
      ++PredStart[S->number() + 1];
    }
  }
  SuccStart.push_back(unsigned(Succs.size()));
  for (unsigned B = 0; B < N; ++B)
    PredStart[B + 1] += PredStart[B];
  Preds.resize(Succs.size());
  std::vector<unsigned> Next(PredStart.begin(), PredStart.end() - 1);
  for (unsigned B = 0; B < N; ++B)
    for (unsigned S : successors(B))
      Preds[Next[S]++] = B;
}

void Cfg::findOrder() {
  OrderIndex.assign(size(), NoBlock);
  if (Blocks.empty())
    return;
  // Depth first without recursion: functions of a hundred thousand blocks in
  // one chain exist.
  std::vector<std::pair<unsigned, unsigned>> Stack; // block, next successor
  std::vector<char> Seen(size());
  Stack.push_back({0, 0});
  Seen[0] = true;
  TreeParent.assign(size(), NoBlock);
  Preorder.push_back(0);
  while (!Stack.empty()) {
    auto &[B, Next] = Stack.back();
    ArrayRef<unsigned> Out = successors(B);
    if (Next == Out.size()) {
      Order.push_back(B);
      Stack.pop_back();
      continue;
    }
    // The last successor first, so that in the reversed order what follows in
    // layout comes before what is branched to.
    unsigned S = Out[Out.size() - 1 - Next++];
    if (!Seen[S]) {
      Seen[S] = true;
      TreeParent[S] = B;
      Preorder.push_back(S);
      Stack.push_back({S, 0});
    }
  }
  std::reverse(Order.begin(), Order.end());
  for (unsigned I = 0; I < Order.size(); ++I)
    OrderIndex[Order[I]] = I;
}

void Cfg::findDominators() {
  Idom.assign(size(), NoBlock);
  DomIn.assign(size(), 0);
  DomOut.assign(size(), 0);
  if (Order.empty())
    return;

  // Semi-NCA (Georgiadis). Blocks are named by their place in preorder here.
  // The iterative algorithm would be quadratic on what C makes of error
  // handling: thousands of tests that all branch to one exit.
  unsigned N = unsigned(Preorder.size());
  std::vector<unsigned> Number(size(), NoBlock), Parent(N, 0), Semi(N),
      Label(N), Ancestor(N, NoBlock), Dom(N, 0);
  for (unsigned I = 0; I < N; ++I)
    Number[Preorder[I]] = Semi[I] = Label[I] = I;
  for (unsigned I = 1; I < N; ++I)
    Parent[I] = Number[TreeParent[Preorder[I]]];
  std::vector<unsigned> Path;
  // The smallest semidominator on the way from V up to the root of its tree.
  auto evaluate = [&](unsigned V) {
    if (Ancestor[V] == NoBlock)
      return Label[V];
    Path.clear();
    for (; Ancestor[Ancestor[V]] != NoBlock; V = Ancestor[V])
      Path.push_back(V);
    unsigned Root = Ancestor[V];
    for (; !Path.empty(); Path.pop_back()) {
      unsigned Below = Path.back();
      if (Semi[Label[V]] < Semi[Label[Below]])
        Label[Below] = Label[V];
      Ancestor[Below] = Root;
      V = Below;
    }
    return Label[V];
  };
  for (unsigned I = N; I-- > 1;) {
    for (unsigned P : predecessors(Preorder[I]))
      if (isReachable(P))
        Semi[I] = std::min(Semi[I], Semi[evaluate(Number[P])]);
    Ancestor[I] = Parent[I];
  }
  for (unsigned I = 1; I < N; ++I) {
    unsigned D = Parent[I];
    while (D > Semi[I])
      D = Dom[D];
    Dom[I] = D;
    Idom[Preorder[I]] = Preorder[D];
  }

  // Number the dominator tree by intervals. A dominator comes before what it
  // dominates in the order, so sizes can be summed backwards and places be
  // given out forwards.
  std::vector<unsigned> Size(size(), 1), Next(size(), 0);
  for (unsigned B : reverse(Order))
    if (Idom[B] != NoBlock)
      Size[Idom[B]] += Size[B];
  for (unsigned B : Order) {
    DomIn[B] = Idom[B] == NoBlock ? 0 : Next[Idom[B]];
    if (Idom[B] != NoBlock)
      Next[Idom[B]] += Size[B];
    DomOut[B] = DomIn[B] + Size[B];
    Next[B] = DomIn[B] + 1;
  }
}

bool Cfg::dominates(unsigned A, unsigned B) const {
  return isReachable(A) && isReachable(B) && DomIn[A] <= DomIn[B] &&
         DomIn[B] < DomOut[A];
}

void Cfg::findLoops() {
  Depth.assign(size(), 0);
  OuterHeader.assign(size(), NoBlock);
  IsHeader.assign(size(), false);

  // Inner loops first; a finished loop stands for its header, which a
  // union-find structure with path compression looks up.
  std::vector<unsigned> Leader(size());
  for (unsigned B = 0; B < size(); ++B)
    Leader[B] = B;
  auto find = [&](unsigned B) {
    while (Leader[B] != B)
      B = Leader[B] = Leader[Leader[B]];
    return B;
  };
  std::vector<unsigned> Work;
  for (unsigned H : reverse(Order)) {
    for (unsigned P : predecessors(H)) {
      if (!isReachable(P) || OrderIndex[P] < OrderIndex[H])
        continue;
      IsHeader[H] = true;
      if (!dominates(H, P))
        Irreducible = true;
      if (unsigned L = find(P); L != H)
        Work.push_back(L);
    }
    while (!Work.empty()) {
      unsigned B = Work.back();
      Work.pop_back();
      if (Leader[B] != B)
        continue; // found twice
      Leader[B] = H;
      OuterHeader[B] = H;
      for (unsigned P : predecessors(B)) {
        if (!isReachable(P))
          continue;
        unsigned L = find(P);
        if (L == H)
          continue;
        if (dominates(H, L))
          Work.push_back(L);
        else
          Irreducible = true;
      }
    }
  }
  for (unsigned B : Order)
    Depth[B] =
        IsHeader[B] + (OuterHeader[B] == NoBlock ? 0 : Depth[OuterHeader[B]]);
}

} // namespace prepatch
