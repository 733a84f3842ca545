//===- SequencesTest.cpp - No-ops that make the verifier forget -----------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Widening/Sequences.h"
#include "Machine.h"
#include <random>

using namespace llvm;
using namespace prepatch;

namespace {

/// Numbers.
struct Concrete {
  using Value = uint64_t;
  using Byte = uint8_t;
  using Bool = bool;
  Bool yes() { return true; }
  Bool no() { return false; }
  Bool both(Bool A, Bool B) { return A && B; }
  Bool either(Bool A, Bool B) { return A || B; }
  Bool negate(Bool A) { return !A; }
  template <typename T> T choose(Bool If, T A, T B) { return If ? A : B; }
  Bool compare(JmpOp Op, Value A, uint64_t B) {
    switch (Op) {
    case JmpGt:
      return A > B;
    case JmpLt:
      return A < B;
    case JmpLe:
      return A <= B;
    default:
      ADD_FAILURE() << "a comparison that no sequence uses";
      return false;
    }
  }
  Value constant(uint64_t V) { return V; }
  Value widen(Byte B) { return B; }
  Byte lowByte(Value V) { return Byte(V); }
  Value binary(AluOp Op, Value A, Value B) {
    switch (Op) {
    case AluAnd:
      return A & B;
    case AluOr:
      return A | B;
    case AluXor:
      return A ^ B;
    case AluLsh:
      return A << (B & 63);
    case AluRsh:
      return A >> (B & 63);
    default:
      ADD_FAILURE() << "an operation that no sequence uses";
      return 0;
    }
  }
};

Location sampleLocation(Form F) {
  return isForSlots(F) ? Location::slot(-24) : Location::reg(7);
}

Resources plenty() {
  Resources R;
  R.Dead = regBit(0) | regBit(3) | regBit(9);
  R.FreeSlot = -64;
  return R;
}

/// Bounds of every size of access, with and without a lower one.
std::vector<Form> sampleGuards() {
  std::vector<Form> Guards;
  for (bool OnSlot : {false, true})
    for (auto [Min, Max] : std::initializer_list<std::pair<uint32_t, uint32_t>>{
             {0, 0},
             {0, 1},
             {0, 90},
             {1, 1},
             {3, 7},
             {0, UINT16_MAX},
             {UINT16_MAX, UINT16_MAX},
             {0, UINT16_MAX + 1},
             {256, UINT16_MAX + 1},
             {1, INT32_MAX},
             {INT32_MAX, INT32_MAX}})
      Guards.push_back(Form::guard(Min, Max, OnSlot));
  return Guards;
}

std::vector<Form> formsAndGuards() {
  std::vector<Form> All = allForms();
  append_range(All, sampleGuards());
  return All;
}

bool isNarrow(Form F) {
  return provenBits(F) && !(F >= Form::Inner8 && F <= Form::Inner32);
}
/// Forms that write the low byte first.
bool isForOneByteOrder(Form F) {
  return F == Form::Spill || F == Form::Rewrite || isNarrow(F) ||
         F.kind() == Form::SlotGuard;
}
bool needsRegister(Form F) { return isForSlots(F) || xorBits(F); }

TEST(Sequences, NamesComeBack) {
  for (Form F : allForms()) {
    EXPECT_EQ(parseForm(formName(F)), F);
    EXPECT_FALSE(formText(F).empty());
  }
  EXPECT_EQ(formName(Form::Spill), "spill");
  EXPECT_EQ(formName(xorForm(12)), "xor12");
  EXPECT_EQ(xorBits(Form::Xor64), 64u);
  EXPECT_EQ(xorBits(Form::Touch), 0u);
  EXPECT_FALSE(parseForm("xor65"));
  EXPECT_EQ(formName(narrowForm(7, false)), "narrow7");
  EXPECT_EQ(formName(narrowForm(32, true)), "slot-narrow32");
  EXPECT_EQ(provenBits(Form::Narrow12), 12u);
  EXPECT_EQ(provenBits(Form::SlotNarrow1), 1u);
  EXPECT_EQ(provenBits(Form::Inner16), 16u);
  EXPECT_EQ(provenBits(Form::Xor16), 0u);
  EXPECT_EQ(xorBits(Form::Narrow12), 0u);
  EXPECT_FALSE(parseForm("narrow33"));
  EXPECT_FALSE(parseForm(""));
}

TEST(Sequences, NamesOfGuardsComeBack) {
  for (Form F : sampleGuards()) {
    EXPECT_EQ(parseForm(formName(F)), F);
    EXPECT_TRUE(F.isGuard());
    EXPECT_EQ(provenBits(F), 0u);
    EXPECT_EQ(xorBits(F), 0u);
    EXPECT_FALSE(is_contained(allForms(), F));
  }
  Form F = Form::guard(3, 90, false);
  EXPECT_EQ(formName(F), "guard3-90");
  EXPECT_EQ(formName(Form::guard(0, 7, true)), "slot-guard0-7");
  EXPECT_NE(F, Form::guard(3, 91, false));
  EXPECT_NE(F, Form::guard(2, 90, false));
  EXPECT_NE(F, Form::guard(3, 90, true));
  for (const char *Bad : {"guard",
                          "guard5",
                          "guard5-",
                          "guard-5",
                          "guard5-4",
                          "guard0-2147483648",
                          "guard0-4294967296",
                          "guard00-5",
                          "guard0-05",
                          "guard+0-5",
                          "guard0-+5",
                          "guard0--5",
                          "guard0-5-6",
                          " guard0-5",
                          "guard0-5 ",
                          "guard0x0-5",
                          "guard0-0x5",
                          "slot-slot-guard0-5",
                          "slot-guard",
                          "Guard0-5"})
    EXPECT_FALSE(parseForm(Bad)) << Bad;
}

TEST(Sequences, LocationsComeBack) {
  for (Location L : {Location::reg(0), Location::reg(9), Location::slot(-8),
                     Location::slot(-512)})
    EXPECT_EQ(parseLocation(toString(L)), L);
  EXPECT_EQ(toString(Location::slot(-16)), "fp-16");
  for (const char *Bad : {"r10", "r-1", "fp-4", "fp0", "fp8", "fp-520", "6",
                          "r", "", "r06", "R6", "fp-16 ", "r+6"})
    EXPECT_FALSE(parseLocation(Bad)) << Bad;
}

TEST(Sequences, WhatIsMadeIsRecognised) {
  for (Form F : formsAndGuards()) {
    SmallVector<RawInsn, 8> Code;
    ASSERT_TRUE(appendForget(Code, sampleLocation(F), F, plenty()));
    size_t Length = Code.size();
    Code.push_back({OpExit, 0, 0, 0, 0});
    std::optional<ForgetMatch> M = matchForget(Code);
    ASSERT_TRUE(M) << formName(F);
    EXPECT_EQ(M->How, F);
    ASSERT_EQ(M->Where.size(), 1u);
    EXPECT_EQ(M->Where[0], sampleLocation(F));
    EXPECT_EQ(M->Length, Length);
    EXPECT_EQ(M->Clobbers, needsRegister(F) ? regBit(0) : 0);
    EXPECT_EQ(M->SlotUsed.has_value(), !isForSlots(F));
  }
}

TEST(Sequences, OneXorServesSeveralRegisters) {
  SmallVector<Location> Ls = {Location::reg(6), Location::reg(7),
                              Location::reg(1)};
  SmallVector<RawInsn, 8> Code;
  ASSERT_TRUE(appendForget(Code, Ls, Form::Xor16, plenty()));
  EXPECT_EQ(Code.size(), 6u);
  std::optional<ForgetMatch> M = matchForget(Code);
  ASSERT_TRUE(M);
  EXPECT_EQ(ArrayRef<Location>(M->Where), ArrayRef<Location>(Ls));
  // A register named twice would be xored twice: the second is another's.
  Code.push_back(Code.back());
  EXPECT_EQ(matchForget(Code)->Length, 6u);
  Ls.push_back(Location::reg(6));
  EXPECT_FALSE(appendForget(Code, Ls, Form::Xor16, plenty()));
  EXPECT_FALSE(appendForget(Code, {Location::slot(-8), Location::slot(-16)},
                            Form::Touch, plenty()));
}

// Every field of every instruction changed by a little, and every instruction
// left out: nothing of that may be taken for a no-op of the same extent, unless
// it is one, with other registers or another slot.
TEST(Sequences, NearMissesAreNot) {
  unsigned Refused = 0;
  for (Form F : formsAndGuards()) {
    SmallVector<RawInsn, 8> Code;
    ASSERT_TRUE(appendForget(Code, sampleLocation(F), F, plenty()));
    auto check = [&](ArrayRef<RawInsn> Other) {
      std::optional<ForgetMatch> M = matchForget(Other);
      if (!M) {
        ++Refused;
        return;
      }
      Resources Have;
      Have.Dead = M->Clobbers;
      Have.FreeSlot = M->SlotUsed;
      SmallVector<RawInsn, 8> Again;
      ASSERT_TRUE(appendForget(Again, M->Where, M->How, Have));
      EXPECT_EQ(ArrayRef(Again), Other.take_front(M->Length));
    };
    for (size_t N = 0; N < Code.size(); ++N) {
      SmallVector<RawInsn, 8> Shorter(Code);
      Shorter.erase(Shorter.begin() + N);
      check(Shorter);
      for (int Field = 0; Field < 5; ++Field)
        for (int Delta : {-8, -4, -1, 1, 4, 8}) {
          SmallVector<RawInsn, 8> Other(Code);
          RawInsn &I = Other[N];
          if (Field == 0)
            I.Opcode += Delta;
          else if (Field == 1)
            I.Dst = (I.Dst + Delta) & 15;
          else if (Field == 2)
            I.Src = (I.Src + Delta) & 15;
          else if (Field == 3)
            I.Off += Delta;
          else
            I.Imm += Delta;
          check(Other);
        }
    }
  }
  EXPECT_GT(Refused, 5000u);
}

// What goes through memory as it was stored is faster than what is put together
// of two stores.
TEST(Sequences, SomeFormsRunFaster) {
  EXPECT_LT(runCycles(Form::Inner8), runCycles(Form::Narrow8));
  EXPECT_LT(runCycles(Form::guard(0, 9, false)), runCycles(Form::Spill));
  EXPECT_LT(runCycles(Form::Touch), runCycles(Form::Rewrite));
  EXPECT_LT(runCycles(Form::Rewrite), runCycles(Form::Atomic));
}

TEST(Sequences, NothingIsMadeWithoutResources) {
  SmallVector<RawInsn, 8> Code;
  Resources NoSlot = plenty(), NoReg = plenty(), OnlyIt;
  NoSlot.FreeSlot.reset();
  NoReg.Dead = 0;
  OnlyIt.Dead = regBit(7);
  OnlyIt.FreeSlot = -64;
  for (Form F : formsAndGuards()) {
    Location L = sampleLocation(F);
    EXPECT_EQ(isForSlots(F), appendForget(Code, L, F, NoSlot));
    EXPECT_EQ(!needsRegister(F), appendForget(Code, L, F, NoReg));
    EXPECT_EQ(!xorBits(F), appendForget(Code, L, F, OnlyIt));
    Code.clear();
    Location Wrong = isForSlots(F) ? Location::reg(6) : Location::slot(-8);
    EXPECT_FALSE(appendForget(Code, Wrong, F, plenty()));
    EXPECT_FALSE(appendForget(
        Code, isForSlots(F) ? Location::slot(-12) : Location::reg(10), F,
        plenty()));
  }
  Resources OutOfFrame = plenty();
  OutOfFrame.FreeSlot = -520;
  EXPECT_FALSE(appendForget(Code, Location::reg(6), Form::Spill, OutOfFrame));
  EXPECT_TRUE(Code.empty());
}

/// Runs \p F on \p Before and tells what differs.
void expectIdentity(Form F, ArrayRef<Location> Ls, const Resources &Have,
                    const Machine<Concrete> &Before) {
  SmallVector<RawInsn, 8> Code;
  ASSERT_TRUE(appendForget(Code, Ls, F, Have));
  std::optional<ForgetMatch> M = matchForget(Code, Have.IsBigEndian);
  ASSERT_TRUE(M);
  Machine<Concrete> After = Before;
  After.run(Code);
  ASSERT_FALSE(After.Exited) << formName(F);
  for (unsigned R = 0; R < NumRegs; ++R)
    if (!(M->Clobbers & regBit(R))) {
      ASSERT_EQ(After.Regs[R], Before.Regs[R]) << formName(F) << " r" << R;
    }
  for (int Off = -512; Off < 0; ++Off)
    if (!M->SlotUsed || Off < *M->SlotUsed || Off >= *M->SlotUsed + 8) {
      ASSERT_EQ(After.Frame[512 + Off], Before.Frame[512 + Off])
          << formName(F) << " fp" << Off;
    }
}

TEST(Sequences, ChangeNothingAtRandom) {
  Concrete O;
  std::mt19937_64 Random(1);
  for (unsigned Round = 0; Round < 40; ++Round)
    for (bool IsBigEndian : {false, true})
      for (Form F : formsAndGuards()) {
        if (IsBigEndian && isForOneByteOrder(F))
          continue;
        Machine<Concrete> M(O);
        M.IsBigEndian = IsBigEndian;
        for (uint64_t &R : M.Regs)
          R = Random() >> (Random() % 64);
        for (uint8_t &B : M.Frame)
          B = Random() % 3 ? Random() : 0;
        Resources Have;
        Have.IsBigEndian = IsBigEndian;
        Have.FreeSlot = -8 * int(1 + Random() % 32);
        SmallVector<Location, 2> Ls;
        if (isForSlots(F)) {
          Ls.push_back(Location::slot(-8 * int(33 + Random() % 32)));
          Have.Dead = regBit(Random() % 10);
        } else {
          unsigned X = Random() % 10;
          Ls.push_back(Location::reg(X));
          if (xorBits(F))
            Ls.push_back(Location::reg((X + 3) % 10));
          Have.Dead = regBit((X + 1) % 10) | regBit((X + 5) % 10);
        }
        if (unsigned Bits = provenBits(F)) {
          uint64_t X = Random() & ((1ull << Bits) - 1);
          if (isForSlots(F))
            M.putNumber(Ls[0].Where, X);
          else
            M.Regs[Ls[0].Where] = X;
        }
        expectIdentity(F, Ls, Have, M);
      }
}

// Values at the bounds, around them, and at those of the accesses, in registers
// and in slots, whatever the free slot holds.
TEST(Sequences, GuardsChangeNothingAtTheirBounds) {
  Concrete O;
  for (Form F : sampleGuards())
    for (bool IsBigEndian : {false, true}) {
      if (IsBigEndian && isForOneByteOrder(F))
        continue;
      for (uint64_t Base :
           {uint64_t(0), uint64_t(F.min()), uint64_t(F.max()), uint64_t(1) << 8,
            uint64_t(1) << 16, uint64_t(1) << 31, uint64_t(1) << 32,
            uint64_t(1) << 63, (uint64_t(1) << 32) + F.max(),
            (uint64_t(1) << 32) + F.min(), (uint64_t(1) << 16) + F.min(),
            (uint64_t(1) << 63) + F.max()})
        for (int Delta : {-2, -1, 0, 1, 2})
          for (unsigned X : {0, 7}) {
            Machine<Concrete> M(O);
            M.IsBigEndian = IsBigEndian;
            std::fill(std::begin(M.Frame), std::end(M.Frame), 0xa5);
            std::fill(std::begin(M.Regs), std::end(M.Regs), 0x77);
            Resources Have;
            Have.IsBigEndian = IsBigEndian;
            Have.Dead = regBit(9);
            Have.FreeSlot = -64;
            Location L = isForSlots(F) ? Location::slot(-24) : Location::reg(X);
            uint64_t V = Base + uint64_t(int64_t(Delta));
            if (L.IsSlot)
              M.putNumber(L.Where, V);
            else
              M.Regs[X] = V;
            expectIdentity(F, L, Have, M);
          }
    }
}

// What the trap is there for: bounds that do not agree reach it, so they must
// not be taken for a guard.
TEST(Sequences, GuardsWithOtherBoundsBehindAreNone) {
  Concrete O;
  unsigned Reached = 0;
  for (Form F : sampleGuards()) {
    SmallVector<RawInsn, 8> Code;
    ASSERT_TRUE(appendForget(Code, sampleLocation(F), F, plenty()));
    SmallVector<size_t, 4> Comparisons;
    for (size_t N = 0; N != Code.size(); ++N)
      if (classify(Code[N]) == InsnKind::CondJump)
        Comparisons.push_back(N);
    ASSERT_EQ(Comparisons.size(), F.min() ? 4u : 2u);
    for (size_t N : Comparisons)
      for (int Delta : {-1, 1}) {
        SmallVector<RawInsn, 8> Other(Code);
        Other[N].Imm += Delta;
        EXPECT_FALSE(matchForget(Other)) << formName(F) << " " << N;
        for (uint64_t V = uint64_t(F.max()) - 2; V != uint64_t(F.max()) + 3;
             ++V) {
          Machine<Concrete> M(O);
          std::fill(std::begin(M.Frame), std::end(M.Frame), 0);
          std::fill(std::begin(M.Regs), std::end(M.Regs), V);
          M.putNumber(-24, V);
          M.run(Other);
          Reached += M.Exited;
        }
      }
    // A trap that is another, or none.
    SmallVector<RawInsn, 8> Other(Code);
    size_t Trap = Comparisons.back() + 1;
    ASSERT_EQ(classify(Code[Trap + 1]), InsnKind::Exit);
    Other[Trap].Imm = 1;
    EXPECT_FALSE(matchForget(Other));
    Other = Code;
    Other[Trap].Dst = 1;
    EXPECT_FALSE(matchForget(Other));
    Other = Code;
    Other[Trap + 1] = Other[Trap];
    EXPECT_FALSE(matchForget(Other));
  }
  EXPECT_GT(Reached, 10u);
}

// All values of 16 bits, at every place in the register or the slot.
TEST(Sequences, ChangeNothingExhaustively) {
  Concrete O;
  for (Form F : {Form::Touch, Form::Rewrite, Form::Atomic, Form::AtomicLow,
                 Form::AtomicHigh, Form::Spill, Form::Xor8, Form::Xor12,
                 Form::Xor16, Form::Xor32, Form::Xor64}) {
    SmallVector<RawInsn, 8> Code;
    ASSERT_TRUE(appendForget(Code, sampleLocation(F), F, plenty()));
    for (unsigned Shift : {0, 8, 24, 32, 48})
      for (uint64_t V = 0; V < 0x10000; ++V) {
        Machine<Concrete> M(O);
        std::fill(std::begin(M.Frame), std::end(M.Frame), 0);
        std::fill(std::begin(M.Regs), std::end(M.Regs), ~V);
        M.Regs[7] = V << Shift;
        for (int N = 0; N < 8; ++N)
          M.Frame[512 - 24 + N] = uint8_t((V << Shift) >> (8 * N));
        Machine<Concrete> Before = M;
        M.run(Code);
        ASSERT_EQ(M.Regs[7], Before.Regs[7]);
        ASSERT_EQ(0, memcmp(M.Frame + 512 - 24, Before.Frame + 512 - 24, 8));
      }
  }
}

// All values below 2^K, and one that is not.
TEST(Sequences, NarrowFormsKeepSmallNumbers) {
  Concrete O;
  for (Form F : allForms()) {
    unsigned Bits = provenBits(F);
    if (!Bits)
      continue;
    SmallVector<RawInsn, 8> Code;
    ASSERT_TRUE(appendForget(Code, sampleLocation(F), F, plenty()));
    auto keeps = [&](uint64_t X) {
      Machine<Concrete> M(O);
      std::fill(std::begin(M.Frame), std::end(M.Frame), 0xff);
      std::fill(std::begin(M.Regs), std::end(M.Regs), ~X);
      M.Regs[7] = X;
      M.putNumber(-24, X);
      Machine<Concrete> Before = M;
      M.run(Code);
      return M.Regs[7] == Before.Regs[7] &&
             !memcmp(M.Frame + 512 - 24, Before.Frame + 512 - 24, 8);
    };
    uint64_t End = 1ull << Bits;
    for (uint64_t X = 0; X < std::min<uint64_t>(End, 0x1000); ++X) {
      ASSERT_TRUE(keeps(X)) << formName(F) << " " << X;
      ASSERT_TRUE(keeps(End - 1 - X)) << formName(F);
    }
    EXPECT_FALSE(keeps(End)) << formName(F);
    EXPECT_FALSE(keeps(~0ull)) << formName(F);
  }
}

// Where the mask is the program's own, all but it is a sequence, too.
TEST(Sequences, ANarrowWithoutItsMaskIsAWiderOne) {
  SmallVector<RawInsn, 8> Code;
  ASSERT_TRUE(appendForget(Code, Location::reg(7), Form::Narrow12, plenty()));
  EXPECT_EQ(Code.size(), 4u);
  EXPECT_EQ(matchForget(Code)->How, Form::Narrow12);
  Code.pop_back();
  EXPECT_EQ(matchForget(Code)->How, Form::Narrow16);
}

// On the other byte order spill and rewrite would overwrite the wrong byte.
TEST(Sequences, LowByteFormsAreForOneByteOrder) {
  Concrete O;
  Resources Big = plenty();
  Big.IsBigEndian = true;
  for (Form F : {Form::Spill, Form::Rewrite, Form::Narrow9, Form::Narrow32,
                 Form::SlotNarrow16}) {
    SmallVector<RawInsn, 8> Code;
    EXPECT_FALSE(appendForget(Code, sampleLocation(F), F, Big));
    ASSERT_TRUE(appendForget(Code, sampleLocation(F), F, plenty()));
    EXPECT_FALSE(matchForget(Code, true));
    Machine<Concrete> M(O);
    M.IsBigEndian = true;
    std::fill(std::begin(M.Regs), std::end(M.Regs), 0x0102030405060708);
    for (int N = 0; N < 512; ++N)
      M.Frame[N] = uint8_t(N);
    Machine<Concrete> Before = M;
    M.run(Code);
    EXPECT_TRUE(M.Regs[7] != Before.Regs[7] ||
                memcmp(M.Frame + 512 - 24, Before.Frame + 512 - 24, 8) != 0);
  }
}

} // namespace
