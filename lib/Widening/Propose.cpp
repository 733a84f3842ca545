//===- Propose.cpp - Where to forget, without a kernel -------------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Widening/Propose.h"
#include "Widening/ProposeFlow.h"
#include "llvm/ADT/STLExtras.h"
#include <map>

using namespace llvm;

namespace prepatch {

/// What copies of a body have in common: registers and offsets may differ.
static uint64_t shapeOf(const Insn &I) {
  bool IsCall = isCall(I.kind());
  return uint64_t(I.opcode()) << 32 | (IsCall ? uint32_t(I.imm()) : 0);
}

std::vector<BasicBlock *> findCopyStarts(Function &F,
                                         const ProposeOptions &Options) {
  // Blocks by the shapes of the instructions from their start on, into the
  // blocks behind them.
  std::vector<uint64_t> Shapes;
  std::vector<std::pair<BasicBlock *, size_t>> Starts;
  for (BasicBlock &BB : F) {
    Starts.push_back({&BB, Shapes.size()});
    for (Insn &I : BB)
      Shapes.push_back(shapeOf(I));
  }
  size_t Length = Options.MinCopyLength;
  std::map<std::vector<uint64_t>, std::vector<size_t>> Alike;
  for (size_t S = 0; S < Starts.size(); ++S) {
    size_t At = Starts[S].second;
    if (At + Length <= Shapes.size())
      Alike[{Shapes.begin() + At, Shapes.begin() + At + Length}].push_back(S);
  }
  std::vector<size_t> Found;
  for (auto &[Shape, Blocks] : Alike) {
    std::vector<size_t> Apart;
    size_t End = 0;
    for (size_t S : Blocks)
      if (Starts[S].second >= End) {
        Apart.push_back(S);
        End = Starts[S].second + Length;
      }
    if (Apart.size() >= Options.MinCopies)
      Found.insert(Found.end(), Apart.begin(), Apart.end());
  }
  llvm::sort(Found);
  // Of a body of several blocks each is found: the first of each copy counts,
  // which is where the shape of the first comes again.
  std::vector<BasicBlock *> Result;
  if (Found.empty())
    return Result;
  size_t First = Starts[Found.front()].second;
  for (size_t S : Found) {
    size_t At = Starts[S].second;
    if (std::equal(Shapes.begin() + At, Shapes.begin() + At + Length,
                   Shapes.begin() + First))
      Result.push_back(Starts[S].first);
  }
  return Result;
}

namespace {

class Proposer {
public:
  Proposer(Function &F, const RegKinds &Kinds, const Widener &W,
           const KernelProfile &Profile, const ProposeOptions &Options)
      : F(F), Kinds(Kinds), W(W), Profile(Profile), Options(Options),
        Flow(Kinds.cfg(F)) {}

  std::vector<Proposal> run();

private:
  unsigned countBranches();
  void lookAt(Proposal &P, const ProposeFlow &Known);
  std::string whyNot(const ProposeFlow::Needs &Needs, unsigned Place) const;
  std::optional<Form> formFor(const Proposal &P, Location L) const;

