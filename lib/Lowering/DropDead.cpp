//===- DropDead.cpp - Delete what is never executed ----------------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// TLDR: code that nothing reaches, `goto +0` and `may_goto +0` are deleted
// here instead of by the kernel, which pays O(program) for each of them.
//
// For privileged loaders 6.18 turns conditional jumps with a side that the
// verifier never saw into gotos (opt_hard_wire_dead_code_branches), cuts out
// each run of instructions that it never saw (opt_remove_dead_code), and then
// each goto +0 and may_goto +0 (opt_remove_nops), one verifier_remove_insns()
// for each. A deletion costs 1.4 times a growing patch (catalogue: sections 0.3
// and 4.4), and deletions come in twos and threes:
//
//     r1 = 7                          r1 = 7
//     if r1 == 7 goto Same            goto Same      <- becomes goto +0
//     r0 = 1                                         <- deleted run
//   Same:                     ->    Same:
//     r0 = 2                          r0 = 2
//
// Conditions
// - A branch is folded if exact constants decide it by RegKinds, which knows
//   nothing of values that a loader fills in: results of CO-RE records,
//   variables (.rodata, .kconfig), addresses.
// - A block is deleted if no way leads to it from the entry or from a jump
//   table. The kernel does not accept such code (check_cfg(): "unreachable
//   insn"), so this is what folded branches leave, and what never loaded.
// - A may_goto +0 is deleted where it is passed once. In a loop the verifier
//   takes it as the promise that the loop ends (is_state_visited() compares
//   states at a may_goto by ranges only), and the loop might not be accepted
//   without it.
//
// Refused
// - `may-goto +0` in a loop, in a callback, or in a subprogram that is called
//   from a loop.
// - branches in global functions with hidden visibility, as an object that is
//   linked in later may call them with other arguments.
// - Subprograms that nobody calls any more stay in the file: loaders append
//   only what is called, so they cost nothing.
// A conditional jump to the next instruction stays, too: both ways are seen,
// so the kernel leaves it alone.
//
//   prepatch lower in.bpf.o -o out.bpf.o --passes=drop-dead --report -
//===----------------------------------------------------------------------===//

#include "Lowering/EmptyBlocks.h"
#include "Lowering/Pass.h"
#include "llvm/ADT/DenseSet.h"

using namespace llvm;

namespace prepatch {

namespace {

class DeadCodeDropper {
public:
  DeadCodeDropper(LoweringContext &Ctx, Function &F)
      : Ctx(Ctx), A(Ctx.analyses()), F(F), B(Ctx.Prog) {
    for (const PatchSite &S : A.Sites.sites(F))
      if (S.isDeletion())
        Costs[S.I] += A.Cost.total(S);
  }

  bool run();

private:
  bool foldBranches();
  bool dropUnreachable();
  bool dropNops();
  std::vector<char> findReachable();
  void take(const Insn &I, SiteKind K, std::string Reason, double SavedUs) {
    Ctx.take("drop-dead", F, I, siteKindName(K).str(), std::move(Reason),
             SavedUs);
  }

