//===- Divide.cpp - Divide by constants as immediates --------------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// TLDR: a division by a register that always holds the same number becomes a
// division by that number, or a shift or a mask.
//
// do_misc_fixups() (6.18) puts a test for zero before every division and modulo
// by a register, even where the verifier has proved the divisor not zero or
// knows it exactly; signed ones are also guarded against -1. One instruction
// becomes 2 to 9. By an immediate they stay as they are (catalogue: section
// 2.1).
//
//     r2 = 10                         r2 = 10      (deleted if nobody reads it)
//     r1 /= r2                 ->     r1 /= 10
//
//     r1 %= r2      (r2 = 8)   ->     r1 &= 7
//     w1 /= w2      (w2 = 8)   ->     w1 >>= 3
//
// Conditions
// - RegKinds knows the exact value of the divisor. What CO-RE or a loader
//   fills in counts as unknown.
// - The immediate means the same: 64-bit forms extend its sign, 32-bit forms
//   look at the low half only. Unsigned powers of two do without.
//
// Refused
// - Zero: the register form then gives a defined result, the immediate form is
//   not accepted.
// - Numbers that do not fit.
// - Divisors that come from the arguments of a global function.
//
//   prepatch lower in.bpf.o -o out.bpf.o --passes=divide --report -
//===----------------------------------------------------------------------===//

#include "Lowering/EmptyBlocks.h"
#include "Lowering/Trade.h"
#include "llvm/ADT/DenseSet.h"
#include "llvm/Support/MathExtras.h"

using namespace llvm;

namespace prepatch {

namespace {

/// The instruction that does what \p I does if its source holds \p Divisor,
/// or why there is none.
std::optional<RawInsn> withoutRegister(const Insn &I, uint64_t Divisor,
                                       std::string &Why) {
  bool Is64 = insnClass(I.opcode()) == ClassAlu64;
  bool IsSigned = I.off() == 1;
  bool IsDiv = aluOp(I.opcode()) == AluDiv;
  uint8_t Class = Is64 ? ClassAlu64 : ClassAlu;
  if (!Is64)
    Divisor = uint32_t(Divisor);
  if (Divisor == 0) {
    Why = "the divisor is 0";
    return std::nullopt;
  }
  if (!IsSigned && Divisor > 1 && isPowerOf2_64(Divisor)) {
    if (IsDiv)
      return RawInsn{uint8_t(Class | AluRsh), I.dst(), 0, 0,
                     int32_t(Log2_64(Divisor))};
    if (isUInt<31>(Divisor - 1))
      return RawInsn{uint8_t(Class | AluAnd), I.dst(), 0, 0,
                     int32_t(Divisor - 1)};
  }
  if (Is64 && !isInt<32>(int64_t(Divisor))) {
    Why =
        "the divisor " + std::to_string(Divisor) + " does not fit an immediate";
    return std::nullopt;
  }
  return RawInsn{uint8_t(I.opcode() & ~SrcReg), I.dst(), 0, I.off(),
                 int32_t(Divisor)};
}

/// Whether \p I does nothing but put a number into a register, for good.
bool isConstantMove(const Insn &I) {
  if (I.hasCoreRecord() || I.relocation())
    return false;
  if (I.kind() == InsnKind::LoadImm64)
    return I.src() == PseudoNone && !I.isFunctionPointer();
  return I.opcode() == OpMov64Imm || I.opcode() == OpMov32Imm;
}

class Divider {
public:
  Divider(LoweringContext &Ctx, Function &F)
      : Ctx(Ctx), A(Ctx.analyses()), F(F), B(Ctx.Prog) {}

  bool run();

private:
  void visit(const PatchSite &S);
  std::vector<std::pair<BasicBlock *, Insn *>> readMoves() const;

  LoweringContext &Ctx;
  Analyses &A;
  Function &F;
  Builder B;
  RegSet Freed = 0; ///< registers that some division no longer reads
};

void Divider::visit(const PatchSite &S) {
  Insn &I = *S.I;
  auto refuse = [&](std::string Why) {
    Ctx.refuse("divide", F, I, siteKindName(S.Kind).str(), std::move(Why));
  };
  RegValue Divisor = A.Kinds.stateBefore(*S.BB, I)[I.src()];
  if (!Divisor.isConstant())
    return refuse("the divisor is not a known constant");
  if (!F.isEntry() && F.symbol() && F.symbol()->IsGlobal)
    return refuse("other objects may call this function with other arguments");
  std::string Why;
  std::optional<RawInsn> New = withoutRegister(I, Divisor.constant(), Why);
  if (!New)
    return refuse(std::move(Why));
  Trade Deal;
  Deal.Visits = Ctx.visits().visits(F, I);
  Deal.SavedUs = A.Cost.total(S);
  Verdict V = weigh(Ctx.TheGoal, Deal);
  if (!V.Take)
    return refuse(std::move(V.Reason));
  Ctx.take("divide", F, I, siteKindName(S.Kind).str(),
           "the divisor is always " +
               std::to_string(int64_t(Divisor.constant())) + ": " + V.Reason,
           V.NetUs);
  Freed |= regBit(I.src());
  Builder::rewrite(I, *New);
}

/// Moves of constants into freed registers that something reads later.
std::vector<std::pair<BasicBlock *, Insn *>> Divider::readMoves() const {
  std::vector<std::pair<BasicBlock *, Insn *>> Moves;
  for (BasicBlock &BB : F)
    A.Live.forEachBackward(BB, [&](Insn &I, RegSet LiveAfter) {
      if ((I.writes() & Freed & LiveAfter) && isConstantMove(I))
        Moves.push_back({&BB, &I});
    });
  return Moves;
}

bool Divider::run() {
  // Before the edits, as the liveness is that of the code as it was.
  RegSet Divisors = 0;
  for (const PatchSite &S : A.Sites.sites(F))
    if (S.Kind == SiteKind::Division)
      Divisors |= regBit(S.I->src());
  if (!Divisors)
    return false;
  Freed = Divisors;
  auto Moves = readMoves();
  Freed = 0;
  for (const PatchSite &S : A.Sites.sites(F))
    if (S.Kind == SiteKind::Division)
      visit(S);
  if (!Freed)
    return false;

  // What was read and no longer is, the divisions read last.
  A.Live.update(F);
  auto StillRead = readMoves();
  DenseSet<Insn *> Read;
  for (auto [BB, I] : StillRead)
    Read.insert(I);
  for (auto [BB, I] : Moves)
    if ((I->writes() & Freed) && !Read.contains(I))
      B.erase(*BB, *I);
  removeEmptyBlocks(F);
  return true;
}

} // namespace

bool runDivide(LoweringContext &Ctx) {
  bool Changed = false;
  for (Function *F : Ctx.analyses().Graph.functions())
    if (!F->isOpaque())
      Changed |= Divider(Ctx, *F).run();
  if (Changed)
    Ctx.invalidate();
  return Changed;
}

} // namespace prepatch
