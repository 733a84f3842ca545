//===- Strip.cpp - Taking no-ops out again -------------------------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Widening/Strip.h"
#include "IR/Builder.h"
#include "ISA/Disassemble.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;

namespace prepatch {

namespace {

struct Place {
  Insn *I;
  BasicBlock *BB;
};

std::vector<Place> flatten(Function &F) {
  std::vector<Place> Places;
  for (BasicBlock &BB : F)
    for (Insn &I : BB)
      Places.push_back({&I, &BB});
  return Places;
}

/// The first instruction at or after \p BB.
const Insn *firstOf(const BasicBlock *BB) {
  while (BB && BB->empty())
    BB = BB->next();
  return BB ? BB->front() : nullptr;
}

StringRef symbolName(const Symbol &S) {
  return S.Name.empty() ? StringRef(S.SectionName) : StringRef(S.Name);
}

std::string text(const Insn &I) {
  std::string Name;
  if (I.refersToFunction() && I.callee())
    Name = I.callee()->name();
  else if (const Relocation *R = I.relocation())
    Name = symbolName(*R->Sym).str();
  std::string Text;
  raw_string_ostream OS(Text);
  disassemble(OS, I.raw(), I.kind(), I.immHigh(), Name);
  return StringRef(Text).trim().str();
}

/// Symbols of two objects that stand for the same.
bool isSame(const Symbol &A, const Symbol &B) {
  if (A.Name != B.Name || A.Kind != B.Kind || A.SectionName != B.SectionName)
    return false;
  // Code moves when something is put in before it.
  return A.Fn || A.At ? bool(A.Fn) == bool(B.Fn) && bool(A.At) == bool(B.At)
                      : A.Value == B.Value && A.Size == B.Size;
}

bool isSame(const Function &A, const Function &B) {
  return A.name() == B.name() && A.section()->Name == B.section()->Name;
}

/// CO-RE record and relocation; the lines are looked at when all is stripped.
bool haveSameRecords(const Insn &A, const Insn &B) {
  auto find = [](const Insn &I) {
    const Attachment *C = I.attachments();
    while (C && C->Kind != Attachment::Core)
      C = C->Next;
    return C;
  };
  const Attachment *CA = find(A), *CB = find(B);
  if (!CA != !CB)
    return false;
  if (CA && (CA->CoreInfo.TypeId != CB->CoreInfo.TypeId ||
             CA->CoreInfo.AccessStrOff != CB->CoreInfo.AccessStrOff ||
             CA->CoreInfo.Kind != CB->CoreInfo.Kind))
    return false;
  const Relocation *RA = A.relocation(), *RB = B.relocation();
  if (!RA != !RB)
    return false;
  return !RA || (RA->Type == RB->Type && isSame(*RA->Sym, *RB->Sym));
}

/// All but what a branch goes to and lines.
bool isSame(const Insn &A, const Insn &B, bool IsOpaque) {
  RawInsn RA = A.raw(), RB = B.raw();
  bool Refers = false;
  if (!IsOpaque) {
    if (isBranch(A.kind()))
      RA.Off = RB.Off;
    if (A.kind() == InsnKind::Jump)
      RA.Imm = RB.Imm; // gotol has its offset there
    Refers = A.refersToFunction() && B.refersToFunction() && A.callee() &&
             B.callee();
    if (Refers)
      RA.Imm = RB.Imm;
  }
  if (RA != RB || A.kind() != B.kind() ||
      (!Refers && A.immHigh() != B.immHigh()) || !haveSameRecords(A, B))
    return false;
  if (A.refersToFunction() != B.refersToFunction())
    return false;
  if (!A.refersToFunction())
    return true;
  if (!A.callee() || !B.callee())
    return !A.callee() && !B.callee();
  return isSame(*A.callee(), *B.callee());
}

class FunctionStripper {
public:
  FunctionStripper(Object &Obj, const Widener &W, Function &Before,
                   Function &After, bool IsBigEndian, FunctionProof &Result)
      : Obj(Obj), W(W), Before(Before), After(After), IsBigEndian(IsBigEndian),
        Result(Result), Old(flatten(Before)), New(flatten(After)) {
    DenseMap<const Insn *, int64_t> Index;
    for (const Place &P : New)
      Index[P.I] = int64_t(Index.size());
    for (const Place &P : New) {
      RawInsn Raw = P.I->raw();
      // As it would be encoded: no-ops have no instruction of two slots.
      if (!After.isOpaque() && P.I->kind() == InsnKind::CondJump)
        if (const Insn *To = firstOf(P.I->target()))
          Raw.Off = int16_t(std::clamp<int64_t>(
              Index.lookup(To) - Index.lookup(P.I) - 1, INT16_MIN, INT16_MAX));
      Code.push_back(Raw);
    }
    for (const Place &P : New)
      if (isBranch(P.I->kind()) && !After.isOpaque())
        addEntry(Index, P.I->target(), Index.lookup(P.I));
    for (const JumpTable *T : After.jumpTables())
      for (const BasicBlock *To : T->Targets) {
        addEntry(Index, To, -1);
        addEntry(Index, To, int64_t(New.size()));
      }
  }