  LoweringContext &Ctx;
  Analyses &A;
  Function &F;
  Builder B;
  /// What the deletions at an instruction cost, microseconds.
  DenseMap<const Insn *, double> Costs;
  DenseSet<const Insn *> Kept; ///< refused already
};

/// Whether the verifier may pass the instructions of \p F more than once on
/// its way through one program, other than by branches that meet.
bool isRepeated(const Analyses &A, const Function &F, unsigned Depth = 0) {
  if (A.Graph.isCallback(F) || Depth > 16)
    return true;
  for (const CallSite &Site : A.Graph.callers(F)) {
    const Cfg &Flow = A.Kinds.cfg(*Site.Caller);
    if (Flow.hasIrreducibleLoop() || Flow.loopDepth(Site.BB->number()) > 0 ||
        isRepeated(A, *Site.Caller, Depth + 1))
      return true;
  }
  return false;
}

bool DeadCodeDropper::run() {
  // Both first, as they ask the analyses of the code as it was.
  bool Changed = foldBranches();
  for (bool Again = true; Again;) {
    Again = dropUnreachable();
    Again |= dropNops();
    Changed |= Again;
  }
  return Changed;
}

bool DeadCodeDropper::foldBranches() {
  SmallVector<std::pair<BasicBlock *, bool>> Decided; // and whether taken
  for (BasicBlock &BB : F) {
    const BasicBlock *Way = A.Kinds.decidedSuccessor(BB);
    if (!Way || BB.back()->target() == BB.next())
      continue;
    Decided.push_back({&BB, Way == BB.back()->target()});
  }
  bool MayHaveOtherCallers = !F.isEntry() && F.symbol() && F.symbol()->IsGlobal;
  bool Changed = false;
  for (auto [BB, Taken] : Decided) {
    Insn &I = *BB->back();
    if (MayHaveOtherCallers) {
      Ctx.refuse("drop-dead", F, I, siteKindName(SiteKind::DecidedBranch).str(),
                 "other objects may call this function with other arguments");
      continue;
    }
    take(I, SiteKind::DecidedBranch,
         Taken ? "constants decide that it is always taken"
               : "constants decide that it is never taken",
         Costs.lookup(&I));
    if (Taken)
      Builder::rewrite(I, {OpJa, 0, 0, 0, 0});
    else
      B.erase(*BB, I);
    Changed = true;
  }
  if (Changed)
    removeEmptyBlocks(F);
  return Changed;
}

std::vector<char> DeadCodeDropper::findReachable() {
  std::vector<char> Reachable(F.numberBlocks());
  SmallVector<BasicBlock *> Work;
  auto add = [&](BasicBlock *BB) {
    if (!Reachable[BB->number()]) {
      Reachable[BB->number()] = true;
      Work.push_back(BB);
    }
  };
  add(&F.entry());
  // Loaders look at the tables whether or not a gotox uses them.
  for (JumpTable *T : F.jumpTables())
    for (BasicBlock *Target : T->Targets)
      add(Target);
  while (!Work.empty())
    for (BasicBlock *S : Work.pop_back_val()->successors())
      add(S);
  return Reachable;
}

bool DeadCodeDropper::dropUnreachable() {
  std::vector<char> Reachable = findReachable();
  SmallVector<BasicBlock *> Run;
  bool Changed = false;
  auto dropRun = [&] {
    if (Run.empty())
      return;
    unsigned Slots = 0;
    double SavedUs = 0;
    for (BasicBlock *BB : Run)
      for (Insn &I : *BB) {
        Slots += I.slots();
        SavedUs += Costs.lookup(&I);
      }
    take(*Run.front()->front(), SiteKind::Unreachable,
         std::to_string(Slots) + " instructions that nothing reaches", SavedUs);
    for (BasicBlock *BB : Run)
      B.erase(*BB);
    Run.clear();
    Changed = true;
  };
  for (auto It = F.begin(); It != F.end();) {
    BasicBlock &BB = *It++;
    if (!Reachable[BB.number()])
      Run.push_back(&BB);
    else
      dropRun();
  }
  dropRun();
  return Changed;
}

bool DeadCodeDropper::dropNops() {
  Cfg Flow(F);
  bool Repeated = Flow.hasIrreducibleLoop() || isRepeated(A, F);
  bool Changed = false;
  for (BasicBlock &BB : F) {
    Insn *I = BB.back();
    bool IsMayGoto = I->kind() == InsnKind::MayGoto;
    if ((!IsMayGoto && I->kind() != InsnKind::Jump) ||
        I->target() != BB.next() || Kept.contains(I))
      continue;
    SiteKind K = IsMayGoto ? SiteKind::NopMayGoto : SiteKind::NopJump;
    if (IsMayGoto && (Repeated || Flow.loopDepth(BB.number()) > 0)) {
      Ctx.refuse("drop-dead", F, *I, siteKindName(K).str(),
                 "the verifier may need it to see that a loop ends",
                 Costs.lookup(I));
      Kept.insert(I);
      continue;
    }
    take(*I, K, "leads to the next instruction", Costs.lookup(I));
    B.erase(BB, *I);
    Changed = true;
  }
  // What was empty before may now lead to the same place: look again.
  return removeEmptyBlocks(F) || Changed;
}

} // namespace

bool runDropDead(LoweringContext &Ctx) {
  bool Changed = false;
  for (Function *F : Ctx.analyses().Graph.functions()) {
    // What nothing loads costs nothing.
    if (F->isOpaque() || F->empty() ||
        Ctx.analyses().Graph.programsWith(*F).empty())
      continue;
    Changed |= DeadCodeDropper(Ctx, *F).run();
  }
  if (Changed)
    Ctx.invalidate();
  return Changed;
}

} // namespace prepatch