  Function &F;
  const RegKinds &Kinds;
  const Widener &W;
  const KernelProfile &Profile;
  const ProposeOptions &Options;
  const Cfg &Flow;
  std::vector<unsigned> Behind; ///< branches behind a block, by number
  PlaceSet Parts; ///< slots that some store writes less than 8 bytes of
};

/// Counts by the reverse post order: what comes later there is behind.
unsigned Proposer::countBranches() {
  Behind.assign(Flow.size(), 0);
  unsigned Count = 0;
  for (unsigned B : llvm::reverse(Flow.reversePostOrder())) {
    Insn *Last = Flow.block(B).back();
    Count += Last && Last->kind() == InsnKind::CondJump;
    Behind[B] = Count;
  }
  return Count;
}

std::string Proposer::whyNot(const ProposeFlow::Needs &Needs,
                             unsigned Place) const {
  if (Needs.Loop[Place])
    return "a loop ends by it";
  if (Needs.Bounded[Place])
    return "an access may need its bounds";
  return "";
}

/// The cheapest form that is sure to work.
std::optional<Form> Proposer::formFor(const Proposal &P, Location L) const {
  for (Form How : W.formsFor(*P.At, L)) {
    // Zeroes that were written in parts stay known where a slot is touched.
    if (How == Form::Touch && Parts[placeOfSlot(L.Where)])
      continue;
    return How;
  }
  return std::nullopt;
}

void Proposer::lookAt(Proposal &P, const ProposeFlow &Known) {
  const BasicBlock &BB = *P.BB;
  const ProposeFlow::Needs &Needs = Known.needsAt(BB);
  RegState State = Kinds.stateAtEntry(BB);
  RegSet Live = W.liveAt(*P.At);
  for (unsigned Place = 0; Place < NumPlaces; ++Place) {
    Location L = locationOf(Place);
    if (!Needs.Exact[Place] || (!L.IsSlot && !(Live & regBit(Place))))
      continue;
    if (!Known.isFromConstants(Known.valuesAt(BB)[Place]) ||
        !(P.IsCopyStart || Known.meets(BB, Place)))
      continue;
    RegValue V = L.IsSlot ? State.slot(L.Where) : State.reg(L.Where);
    if (!V.is(ValueKind::Scalar) || V.isConstant())
      continue;
    if (std::string Why = whyNot(Needs, Place); !Why.empty()) {
      P.Left.push_back({L, Why});
      continue;
    }
    if (std::optional<Form> How = formFor(P, L))
      P.What.push_back({L, *How});
    else
      P.Left.push_back({L, "no dead register or no room on the stack"});
  }
}

std::vector<Proposal> Proposer::run() {
  std::vector<Proposal> Result;
  if (F.isOpaque() || !Kinds.isAnalysed(F) || Flow.hasIrreducibleLoop())
    return Result;
  std::vector<BasicBlock *> Copies = findCopyStarts(F, Options);
  if (countBranches() <
      (Copies.empty() ? Options.MinBranches : Options.MinBranchesWithCopies))
    return Result;
  ProposeFlow::Cache Callees;
  ProposeFlow Known(F, Kinds, Profile, Callees);
  for (BasicBlock &BB : F)
    Kinds.forEach(BB, [&](Insn &I, const RegState &S) {
      if ((I.kind() == InsnKind::Store || I.kind() == InsnKind::StoreImm) &&
          memBytes(I.opcode()) < 8 && S[I.dst()].is(ValueKind::Stack))
        if (int At = placeOfSlot(S[I.dst()].offset() + I.off()); At >= 0)
          Parts.set(At);
    });
  for (BasicBlock &BB : F) {
    unsigned B = BB.number();
    bool IsCopy = is_contained(Copies, &BB);
    unsigned Ways = count_if(Flow.predecessors(B), [&](unsigned P) {
      return Flow.isReachable(P) && Flow.orderIndex(P) < Flow.orderIndex(B);
    });
    if (!Flow.isReachable(B) || !Kinds.isReached(BB) || (Ways < 2 && !IsCopy) ||
        Behind[B] < Options.MinBranchesBehind)
      continue;
    Proposal P{BB.front(), &BB, IsCopy && Ways < 2, Behind[B], {}, {}};
    lookAt(P, Known);
    if (!P.What.empty() || !P.Left.empty())
      Result.push_back(std::move(P));
  }
  return Result;
}

} // namespace

std::vector<Proposal> proposeWidenings(Function &F, const RegKinds &Kinds,
                                       const Widener &W,
                                       const KernelProfile &Profile,
                                       const ProposeOptions &Options) {
  return Proposer(F, Kinds, W, Profile, Options).run();
}

} // namespace prepatch
