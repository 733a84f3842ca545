//===- CountedLoops.cpp - Loops whose rounds are known to end ------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What is the same expression of a place on all ways back to the head changes
// so in every round; the rounds are then counted by doing them.
//===----------------------------------------------------------------------===//

#include "Lowering/LoopPlaces.h"
#include "llvm/ADT/STLExtras.h"

using namespace llvm;

namespace prepatch {

std::string describe(const CounterPlace &P) {
  return P.Reg == RegFp ? "fp" + std::to_string(P.Off)
                        : "r" + std::to_string(P.Reg);
}

namespace {

/// What a conditional branch compares, with what makes the loop go on.
struct Test {
  JmpOp Op;
  bool Wide;
  bool GoesOnIfTrue;
};

} // namespace

static bool holds(const Test &T, uint64_t L, uint64_t R) {
  if (!T.Wide) {
    L = uint32_t(L);
    R = uint32_t(R);
  }
  int64_t SL = T.Wide ? int64_t(L) : int32_t(L);
  int64_t SR = T.Wide ? int64_t(R) : int32_t(R);
  bool Result = false;
  switch (T.Op) {
  case JmpEq:
    Result = L == R;
    break;
  case JmpNe:
    Result = L != R;
    break;
  case JmpGt:
    Result = L > R;
    break;
  case JmpGe:
    Result = L >= R;
    break;
  case JmpLt:
    Result = L < R;
    break;
  case JmpLe:
    Result = L <= R;
    break;
  case JmpSgt:
    Result = SL > SR;
    break;
  case JmpSge:
    Result = SL >= SR;
    break;
  case JmpSlt:
    Result = SL < SR;
    break;
  case JmpSle:
    Result = SL <= SR;
    break;
  case JmpSet:
    Result = (L & R) != 0;
    break;
  default:
    return true; // goes on for ever
  }
  return Result == T.GoesOnIfTrue;
}

namespace {

class LoopCounter {
public:
  LoopCounter(Function &F, Analyses &A, uint64_t Limit)
      : F(F), A(A), Flow(A.Kinds.cfg(F)), Limit(Limit), Follow(F, A) {}

  /// Fills in all but TotalRounds.
  void count(CountedLoop &L);

private:
  bool isIn(unsigned Block, unsigned Head) const;
  bool tryBranch(CountedLoop &L, unsigned Block,
                 const std::vector<LoopExprs> &At, const LoopExprs &Back);
  std::optional<uint64_t> boundOf(unsigned Head, const LoopExpr &E,
                                  const LoopExprs &Back);
  std::optional<uint64_t> rounds(unsigned Head, const LoopExpr &Compared,
                                 const LoopExpr &Round, const Test &T,
                                 uint64_t With);

