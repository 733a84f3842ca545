//===- RangesSoundTest.cpp - What is said of values holds in every run ---===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Random programs (loops, joins, spills, stores through pointers into the
// stack, calls) run on random inputs; before every instruction, each register
// and each slot must be what RegKinds says.
//===----------------------------------------------------------------------===//

#include "Interpreter.h"
#include "TestProgram.h"
#include "llvm/ADT/DenseMap.h"

using namespace llvm;
using namespace prepatch;

namespace {

constexpr uint64_t StackTop = 0x7000'0000'1000;
constexpr unsigned FrameBytes = 64, FramesApart = 512, MaxSteps = 400;

class RandomProgram {
public:
  explicit RandomProgram(NumberSource &Numbers) : Numbers(Numbers) {
    Function &Main = T.entry("tc");
    Sub = &T.subprogram("sub");
    body(Main, 3 + Numbers.below(8));
    body(*Sub, 1 + Numbers.below(3));
  }
  TestProgram T;

private:
  /// r0 to r5 are numbers.
  unsigned anyReg() { return Numbers.below(6); }
  int16_t anySlot() { return int16_t(-8 * int(1 + Numbers.below(4))); }

  void initialise(unsigned R) {
    switch (Numbers.below(3)) {
    case 0:
      T.B.movImm(R, Numbers.immediate());
      return;
    case 1:
      T.B.load(R, 10, anySlot(), 8);
      return;
    default:
      T.B.movReg(R, 0);
    }
  }
  /// r1 to r5 are not readable after calls.
  void afterCall() {
    for (unsigned R = 1; R <= 5; ++R)
      initialise(R);
  }
  /// Stores through a pointer of which nobody knows where in the frame it goes.
  void storeSomewhere() {
    T.B.movReg(6, 10);
    T.B.aluImm(AluAdd, 6, anySlot() - 32);
    T.B.movReg(7, anyReg());
    T.B.aluImm(AluAnd, 7, 0x18);
    T.B.aluReg(AluAdd, 6, 7);
    T.B.store(6, 0, anyReg(), 8);
    T.B.movImm(6, 0);
  }
  void callSub() {
    T.B.movReg(1, anyReg());
    T.B.movReg(2, 10);
    T.B.aluImm(AluAdd, 2, anySlot());
    T.B.call(*Sub);
    afterCall();
  }
  void something(bool InMain) {
    static constexpr unsigned Widths[] = {1, 2, 4, 8};
    unsigned Width = Widths[Numbers.below(4)];
    int16_t At = int16_t(anySlot() + Numbers.below(8 / Width) * Width);
    switch (Numbers.below(14)) {
    case 0:
      T.B.callHelper(HelperKtime);
      return afterCall();
    case 1:
      return InMain ? callSub() : void(T.B.store(9, 0, anyReg(), 8));
    case 2:
    case 3:
      T.B.store(10, At, anyReg(), Width);
      return;
    case 4:
    case 5:
      T.B.load(anyReg(), 10, At, Width);
      return;
    case 6:
      T.B.create({uint8_t(ClassLdx | ModeMemSx | memSizeFor(Width & 7 ?: 4)),
                  uint8_t(anyReg()), RegFp, At, 0});
      return;
    case 7:
      return storeSomewhere();
    default:
      T.B.create(randomAlu(Numbers, anyReg(), anyReg()));
    }
  }
  void body(Function &F, unsigned NumBlocks) {
    bool InMain = &F != Sub;
    SmallVector<BasicBlock *, 12> Blocks;
    for (unsigned N = 0; N <= NumBlocks; ++N)
      Blocks.push_back(&T.B.createBlock(F));
    T.B.setInsertPoint(*Blocks[0]);
    T.B.movImm(6, 0);
    T.B.movImm(7, 0);
    if (InMain) {
      T.B.callHelper(HelperKtime);
      for (int16_t Off = -8; Off >= -int(FrameBytes); Off -= 8)
        T.B.store(10, Off, 0, 8);
    } else {
      T.B.movReg(9, 2); // into the caller's frame
      T.B.movReg(0, 1);
      for (int16_t Off = -8; Off >= -int(FrameBytes); Off -= 8)
        T.B.store(10, Off, 1, 8);
    }
    afterCall();
    for (unsigned N = 0; N < NumBlocks; ++N) {
      if (N)
        T.B.setInsertPoint(*Blocks[N]);
      for (unsigned K = Numbers.below(6); K; --K)
        something(InMain);
      BasicBlock *To = Blocks[1 + Numbers.below(NumBlocks)];
      if (Numbers.below(8) == 0) {
        T.B.jump(*To);
      } else {
        RawInsn I = randomBranch(Numbers, anyReg(), anyReg());
        if (I.Imm && Numbers.below(2))
          I.Imm = int32_t(Numbers.below(40));
        T.B.create(I)->setTarget(To);
      }
    }
    T.B.setInsertPoint(*Blocks[NumBlocks]);
    T.B.exit();
  }

  NumberSource &Numbers;
  Function *Sub;
};

class Machine {
public:
  Machine(Analysed &A, NumberSource &Numbers) : Numbers(Numbers), Stack(4096) {
    for (Function *F : A.Graph.functions())
      for (BasicBlock &BB : *F)
        A.Kinds.forEach(BB,
                        [&](Insn &I, const RegState &S) { States[&I] = S; });
  }

