//===- Liveness.cpp - Which registers are read later ---------------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Analysis/Liveness.h"

using namespace llvm;

namespace prepatch {

static RegSet firstArguments(unsigned Count) {
  return RegSet(((1u << Count) - 1) << 1);
}

Liveness::Liveness(const CallGraph &Graph, const KernelProfile &Profile)
    : Graph(Graph), Profile(Profile) {
  ArrayRef<Function *> Functions = Graph.functions();
  Blocks.resize(Functions.size());
  Arguments.assign(Functions.size(), CallArguments);

  // Callees first. What calls itself keeps the cautious answer for itself.
  std::vector<char> Visited(Functions.size());
  SmallVector<std::pair<unsigned, unsigned>, 8> Stack;
  for (unsigned Root = 0; Root < Functions.size(); ++Root) {
    if (Visited[Root])
      continue;
    Visited[Root] = true;
    Stack.push_back({Root, 0});
    while (!Stack.empty()) {
      auto &[N, Next] = Stack.back();
      ArrayRef<CallSite> Out = Graph.callees(*Functions[N]);
      if (Next == Out.size()) {
        solve(*Functions[N]);
        Stack.pop_back();
        continue;
      }
      unsigned C = Graph.indexOf(*Out[Next++].Callee);
      if (!Visited[C]) {
        Visited[C] = true;
        Stack.push_back({C, 0});
      }
    }
  }
}

RegSet Liveness::argumentsOf(const Function &F) const {
  if (F.signature())
    return firstArguments(unsigned(F.signature()->Params.size()));
  if (F.isGlobal() || F.isEntry() || F.isOpaque())
    return CallArguments;
  return Arguments[Graph.indexOf(F)];
}

RegSet Liveness::reads(const Insn &I) const {
  switch (I.kind()) {
  case InsnKind::HelperCall:
    // An unknown helper has a table entry with unknown arguments, or none.
    if (const HelperInfo *H = Profile.helper(uint32_t(I.imm())))
      return firstArguments(H->numArgs());
    return CallArguments;
  case InsnKind::BpfCall:
    return I.callee() ? argumentsOf(*I.callee()) : CallArguments;
  default:
    return I.reads();
  }
}

const Liveness::BlockSets &Liveness::blockOf(const BasicBlock &BB) const {
  return Blocks[Graph.indexOf(*BB.parent())][BB.number()];
}

void Liveness::solve(Function &F) {
  unsigned N = Graph.indexOf(F);
  Cfg Flow(F);
  std::vector<BlockSets> &Sets = Blocks[N];
  Sets.assign(Flow.size(), {});
  if (F.isOpaque()) {
    constexpr RegSet All = (1u << NumRegs) - 1;
    for (BlockSets &S : Sets)
      S = {All, All};
    return;
  }

  // Each block as In = Uses | (Out & ~Defs).
  struct Effect {
    RegSet Uses = 0, Defs = 0;
  };
  std::vector<Effect> Effects(Flow.size());
  for (unsigned B = 0; B < Flow.size(); ++B)
    for (Insn &I : Flow.block(B)) {
      Effects[B].Uses |= reads(I) & ~Effects[B].Defs;
      Effects[B].Defs |= I.writes();
    }

  auto solveBlock = [&](unsigned B) {
    RegSet Out = 0;
    for (unsigned S : Flow.successors(B))
      Out |= Sets[S].In;
    RegSet In = Effects[B].Uses | RegSet(Out & ~Effects[B].Defs);
    bool Changed = In != Sets[B].In;
    Sets[B] = {In, Out};
    return Changed;
  };
  for (bool Changed = true; Changed;) {
    Changed = false;
    for (unsigned B : llvm::reverse(Flow.reversePostOrder()))
      if (solveBlock(B))
        Changed = true;
  }
  // Nothing leads into unreachable blocks, but they are code all the same.
  for (bool Changed = true; Changed;) {
    Changed = false;
    for (unsigned B = Flow.size(); B-- > 0;)
      if (!Flow.isReachable(B) && solveBlock(B))
        Changed = true;
  }
  if (!Sets.empty())
    Arguments[N] = Sets[0].In & CallArguments;
}

void Liveness::update(Function &F) { solve(F); }

void Liveness::forEachBackward(const BasicBlock &BB,
                               function_ref<void(Insn &, RegSet)> Visit) const {
  RegSet Live = liveOut(BB);
  for (Insn *I = BB.back(); I;) {
    // Both before the visit, which may take the instruction out.
    RegSet Before = RegSet(Live & ~I->writes()) | reads(*I);
    Insn *Prev = I->prev();
    Visit(*I, Live);
    Live = Before;
    I = Prev;
  }
}

RegSet Liveness::liveAfter(const BasicBlock &BB, const Insn &Wanted) const {
  RegSet Live = liveOut(BB);
  for (Insn *I = BB.back(); I && I != &Wanted; I = I->prev())
    Live = RegSet(Live & ~I->writes()) | reads(*I);
  return Live;
}

RegSet Liveness::liveBefore(const BasicBlock &BB, const Insn &I) const {
  return RegSet(liveAfter(BB, I) & ~I.writes()) | reads(I);
}

} // namespace prepatch
