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

static constexpr Form Forms[] = {
#define PREPATCH_FORM(ENUM, NAME, ON_SLOT, TEXT) Form::ENUM,
#include "Widening/Sequences.def"
};

static const FormInfo &infoOf(Form F) { return Infos[unsigned(F)]; }
StringRef formName(Form F) { return infoOf(F).Name; }
StringRef formText(Form F) { return infoOf(F).Text; }
bool isForSlots(Form F) { return infoOf(F).OnSlot; }
ArrayRef<Form> allForms() { return Forms; }

std::optional<Form> parseForm(StringRef Name) {
  for (Form F : Forms)
    if (formName(F) == Name)
      return F;
  return std::nullopt;
}

Form xorForm(unsigned Bits) {
  assert(Bits >= 1 && Bits <= 64 && "a register has 64 bits");
  return Form(unsigned(Form::Xor1) + Bits - 1);
}

unsigned xorBits(Form F) {
  return F < Form::Xor1 || F > Form::Xor64
             ? 0
             : unsigned(F) - unsigned(Form::Xor1) + 1;
}

Form narrowForm(unsigned Bits, bool OnSlot) {
  assert(Bits >= 1 && Bits <= 32 && "a mask is an immediate");
  return Form(unsigned(OnSlot ? Form::SlotNarrow1 : Form::Narrow1) + Bits - 1);
}

unsigned provenBits(Form F) {
  if (F >= Form::Narrow1 && F <= Form::Narrow32)
    return unsigned(F) - unsigned(Form::Narrow1) + 1;
  if (F >= Form::SlotNarrow1 && F <= Form::SlotNarrow32)
    return unsigned(F) - unsigned(Form::SlotNarrow1) + 1;
  return F == Form::Inner8    ? 8
         : F == Form::Inner16 ? 16
         : F == Form::Inner32 ? 32
                              : 0;
}

static bool isInner(Form F) { return F >= Form::Inner8; }

/// Whether it relies on the low byte being the first in memory.
static bool isLittleEndianOnly(Form F) {
  return F == Form::Spill || F == Form::Rewrite ||
         (provenBits(F) && !isInner(F));
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

std::optional<ForgetMatch> matchForget(ArrayRef<RawInsn> Code,
                                       bool IsBigEndian) {
  if (Code.size() < 2)
    return std::nullopt;
  std::optional<ForgetMatch> Longest;
  for (Form F : Forms) {
    std::optional<Guess> G = guess(Code, F);
    if (!G)
      continue;
    G->Have.IsBigEndian = IsBigEndian;
    SmallVector<RawInsn, 8> Made;
    if (!appendForget(Made, G->Where, F, G->Have) ||
        Made.size() > Code.size() ||
        ArrayRef<RawInsn>(Made) != Code.take_front(Made.size()) ||
        (Longest && Longest->Length >= Made.size()))
      continue;
    ForgetMatch &M = Longest.emplace();
    M.How = F;
    M.Where = std::move(G->Where);
    M.Length = Made.size();
    M.Clobbers = G->Have.Dead;
    M.SlotUsed = G->Have.FreeSlot;
  }
  return Longest;
}

} // namespace prepatch
