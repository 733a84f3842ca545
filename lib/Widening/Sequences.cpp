//===- Sequences.cpp - No-ops that make the verifier forget --------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Recognition works by making the code again: from the instructions only the
// location, the dead register and the free slot are read, and what
// appendForget makes of them must be what stands there. So nothing can be
// recognised that is not made.
//===----------------------------------------------------------------------===//

#include "Widening/Sequences.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

using namespace llvm;

namespace prepatch {

std::string toString(Location L) {
  return L.IsSlot ? "fp" + std::to_string(L.Where)
                  : "r" + std::to_string(L.Where);
}

static bool isSlotOffset(int Off) {
  return Off < 0 && Off >= -512 && Off % 8 == 0;
}

std::optional<Location> parseLocation(StringRef Text) {
  bool IsSlot = Text.consume_front("fp");
  int N;
  if ((!IsSlot && !Text.consume_front("r")) || Text.starts_with("+") ||
      Text.getAsInteger(10, N))
    return std::nullopt;
  if (IsSlot ? !isSlotOffset(N) : N < 0 || N >= RegFp)
    return std::nullopt;
  Location L = IsSlot ? Location::slot(N) : Location::reg(N);
  // "r06" would be another spelling of the same.
  return toString(L) == (IsSlot ? "fp" : "r") + Text.str() ? std::optional(L)
                                                           : std::nullopt;
}

namespace {
struct FormInfo {
  StringRef Name;
  bool OnSlot;
  StringRef Text;
};
} // namespace

static constexpr FormInfo Infos[] = {
#define PREPATCH_FORM(ENUM, NAME, ON_SLOT, TEXT) {NAME, ON_SLOT, TEXT},
#include "Widening/Sequences.def"
};

static const FormInfo &infoOf(Form F) { return Infos[F.kind()]; }
StringRef formText(Form F) { return infoOf(F).Text; }
bool isForSlots(Form F) { return infoOf(F).OnSlot; }

Form Form::guard(uint32_t Min, uint32_t Max, bool OnSlot) {
  assert(Min <= Max && Max <= MaxGuarded && "no bounds");
  Form F(OnSlot ? SlotGuard : Guard);
  F.Min = Min;
  F.Max = Max;
  return F;
}

ArrayRef<Form> allForms() {
  static const std::vector<Form> Forms = [] {
    std::vector<Form> All = {
#define PREPATCH_FORM(ENUM, NAME, ON_SLOT, TEXT) Form::ENUM,
#include "Widening/Sequences.def"
    };
    erase_if(All, [](Form F) { return F.isGuard(); });
    return All;
  }();
  return Forms;
}

std::string formName(Form F) {
  std::string Name = infoOf(F).Name.str();
  if (F.isGuard())
    Name += std::to_string(F.min()) + "-" + std::to_string(F.max());
  return Name;
}

std::optional<Form> parseForm(StringRef Name) {
  for (Form F : allForms())
    if (infoOf(F).Name == Name)
      return F;
  StringRef Bounds = Name;
  bool OnSlot = Bounds.consume_front("slot-");
  uint32_t Min, Max;
  auto [First, Last] = Bounds.split('-');
  if (!First.consume_front("guard") || First.getAsInteger(10, Min) ||
      Last.getAsInteger(10, Max) || Min > Max || Max > Form::MaxGuarded)
    return std::nullopt;
  Form F = Form::guard(Min, Max, OnSlot);
  return formName(F) == Name ? std::optional(F) : std::nullopt;
}

Form xorForm(unsigned Bits) {
  assert(Bits >= 1 && Bits <= 64 && "a register has 64 bits");
  return Form(Form::Kind(Form::Xor1 + Bits - 1));
}

unsigned xorBits(Form F) {
  return F < Form::Xor1 || F > Form::Xor64 ? 0 : F.kind() - Form::Xor1 + 1;
}

Form narrowForm(unsigned Bits, bool OnSlot) {
  assert(Bits >= 1 && Bits <= 32 && "a mask is an immediate");
  return Form(
      Form::Kind((OnSlot ? Form::SlotNarrow1 : Form::Narrow1) + Bits - 1));
}

unsigned provenBits(Form F) {
  if (F >= Form::Narrow1 && F <= Form::Narrow32)
    return F.kind() - Form::Narrow1 + 1;
  if (F >= Form::SlotNarrow1 && F <= Form::SlotNarrow32)
    return F.kind() - Form::SlotNarrow1 + 1;
  return F == Form::Inner8    ? 8
         : F == Form::Inner16 ? 16
         : F == Form::Inner32 ? 32
                              : 0;
}

static bool isInner(Form F);

unsigned runCycles(Form F) {
  // From 0.24 ns for touch and 2.5 ns for a store that is loaded again to 8.6
  // ns for one that is put together of two, at 3 GHz.
  constexpr unsigned Arithmetic = 2, Forwarded = 6, Stalled = 15, Locked = 20;
  switch (F.kind()) {
  case Form::Touch:
    return Arithmetic;
  case Form::Atomic:
  case Form::AtomicLow:
  case Form::AtomicHigh:
    return Locked;
  case Form::Guard:
    return Forwarded + Arithmetic;
  default:
    return isInner(F) || xorBits(F) ? Forwarded : Stalled;
  }
}

static bool isInner(Form F) { return F >= Form::Inner8; }

/// Whether it relies on the low byte being the first in memory.
static bool isLittleEndianOnly(Form F) {
  return F == Form::Spill || F == Form::Rewrite ||
         F.kind() == Form::SlotGuard || (provenBits(F) && !isInner(F));
}

static RawInsn load(unsigned Bytes, unsigned Dst, int Off) {
  return {uint8_t(ClassLdx | ModeMem | memSizeFor(Bytes)), uint8_t(Dst), RegFp,
          int16_t(Off), 0};
}

static RawInsn store(unsigned Bytes, int Off, unsigned Src) {
  return {uint8_t(ClassStx | ModeMem | memSizeFor(Bytes)), RegFp, uint8_t(Src),
          int16_t(Off), 0};
}

static RawInsn storeImm(unsigned Bytes, int Off, int32_t Imm) {
  return {uint8_t(ClassSt | ModeMem | memSizeFor(Bytes)), RegFp, 0,
          int16_t(Off), Imm};
}

static RawInsn aluImm(AluOp Op, unsigned Dst, int32_t Imm) {
  return {uint8_t(ClassAlu64 | Op), uint8_t(Dst), 0, 0, Imm};
}

static RawInsn xorReg(unsigned Dst, unsigned Src) {
  return {uint8_t(ClassAlu64 | AluXor | SrcReg), uint8_t(Dst), uint8_t(Src), 0,
          0};
}

/// The dead register to take. Those that calls clobber come first: the others
/// cost the JIT a save and a restore where they are used nowhere else.
static std::optional<unsigned> pickRegister(RegSet Dead) {
  for (unsigned R : {0, 5, 4, 3, 2, 1, 9, 8, 7, 6})
    if (Dead & regBit(R))
      return R;
  return std::nullopt;
}

/// Makes d of the xor forms: 0, and any number of \p Bits to the verifier.
static void appendUnknown(SmallVectorImpl<RawInsn> &Code, unsigned Bits,
                          unsigned D, int16_t S) {
  unsigned N = Bits <= 8 ? 8 : Bits <= 16 ? 16 : Bits <= 32 ? 32 : 64;
  if (N == 64) {
    Code.push_back(storeImm(8, S, 1));
    Code.push_back(storeImm(1, S + 1, 0));
    Code.push_back(load(8, D, S));
  } else {
    Code.push_back(storeImm(N / 8, S + N / 8, 1));
    Code.push_back(load(N / 8, D, S + N / 8));
  }
  Code.push_back(N == Bits ? aluImm(AluXor, D, 1)
                           : aluImm(AluRsh, D, N - Bits));
}

/// What slot-narrowK and narrowK have in common: d, whose low byte was just
/// stored at \p Off, becomes any number of \p Bits.
static void appendNarrowLoad(SmallVectorImpl<RawInsn> &Code, unsigned D,
                             int Off, unsigned Bits) {
  unsigned N = Bits <= 16 ? 16 : 32;
  Code.push_back(load(N / 8, D, Off));
  if (N != Bits)
    Code.push_back(aluImm(AluAnd, D, int32_t((1u << Bits) - 1)));
}

/// Compares 64 bits of \p X with an immediate and passes over \p Skip
/// instructions.
static RawInsn jumpIf(JmpOp Op, unsigned X, uint32_t Imm, unsigned Skip) {
  return {uint8_t(ClassJmp | Op), uint8_t(X), 0, int16_t(Skip), int32_t(Imm)};
}

/// \p X becomes any number from F's min to its max, if it is one of these. The
/// way through memory is through the slot \p S: a free one, or that of which X
/// is a copy.
static void appendGuard(SmallVectorImpl<RawInsn> &Code, unsigned X, Form F,
                        int16_t S) {
  const unsigned Bytes = F.max() <= UINT16_MAX ? 2 : 4;
  const bool HasMin = F.min() != 0;
  const bool OnSlot = isForSlots(F);
  const int Inside = OnSlot ? S : S + int(Bytes);
  // From the last comparison to the end: the trap, and the write.
  const unsigned Tail = 2 + OnSlot;
  unsigned Left = 2 + 2 * HasMin + 1 + Tail; // behind the first comparison
  Code.push_back(jumpIf(JmpGt, X, F.max(), Left));
  if (HasMin)
    Code.push_back(jumpIf(JmpLt, X, F.min(), Left - 1));
  Code.push_back(store(OnSlot ? 1 : Bytes, Inside, X));
  Code.push_back(load(Bytes, X, Inside));
  if (HasMin)
    Code.push_back(jumpIf(JmpLt, X, F.min(), 1));
  Code.push_back(jumpIf(JmpLe, X, F.max(), 2));
  Code.push_back({OpMov64Imm, 0, 0, 0, 0});
  Code.push_back({uint8_t(ClassJmp | JmpExit), 0, 0, 0, 0});
  if (OnSlot)
    Code.push_back(store(8, S, X));
}

static void appendSlotForget(SmallVectorImpl<RawInsn> &Code, int16_t P, Form F,
                             unsigned D) {
  if (F == Form::Touch) {
    Code.push_back(load(1, D, P));
    Code.push_back(store(1, P, D));
    return;
  }
  if (F == Form::Rewrite) {
    Code.push_back(load(8, D, P));
    Code.push_back(store(8, P, D));
    Code.push_back(store(1, P, D));
    return;
  }
  if (unsigned Bits = provenBits(F)) {
    Code.push_back(load(Bits <= 16 ? 2 : 4, D, P));
    Code.push_back(store(1, P, D));
    appendNarrowLoad(Code, D, P, Bits);
    Code.push_back(store(8, P, D));
    return;
  }
  uint8_t Size = F == Form::Atomic ? SizeDw : SizeW;
  Code.push_back({OpMov64Imm, uint8_t(D), 0, 0, 0});
  Code.push_back({uint8_t(ClassStx | ModeAtomic | Size), RegFp, uint8_t(D),
                  int16_t(F == Form::AtomicHigh ? P + 4 : P), AtomicOr});
}

bool appendForget(SmallVectorImpl<RawInsn> &Code, ArrayRef<Location> Ls, Form F,
                  const Resources &Have) {
  unsigned Bits = xorBits(F);
  if (Ls.empty() || (Ls.size() > 1 && !Bits))
    return false;
  RegSet Named = 0;
  for (Location L : Ls) {
    if (L.IsSlot != isForSlots(F))
      return false;
    if (L.IsSlot ? !isSlotOffset(L.Where) : L.Where < 0 || L.Where >= RegFp)
      return false;
    if (L.IsSlot)
      continue;
    if (Named & regBit(L.Where))
      return false;
    Named |= regBit(L.Where);
  }
  std::optional<int16_t> S = Have.FreeSlot;
  if (S && !isSlotOffset(*S))
    return false;

  if (Have.IsBigEndian && isLittleEndianOnly(F))
    return false;
  if (!isForSlots(F) && !Bits) {
    if (!S)
      return false;
    unsigned X = Ls.front().Where;
    if (F.isGuard()) {
      appendGuard(Code, X, F, *S);
      return true;
    }
    if (isInner(F)) {
      unsigned Bytes = provenBits(F) / 8;
      Code.push_back(store(Bytes, *S + Bytes, X));
      Code.push_back(load(Bytes, X, *S + Bytes));
      return true;
    }
    Code.push_back(store(8, *S, X));
    Code.push_back(store(1, *S, X));
    if (F == Form::Spill)
      Code.push_back(load(8, X, *S));
    else
      appendNarrowLoad(Code, X, *S, provenBits(F));
    return true;
  }
  std::optional<unsigned> D = pickRegister(Have.Dead & ~Named);
  if (!D)
    return false;
  if (F.isGuard()) {
    Code.push_back(load(8, *D, Ls.front().Where));
    appendGuard(Code, *D, F, Ls.front().Where);
    return true;
  }
  if (isForSlots(F)) {
    appendSlotForget(Code, Ls.front().Where, F, *D);
    return true;
  }
  if (!S)
    return false;
  appendUnknown(Code, Bits, *D, *S);
  for (Location L : Ls)
    Code.push_back(xorReg(L.Where, *D));
  return true;
}

bool appendForget(SmallVectorImpl<RawInsn> &Code, Location L, Form F,
                  const Resources &Have) {
  return appendForget(Code, ArrayRef(L), F, Have);
}

namespace {
/// What \p Code would be if it was one of ours, by a look at the fields that
/// tell; nothing is checked but that they exist.
struct Guess {
  SmallVector<Location, 2> Where;
  Resources Have;
};
} // namespace

static std::optional<Guess> guess(ArrayRef<RawInsn> Code, Form F) {
  Guess G;
  auto dead = [&](unsigned R) { G.Have.Dead = R < RegFp ? regBit(R) : 0; };
  if (!isForSlots(F) && !xorBits(F)) {
    if (insnClass(Code[0].Opcode) != ClassStx)
      return std::nullopt;
    G.Where.push_back(Location::reg(Code[0].Src));
    G.Have.FreeSlot =
        int16_t(Code[0].Off - int(isInner(F) ? provenBits(F) / 8 : 0));
    return G;
  }
  if (isForSlots(F)) {
    if (insnClass(Code[1].Opcode) != ClassStx)
      return std::nullopt;
    dead(Code[0].Dst);
    int Off = Code[1].Off; // of the store
    G.Where.push_back(Location::slot(F == Form::AtomicHigh ? Off - 4 : Off));
    return G;
  }
  unsigned Bits = xorBits(F), At = Bits > 32 ? 2 : 1;
  if (Code.size() < At + 2 || insnClass(Code[0].Opcode) != ClassSt)
    return std::nullopt;
  unsigned Bytes = Bits <= 8 ? 1 : Bits <= 16 ? 2 : Bits <= 32 ? 4 : 0;
  dead(Code[At].Dst);
  G.Have.FreeSlot = int16_t(Code[0].Off - int(Bytes));
  RegSet Named = 0;
  for (const RawInsn &I : Code.drop_front(At + 2)) {
    if (I != xorReg(I.Dst, Code[At].Dst) || I.Dst >= RegFp ||
        (Named & regBit(I.Dst)))
      break;
    Named |= regBit(I.Dst);
    G.Where.push_back(Location::reg(I.Dst));
  }
  return G;
}

/// What guard \p Code would be.
static std::optional<std::pair<Form, Guess>>
guessGuard(ArrayRef<RawInsn> Code) {
  Guess G;
  bool OnSlot = insnClass(Code[0].Opcode) == ClassLdx;
  size_t At = OnSlot;
  if (Code.size() < At + 4 || Code[At].Opcode != uint8_t(ClassJmp | JmpGt))
    return std::nullopt;
  bool HasMin = Code[At + 1].Opcode == uint8_t(ClassJmp | JmpLt);
  uint32_t Min = HasMin ? uint32_t(Code[At + 1].Imm) : 0;
  uint32_t Max = uint32_t(Code[At].Imm);
  if (Min > Max || Max > Form::MaxGuarded)
    return std::nullopt;
  unsigned X = Code[At].Dst;
  if (OnSlot) {
    G.Have.Dead = X < RegFp ? regBit(X) : 0;
    G.Where.push_back(Location::slot(Code[0].Off));
  } else {
    G.Where.push_back(Location::reg(X));
    G.Have.FreeSlot =
        int16_t(Code[At + 1 + HasMin].Off - (Max <= UINT16_MAX ? 2 : 4));
  }
  return std::pair(Form::guard(Min, Max, OnSlot), std::move(G));
}

std::optional<ForgetMatch> matchForget(ArrayRef<RawInsn> Code,
                                       bool IsBigEndian) {
  if (Code.size() < 2)
    return std::nullopt;
  std::optional<ForgetMatch> Longest;
  auto check = [&](Form F, Guess &G) {
    G.Have.IsBigEndian = IsBigEndian;
    SmallVector<RawInsn, 8> Made;
    if (!appendForget(Made, G.Where, F, G.Have) || Made.size() > Code.size() ||
        ArrayRef<RawInsn>(Made) != Code.take_front(Made.size()) ||
        (Longest && Longest->Length >= Made.size()))
      return;
    ForgetMatch &M = Longest.emplace(F);
    M.Where = std::move(G.Where);
    M.Length = Made.size();
    M.Clobbers = G.Have.Dead;
    M.SlotUsed = G.Have.FreeSlot;
  };
  for (Form F : allForms())
    if (std::optional<Guess> G = guess(Code, F))
      check(F, *G);
  if (auto Guard = guessGuard(Code))
    check(Guard->first, Guard->second);
  return Longest;
}

} // namespace prepatch