  /// The first difference, if there is any.
  std::optional<ProofDifference> run();
  /// Instead of run().
  ExtraMayGotos findMayGotos(function_ref<bool(const Insn &)> MayStandBefore);

private:
  /// A way to have come to place At of the first, at some place of the second.
  struct Step {
    uint32_t At;
    uint32_t From; ///< of the step before, at place Came
    uint32_t Came; ///< place in the second
    /// Of the sequence that was passed over; 0: a like one; -1: a may_goto.
    int32_t Length;
  };

  void addEntry(const DenseMap<const Insn *, int64_t> &Index,
                const BasicBlock *To, int64_t From) {
    if (const Insn *I = firstOf(To)) {
      auto &[First, Last] =
          EnteredFrom.try_emplace(Index.lookup(I), From, From).first->second;
      First = std::min(First, From);
      Last = std::max(Last, From);
    }
  }
  bool isEnteredInside(uint32_t J, unsigned Length) const;
  std::optional<ProofDifference> align();
  void passOver(uint32_t J, uint32_t Way);
  bool mayStandAt(const ForgetMatch &M, const Insn &I);
  void addWay(uint32_t J, Step S);
  ProofDifference different(uint32_t At, std::string What) const;
  void takeOut();
  void takeOutMayGotos();
  void removeEmptyBlocks();
  std::string lineAt(uint32_t At) const;
  uint32_t indexAt(uint32_t At) const;
  std::optional<ProofDifference> compareReferences() const;

