//===- CountedLoops.cpp - Loops whose rounds are known to end ------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Each place (register, stack slot) is followed through one round as an
// expression of what some place held at the head. What is the same expression
// on all ways back to the head changes so in every round.
//===----------------------------------------------------------------------===//

#include "Lowering/CountedLoops.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallSet.h"

using namespace llvm;

namespace prepatch {

std::string describe(const CounterPlace &P) {
  return P.Reg == RegFp ? "fp" + std::to_string(P.Off)
                        : "r" + std::to_string(P.Reg);
}

namespace {

/// How the sum of an expression becomes its value.
enum class Ending : uint8_t {
  Full,  ///< all 64 bits
  Zero,  ///< the low 32, zero extended
  Sign,  ///< the low 32, sign extended
  Upper, ///< the low 32, moved to the upper half
};

uint64_t shape(Ending F, uint64_t V) {
  switch (F) {
  case Ending::Full:
    return V;
  case Ending::Zero:
    return uint32_t(V);
  case Ending::Sign:
    return uint64_t(int64_t(int32_t(V)));
  case Ending::Upper:
    return V << 32;
  }
  return V;
}

/// shape(How, Base + Add), where Base is what a place held at the start.
struct Expr {
  enum KindType : uint8_t { None, Sum, Constant, Any } Kind = None;
  Ending How = Ending::Full;
  uint16_t Base = 0; ///< number of the place
  uint64_t Add = 0;  ///< of a constant: its value

  static Expr of(uint16_t Place) { return {Sum, Ending::Full, Place, 0}; }
  static Expr constant(uint64_t V) { return {Constant, Ending::Full, 0, V}; }
  static Expr any() { return {Any, Ending::Full, 0, 0}; }
  bool operator==(const Expr &) const = default;

  void join(const Expr &O) {
    if (Kind == None)
      *this = O;
    else if (O.Kind != None && !(*this == O))
      *this = any();
  }
  uint64_t value(uint64_t AtStart) const {
    return Kind == Constant ? Add : shape(How, AtStart + Add);
  }
};

/// What all places hold. Registers come first, then slots in use.
struct Places {
  std::vector<Expr> At;
  bool join(const Places &O) {
    if (At.empty()) {
      At = O.At;
      return !At.empty();
    }
    bool Changed = false;
    for (size_t I = 0; I < At.size(); ++I) {
      Expr Old = At[I];
      At[I].join(O.At[I]);
      Changed |= !(Old == At[I]);
    }
    return Changed;
  }
};

/// Follows places through blocks.
class Follower {
public:
  Follower(Function &F, Analyses &A);

  size_t count() const { return RegFp + Slots.size(); }
  CounterPlace place(uint16_t Number) const {
    if (Number < RegFp)
      return {uint8_t(Number), 0};
    return {RegFp, Slots[Number - RegFp]};
  }
  Places allUnknown() const {
    return {std::vector<Expr>(count(), Expr::any())};
  }
  /// Every place by itself.
  Places start() const;
  /// \p P after \p BB up to, not including, \p End.
  Places through(const BasicBlock &BB, Places P,
                 const Insn *End = nullptr) const;
  /// What is constant at the end of \p BB.
  Places constantsAfter(const BasicBlock &BB) const;

private:
  void step(Places &P, const Insn &I, const RegState &S) const;
  Expr computed(const Places &P, const Insn &I) const;
  /// Number of the slot, or 0.
  uint16_t slotNumber(int32_t Off) const {
    auto It = find(Slots, Off);
    return It == Slots.end() ? 0 : uint16_t(RegFp + (It - Slots.begin()));
  }
  /// Forgets slots that reach into [From, To).
  void forget(Places &P, int64_t From, int64_t To) const {
    for (size_t I = 0; I < Slots.size(); ++I)
      if (Slots[I] < To && Slots[I] + int64_t(SlotBytes) > From)
        P.At[RegFp + I] = Expr::any();
  }

