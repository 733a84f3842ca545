//===- ProofTest.cpp - Every no-op is one, for all inputs -----------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Runs what appendForget makes on terms instead of numbers, and has an SMT
// solver say that no registers and no stack give another result: z3, by its
// standard input, if it is installed.
//===----------------------------------------------------------------------===//

#include "Machine.h"
#include "Widening/Sequences.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Program.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;
using namespace prepatch;

namespace {

/// Terms of the theory of bit vectors, each named when it is made, so that
/// the text stays linear.
struct Symbolic {
  using Value = std::string;
  using Byte = std::string;
  using Bool = std::string;
  std::string Text;
  unsigned Names = 0;

  std::string name(unsigned Bits, const std::string &Term) {
    std::string N = "t" + std::to_string(Names++);
    Text += "(define-fun " + N + " () (_ BitVec " + std::to_string(Bits) +
            ") " + Term + ")\n";
    return N;
  }
  std::string input(unsigned Bits) {
    std::string N = "i" + std::to_string(Names++);
    Text +=
        "(declare-const " + N + " (_ BitVec " + std::to_string(Bits) + "))\n";
    return N;
  }
  Value constant(uint64_t V) { return "(_ bv" + std::to_string(V) + " 64)"; }
  Value widen(const Byte &B) {
    return name(64, "((_ zero_extend 56) " + B + ")");
  }
  Byte lowByte(const Value &V) {
    return name(8, "((_ extract 7 0) " + V + ")");
  }
  Value binary(AluOp Op, const Value &A, const Value &B) {
    const char *Name = Op == AluOr    ? "bvor"
                       : Op == AluAnd ? "bvand"
                       : Op == AluXor ? "bvxor"
                       : Op == AluLsh ? "bvshl"
                                      : "bvlshr";
    EXPECT_TRUE(Op == AluOr || Op == AluAnd || Op == AluXor || Op == AluLsh ||
                Op == AluRsh);
    return name(64, "(" + std::string(Name) + " " + A + " " + B + ")");
  }
  Bool yes() { return "true"; }
  Bool no() { return "false"; }
  Bool nameBool(const std::string &Term) {
    std::string N = "t" + std::to_string(Names++);
    Text += "(define-fun " + N + " () Bool " + Term + ")\n";
    return N;
  }
  Bool both(const Bool &A, const Bool &B) {
    if (A == no() || B == no())
      return no();
    return A == yes()   ? B
           : B == yes() ? A
                        : nameBool("(and " + A + " " + B + ")");
  }
  Bool either(const Bool &A, const Bool &B) {
    if (A == yes() || B == yes())
      return yes();
    return A == no() ? B : B == no() ? A : nameBool("(or " + A + " " + B + ")");
  }
  Bool negate(const Bool &A) { return nameBool("(not " + A + ")"); }
  Bool compare(JmpOp Op, const Value &A, uint64_t B) {
    EXPECT_TRUE(Op == JmpGt || Op == JmpLt || Op == JmpLe);
    const char *Name = Op == JmpGt ? "bvugt" : Op == JmpLt ? "bvult" : "bvule";
    return nameBool("(" + std::string(Name) + " " + A + " " + constant(B) +
                    ")");
  }
  /// Values or bytes.
  std::string choose(const Bool &If, const std::string &A,
                     const std::string &B) {
    if (If == yes() || A == B)
      return A;
    // A name for a term of either width would need the width; there are few.
    return If == no() ? B : "(ite " + If + " " + A + " " + B + ")";
  }
};

/// What is known before: a value is less than 2^Bits.
struct Assumption {
  Location Where;
  unsigned Bits = 64;
};

/// "(check-sat)" of: \p Code changes something that is not in \p Clobbers or
/// the 8 bytes at \p FreeSlot, though \p Known holds.
std::string question(ArrayRef<RawInsn> Code, RegSet Clobbers,
                     std::optional<int16_t> FreeSlot, bool IsBigEndian,
                     Assumption Known = {}) {
  Symbolic O;
  Machine<Symbolic> M(O);
  M.IsBigEndian = IsBigEndian;
  for (std::string &R : M.Regs)
    R = O.input(64);
  for (std::string &B : M.Frame)
    B = O.input(8);
  std::string Small;
  if (Known.Bits < 64) {
    std::string X = Known.Where.IsSlot ? M.number(Known.Where.Where)
                                       : M.Regs[Known.Where.Where];
    Small =
        "(assert (bvult " + X + " " + O.constant(1ull << Known.Bits) + "))\n";
  }
  Machine<Symbolic> Before = M;
  M.run(Code);
  std::string Differs = M.Exited == O.no() ? "" : " " + M.Exited;
  for (unsigned R = 0; R < NumRegs; ++R)
    if (!(Clobbers & regBit(R)) && M.Regs[R] != Before.Regs[R])
      Differs += " (distinct " + M.Regs[R] + " " + Before.Regs[R] + ")";
  for (int Off = -512; Off < 0; ++Off)
    if (M.Frame[512 + Off] != Before.Frame[512 + Off] &&
        (!FreeSlot || Off < *FreeSlot || Off >= *FreeSlot + 8))
      Differs += " (distinct " + M.Frame[512 + Off] + " " +
                 Before.Frame[512 + Off] + ")";
  // The inputs that nothing names are left out of the question.
  return "(push)\n" + O.Text + Small + "(assert (or false" + Differs +
         "))\n(check-sat)\n(pop)\n";
}

/// The answers of z3, one a line; nothing if it is not installed.
std::optional<std::string> askSolver(StringRef Questions) {
  ErrorOr<std::string> Solver = sys::findProgramByName("z3");
  if (!Solver)
    return std::nullopt;
  SmallString<64> In, Out;
  EXPECT_FALSE(sys::fs::createTemporaryFile("proof", "smt2", In));
  EXPECT_FALSE(sys::fs::createTemporaryFile("proof", "out", Out));
  {
    std::error_code EC;
    raw_fd_ostream OS(In, EC);
    OS << "(set-logic QF_BV)\n" << Questions;
  }
  std::optional<StringRef> Redirects[] = {std::nullopt, StringRef(Out),
                                          std::nullopt};
  EXPECT_EQ(
      sys::ExecuteAndWait(*Solver, {*Solver, In}, std::nullopt, Redirects, 300),
      0);
  auto Text = MemoryBuffer::getFile(Out);
  sys::fs::remove(In);
  sys::fs::remove(Out);
  return Text ? (*Text)->getBuffer().str() : "no answer";
}

std::string repeated(StringRef Line, size_t Times) {
  std::string S;
  while (Times--)
    S += Line;
  return S;
}

TEST(Proof, NoInputIsChanged) {
  std::string Questions;
  size_t Count = 0;
  std::vector<Form> Forms = allForms();
  for (bool OnSlot : {false, true})
    for (auto [Min, Max] : std::initializer_list<std::pair<uint32_t, uint32_t>>{
             {0, 0},
             {0, 90},
             {3, 7},
             {0, UINT16_MAX},
             {5, UINT16_MAX + 1},
             {1, INT32_MAX},
             {INT32_MAX, INT32_MAX}})
      Forms.push_back(Form::guard(Min, Max, OnSlot));
  for (Form F : Forms)
    for (bool IsBigEndian : {false, true})
      for (unsigned X : {0, 6, 9}) {
        Resources Have;
        Have.Dead = regBit(X == 6 ? 2 : 8);
        Have.FreeSlot = X == 0 ? -512 : X == 6 ? -8 : -72;
        Have.IsBigEndian = IsBigEndian;
        SmallVector<Location, 2> Ls;
        if (isForSlots(F))
          Ls.push_back(Location::slot(-16 - 16 * int(X)));
        else
          Ls.push_back(Location::reg(X));
        if (xorBits(F))
          Ls.push_back(Location::reg(X ^ 1));
        SmallVector<RawInsn, 8> Code;
        if (X == 9 && !isForSlots(F) && xorBits(F))
          Have.Dead = regBit(1);
        bool Made = appendForget(Code, Ls, F, Have);
        bool IsInner = F >= Form::Inner8 && F <= Form::Inner32;
        bool OneOrder = F == Form::Spill || F == Form::Rewrite ||
                        F.kind() == Form::SlotGuard ||
                        (provenBits(F) && !IsInner);
        EXPECT_EQ(Made, !IsBigEndian || !OneOrder);
        if (!Made)
          continue;
        std::optional<ForgetMatch> M = matchForget(Code, IsBigEndian);
        ASSERT_TRUE(M);
        Assumption Known;
        Known.Where = Ls[0];
        if (unsigned Bits = provenBits(F))
          Known.Bits = Bits;
        Questions +=
            question(Code, M->Clobbers, M->SlotUsed, IsBigEndian, Known);
        ++Count;
      }
  std::optional<std::string> Answers = askSolver(Questions);
  if (!Answers)
    GTEST_SKIP() << "z3 is not installed";
  EXPECT_GT(Count, 400u);
  EXPECT_EQ(*Answers, repeated("unsat\n", Count));
}

// The solver finds what is no identity: each sequence with one instruction
// less, or clobbers that are not admitted.
TEST(Proof, WhatChangesSomethingIsFound) {
  std::string Questions;
  SmallVector<RawInsn, 8> Code;
  Resources Have;
  Have.Dead = regBit(3);
  Have.FreeSlot = -64;
  ASSERT_TRUE(appendForget(Code, Location::reg(6), Form::Xor16, Have));
  Questions += question(Code, 0, -64, false);
  Questions += question(Code, regBit(3), std::nullopt, false);
  std::swap(Code[2], Code[3]); // xor before the 1 is gone
  Questions += question(Code, regBit(3), -64, false);
  Code.clear();
  ASSERT_TRUE(appendForget(Code, Location::reg(6), Form::Spill, Have));
  Questions += question(Code, 0, -64, true); // the other byte order
  Code[1].Off += 1;
  Questions += question(Code, 0, -64, false);
  Code.clear(); // a number that is too large by a bit
  ASSERT_TRUE(appendForget(Code, Location::reg(6), Form::Narrow12, Have));
  Questions += question(Code, 0, -64, false, {Location::reg(6), 13});
  // Guards whose second comparisons are others: the exit is reached.
  for (Form F : {Form::guard(3, 90, false), Form::guard(3, 90, true)})
    for (size_t Back : {4, 3}) {
      Code.clear();
      ASSERT_TRUE(appendForget(Code,
                               F.kind() == Form::SlotGuard ? Location::slot(-16)
                                                           : Location::reg(6),
                               F, Have));
      RawInsn &I = Code[Code.size() - Back - (F.kind() == Form::SlotGuard)];
      ASSERT_EQ(classify(I), InsnKind::CondJump);
      I.Imm += Back == 4 ? 1 : -1;
      Questions += question(Code, regBit(0) | regBit(3), -64, false);
    }
  std::optional<std::string> Answers = askSolver(Questions);
  if (!Answers)
    GTEST_SKIP() << "z3 is not installed";
  EXPECT_EQ(*Answers, repeated("sat\n", 10));
}

} // namespace