  /// Runs \p F until it exits or has gone on for long. False: out of steps.
  bool run(Function &F) {
    BasicBlock *BB = &F.entry();
    Insn *I = BB->front();
    while (true) {
      while (!I) {
        BB = BB->next();
        I = BB->front();
      }
      if (++Steps > MaxSteps || ::testing::Test::HasFatalFailure())
        return false;
      check(*I);
      switch (I->kind()) {
      case InsnKind::Exit:
        return true;
      case InsnKind::Jump:
        BB = I->target();
        I = BB->front();
        continue;
      case InsnKind::CondJump:
        if (evaluateBranch(I->raw(), Regs[I->dst()], source(*I))) {
          BB = I->target();
          I = BB->front();
          continue;
        }
        break;
      case InsnKind::BpfCall: {
        uint64_t Saved[] = {Regs[6], Regs[7], Regs[8], Regs[9], Regs[10]};
        Regs[10] -= FramesApart;
        if (!run(*I->callee()))
          return false;
        std::copy(std::begin(Saved), std::end(Saved), Regs + 6);
        clobber();
        break;
      }
      default:
        step(*I);
      }
      I = I->next();
    }
  }
  void start() {
    for (uint64_t &R : Regs)
      R = Numbers.number();
    Regs[10] = StackTop;
    Steps = 0;
  }

private:
  uint64_t source(const Insn &I) const {
    return usesSrcReg(I.opcode()) ? Regs[I.src()] : uint64_t(int64_t(I.imm()));
  }
  void clobber() {
    for (unsigned R = 1; R <= 5; ++R)
      Regs[R] = Numbers.number();
  }
  uint8_t *at(uint64_t Address) {
    return &Stack[Address - (StackTop - Stack.size())];
  }
  uint64_t read(uint64_t Address, unsigned Bytes) {
    uint64_t V = 0;
    for (unsigned N = 0; N < Bytes; ++N)
      V |= uint64_t(*at(Address + N)) << (8 * N);
    return V;
  }
  void step(const Insn &I) {
    unsigned Bytes = memBytes(I.opcode());
    switch (I.kind()) {
    case InsnKind::Alu:
      Regs[I.dst()] = evaluateAlu(I.raw(), Regs[I.dst()], source(I));
      return;
    case InsnKind::Load: {
      uint64_t V = read(Regs[I.src()] + I.off(), Bytes);
      if (memMode(I.opcode()) == ModeMemSx)
        V = uint64_t(int64_t(V << (64 - 8 * Bytes)) >> (64 - 8 * Bytes));
      Regs[I.dst()] = V;
      return;
    }
    case InsnKind::Store:
      for (unsigned N = 0; N < Bytes; ++N)
        *at(Regs[I.dst()] + I.off() + N) = uint8_t(Regs[I.src()] >> (8 * N));
      return;
    case InsnKind::HelperCall:
      Regs[0] = Numbers.number();
      return clobber();
    default:
      FAIL() << "not part of random programs";
    }
  }
  static ::testing::AssertionResult fits(const RegValue &V, uint64_t Value,
                                         uint64_t Fp) {
    if (V.is(ValueKind::Uninit))
      return ::testing::AssertionSuccess();
    ValueRange R = V.signedRange();
    bool Right = V.is(ValueKind::Stack) && V.hasKnownOffset()
                     ? Value == Fp + uint64_t(int64_t(V.offset()))
                     : R.contains(Value);
    if (Right)
      return ::testing::AssertionSuccess();
    return ::testing::AssertionFailure() << describe(V) << " [" << R.Min << ","
                                         << R.Max << "] is " << int64_t(Value);
  }
  void check(const Insn &I) {
    auto It = States.find(&I);
    ASSERT_TRUE(It != States.end()) << "taken for unreachable";
    for (unsigned R = 0; R < RegFp; ++R)
      ASSERT_TRUE(fits(It->second[R], Regs[R], Regs[10])) << "r" << R;
    for (int Off = -8; Off >= -int(FrameBytes); Off -= 8) {
      ASSERT_TRUE(fits(It->second.slot(Off), read(Regs[10] + Off, 8), Regs[10]))
          << "slot " << Off;
      if (It->second.slot(Off).signedRange().isFull())
        continue;
      ++Checked;
    }
  }

  NumberSource &Numbers;
  std::vector<uint8_t> Stack;
  DenseMap<const Insn *, RegState> States;
  uint64_t Regs[NumRegs];
  unsigned Steps = 0;

public:
  uint64_t Checked = 0; ///< slots of which something was known
};

TEST(RangesSound, RandomPrograms) {
  NumberSource Numbers(3);
  uint64_t Checked = 0;
  for (unsigned N = 0; N < 1000; ++N) {
    RandomProgram Random(Numbers);
    Analysed A(Random.T);
    Machine M(A, Numbers);
    for (unsigned Run = 0; Run < 8; ++Run) {
      M.start();
      M.run(*A.Graph.functions()[0]);
      ASSERT_FALSE(HasFatalFailure()) << "program " << N << ", run " << Run;
    }
    Checked += M.Checked;
  }
  EXPECT_GT(Checked, 50000u);
}

} // namespace