  Analyses &A;
  std::vector<int32_t> Slots;
};

} // namespace

static constexpr int64_t FrameStart = -512;

/// x ^= y twice, by which a program makes the verifier forget x.
static bool isSecondOfXorPair(const Insn &I) {
  const Insn *Before = I.prev();
  return Before && I.raw() == Before->raw() && I.kind() == InsnKind::Alu &&
         aluOp(I.opcode()) == AluXor && usesSrcReg(I.opcode()) &&
         insnClass(I.opcode()) == ClassAlu64 && I.dst() != I.src();
}

Follower::Follower(Function &F, Analyses &A) : A(A) {
  SmallSet<int32_t, 16> Known;
  bool Escapes = false;
  for (BasicBlock &BB : F)
    A.Kinds.forEach(BB, [&](Insn &I, const RegState &S) {
      bool IsMemory = I.kind() == InsnKind::Load || I.kind() == InsnKind::Store;
      if (IsMemory && memBytes(I.opcode()) == 8 && I.off() % 8 == 0 &&
          (I.kind() == InsnKind::Load ? I.src() : I.dst()) == RegFp)
        Known.insert(I.off());
      // Once a pointer into the frame is in memory, anybody may write there.
      if ((I.kind() == InsnKind::Store || I.kind() == InsnKind::Atomic) &&
          S[I.src()].mayPointToStack())
        Escapes = true;
    });
  if (Escapes)
    return;
  Slots.assign(Known.begin(), Known.end());
  llvm::sort(Slots);
}

Places Follower::start() const {
  Places P;
  for (size_t I = 0; I < count(); ++I)
    P.At.push_back(Expr::of(uint16_t(I)));
  return P;
}

/// What the arithmetic instruction \p I leaves in its destination.
Expr Follower::computed(const Places &P, const Insn &I) const {
  if (I.hasCoreRecord() || I.relocation())
    return Expr::any(); // a loader fills the number in
  Expr Dst = P.At[I.dst()];
  bool Wide = insnClass(I.opcode()) == ClassAlu64;
  bool ByReg = usesSrcReg(I.opcode());
  Expr Src = Expr::constant(uint64_t(int64_t(I.imm())));
  if (ByReg)
    Src = I.src() == RegFp ? Expr::any() : P.At[I.src()];

  switch (aluOp(I.opcode())) {
  case AluMov: {
    if (I.off() == 0 && Wide)
      return Src;
    if (I.off() != 0 && !(Wide && I.off() == 32))
      return Expr::any();
    Ending To = I.off() == 32 ? Ending::Sign : Ending::Zero;
    if (Src.Kind == Expr::Constant)
      return Expr::constant(shape(To, Src.Add));
    // The low halves of all forms but one are those of the sum.
    if (Src.Kind != Expr::Sum || Src.How == Ending::Upper)
      return Expr::any();
    Src.How = To;
    return Src;
  }
  case AluAdd:
  case AluSub: {
    if (Src.Kind != Expr::Constant || ByReg)
      return Expr::any();
    uint64_t Delta = aluOp(I.opcode()) == AluAdd ? Src.Add : -Src.Add;
    if (Dst.Kind == Expr::Constant)
      return Expr::constant(
          shape(Wide ? Ending::Full : Ending::Zero, Dst.Add + Delta));
    if (Dst.Kind != Expr::Sum || (Wide && Dst.How != Ending::Full) ||
        Dst.How == Ending::Upper)
      return Expr::any();
    Dst.Add += Delta;
    Dst.How = Wide ? Ending::Full : Ending::Zero;
    return Dst;
  }
  case AluLsh:
    if (Dst.Kind != Expr::Sum || ByReg || !Wide || I.imm() != 32 ||
        Dst.How == Ending::Upper)
      return Expr::any();
    Dst.How = Ending::Upper;
    return Dst;
  case AluRsh:
  case AluArsh:
    if (Dst.Kind != Expr::Sum || ByReg || !Wide || I.imm() != 32 ||
        Dst.How != Ending::Upper)
      return Expr::any();
    Dst.How = aluOp(I.opcode()) == AluRsh ? Ending::Zero : Ending::Sign;
    return Dst;
  default:
    return Expr::any();
  }
}

void Follower::step(Places &P, const Insn &I, const RegState &S) const {
  switch (I.kind()) {
  case InsnKind::Alu:
    P.At[I.dst()] = computed(P, I);
    return;
  case InsnKind::Load: {
    uint16_t Slot = I.src() == RegFp && memBytes(I.opcode()) == 8 &&
                            memMode(I.opcode()) == ModeMem
                        ? slotNumber(I.off())
                        : 0;
    P.At[I.dst()] = Slot ? P.At[Slot] : Expr::any();
    return;
  }
  case InsnKind::Store:
  case InsnKind::StoreImm:
  case InsnKind::Atomic: {
    RegValue Base = S[I.dst()];
    if (!Base.mayPointToStack() || Base.is(ValueKind::CallerStack))
      break;
    if (!Base.is(ValueKind::Stack) || !Base.hasKnownOffset()) {
      forget(P, FrameStart, 0);
      break;
    }
    int64_t From = int64_t(Base.offset()) + I.off();
    forget(P, From, From + memBytes(I.opcode()));
    if (I.kind() == InsnKind::Store && I.dst() == RegFp &&
        memBytes(I.opcode()) == 8)
      if (uint16_t Slot = slotNumber(I.off()))
        P.At[Slot] = I.src() == RegFp ? Expr::any() : P.At[I.src()];
    break;
  }
  case InsnKind::HelperCall:
  case InsnKind::BpfCall:
  case InsnKind::KfuncCall: {
    // The kernel stays at and above what it is handed; functions of the
    // program, which a helper may call, too, go where they like.
    bool IsOurs = I.kind() == InsnKind::BpfCall && I.callee();
    for (unsigned Reg = 1; Reg <= 5; ++Reg)
      IsOurs |= S[Reg].is(ValueKind::FunctionPtr);
    for (unsigned Reg = 1; Reg <= 5; ++Reg) {
      RegValue V = S[Reg];
      if (!(A.Live.reads(I) & regBit(Reg)) || !V.mayPointToStack() ||
          V.is(ValueKind::CallerStack))
        continue;
      bool Exact = !IsOurs && V.is(ValueKind::Stack) && V.hasKnownOffset();
      forget(P, Exact ? V.offset() : FrameStart, 0);
    }
    break;
  }
  default:
    break;
  }
  for (unsigned Reg = 0; Reg < RegFp; ++Reg)
    if (I.writes() & regBit(Reg))
      P.At[Reg] = Expr::any();
}

Places Follower::through(const BasicBlock &BB, Places P,
                         const Insn *End) const {
  bool Done = false;
  Expr BeforeXor;
  A.Kinds.forEach(BB, [&](Insn &I, const RegState &S) {
    Done |= &I == End;
    if (Done)
      return;
    if (isSecondOfXorPair(I)) {
      P.At[I.dst()] = BeforeXor;
      BeforeXor = Expr::any(); // of a third one
      return;
    }
    if (I.kind() == InsnKind::Alu)
      BeforeXor = P.At[I.dst()];
    step(P, I, S);
  });
  return P;
}

Places Follower::constantsAfter(const BasicBlock &BB) const {
  Places P = allUnknown();
  const RegState &S = A.Kinds.stateAtEntry(BB);
  for (size_t I = 0; I < count(); ++I) {
    CounterPlace C = place(uint16_t(I));
    RegValue V = C.Reg == RegFp ? S.slot(C.Off) : S.reg(C.Reg);
    if (V.isConstant())
      P.At[I] = Expr::constant(V.constant());
  }
  return through(BB, std::move(P));
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
  bool tryBranch(CountedLoop &L, unsigned Block, const std::vector<Places> &At,
                 const Places &Back);
  std::optional<uint64_t> boundOf(unsigned Head, const Expr &E,
                                  const Places &Back);
  std::optional<uint64_t> rounds(unsigned Head, const Expr &Compared,
                                 const Expr &Round, const Test &T,
                                 uint64_t With);

  Function &F;
  Analyses &A;
  const Cfg &Flow;
  const uint64_t Limit;
  Follower Follow;
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
std::optional<uint64_t> LoopCounter::rounds(unsigned Head, const Expr &Compared,
                                            const Expr &Round, const Test &T,
                                            uint64_t With) {
  uint64_t Most = 0;
  if (Head == 0) // the way in is no edge
    return std::nullopt;
  for (unsigned Pred : Flow.predecessors(Head)) {
    if (isIn(Pred, Head) || !A.Kinds.isReached(Flow.block(Pred)))
      continue;
    Expr First = Follow.constantsAfter(Flow.block(Pred)).At[Round.Base];
    if (First.Kind != Expr::Constant)
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
std::optional<uint64_t> LoopCounter::boundOf(unsigned Head, const Expr &E,
                                             const Places &Back) {
  if (E.Kind != Expr::Sum || E.Add != 0 || E.How != Ending::Full ||
      !(Back.At[E.Base] == Expr::of(E.Base)))
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
                            const std::vector<Places> &At, const Places &Back) {
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

  Places Here = Follow.through(BB, At[Block], Branch);
  Expr Left = Here.At[Branch->dst()];
  Expr Right = Expr::constant(uint64_t(int64_t(Branch->imm())));
  if (usesSrcReg(Branch->opcode()))
    Right = Branch->src() == RegFp ? Expr::any() : Here.At[Branch->src()];
  Test T{JmpOp(jmpOp(Branch->opcode())),
         insnClass(Branch->opcode()) == ClassJmp, TargetIn};
  auto isCounter = [&](const Expr &E) {
    return E.Kind == Expr::Sum && Back.At[E.Base].Kind == Expr::Sum &&
           Back.At[E.Base].Base == E.Base &&
           !(Back.At[E.Base] == Expr::of(E.Base));
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
  if (Right.Kind != Expr::Constant) {
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
  std::vector<Places> At(Flow.size());
  Places Back;
  // Once around: what comes back to the head does not go in again.
  for (bool Changed = true; Changed;) {
    Changed = false;
    for (unsigned B : Flow.reversePostOrder()) {
      if (!isIn(B, Head) || !A.Kinds.isReached(Flow.block(B)))
        continue;
      Places In = B == Head ? Follow.start() : Places();
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