  Object &Obj;
  const Widener &W;
  Function &Before, &After;
  bool IsBigEndian;
  FunctionProof &Result;
  std::vector<Place> Old, New;
  std::vector<RawInsn> Code; ///< of New
  /// The first and the last branch that leads to an instruction of New.
  DenseMap<int64_t, std::pair<int64_t, int64_t>> EnteredFrom;
  std::vector<SmallVector<Step, 1>> Ways;
  /// Why a sequence that was recognised was not passed over.
  std::string Refusal;
  uint32_t RefusedAt = 0;
  /// Where a may_goto of the second may be passed over.
  function_ref<bool(const Insn &)> MayGotoBefore;
  uint32_t Furthest = 0; ///< place of the second that was come to
};

/// Of the line that place \p At of the first belongs to.
std::string FunctionStripper::lineAt(uint32_t At) const {
  for (uint32_t N = std::min<size_t>(size_t(At) + 1, Old.size()); N-- > 0;)
    if (const LineRecord *L = Old[N].I->line())
      return Obj.describeLine(*L);
  return "";
}

/// The slot at place \p At of the first, as it was read.
uint32_t FunctionStripper::indexAt(uint32_t At) const {
  while (At < Old.size() && Old[At].I->isInserted())
    ++At;
  return At < Old.size() ? Old[At].I->originalIndex() - Before.originalStart()
                         : Insn::NoIndex;
}

ProofDifference FunctionStripper::different(uint32_t At,
                                            std::string What) const {
  ProofDifference D;
  D.Function = Before.name();
  D.What = std::move(What);
  D.Index = indexAt(At);
  D.Line = lineAt(At);
  return D;
}

void FunctionStripper::addWay(uint32_t J, Step S) {
  if (none_of(Ways[J], [&](const Step &Other) { return Other.At == S.At; }))
    Ways[J].push_back(S);
}

bool FunctionStripper::mayStandAt(const ForgetMatch &M, const Insn &I) {
  if (!W.isProven(I, M.Where.front(), M.How)) {
    Refusal = "a no-op (" + formName(M.How) + " of " +
              toString(M.Where.front()) + ") is one for less than 2^" +
              std::to_string(provenBits(M.How)) +
              ", of which there is no proof";
    return false;
  }
  if (RegSet Live = M.Clobbers & ~W.resourcesAt(I).Dead) {
    Refusal = "a no-op (" + formName(M.How) + " of " +
              toString(M.Where.front()) + ") overwrites r" +
              std::to_string(countr_zero(Live)) + ", which is read later";
    return false;
  }
  if (M.SlotUsed && !W.isFree(I, *M.SlotUsed)) {
    Refusal = "a no-op (" + formName(M.How) + " of " +
              toString(M.Where.front()) + ") overwrites the stack at fp" +
              std::to_string(*M.SlotUsed) + ", which may be read later";
    return false;
  }
  return true;
}

/// Whether a branch from elsewhere leads into the middle of a sequence.
bool FunctionStripper::isEnteredInside(uint32_t J, unsigned Length) const {
  for (uint32_t N = J + 1; N < J + Length; ++N) {
    auto From = EnteredFrom.find(N);
    if (From != EnteredFrom.end() &&
        (From->second.first < int64_t(J) ||
         From->second.second >= int64_t(J + Length)))
      return true;
  }
  return false;
}

/// Tries the sequences that may begin at \p J of the second.
void FunctionStripper::passOver(uint32_t J, uint32_t Way) {
  uint32_t At = Ways[J][Way].At;
  if (At >= Old.size())
    return; // nothing comes after it
  uint32_t End = J;
  while (End < New.size() && End < J + 64)
    ++End;
  ArrayRef<RawInsn> Rest = ArrayRef(Code).slice(J, End - J);
  while (std::optional<ForgetMatch> M = matchForget(Rest, IsBigEndian)) {
    bool HasRecords = false;
    for (uint32_t N = J; N < J + M->Length; ++N)
      HasRecords |= New[N].I->relocation() || New[N].I->hasCoreRecord();
    if (HasRecords || isEnteredInside(J, M->Length))
      return;
    if (mayStandAt(*M, *Old[At].I))
      addWay(J + M->Length, {At, Way, J, int32_t(M->Length)});
    else
      RefusedAt = std::max(RefusedAt, J);
    // An xor of several registers may be one of fewer, and code of others; the
    // mask at the end of a narrow may be the program's.
    if (M->Where.size() == 1 && !provenBits(M->How))
      return;
    Rest = Rest.take_front(M->Length - 1);
  }
}

std::optional<ProofDifference> FunctionStripper::align() {
  bool IsOpaque = Before.isOpaque() || After.isOpaque();
  Ways.resize(New.size() + 1);
  Ways[0].push_back({0, 0, 0, 0});
  for (uint32_t J = 0; J < New.size(); ++J)
    for (uint32_t N = 0; N < Ways[J].size(); ++N) {
      Furthest = J;
      uint32_t At = Ways[J][N].At;
      if (At < Old.size() && isSame(*Old[At].I, *New[J].I, IsOpaque))
        addWay(J + 1, {At + 1, N, J, 0});
      if (IsOpaque)
        continue;
      passOver(J, N);
      if (MayGotoBefore && New[J].I->kind() == InsnKind::MayGoto &&
          At < Old.size() && MayGotoBefore(*Old[At].I))
        addWay(J + 1, {At, N, J, -1});
    }
  if (any_of(Ways.back(), [&](const Step &S) { return S.At == Old.size(); }))
    return std::nullopt;
  if (!Ways.back().empty())
    return different(Ways.back().front().At,
                     "the function ends, expected '" +
                         text(*Old[Ways.back().front().At].I) + "'");
  uint32_t At = Ways[Furthest].front().At;
  if (!Refusal.empty() && RefusedAt <= Furthest)
    return different(At, Refusal);
  std::string Found = "found '" + text(*New[Furthest].I) + "'";
  return different(At, At < Old.size()
                           ? "expected '" + text(*Old[At].I) + "', " + Found
                           : "expected the end of the function, " + Found);
}

/// Goes back along the way that reached the end.
void FunctionStripper::takeOut() {
  Builder B(After.program());
  DenseMap<const Insn *, Insn *> StandIn; // for what is taken out
  uint32_t J = New.size(), N = 0;
  while (Ways[J][N].At != Old.size())
    ++N;
  while (J) {
    Step S = Ways[J][N];
    J = S.Came;
    N = S.From;
    if (!S.Length)
      continue;
    Result.NoOps.push_back(
        {indexAt(S.At),
         *matchForget(ArrayRef(Code).slice(J, S.Length), IsBigEndian)});
    Result.Instructions += S.Length;
    // From the last on: lines go to the instruction behind, and so do labels.
    Insn *Next = New[J + S.Length].I;
    if (Insn *Left = StandIn.lookup(Next))
      Next = Left;
    for (uint32_t K = J + S.Length; K-- > J;) {
      B.erase(*New[K].BB, *New[K].I);
      StandIn[New[K].I] = Next;
    }
  }
  for (Symbol &S : After.program().Symbols)
    if (Insn *Next = StandIn.lookup(S.At))
      S.At = Next;
  std::reverse(Result.NoOps.begin(), Result.NoOps.end());
  removeEmptyBlocks();
}

/// What is left is the first as it is now; this is what it was.
void FunctionStripper::takeOutMayGotos() {
  std::vector<Place> Left = flatten(After);
  Builder B(After.program());
  // From the last on, as no-ops.
  for (uint32_t N = Left.size(); N-- > 0;) {
    if (!Old[N].I->isInserted())
      continue;
    Result.MayGotos.push_back({indexAt(N), lineAt(N)});
    for (Symbol &S : After.program().Symbols)
      if (S.At == Left[N].I)
        S.At = Left[N + 1].I;
    B.erase(*Left[N].BB, *Left[N].I);
  }
  std::reverse(Result.MayGotos.begin(), Result.MayGotos.end());
  removeEmptyBlocks();
}

/// A branch may pass over a no-op at the end of a block of its own.
void FunctionStripper::removeEmptyBlocks() {
  auto standIn = [](BasicBlock *BB) {
    while (BB->empty() && BB->next())
      BB = BB->next();
    return BB;
  };
  for (BasicBlock &BB : After)
    if (Insn *Last = BB.back();
        Last && isBranch(Last->kind()) && Last->target())
      Last->setTarget(standIn(Last->target()));
  for (JumpTable *T : After.jumpTables())
    for (BasicBlock *&Target : T->Targets)
      Target = standIn(Target);
  Builder B(After.program());
  for (auto It = After.begin(); It != After.end();)
    if (BasicBlock &BB = *It++; BB.empty())
      B.erase(BB);
}

std::optional<ProofDifference> FunctionStripper::compareReferences() const {
  std::vector<Place> Left = flatten(After);
  assert(Left.size() == Old.size() && "what is left was aligned");
  DenseMap<const Insn *, uint32_t> OldIndex, LeftIndex;
  for (uint32_t N = 0; N < Old.size(); ++N) {
    OldIndex[Old[N].I] = N;
    LeftIndex[Left[N].I] = N;
  }
  for (uint32_t N = 0; N < Old.size(); ++N) {
    const Insn &A = *Old[N].I, &B = *Left[N].I;
    if (!Before.isOpaque() && isBranch(A.kind()) &&
        OldIndex.lookup(A.target()->front()) !=
            LeftIndex.lookup(B.target()->front()))
      return different(N, "'" + text(A) + "' goes to another place");
    const LineRecord *LA = A.line(), *LB = B.line();
    if (!LA != !LB || (LA && !(*LA == *LB)))
      return different(N, "the source line of '" + text(A) +
                              "' is another, or begins elsewhere");
  }
  ArrayRef<JumpTable *> TA = Before.jumpTables(), TB = After.jumpTables();
  bool SameTables = TA.size() == TB.size();
  for (size_t T = 0; SameTables && T < TA.size(); ++T) {
    SameTables = TA[T]->Targets.size() == TB[T]->Targets.size();
    for (size_t N = 0; SameTables && N < TA[T]->Targets.size(); ++N)
      SameTables = OldIndex.lookup(TA[T]->Targets[N]->front()) ==
                   LeftIndex.lookup(TB[T]->Targets[N]->front());
  }
  if (!SameTables)
    return different(0, "a jump table goes to another place");
  return std::nullopt;
}

std::optional<ProofDifference> FunctionStripper::run() {
  if (Before.isOpaque() != After.isOpaque())
    return different(0, "only one of the two could be understood: " +
                            Before.opaqueReason() + After.opaqueReason());
  if (std::optional<ProofDifference> D = align())
    return D;
  takeOut();
  if (std::optional<ProofDifference> D = compareReferences())
    return D;
  if (any_of(Old, [](const Place &P) { return P.I->isInserted(); }))
    takeOutMayGotos();
  return std::nullopt;
}

ExtraMayGotos FunctionStripper::findMayGotos(
    function_ref<bool(const Insn &)> MayStandBefore) {
  ExtraMayGotos Extra;
  MayGotoBefore = MayStandBefore;
  Extra.Whole = !align();
  uint32_t J = Extra.Whole ? New.size() : Furthest, N = 0;
  while (Extra.Whole && Ways[J][N].At != Old.size())
    ++N;
  while (J) {
    Step S = Ways[J][N];
    J = S.Came;
    N = S.From;
    if (S.Length < 0)
      Extra.Behind.push_back(Old[S.At].I);
  }
  std::reverse(Extra.Behind.begin(), Extra.Behind.end());
  return Extra;
}

/// Sets what changed in the linkage of \p After. Anything but from static to
/// global is a difference.
std::optional<std::string> compareLinkage(const Function &Before,
                                          const Function &After,
                                          FunctionProof &Result) {
  const Symbol *A = Before.symbol(), *B = After.symbol();
  if (!A != !B)
    return "only one of the two has a symbol";
  if (!A || (A->IsGlobal == B->IsGlobal && A->IsHidden == B->IsHidden &&
             A->IsWeak == B->IsWeak))
    return std::nullopt;
  if (Before.isEntry() || Before.isGlobal() || !After.isGlobal() || B->IsWeak)
    return "its symbol has another binding or visibility";
  Result.BecameGlobal = true;
  return std::nullopt;
}

} // namespace

ExtraMayGotos
findExtraMayGotos(Object &Obj, const Widener &W, Function &Before,
                  Function &After,
                  function_ref<bool(const Insn &)> MayStandBefore) {
  FunctionProof Unused;
  return FunctionStripper(Obj, W, Before, After,
                          Obj.Elf.Endian == endianness::big, Unused)
      .findMayGotos(MayStandBefore);
}

Proof stripNoOps(Object &Before, Object &After, const KernelProfile &Profile) {
  Proof Result;
  auto fail = [&](std::string Function, std::string What) {
    Result.Difference = {std::move(Function), Insn::NoIndex, "",
                         std::move(What)};
  };
  if (Before.Elf.Endian != After.Elf.Endian) {
    fail("", "the byte orders differ");
    return Result;
  }
  bool IsBigEndian = Before.Elf.Endian == endianness::big;
  CallGraph Graph(Before.Prog);
  Liveness Live(Graph, Profile);
  RegKinds Kinds(Graph, Profile);
  StackUse Stack(Kinds, Profile);
  Widener W(Before.Prog, Graph, Live, Kinds, Stack, Profile);

  if (Before.Prog.Sections.size() != After.Prog.Sections.size()) {
    fail("", "the code is in " + std::to_string(After.Prog.Sections.size()) +
                 " sections, expected " +
                 std::to_string(Before.Prog.Sections.size()));
    return Result;
  }
  for (auto [A, B] : zip_equal(Before.Prog.Sections, After.Prog.Sections)) {
    if (A.Name != B.Name) {
      fail("", "section '" + B.Name + "', expected '" + A.Name + "'");
      return Result;
    }
    auto IA = A.Functions.begin(), IB = B.Functions.begin();
    for (; IA != A.Functions.end() && IB != B.Functions.end(); ++IA, ++IB) {
      if (IA->name() != IB->name()) {
        fail(IA->name(), "function '" + IB->name() + "' stands in its place");
        return Result;
      }
      FunctionProof &FP = Result.Functions.emplace_back();
      FP.Name = IA->name();
      if (auto What = compareLinkage(*IA, *IB, FP)) {
        fail(FP.Name, *What);
        return Result;
      }
      FunctionStripper S(Before, W, *IA, *IB, IsBigEndian, FP);
      if ((Result.Difference = S.run()))
        return Result;
    }
    if (IA != A.Functions.end() || IB != B.Functions.end()) {
      bool Missing = IA != A.Functions.end();
      fail(Missing ? IA->name() : IB->name(),
           Missing ? "the function is missing" : "the function is new");
      return Result;
    }
  }
  return Result;
}

} // namespace prepatch