  Function &F;
  Analyses &A;
  const Cfg &Flow;
  const uint64_t Limit;
  RoundFollower Follow;
};

} // namespace

bool LoopCounter::isIn(unsigned Block, unsigned Head) const {
  for (unsigned H = Flow.loopHeader(Block); H != Cfg::NoBlock;
       H = Flow.outerHeader(H))
    if (H == Head)
      return true;
  return false;
}

/// Most times that the test is done, over all ways into the loop.
std::optional<uint64_t> LoopCounter::rounds(unsigned Head,
                                            const LoopExpr &Compared,
                                            const LoopExpr &Round,
                                            const Test &T, uint64_t With) {
  uint64_t Most = 0;
  if (Head == 0) // the way in is no edge
    return std::nullopt;
  for (unsigned Pred : Flow.predecessors(Head)) {
    if (isIn(Pred, Head) || !A.Kinds.isReached(Flow.block(Pred)))
      continue;
    LoopExpr First = Follow.constantsAfter(Flow.block(Pred)).At[Round.Base];
    if (First.Kind != LoopExpr::Constant)
      return std::nullopt;
    uint64_t Counter = First.Add, Tests = 1;
    while (holds(T, Compared.value(Counter), With)) {
      Counter = Round.value(Counter);
      if (++Tests > Limit)
        return std::nullopt;
    }
    Most = std::max(Most, Tests);
  }
  return Most ? std::optional(Most) : std::nullopt;
}

/// The largest value of \p E, which does not change in the loop; it is not
/// negative in the width of 32 bits either.
std::optional<uint64_t> LoopCounter::boundOf(unsigned Head, const LoopExpr &E,
                                             const LoopExprs &Back) {
  if (E.Kind != LoopExpr::Sum || E.Add != 0 || E.How != ExprEnding::Full ||
      !(Back.At[E.Base] == LoopExpr::of(E.Base)))
    return std::nullopt;
  const RegState &S = A.Kinds.stateAtEntry(Flow.block(Head));
  CounterPlace C = Follow.place(E.Base);
  RegValue V = C.Reg == RegFp ? S.slot(C.Off) : S.reg(C.Reg);
  if (V.isPointer() || V.range().Max > INT32_MAX)
    return std::nullopt;
  return V.range().Max;
}

/// Whether the branch at the end of \p Block ends the loop.
bool LoopCounter::tryBranch(CountedLoop &L, unsigned Block,
                            const std::vector<LoopExprs> &At,
                            const LoopExprs &Back) {
  unsigned Head = L.Head->number();
  const BasicBlock &BB = Flow.block(Block);
  Insn *Branch = BB.back();
  if (!Branch || Branch->kind() != InsnKind::CondJump || !BB.next() ||
      Branch->target() == BB.next())
    return false;
  bool TargetIn = isIn(Branch->target()->number(), Head);
  if (TargetIn == isIn(BB.next()->number(), Head))
    return false;
  // Of an inner loop's test nothing says that it is done once a round.
  if (Flow.loopHeader(Block) != Head)
    return false;
  for (unsigned Pred : Flow.predecessors(Head))
    if (isIn(Pred, Head) && !Flow.dominates(Block, Pred))
      return false;

  LoopExprs Here = Follow.through(BB, At[Block], Branch);
  LoopExpr Left = Here.At[Branch->dst()];
  LoopExpr Right = LoopExpr::constant(uint64_t(int64_t(Branch->imm())));
  if (usesSrcReg(Branch->opcode()))
    Right = Branch->src() == RegFp ? LoopExpr::any() : Here.At[Branch->src()];
  Test T{JmpOp(jmpOp(Branch->opcode())),
         insnClass(Branch->opcode()) == ClassJmp, TargetIn};
  auto isCounter = [&](const LoopExpr &E) {
    return E.Kind == LoopExpr::Sum && Back.At[E.Base].Kind == LoopExpr::Sum &&
           Back.At[E.Base].Base == E.Base &&
           !(Back.At[E.Base] == LoopExpr::of(E.Base));
  };
  if (!isCounter(Left)) {
    std::swap(Left, Right);
    switch (T.Op) {
    case JmpGt:
      T.Op = JmpLt;
      break;
    case JmpGe:
      T.Op = JmpLe;
      break;
    case JmpLt:
      T.Op = JmpGt;
      break;
    case JmpLe:
      T.Op = JmpGe;
      break;
    case JmpSgt:
      T.Op = JmpSlt;
      break;
    case JmpSge:
      T.Op = JmpSle;
      break;
    case JmpSlt:
      T.Op = JmpSgt;
      break;
    case JmpSle:
      T.Op = JmpSge;
      break;
    default:
      break;
    }
  }
  if (!isCounter(Left))
    return false;
  uint64_t With = Right.Add;
  if (Right.Kind != LoopExpr::Constant) {
    // Below a larger number it goes on at least as long as below a smaller
    // one; of other comparisons that is not true.
    bool Below = T.GoesOnIfTrue ? T.Op == JmpLt || T.Op == JmpLe ||
                                      T.Op == JmpSlt || T.Op == JmpSle
                                : T.Op == JmpGe || T.Op == JmpGt ||
                                      T.Op == JmpSge || T.Op == JmpSgt;
    auto Bound = boundOf(Head, Right, Back);
    if (!Below || !Bound)
      return false;
    With = *Bound;
  }
  auto Rounds = rounds(Head, Left, Back.At[Left.Base], T, With);
  if (!Rounds || (L.Rounds && L.Rounds <= *Rounds))
    return false;
  L.Rounds = *Rounds;
  L.Branch = Branch;
  L.Exit = TargetIn ? BB.next() : Branch->target();
  L.Counter = Follow.place(Left.Base);
  return true;
}

void LoopCounter::count(CountedLoop &L) {
  unsigned Head = L.Head->number();
  std::vector<LoopExprs> At(Flow.size());
  LoopExprs Back;
  // Once around: what comes back to the head does not go in again.
  for (bool Changed = true; Changed;) {
    Changed = false;
    for (unsigned B : Flow.reversePostOrder()) {
      if (!isIn(B, Head) || !A.Kinds.isReached(Flow.block(B)))
        continue;
      LoopExprs In = B == Head ? Follow.start() : LoopExprs();
      if (B != Head)
        for (unsigned Pred : Flow.predecessors(B))
          if (isIn(Pred, Head) && !At[Pred].At.empty())
            In.join(Follow.through(Flow.block(Pred), At[Pred]));
      if (!In.At.empty())
        Changed |= At[B].join(In);
    }
  }
  for (unsigned Pred : Flow.predecessors(Head))
    if (isIn(Pred, Head) && !At[Pred].At.empty())
      Back.join(Follow.through(Flow.block(Pred), At[Pred]));
  if (Back.At.empty()) {
    L.Uncounted = "nothing leads back to its head";
    return;
  }
  for (unsigned B : Flow.reversePostOrder())
    if (isIn(B, Head) && !At[B].At.empty())
      tryBranch(L, B, At, Back);
  if (!L.Branch)
    L.Uncounted = "no exit that every round passes counts up to a known number";
}

std::vector<CountedLoop> findCountedLoops(Function &F, Analyses &A,
                                          uint64_t Limit) {
  std::vector<CountedLoop> Loops;
  if (F.isOpaque() || !A.Kinds.isAnalysed(F))
    return Loops;
  const Cfg &Flow = A.Kinds.cfg(F);
  // Loops with two entries have bodies that nobody knows.
  if (Flow.hasIrreducibleLoop())
    return Loops;
  LoopCounter Counter(F, A, Limit);
  DenseMap<unsigned, uint64_t> RoundsOf;
  for (unsigned B = 0; B < Flow.size(); ++B) {
    if (!Flow.isLoopHeader(B) || !A.Kinds.isReached(Flow.block(B)))
      continue;
    CountedLoop &L = Loops.emplace_back();
    L.F = &F;
    L.Head = &Flow.block(B);
    Counter.count(L);
    RoundsOf[B] = L.Rounds;
  }
  for (CountedLoop &L : Loops) {
    uint64_t Total = 1;
    for (unsigned H = L.Head->number(); H != Cfg::NoBlock;
         H = Flow.outerHeader(H)) {
      uint64_t Rounds = RoundsOf.lookup(H);
      Total = Rounds && Total <= Limit ? Total * Rounds : 0;
    }
    L.TotalRounds = Total;
  }
  return Loops;
}

} // namespace prepatch
