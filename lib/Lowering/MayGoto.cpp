//===- MayGoto.cpp - Counted loops that the verifier may leave -----------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// TLDR: a loop whose counter the verifier has forgotten (pass `widen`) looks
// endless to it, and is refused. With a may_goto in the loop it may assume that
// the loop ends; it walks the body until the states meet, two or three times
// instead of once a round.
//
// Relies on: is_state_visited() compares states at a may_goto as ranges
// (RANGE_WITHIN, 6.9 and later); the kernel counts may_goto down from 8 388 608
// in each call of a function, and jumps at zero. Since 6.15 on some
// architectures it counts from 65 535 and looks at the clock then: the first
// time to set it, later to jump when 250 ms are over
// (bpf_check_timed_may_goto).
//
//   body:                          body:
//     ...                            ...
//     r6 += 1                ->      r6 += 1
//     if r6 != 500 goto body         may_goto done
//   done:                            if r6 != 500 goto body
//                                  done:
//
// Conditions: the rounds are bounded by counting them (CountedLoops.cpp), and
// all may_goto of one call of a function run at most 131 069 times. Then none
// ever jumps, on kernels of both kinds, however long a round takes: on 6.18.44
// a loop of 131 070 rounds of 35 us ran to its end, and one of 140 000 was left
// at the 131 071st may_goto. If one did jump, the loop would end early, as if
// the counter had ended. The function has no may_goto of its own, which would
// share the count, and 16 more bytes of stack, where the kernel keeps it.
//
// By itself it makes a load slower: the counter is what has to be forgotten.
//
//   prepatch lower in.bpf.o -o out.bpf.o --passes=may-goto,widen --report -
//===----------------------------------------------------------------------===//

#include "Lowering/MayGoto.h"
#include "Analysis/DefinedRegs.h"
#include "IR/Builder.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/Support/FormatVariadic.h"

using namespace llvm;

namespace prepatch {

static constexpr StringLiteral PassName = "may-goto";
/// Of the timed form; the other one takes 8.
static constexpr unsigned HiddenStack = 16;
/// Loops of fewer rounds are cheap enough as they are.
static constexpr uint64_t FewestRounds = 16;

std::string whyNoMayGoto(const CountedLoop &L, Analyses &A) {
  if (!L.Uncounted.empty())
    return L.Uncounted;
  if (L.TotalRounds == 0)
    return "a loop around it has no known end";
  if (L.TotalRounds > MayGotoRounds)
    return formatv("{0} rounds in one call, more than {1}", L.TotalRounds,
                   MayGotoRounds);
  if (A.Graph.facts(*L.F).HasMayGoto)
    return "the function has a may_goto already";
  // The verifier will look there with what is written here, even if this branch
  // is never the one that ends the loop. Arguments are written by the caller.
  const BasicBlock *Here = nullptr;
  for (const BasicBlock &BB : *L.F)
    if (BB.back() == L.Branch)
      Here = &BB;
  RegSet Defined =
      DefinedRegs(A.Kinds.cfg(*L.F)).before(*Here, *L.Branch) | CallArguments;
  if (A.Live.liveIn(*L.Exit) & ~Defined)
    return "a register that is read behind it may not be written yet";
  if (!A.Stack.isKnown(*L.F) || !A.Stack.mayGrow(*L.F, HiddenStack))
    return "no room on the stack for the count";
  return "";
}

Error insertMayGoto(Program &P, ArrayRef<CountedLoop> Loops) {
  MapVector<Function *, uint64_t> Rounds;
  for (const CountedLoop &L : Loops)
    Rounds[L.F] += L.TotalRounds;
  for (auto [F, Total] : Rounds)
    if (Total > MayGotoRounds)
      return createStringError("function '" + F->name() + "': " + Twine(Total) +
                               " rounds of loops in one call, more than " +
                               Twine(MayGotoRounds));
  Builder B(P);
  for (const CountedLoop &L : Loops) {
    // By walking: a loop before may have split the block.
    for (BasicBlock &BB : *L.F) {
      if (BB.back() != L.Branch)
        continue;
      B.setInsertPoint(*L.Branch);
      B.create({OpMayGoto, 0, 0, 0, 0})->setTarget(L.Exit);
      B.splitBefore(BB, *L.Branch);
      break;
    }
  }
  for (auto [F, Total] : Rounds)
    F->numberBlocks();
  return Error::success();
}

bool runMayGoto(LoweringContext &Ctx) {
  Analyses &A = Ctx.analyses();
  std::vector<CountedLoop> Taken;
  for (Function *F : A.Graph.functions()) {
    uint64_t Sum = 0;
    for (CountedLoop &L : findCountedLoops(*F, A, MayGotoRounds)) {
      std::string What = "loop";
      if (L.Uncounted.empty())
        What =
            formatv("loop of {0} rounds by {1}", L.Rounds, describe(L.Counter));
      const Insn &At = L.Branch ? *L.Branch : *L.Head->front();
      std::string Why = whyNoMayGoto(L, A);
      if (Why.empty() && !Ctx.Profile.features().MayGoto)
        Why = "the kernel has no may_goto";
      if (Why.empty() && L.Rounds < FewestRounds)
        Why = "few rounds";
      if (Why.empty() && Sum + L.TotalRounds > MayGotoRounds)
        Why = formatv("with the loops before it {0} rounds in one call, more "
                      "than {1}",
                      Sum + L.TotalRounds, MayGotoRounds);
      if (!Why.empty()) {
        Ctx.refuse(PassName, *F, At, What, Why);
        continue;
      }
      Sum += L.TotalRounds;
      Ctx.take(PassName, *F, At, What,
               formatv("at most {0} in one call", L.TotalRounds), 0);
      Taken.push_back(std::move(L));
    }
  }
  if (Taken.empty())
    return false;
  if (Error E = insertMayGoto(Ctx.Prog, Taken)) {
    consumeError(std::move(E)); // summed up above: cannot be
    return false;
  }
  return true;
}

} // namespace prepatch
