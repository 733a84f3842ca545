//===- OutlineBodiesTest.cpp - Shared subprograms and calls of them -------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Divisions in all pairs of registers are moved into a function, and both
// forms executed by a small interpreter.
//===----------------------------------------------------------------------===//

#include "Lowering/OutlineBodies.h"
#include "../Analysis/TestProgram.h"
#include "ISA/Operands.h"

using namespace llvm;
using namespace prepatch;

namespace {

/// As the kernel defines them: by zero gives 0, or leaves the dividend.
uint64_t divide(const Insn &I, uint64_t A, uint64_t B) {
  bool Is32 = insnClass(I.opcode()) == ClassAlu;
  bool IsMod = aluOp(I.opcode()) == AluMod, Signed = I.off() == 1;
  if (Is32)
    A = uint32_t(A), B = uint32_t(B);
  uint64_t R;
  if (!B) {
    R = IsMod ? A : 0;
  } else if (Signed) {
    int64_t X = Is32 ? int32_t(A) : int64_t(A),
            Y = Is32 ? int32_t(B) : int64_t(B);
    R = Y == -1 ? (IsMod ? 0 : 0 - uint64_t(X)) : IsMod ? X % Y : X / Y;
  } else {
    R = IsMod ? A % B : A / B;
  }
  return Is32 ? uint32_t(R) : R;
}

/// Moves, divisions and calls. Calls leave nothing usable in r1 to r5.
void execute(BasicBlock &BB, uint64_t *Regs) {
  for (Insn &I : BB)
    switch (I.kind()) {
    case InsnKind::Alu:
      if (aluOp(I.opcode()) != AluMov)
        Regs[I.dst()] = divide(I, Regs[I.dst()], Regs[I.src()]);
      else if (I.opcode() == OpMov32Reg)
        Regs[I.dst()] = uint32_t(Regs[I.src()]);
      else
        Regs[I.dst()] = I.opcode() == OpMov64Reg ? Regs[I.src()] : I.imm();
      break;
    case InsnKind::BpfCall: {
      uint64_t Callee[RegFp];
      std::fill(std::begin(Callee), std::end(Callee), 0xdeadull);
      std::copy(Regs + 1, Regs + 6, Callee + 1);
      execute(I.callee()->entry(), Callee);
      std::fill(Regs, Regs + 6, 0xdeadull);
      Regs[0] = Callee[0];
      break;
    }
    default:
      EXPECT_EQ(I.kind(), InsnKind::Exit);
      return;
    }
}

TEST(OutlineBodies, DivisionsInAllRegisters) {
  const uint64_t Numbers[] = {
      0, 1, 7, 1000003, ~0ull, 1ull << 63, 0x1ffffffffull, 1ull << 31};
  for (unsigned Form = 0; Form < 8; ++Form)
    for (unsigned Dst = 0; Dst < RegFp; ++Dst)
      for (unsigned Src = 0; Src < RegFp; ++Src) {
        TestProgram T;
        Function &F = T.entry("xdp");
        BasicBlock &BB = T.block(F);
        RawInsn Raw = {uint8_t((Form & 1 ? AluMod : AluDiv) | SrcReg |
                               (Form & 2 ? ClassAlu : ClassAlu64)),
                       uint8_t(Dst), uint8_t(Src), int16_t(Form >> 2), 0};
        Insn *Division = T.B.create(Raw);
        T.B.exit();
        OutlineSite Site;
        Site.Site.Fn = &F;
        Site.Site.BB = &BB;
        Site.Site.I = Division;
        Site.Site.Kind = SiteKind::Division;
        Site.Form = OutlineForm::Registers;
        Function &Body = createBody(T.P, Site, testProfile(), false);
        callBody(T.P, Site, Body);
        for (uint64_t A : Numbers)
          for (uint64_t B : Numbers) {
            uint64_t Regs[RegFp];
            for (unsigned R = 0; R < RegFp; ++R)
              Regs[R] = 100 + R;
            Regs[Dst] = A;
            Regs[Src] = B;
            uint64_t Kept[RegFp];
            std::copy(std::begin(Regs), std::end(Regs), Kept);
            uint64_t Expected = divide(*Division, Regs[Dst], Regs[Src]);
            execute(BB, Regs);
            ASSERT_EQ(Regs[Dst], Expected)
                << "form " << Form << ", r" << Dst << " and r" << Src << ": "
                << A << ", " << B;
            for (unsigned R = 6; R < RegFp; ++R) {
              if (R != Dst) {
                ASSERT_EQ(Regs[R], Kept[R]) << "r" << R << " has changed";
              }
            }
          }
      }
}

TEST(OutlineBodies, ArgumentDefinitions) {
  TestProgram T;
  Symbol &Map = T.map("hits", 1);
  T.block(T.entry("xdp"));
  Insn *Old = T.B.movImm(2, 5);
  T.B.movReg(6, 2); // reads what was in r2 before
  Insn *Base = T.B.movReg(2, RegFp), *Add = T.B.aluImm(AluAdd, 2, -4);
  Insn *Load = T.loadMap(1, Map);
  Insn *Call = T.B.callHelper(HelperMapLookup);
  T.returnZero();
  EXPECT_EQ(argumentDefinitions(*Call, 1), (SmallVector<Insn *, 4>{Load}));
  EXPECT_EQ(argumentDefinitions(*Call, 2), (SmallVector<Insn *, 4>{Add, Base}));
  EXPECT_TRUE(argumentDefinitions(*Call, 3).empty());
  EXPECT_TRUE(argumentDefinitions(*Base, 2).empty()) << Old;
}

TEST(OutlineBodies, ArgumentsThatOthersRead) {
  TestProgram T;
  Symbol &Map = T.map("hits", 1);
  T.block(T.entry("xdp"));
  T.loadMap(1, Map);
  T.B.movReg(6, 1);
  T.B.movReg(2, RegFp);
  Insn *Add = T.B.aluImm(AluAdd, 2, -4);
  Add->setImm(-4);
  T.B.attach(*Add, CoreRecord{1, 2, 0});
  Insn *Call = T.B.callHelper(HelperMapLookup);
  T.returnZero();
  EXPECT_TRUE(argumentDefinitions(*Call, 1).empty()) << "r6 reads it";
  EXPECT_TRUE(argumentDefinitions(*Call, 2).empty()) << "CO-RE changes it";
}

TEST(OutlineBodies, ConstantKeyGoesToR1) {
  TestProgram T;
  Symbol &Map = T.map("hits", 2);
  Function &F = T.entry("xdp");
  BasicBlock &BB = T.block(F);
  Insn *Store = T.B.create({ClassSt | ModeMem | SizeW, RegFp, 0, -4, -7});
  T.B.movReg(2, RegFp);
  T.B.aluImm(AluAdd, 2, -4);
  Insn *Load = T.loadMap(1, Map);
  Insn *Call = T.B.callHelper(HelperMapLookup);
  Insn *Next = T.B.movImm(0, 0);
  T.B.exit();
  OutlineSite Site;
  Site.Site.Fn = &F;
  Site.Site.BB = &BB;
  Site.Site.I = Call;
  Site.Site.Kind = SiteKind::MapLookup;
  Site.Site.TheMap = Map.MapDef;
  Site.Form = OutlineForm::ByValue;
  Site.Key.Store = Store;
  Site.Key.Size = 4;
  Site.Key.Slot = -4;
  Site.MapLoad = Load;
  Function &Body = createBody(T.P, Site, testProfile(), false);
  callBody(T.P, Site, Body);

  Insn *Move = BB.front();
  EXPECT_EQ(Move->raw(), (RawInsn{OpMov64Imm, 1, 0, 0, -7}));
  ASSERT_EQ(Move->next()->kind(), InsnKind::BpfCall);
  EXPECT_EQ(Move->next()->callee(), &Body);
  EXPECT_EQ(Move->next()->next(), Next);
  Insn *I = Body.entry().front();
  EXPECT_EQ(I->raw(), (RawInsn{ClassStx | ModeMem | SizeW, RegFp, 1, -4, 0}));
  I = I->next()->next();
  EXPECT_EQ(I->imm(), -4);
  EXPECT_EQ(T.P.mapOf(*I->next()), Map.MapDef) << "loaded before it was erased";
  EXPECT_EQ(Body.name(), "prepatch_lookup_hits");
}

} // namespace
