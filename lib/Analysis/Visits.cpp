//===- Visits.cpp - How often the verifier looks at an instruction -------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Analysis/Visits.h"

using namespace llvm;

namespace prepatch {

// The numbers that the header explains.
static constexpr float JoinShare = 1.0f / 20;
static constexpr float JoinLimit = 20;
static constexpr float LoopRounds = 32;
static constexpr float ConvergingRounds = 4;
static constexpr float Limit = 1e6f; // BPF_COMPLEXITY_LIMIT_INSNS
/// Programs in use keep away from that limit. Should one not, then its load is
/// so long that what was reckoned wrong does not show in it.
static constexpr double ProgramLimit = Limit / 5;

/// Loops whose body is walked until the states meet, not once for each round.
static std::vector<char> findConvergingLoops(const Cfg &Flow) {
  std::vector<char> Converges(Flow.size());
  for (unsigned B = 0; B < Flow.size(); ++B) {
    unsigned Header = Flow.loopHeader(B);
    if (Header == Cfg::NoBlock || Converges[Header])
      continue;
    for (Insn &I : Flow.block(B)) {
      StringRef Name = calledKfunc(I);
      if (I.kind() == InsnKind::MayGoto ||
          (Name.starts_with("bpf_iter_") && Name.ends_with("_next")))
        Converges[Header] = true;
    }
  }
  return Converges;
}

/// Visits of each block for one visit of the entry.
static std::vector<float> shapeOf(const RegKinds &Kinds, const Cfg &Flow) {
  std::vector<char> Converges = findConvergingLoops(Flow);
  std::vector<float> Ways(Flow.size()), Rounds(Flow.size(), 1);
  for (unsigned B : Flow.reversePostOrder()) {
    if (!Kinds.isReached(Flow.block(B)))
      continue;
    if (Flow.orderIndex(B) == 0) {
      Ways[B] = 1;
    } else {
      float Sum = 0, Most = 0;
      for (unsigned P : Flow.predecessors(B))
        // What comes from further down closes a loop.
        if (Flow.isReachable(P) && Flow.orderIndex(P) < Flow.orderIndex(B)) {
          Sum += Ways[P];
          Most = std::max(Most, Ways[P]);
        }
      Ways[B] = std::min(JoinLimit, Most + (Sum - Most) * JoinShare);
    }
    unsigned Outer = Flow.outerHeader(B);
    if (Outer != Cfg::NoBlock)
      Rounds[B] = Rounds[Outer];
    if (Flow.isLoopHeader(B))
      Rounds[B] *= Converges[B] ? ConvergingRounds : LoopRounds;
  }
  for (unsigned B = 0; B < Flow.size(); ++B)
    Ways[B] = std::min(Limit, Ways[B] * Rounds[B]);
  return Ways;
}

/// Callers before callees; what is in a cycle anywhere.
static std::vector<unsigned> callersFirst(const CallGraph &Graph) {
  ArrayRef<Function *> Functions = Graph.functions();
  std::vector<unsigned> Order;
  std::vector<char> Seen(Functions.size());
  SmallVector<std::pair<unsigned, unsigned>, 8> Stack;
  for (unsigned Root = 0; Root < Functions.size(); ++Root) {
    if (Seen[Root])
      continue;
    Seen[Root] = true;
    Stack.push_back({Root, 0});
    while (!Stack.empty()) {
      auto &[N, Next] = Stack.back();
      ArrayRef<CallSite> Out = Graph.callees(*Functions[N]);
      if (Next == Out.size()) {
        Order.push_back(N);
        Stack.pop_back();
        continue;
      }
      unsigned C = Graph.indexOf(*Out[Next++].Callee);
      if (!Seen[C]) {
        Seen[C] = true;
        Stack.push_back({C, 0});
      }
    }
  }
  std::reverse(Order.begin(), Order.end());
  return Order;
}

/// Space for all original instructions of \p F.
static void reserveSlots(const Function &F, const BasicBlock &BB,
                         std::vector<float> &BySlot) {
  for (Insn &I : BB)
    if (!I.isInserted() && I.originalIndex() >= F.originalStart()) {
      size_t Slot = I.originalIndex() - F.originalStart();
      if (Slot >= BySlot.size())
        BySlot.resize(Slot + 1);
    }
}

VisitCounts VisitCounts::estimate(const RegKinds &Kinds) {
  VisitCounts Result;
  const CallGraph &Graph = Kinds.graph();
  std::vector<float> Entry(Graph.functions().size());
  for (unsigned N : callersFirst(Graph)) {
    Function &F = *Graph.functions()[N];
    PerFunction &Counts = Result.Functions[&F];
    if (F.isEntry())
      Entry[N] += 1;
    else if (F.isGlobal())
      Entry[N] = float(Graph.programsWith(F).size());
    Counts.AtEntry = Entry[N] = std::min(Limit, Entry[N]);

    const Cfg &Flow = Kinds.cfg(F);
    std::vector<float> Blocks = shapeOf(Kinds, Flow);
    for (unsigned B = 0; B < Flow.size(); ++B) {
      float V = std::min(Limit, Blocks[B] * Entry[N]);
      BasicBlock &BB = Flow.block(B);
      reserveSlots(F, BB, Counts.BySlot);
      for (Insn &I : BB) {
        if (I.isInserted() || I.originalIndex() < F.originalStart())
          Counts.Inserted[&I] = V;
        else
          Counts.BySlot[I.originalIndex() - F.originalStart()] = V;
      }
      Blocks[B] = V;
    }
    for (const CallSite &Site : Graph.callees(F)) {
      float V = Blocks[Site.BB->number()];
      Entry[Graph.indexOf(*Site.Callee)] +=
          Site.IsPointer ? V * ConvergingRounds : V;
    }
  }
  Result.boundBy(Graph, ProgramLimit);
  return Result;
}

/// A program that loads was not visited more often in all than the verifier
/// allows: scales down what adds up to more. A shared function keeps the
/// highest count that any of its programs leaves it.
void VisitCounts::boundBy(const CallGraph &Graph, double Bound) {
  auto sum = [&](const Function &F) {
    double Sum = 0;
    auto It = Functions.find(&F);
    if (It == Functions.end())
      return Sum;
    for (float V : It->second.BySlot)
      Sum += V;
    for (auto &[I, V] : It->second.Inserted)
      Sum += V;
    return Sum;
  };
  std::vector<double> Factor(Graph.functions().size(), 0);
  for (const LoadedProgram &L : Graph.loadedPrograms()) {
    double Sum = 0;
    for (const Function *F : L.Functions)
      Sum += sum(*F);
    double Scale = Sum > Bound ? Bound / Sum : 1;
    for (const Function *F : L.Functions)
      Factor[Graph.indexOf(*F)] = std::max(Factor[Graph.indexOf(*F)], Scale);
  }
  for (auto &[F, Counts] : Functions) {
    double Scale = Factor[Graph.indexOf(*F)];
    if (Scale == 0 || Scale == 1)
      continue;
    for (float &V : Counts.BySlot)
      V = V > 0 ? std::max(1.0, V * Scale) : 0;
    for (auto &[I, V] : Counts.Inserted)
      V = V > 0 ? std::max(1.0, V * Scale) : 0;
    Counts.AtEntry = std::max(1.0, Counts.AtEntry * Scale);
  }
}

VisitCounts VisitCounts::measured(const CallGraph &Graph,
                                  ArrayRef<VisitRecord> Records) {
  VisitCounts Result;
  Result.Measured = true;
  StringMap<PerFunction *> ByName;
  for (Function *F : Graph.functions())
    Result.Functions.try_emplace(F);
  for (Function *F : Graph.functions()) {
    PerFunction &Counts = Result.Functions[F];
    for (BasicBlock &BB : *F)
      reserveSlots(*F, BB, Counts.BySlot);
    ByName[F->name()] = &Counts;
  }
  for (const VisitRecord &R : Records) {
    auto It = ByName.find(R.Function);
    if (It == ByName.end() || R.Index >= It->second->BySlot.size())
      continue;
    It->second->BySlot[R.Index] += float(R.Visits);
    if (R.Index == 0)
      It->second->AtEntry += float(R.Visits);
  }
  return Result;
}

double VisitCounts::visits(const Function &F, const Insn &I) const {
  auto It = Functions.find(&F);
  if (It == Functions.end())
    return 1;
  const PerFunction &Counts = It->second;
  auto known = [&](const Insn &At) -> const float * {
    if (At.isInserted() || At.originalIndex() < F.originalStart()) {
      auto Found = Counts.Inserted.find(&At);
      return Found == Counts.Inserted.end() ? nullptr : &Found->second;
    }
    size_t Slot = At.originalIndex() - F.originalStart();
    return Slot < Counts.BySlot.size() ? &Counts.BySlot[Slot] : nullptr;
  };
  for (const Insn *At = &I; At; At = At->next())
    if (const float *V = known(*At))
      return *V;
  for (const Insn *At = I.prev(); At; At = At->prev())
    if (const float *V = known(*At))
      return *V;
  return Counts.AtEntry;
}

double VisitCounts::visitsAtEntry(const Function &F) const {
  auto It = Functions.find(&F);
  return It == Functions.end() ? 1 : It->second.AtEntry;
}

} // namespace prepatch
