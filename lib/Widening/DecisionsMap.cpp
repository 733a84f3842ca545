//===- DecisionsMap.cpp - A function as decisions files see it -----------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Widening/DecisionsMap.h"
#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Path.h"
#include <set>

using namespace llvm;

namespace prepatch {

/// FNV-1a. Hashes stand in files, so they must not depend on a library.
static uint32_t addToHash(uint32_t Hash, uint8_t Byte) {
  return (Hash ^ Byte) * 0x01000193u;
}
static constexpr uint32_t EmptyHash = 0x811c9dc5u;

static uint16_t hashText(StringRef Text) {
  uint32_t Hash = EmptyHash;
  for (uint8_t C : Text.bytes())
    Hash = addToHash(Hash, C);
  return uint16_t(Hash ^ Hash >> 16);
}

std::string squeeze(StringRef Text) {
  std::string Out;
  for (char C : Text.trim()) {
    if (isSpace(C))
      C = ' ';
    if (C != ' ' || Out.back() != ' ')
      Out += C;
  }
  return Out;
}

/// The operation as it survives a change of registers, of the width of
/// registers and of the direction of branches.
static uint8_t operationOf(const Insn &I) {
  switch (I.kind()) {
  case InsnKind::Alu:
    return aluOp(I.opcode()) | (usesSrcReg(I.opcode()) ? 1 : 0);
  case InsnKind::Load:
  case InsnKind::Store:
  case InsnKind::StoreImm:
    return memSize(I.opcode());
  case InsnKind::HelperCall:
    return uint8_t(I.imm());
  default:
    return 0;
  }
}

static std::string nameOf(const Insn &I) {
  switch (I.kind()) {
  case InsnKind::Alu: {
    static constexpr const char *Names[] = {
        "add", "sub", "mul", "div", "or",   "and", "lsh", "rsh",
        "neg", "mod", "xor", "mov", "arsh", "end", "alu", "alu"};
    return Names[aluOp(I.opcode()) >> 4];
  }
  case InsnKind::Load:
    return "load";
  case InsnKind::Store:
  case InsnKind::StoreImm:
    return "store";
  case InsnKind::Atomic:
    return "atomic";
  case InsnKind::LoadImm64:
    return "ldimm64";
  case InsnKind::LoadAbs:
  case InsnKind::LoadInd:
    return "ldpacket";
  case InsnKind::CondJump:
    return "if";
  case InsnKind::HelperCall:
    return "call." + std::to_string(I.imm());
  case InsnKind::BpfCall:
  case InsnKind::KfuncCall:
    return "call";
  case InsnKind::Exit:
    return "exit";
  default:
    return "other";
  }
}

/// Whether \p Code may start with a sequence of ours: a cheap look at what they
/// begin with. Spills are everywhere, and each form would be tried on them.
static bool mayBeginNoOp(ArrayRef<RawInsn> Code) {
  if (Code.size() < 2)
    return false;
  const RawInsn &I = Code[0], &Next = Code[1];
  uint8_t NextClass = insnClass(Next.Opcode);
  auto storesNext = [&](unsigned Reg) {
    return NextClass == ClassStx && Next.Dst == RegFp && Next.Src == Reg;
  };
  auto comparesNext = [&](unsigned Reg) {
    return classify(Next) == InsnKind::CondJump && Next.Dst == Reg &&
           !usesSrcReg(Next.Opcode);
  };
  switch (insnClass(I.Opcode)) {
  case ClassLdx:
    return I.Src == RegFp && (storesNext(I.Dst) || comparesNext(I.Dst));
  case ClassStx:
    return I.Dst == RegFp &&
           (storesNext(I.Src) ||
            (NextClass == ClassLdx && Next.Dst == I.Src && Next.Src == RegFp));
  case ClassSt:
    return I.Dst == RegFp && I.Imm == 1 &&
           (NextClass == ClassLdx || NextClass == ClassSt);
  case ClassAlu64:
    return I.Opcode == OpMov64Imm && I.Imm == 0 && storesNext(I.Dst) &&
           memMode(Next.Opcode) == ModeAtomic;
  case ClassJmp:
  case ClassJmp32:
    return classify(I) == InsnKind::CondJump && !usesSrcReg(I.Opcode) &&
           (storesNext(I.Dst) || comparesNext(I.Dst));
  default:
    return false;
  }
}

DecisionsMap::DecisionsMap(Function &F, const Btf *Types, bool IsBigEndian)
    : F(F), Flow(F) {
  findPoints(IsBigEndian);
  findStackAccesses();
  if (!Points.empty() && Types)
    findRuns(Types);
  countRoles();
}

void DecisionsMap::findPoints(bool IsBigEndian) {
  // All instructions as they are encoded, for sequences may have branches.
  std::vector<Insn *> All;
  std::vector<unsigned> InBlock, Slot, FirstOf;
  std::vector<RawInsn> Raw;
  unsigned NextSlot = 0;
  for (unsigned N = 0; N < Flow.size(); ++N) {
    FirstOf.push_back(unsigned(All.size()));
    for (Insn &I : Flow.block(N)) {
      All.push_back(&I);
      InBlock.push_back(N);
      Slot.push_back(NextSlot);
      Raw.push_back(I.raw());
      NextSlot += I.slots();
    }
  }
  auto targetOf = [&](const Insn &I) {
    return isBranch(I.kind()) && I.target() ? FirstOf[I.target()->number()]
                                            : NoPoint;
  };
  for (unsigned At = 0; At < All.size(); ++At)
    if (unsigned To = targetOf(*All[At]); To < All.size()) {
      int Distance = int(Slot[To]) - int(Slot[At]) - 1;
      if (Raw[At].Opcode == OpGotol)
        Raw[At].Imm = Distance;
      else
        Raw[At].Off = int16_t(Distance);
    }

  // What is ours, and which instruction each stands for.
  std::vector<unsigned> Real(All.size(), NoPoint);
  SmallVector<Widening, 2> Pending;
  unsigned Count = 0;
  for (unsigned At = 0; At < All.size();) {
    ArrayRef<RawInsn> Rest = ArrayRef(Raw).drop_front(At);
    if (mayBeginNoOp(Rest))
      if (auto Found = matchForget(Rest, IsBigEndian)) {
        for (Location L : Found->Where)
          Pending.push_back({L, Found->How});
        At += Found->Length;
        continue;
      }
    if (!Pending.empty())
      NoOps[Count] = std::exchange(Pending, {});
    Real[At++] = Count++;
  }
  std::vector<unsigned> Behind(All.size() + 1, NoPoint);
  for (unsigned At = unsigned(All.size()); At-- > 0;)
    Behind[At] = Real[At] != NoPoint ? Real[At] : Behind[At + 1];

  // In how many ways branches of the program lead to each.
  std::vector<unsigned> Ways(Count);
  auto addWay = [&](unsigned To) {
    if (To < All.size() && Behind[To] != NoPoint)
      ++Ways[Behind[To]];
  };
  for (unsigned At = 0; At < All.size(); ++At)
    if (Real[At] != NoPoint)
      addWay(targetOf(*All[At]));
  for (const JumpTable *T : F.jumpTables())
    for (const BasicBlock *BB : T->Targets)
      addWay(FirstOf[BB->number()]);

  const Insn *Last = nullptr;
  for (unsigned At = 0; At < All.size(); ++At) {
    Insn &I = *All[At];
    while (FlowStart.size() <= InBlock[At])
      FlowStart.push_back(size());
    if (!I.isInserted() && Behind[At] != NoPoint)
      ByIndex.try_emplace(I.originalIndex() - F.originalStart(), Behind[At]);
    if (Real[At] == NoPoint)
      continue;
    bool Begins = !Last || Ways[size()] || isTerminator(Last->kind());
    if (Begins)
      BlockStart.push_back(size());
    unsigned AllWays = Ways[size()] + (!Last || !endsFlow(Last->kind()));
    Point P{&I, InBlock[At], unsigned(BlockStart.size()) - 1, 0,
            PlaceRole::Inside};
    if (Begins)
      P.Role = AllWays > 1 ? PlaceRole::Join : PlaceRole::Start;
    Points.push_back(P);
    Last = &I;
  }
  FlowStart.resize(Flow.size() + 1, size());
}

unsigned DecisionsMap::sourceOf(const LineRecord &L, const Btf *Types) {
  auto [It, New] = SourceIndex.try_emplace(
      {uint64_t(L.FileNameOff) << 32 | L.LineOff, L.LineCol},
      unsigned(Sources.size()));
  if (!New)
    return It->second;
  SourceLine S;
  S.File = sys::path::filename(Types->string(L.FileNameOff)).str();
  if (S.File.empty())
    S.File = "?";
  S.Text = squeeze(Types->string(L.LineOff));
  S.Line = L.line();
  S.Column = L.column();
  if (!S.Text.empty())
    S.Hash = hashText(S.Text);
  std::string Key = S.File + '\0' +
                    (S.Text.empty() ? std::to_string(S.Line) : S.Text) + '\0' +
                    std::to_string(S.Column);
  S.Key = KeyIndex.try_emplace(Key, unsigned(KeyIndex.size())).first->second;
  Sources.push_back(std::move(S));
  return It->second;
}

void DecisionsMap::findRuns(const Btf *Types) {
  // The record that covers a point may stand on a no-op before it.
  unsigned P = 0;
  const LineRecord *Covers = nullptr;
  for (unsigned N = 0; N < Flow.size(); ++N)
    for (Insn &I : Flow.block(N)) {
      if (const LineRecord *L = I.line())
        Covers = L;
      if (P == size() || Points[P].I != &I)
        continue;
      // Invariant of the representation: the first has one if any has.
      if (!Covers)
        return;
      unsigned Source = sourceOf(*Covers, Types);
      if (Runs.empty() ||
          Sources[Runs.back().Source].Key != Sources[Source].Key)
        Runs.push_back({P, 0, Source, 0});
      ++Runs.back().Length;
      Points[P++].Run = unsigned(Runs.size()) - 1;
    }
}

void DecisionsMap::countRoles() {
  Keys.resize(KeyIndex.size());
  for (Run &R : Runs)
    R.Number = ++Keys[Sources[R.Source].Key].Runs;
  if (!hasLines())
    return;
  for (unsigned P : BlockStart) {
    KeyPlaces &K = Keys[Sources[Runs[Points[P].Run].Source].Key];
    StartNumber[P] = Points[P].Role == PlaceRole::Join ? ++K.Joins : ++K.Starts;
  }
}

static uint64_t slotBit(int64_t Off) { return uint64_t(1) << (-Off / 8 - 1); }

void DecisionsMap::findStackAccesses() {
  std::set<int16_t> Named;
  FlowTouches.resize(Flow.size());
  // Offsets from r10 that registers hold, as far as the block tells.
  std::optional<int32_t> Held[NumRegs];
  unsigned InBlock = ~0u;
  for (Point &P : Points) {
    if (P.FlowBlock != InBlock) {
      InBlock = P.FlowBlock;
      std::fill(std::begin(Held), std::end(Held), std::nullopt);
      Held[RegFp] = 0;
    }
    const Insn &I = *P.I;
    auto Set = [&](uint8_t Access, int64_t Off, unsigned Bytes) {
      if (Off >= 0 || Off < -512)
        return;
      P.StackAccess = Access;
      P.StackOff = int16_t(Off);
      P.StackBytes = uint8_t(Bytes);
      for (int64_t At = Off & ~7; At < Off + Bytes && At < 0; At += 8) {
        Named.insert(int16_t(At));
        FlowTouches[P.FlowBlock].Slots |= slotBit(At);
      }
    };
    std::optional<int32_t> Made;
    switch (I.kind()) {
    case InsnKind::Load:
      if (Held[I.src()])
        Set(Reads, *Held[I.src()] + I.off(), memBytes(I.opcode()));
      break;
    case InsnKind::Store:
    case InsnKind::StoreImm:
      if (Held[I.dst()])
        Set(Writes, *Held[I.dst()] + I.off(), memBytes(I.opcode()));
      break;
    case InsnKind::Atomic:
      if (Held[I.dst()])
        Set(Reads | Writes, *Held[I.dst()] + I.off(), memBytes(I.opcode()));
      break;
    case InsnKind::Alu:
      if (insnClass(I.opcode()) != ClassAlu64)
        break;
      if (I.opcode() == OpMov64Reg && I.off() == 0)
        Made = Held[I.src()];
      else if (aluOp(I.opcode()) == AluAdd && !usesSrcReg(I.opcode()) &&
               Held[I.dst()]) {
        Made = *Held[I.dst()] + I.imm();
        // An address is made to be written or read through.
        Set(Reads | Writes, *Made, 8);
        P.TakesAddress = P.StackAccess;
      }
      break;
    default:
      break;
    }
    FlowTouches[P.FlowBlock].Regs |= I.reads() | I.writes();
    for (unsigned R = 0; R < RegFp; ++R)
      if (I.writes() & regBit(R))
        Held[R] = std::nullopt;
    if (Made && I.dst() < RegFp)
      Held[I.dst()] = Made;
  }
  Slots.assign(Named.begin(), Named.end());
}

unsigned DecisionsMap::find(uint32_t LocalIndex) const {
  auto It = ByIndex.find(LocalIndex);
  return It == ByIndex.end() ? NoPoint : It->second;
}

uint32_t DecisionsMap::sourceLine(unsigned P) const {
  return hasLines() ? Sources[Runs[Points[P].Run].Source].Line : 0;
}

uint32_t DecisionsMap::code(unsigned P) const {
  constexpr unsigned Window = 8;
  uint32_t Hash = EmptyHash;
  for (unsigned N = P; N < size() && N < P + Window; ++N) {
    if (Points[N].Block != Points[P].Block)
      break;
    Hash = addToHash(Hash, uint8_t(Points[N].I->kind()));
    Hash = addToHash(Hash, operationOf(*Points[N].I));
  }
  return Hash;
}

Place DecisionsMap::describe(unsigned P) const {
  const Point &At = Points[P];
  Place D;
  D.Role = At.Role;
  D.Block = {At.Block + 1, numBlocks()};
  D.BlockStep = P - BlockStart[At.Block];
  D.Code = code(P);
  if (!hasLines())
    return D;
  const Run &R = Runs[At.Run];
  const SourceLine &S = Sources[R.Source];
  const KeyPlaces &K = Keys[S.Key];
  D.File = S.File;
  D.Text = S.Text;
  D.Line = S.Line;
  D.Column = S.Column;
  switch (At.Role) {
  case PlaceRole::Join:
    D.OnLine = {StartNumber.lookup(P), K.Joins};
    break;
  case PlaceRole::Start:
    D.OnLine = {StartNumber.lookup(P), K.Starts};
    break;
  case PlaceRole::Inside:
    D.OnLine = {R.Number, K.Runs};
    D.InRun = {P - R.First + 1, R.Length};
    break;
  }
  return D;
}

std::string DecisionsMap::lineText(unsigned P) const {
  if (!hasLines())
    return "";
  const SourceLine &S = Sources[Runs[Points[P].Run].Source];
  return S.File + ":" + std::to_string(S.Line) +
         (S.Text.empty() ? "" : ": " + S.Text);
}

std::vector<unsigned> DecisionsMap::pointsOnLine(const Place &Like,
                                                 PlaceRole Role,
                                                 uint32_t Column) const {
  std::vector<char> Fits(Sources.size());
  for (unsigned N = 0; N < Sources.size(); ++N) {
    const SourceLine &S = Sources[N];
    Fits[N] = S.File == Like.File && S.Text == Like.Text &&
              (!Like.Text.empty() || S.Line == Like.Line) &&
              (Column == ~0u || S.Column == Column);
  }
  std::vector<unsigned> Found;
  if (!hasLines())
    return Found;
  if (Role == PlaceRole::Inside) {
    for (const Run &R : Runs)
      if (Fits[R.Source])
        Found.push_back(R.First);
  } else {
    for (unsigned P : BlockStart)
      if (Points[P].Role == Role && Fits[Runs[Points[P].Run].Source])
        Found.push_back(P);
  }
  return Found;
}

std::vector<uint32_t> DecisionsMap::otherLines(const Place &Like) const {
  std::vector<uint32_t> Lines;
  for (const SourceLine &S : Sources)
    if (S.File == Like.File && S.Column == Like.Column && S.Line != Like.Line)
      Lines.push_back(S.Line);
  auto Distance = [&](uint32_t Line) {
    return std::pair(std::abs(int64_t(Line) - Like.Line), Line);
  };
  llvm::sort(Lines,
             [&](uint32_t A, uint32_t B) { return Distance(A) < Distance(B); });
  Lines.erase(llvm::unique(Lines), Lines.end());
  return Lines;
}

unsigned DecisionsMap::stepInRun(unsigned First, unsigned Step) const {
  return Step < runLength(First) ? First + Step : NoPoint;
}

unsigned DecisionsMap::runLength(unsigned First) const {
  return Runs[Points[First].Run].Length;
}

unsigned DecisionsMap::inBlock(unsigned N, unsigned Step) const {
  if (N >= numBlocks())
    return NoPoint;
  unsigned P = BlockStart[N] + Step;
  return P < size() && Points[P].Block == N ? P : NoPoint;
}

ArrayRef<Widening> DecisionsMap::noOpsBefore(unsigned P) const {
  auto It = NoOps.find(P);
  return It == NoOps.end() ? ArrayRef<Widening>() : ArrayRef(It->second);
}

bool DecisionsMap::touches(unsigned N, Location L) const {
  const Touched &T = FlowTouches[N];
  return L.IsSlot ? (T.Slots & slotBit(L.Where)) != 0
                  : (T.Regs & regBit(unsigned(L.Where))) != 0;
}

uint8_t DecisionsMap::access(unsigned P, Location L) const {
  const Point &At = Points[P];
  if (L.IsSlot) {
    bool Touches =
        At.StackOff < L.Where + 8 && At.StackOff + At.StackBytes > L.Where;
    return Touches ? At.StackAccess : 0;
  }
  RegSet Bit = regBit(unsigned(L.Where));
  return (At.I->reads() & Bit ? Reads : 0) |
         (At.I->writes() & Bit ? Writes : 0);
}

ValueMark DecisionsMap::mark(unsigned P, Location L) const {
  ValueMark M;
  M.Op = L.IsSlot && Points[P].TakesAddress ? "address" : nameOf(*Points[P].I);
  if (hasLines()) {
    const SourceLine &S = Sources[Runs[Points[P].Run].Source];
    M.Line = S.Line;
    M.Text = S.Hash;
  }
  return M;
}

ValueShape DecisionsMap::valueAt(unsigned P, Location L) const {
  // Values live long in unrolled code, but what is far away is also most
  // likely to change.
  constexpr unsigned MaxBlocks = 256;
  ValueShape Shape;
  auto Add = [&](SmallVectorImpl<ValueMark> &To, ValueMark M) {
    if (To.size() < ValueShape::MaxMarks && !is_contained(To, M))
      To.push_back(std::move(M));
  };
  unsigned Home = Points[P].FlowBlock;
  std::vector<unsigned> Queue;
  DenseSet<unsigned> Seen;

  // Backward. The home block is looked at again from its end in a loop.
  auto Before = [&](unsigned Block, unsigned End) {
    for (unsigned At = touches(Block, L) ? End : FlowStart[Block];
         At-- > FlowStart[Block];)
      if (access(At, L) & Writes) {
        Add(Shape.Defs, mark(At, L));
        return;
      }
    if (Block == 0) {
      ValueMark Entry;
      Entry.Op = "entry";
      Add(Shape.Defs, Entry);
    }
    for (unsigned Pred : Flow.predecessors(Block))
      if (Seen.insert(Pred).second)
        Queue.push_back(Pred);
  };
  Before(Home, P);
  for (unsigned N = 0; N < Queue.size() && N < MaxBlocks &&
                       Shape.Defs.size() < ValueShape::MaxMarks;
       ++N)
    Before(Queue[N], FlowStart[Queue[N] + 1]);

  Queue.clear();
  Seen.clear();
  auto After = [&](unsigned Block, unsigned Begin) {
    unsigned End = touches(Block, L) ? FlowStart[Block + 1] : Begin;
    for (unsigned At = Begin; At < End; ++At) {
      uint8_t Does = access(At, L);
      if (Does & Reads)
        Add(Shape.Uses, mark(At, L));
      if (Does)
        return;
    }
    for (unsigned Succ : Flow.successors(Block))
      if (Seen.insert(Succ).second)
        Queue.push_back(Succ);
  };
  After(Home, P);
  for (unsigned N = 0; N < Queue.size() && N < MaxBlocks &&
                       Shape.Uses.size() < ValueShape::MaxMarks;
       ++N)
    After(Queue[N], FlowStart[Queue[N]]);
  return Shape;
}

} // namespace prepatch
