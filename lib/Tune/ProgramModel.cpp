//===- ProgramModel.cpp - A loaded program in terms of the object --------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Tune/ProgramModel.h"
#include "Analysis/Cfg.h"
#include "IR/Builder.h"
#include "llvm/ADT/Hashing.h"

using namespace llvm;

namespace prepatch {

ObjectModel::ObjectModel(Program &P, Widener &W) : TheWidener(W) {
  for (CodeSection &S : P.Sections)
    for (Function &F : S.Functions)
      Functions.push_back(&F);
}

std::optional<uint32_t> ObjectModel::findFunction(StringRef Name) const {
  std::optional<uint32_t> Found;
  for (uint32_t I = 0; I != Functions.size(); ++I) {
    if (Functions[I]->name() != Name)
      continue;
    if (Found)
      return std::nullopt;
    Found = I;
  }
  if (Found && Functions[*Found]->isOpaque())
    return std::nullopt;
  return Found;
}

Insn *ObjectModel::find(CodePlace At) const {
  return TheWidener.find(function(At.Fn), At.Index);
}

uint64_t ObjectModel::fingerprint(CodePlace At) const {
  // Enough to tell different code apart, not so much that the ends of copies,
  // which the compiler likes to vary, make them differ.
  constexpr unsigned Length = 6;
  uint64_t Hash = 0;
  Insn *I = find(At);
  for (unsigned N = 0; N != Length && I; ++N) {
    bool IsCall = I->kind() == InsnKind::HelperCall;
    // Not the platform's hash: the search must go the same way everywhere.
    Hash = Hash * 0x9e3779b97f4a7c15u + I->opcode() * 131u +
           (IsCall ? uint32_t(I->imm()) : 0) + 1;
    Hash ^= Hash >> 29;
    I = nextInLayout(*TheWidener.blockOf(*I), *I);
  }
  return Hash;
}

ProgramModel::ProgramModel(const ObjectModel &Obj, const SessionProgram &Loaded)
    : Obj(Obj), Name(Loaded.Name), Insns(Loaded.Insns) {
  for (const LoadedFunction &F : Loaded.Functions)
    Ranges.push_back({F.Start, F.Count, Obj.findFunction(F.Name)});
  findPoints();
}

std::optional<CodePlace> ProgramModel::placeOf(uint32_t Flat) const {
  for (const Range &R : Ranges)
    if (Flat >= R.Start && Flat - R.Start < R.Count)
      return R.Fn ? std::optional(CodePlace{*R.Fn, Flat - R.Start})
                  : std::nullopt;
  return std::nullopt;
}

std::optional<uint32_t> ProgramModel::flatOf(CodePlace At) const {
  for (const Range &R : Ranges)
    if (R.Fn == At.Fn && At.Index < R.Count)
      return R.Start + At.Index;
  return std::nullopt;
}

bool ProgramModel::holds(uint32_t Fn) const {
  return any_of(Ranges, [&](const Range &R) { return R.Fn == Fn; });
}

void ProgramModel::findPoints() {
  for (const Range &R : Ranges) {
    if (!R.Fn)
      continue;
    Function &F = Obj.function(*R.Fn);
    Cfg Flow(F);
    for (unsigned N : Flow.reversePostOrder()) {
      const BasicBlock &BB = Flow.block(N);
      if (!BB.front() || BB.front()->isInserted())
        continue;
      // The verifier looks for known states where branches lead
      // (mark_prune_point() in visit_insn(), 6.18): at their targets and
      // behind them.
      size_t Ways = Flow.predecessors(N).size();
      if (Ways == 0)
        continue;
      uint32_t Flat = R.Start + BB.front()->originalIndex() - F.originalStart();
      Points.push_back(Flat);
      if (Ways > 1)
        Joins.push_back(Flat);
      if (Flow.isLoopHeader(N))
        LoopHeads.push_back(Flat);
    }
  }
  sort(Points);
  sort(Joins);
  sort(LoopHeads);
}

PlannedCode ProgramModel::codeFor(const Plan &ThePlan) const {
  struct Site {
    uint32_t Flat;
    CodePlace At;
    SmallVector<Widening, 8> What;
  };
  std::vector<Site> Sites;
  for (const Choice &C : ThePlan.choices()) {
    if (!Sites.empty() && Sites.back().At == C.At)
      Sites.back().What.push_back(C.What);
    else if (std::optional<uint32_t> Flat = flatOf(C.At))
      Sites.push_back({*Flat, C.At, {C.What}});
  }
  sort(Sites, [](const Site &A, const Site &B) { return A.Flat < B.Flat; });
  PlannedCode Result;
  for (const Site &S : Sites) {
    Insn *I = Obj.find(S.At);
    if (!I)
      continue;
    auto Code = Obj.widener().code(*I, S.What);
    if (Code.empty())
      continue;
    Result.Insns += Code.size();
    Result.Insertions.push_back({S.Flat, std::move(Code)});
    Result.Places.push_back(S.At);
  }
  return Result;
}

} // namespace prepatch
