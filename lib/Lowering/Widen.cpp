//===- Widen.cpp - No-ops where states multiply --------------------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// TLDR: where ways meet with different constants in a register or a slot, the
// verifier goes on with each of them; a no-op that makes it forget the number
// lets it go on with one.
//
//     if r0 s> 0 goto A               if r0 s> 0 goto A
//     r6 += 2                         r6 += 2
//     goto Next                       goto Next
//   A:                              A:
//     r6 += 3                         r6 += 3
//   Next:                     ->    Next:
//     ...                             *(u64 *)(r10 - 16) = r6
//     if r6 > 100 goto Out            *(u8 *)(r10 - 16) = r6
//                                     r6 = *(u64 *)(r10 - 16)
//                                     ...
//                                     if r6 > 100 goto Out
//
// Relies on: is_state_visited() compares exact values only of what was asked
// for (mark_chain_precision); see Widening/Sequences.def for the no-ops and
// Widening/Propose.h for where they go.
//
// Conditions: functions of many branches, numbers that come from constants and
// that a later comparison asks for. Measured visits (--measure) below
// MinVisits leave a function alone: there is nothing to save.
//
// Refused: what a loop ends by; what an access needs bounded, where nothing
// bounds it behind the no-op; places without a dead register or free slot.
//
// Opt-in, as no analysis tells what the verifier must know as a kernel does:
// a program may be refused, or explored more. `prepatch compare` tells,
// `prepatch tune` finds better places by trying. No goal but `run` matters: a
// no-op costs a nanosecond or two each time it is passed.
//
//   prepatch lower in.bpf.o -o out.bpf.o --passes=widen --report -
//===----------------------------------------------------------------------===//

#include "Lowering/Pass.h"
#include "Widening/Propose.h"

using namespace llvm;

namespace prepatch {

static constexpr StringRef PassName = "widen";
/// Visits an instruction from which on states may be multiplied.
static constexpr double MinVisits = 3;

/// Measured visits of the most visited place of \p F.
static double mostVisits(const LoweringContext &Ctx, Function &F) {
  double Most = 0;
  for (BasicBlock &BB : F)
    if (Insn *I = BB.front())
      Most = std::max(Most, Ctx.visitsOf(F, *I));
  return Most;
}

bool runWiden(LoweringContext &Ctx) {
  Analyses &A = Ctx.analyses();
  Widener W(Ctx.Prog, A.Graph, A.Live, A.Kinds, A.Stack, Ctx.Profile);
  struct Insertion {
    Insn *At;
    SmallVector<RawInsn, 8> Code;
  };
  std::vector<Insertion> Insertions;
  for (Function *F : A.Graph.functions()) {
    if (F->isOpaque() || F->empty() || A.Graph.programsWith(*F).empty())
      continue;
    std::vector<Proposal> Proposals =
        proposeWidenings(*F, A.Kinds, W, Ctx.Profile);
    if (Proposals.empty())
      continue;
    if (Ctx.visitsAreMeasured() && mostVisits(Ctx, *F) < MinVisits)
      continue;
    for (const Proposal &P : Proposals) {
      std::string Where = P.IsCopyStart
                              ? " where a copy of a loop's body starts"
                              : " where ways meet";
      for (auto &[L, Why] : P.Left)
        Ctx.refuse(PassName, *F, *P.At, toString(L) + Where, Why);
      if (P.What.empty())
        continue;
      if (Ctx.TheGoal == Goal::Run) {
        for (const Widening &T : P.What)
          Ctx.refuse(PassName, *F, *P.At, toString(T.Where) + Where,
                     "the program would execute more");
        continue;
      }
      SmallVector<Widening> Refused;
      Insertion New{P.At, W.code(*P.At, P.What, &Refused)};
      for (const Widening &T : P.What) {
        if (is_contained(Refused, T)) {
          Ctx.refuse(PassName, *F, *P.At, toString(T.Where) + Where,
                     "no dead register or no room on the stack");
          continue;
        }
        Ctx.take(PassName, *F, *P.At, toString(T.Where) + Where,
                 formName(T.How) + ": it differs between the ways, and " +
                     std::to_string(P.BranchesBehind) + " branches lie behind",
                 0);
      }
      if (!New.Code.empty())
        Insertions.push_back(std::move(New));
    }
  }
  // Only now, as the analyses are of the program as it was.
  for (const Insertion &New : Insertions)
    W.insert(*New.At, New.Code);
  if (!Insertions.empty())
    Ctx.invalidate();
  return !Insertions.empty();
}

} // namespace prepatch
