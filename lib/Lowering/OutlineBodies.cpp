//===- OutlineBodies.cpp - Shared subprograms and calls of them ----------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Lowering/OutlineBodies.h"

using namespace llvm;

namespace prepatch {

OutlineKey keyOf(const OutlineSite &S, const Program &P) {
  OutlineKey Key{S.Site.Kind, S.Form};
  const Insn &I = *S.Site.I;
  if (I.kind() == InsnKind::HelperCall)
    Key.Helper = I.imm();
  if (S.MapLoad) {
    Key.TheMap = S.Site.TheMap;
    for (const Map &M : P.Maps) {
      if (&M == Key.TheMap)
        break;
      ++Key.MapNumber;
    }
  }
  if (S.Form == OutlineForm::ByValue)
    Key.Code = uint64_t(S.Key.Size) << 16 | uint16_t(S.Key.Slot);
  else if (S.Form == OutlineForm::Registers)
    Key.Code = uint64_t(I.opcode()) << 48 | uint64_t(uint16_t(I.off())) << 32 |
               (I.kind() == InsnKind::StoreImm ? uint32_t(I.imm()) : 0);
  for (const Attachment *A = I.attachments(); A; A = A->Next)
    if (A->Kind == Attachment::Core)
      Key.Core = {A->CoreInfo.TypeId, A->CoreInfo.AccessStrOff,
                  A->CoreInfo.Kind};
  return Key;
}

SmallVector<Insn *, 4> argumentDefinitions(Insn &Call, unsigned Reg) {
  SmallVector<Insn *, 4> Found;
  for (Insn *I = Call.prev(); I; I = I->prev()) {
    bool Reads = I->reads() & regBit(Reg);
    if (I->writes() & regBit(Reg)) {
      bool Pure =
          I->kind() == InsnKind::LoadImm64 || I->kind() == InsnKind::Alu;
      if (!Pure || I->hasCoreRecord())
        break;
      Found.push_back(I);
      if (!Reads)
        break;
    } else if (Reads) {
      break;
    }
  }
  return Found;
}

/// Deletes what computes \p Reg for \p Call alone.
static void eraseDeadArgument(Builder &B, BasicBlock &BB, Insn &Call,
                              unsigned Reg) {
  for (Insn *Dead : argumentDefinitions(Call, Reg))
    B.erase(BB, *Dead);
}

OutlineShape shapeOf(const OutlineSite &S) {
  switch (S.Form) {
  case OutlineForm::SameCall: {
    // call, exit; a lookup in one map loads that.
    if (!S.MapLoad)
      return {2, 0};
    return {3, argumentDefinitions(*S.Site.I, 1).empty() ? 0 : -1};
  }
  case OutlineForm::ByValue:
    return {6, -2};
  case OutlineForm::Registers: {
    const Insn &I = *S.Site.I;
    int Moves = 2 * S.Saved.count();
    switch (I.kind()) {
    case InsnKind::Load:
      return {2, Moves + (I.src() != 1) + (I.dst() != 0)};
    case InsnKind::StoreImm:
      return {3, Moves + (I.dst() != 1)};
    case InsnKind::Store:
      return {3, Moves + (I.dst() != 1) + (I.src() != 2)};
    default:
      return {3, Moves + (I.dst() != 1) + (I.src() != 2) + (I.dst() != 0)};
    }
  }
  }
  return {};
}

unsigned stackOf(const OutlineSite &S) {
  return S.Form == OutlineForm::ByValue ? -S.Key.Slot : 0;
}

const LineRecord *coveringLine(const BasicBlock &BB, const Insn &I) {
  const Insn *At = &I;
  for (const BasicBlock *Block = &BB; Block;) {
    for (; At; At = At->prev())
      if (const LineRecord *L = At->line())
        return L;
    Block = Block->prev();
    At = Block ? Block->back() : nullptr;
  }
  return nullptr;
}

static std::string bodyName(const OutlineSite &S,
                            const KernelProfile &Profile) {
  switch (S.Site.Kind) {
  case SiteKind::MapLookup:
    return S.MapLoad ? "prepatch_lookup_" + S.Site.TheMap->Name
                     : "prepatch_lookup";
  case SiteKind::ContextRead:
  case SiteKind::SocketRead:
    return "prepatch_read_" + std::to_string(S.Site.I->off());
  case SiteKind::ContextWrite:
    return "prepatch_write_" + std::to_string(S.Site.I->off());
  case SiteKind::Division:
    return std::string("prepatch_") + (S.Site.Alu.Signed ? "s" : "u") +
           (aluOp(S.Site.I->opcode()) == AluDiv ? "div" : "mod") +
           std::to_string(S.Site.Alu.Width);
  default:
    if (const HelperInfo *H = Profile.helper(S.Site.I->imm()))
      return "prepatch_" + std::string(H->Name);
    return "prepatch_helper_" + std::to_string(S.Site.I->imm());
  }
}

/// Name of a function that \p P has and no object that it can be linked with.
static std::string ownName(Program &P) {
  for (CodeSection &S : P.Sections)
    for (Function &F : S.Functions)
      if (F.isEntry())
        return F.name();
  return "";
}

static Signature signatureOf(const OutlineSite &S) {
  Signature Sig;
  auto add = [&](const char *Name, ParamType Type) {
    Sig.Params.push_back({Name, Type});
  };
  if (S.Site.Kind == SiteKind::MapLookup)
    Sig.Result = ParamType::Pointer;
  switch (S.Form) {
  case OutlineForm::SameCall:
    if (S.Site.Kind == SiteKind::MapLookup) {
      add(S.MapLoad ? "unused" : "map",
          S.MapLoad ? ParamType::U64 : ParamType::Pointer);
      add("key", ParamType::Pointer);
    }
    break;
  case OutlineForm::ByValue:
    add("key", ParamType::U64);
    break;
  case OutlineForm::Registers:
    if (S.Site.Kind == SiteKind::Division) {
      add("dividend", ParamType::U64);
      add("divisor", ParamType::U64);
      break;
    }
    add("ctx", ParamType::Pointer);
    if (S.Site.I->kind() == InsnKind::Store)
      add("value", ParamType::U64);
    break;
  }
  return Sig;
}

Function &createBody(Program &P, const OutlineSite &S,
                     const KernelProfile &Profile, bool Global) {
  Signature Sig = signatureOf(S);
  Sig.IsGlobal = Global;
  std::string Name = bodyName(S, Profile);
  if (Global) // objects are linked after this, too: the same name would clash
    Name += "_" + ownName(P);
  Function &F = P.createSubprogram(Name, std::move(Sig));
  Builder B(P);
  BasicBlock &BB = B.createBlock(F);
  B.setInsertPoint(BB);
  const Insn &I = *S.Site.I;
  if (S.Form == OutlineForm::ByValue) {
    B.store(RegFp, S.Key.Slot, 1, S.Key.Size);
    B.movReg(2, RegFp);
    B.aluImm(AluAdd, 2, S.Key.Slot);
  }
  if (S.MapLoad)
    B.clone(*S.MapLoad)->setDst(1);
  if (S.Form != OutlineForm::Registers) {
    B.callHelper(I.imm());
  } else {
    bool IsLoad = I.kind() == InsnKind::Load;
    Insn *Work = B.clone(I); // with its CO-RE record
    Work->setDst(IsLoad ? 0 : 1);
    if (I.kind() != InsnKind::StoreImm)
      Work->setSrc(IsLoad ? 1 : 2);
    if (S.Site.Kind == SiteKind::Division)
      B.movReg(0, 1);
    else if (!IsLoad)
      B.movImm(0, 0);
  }
  B.exit();
  if (const LineRecord *L = coveringLine(*S.Site.BB, I))
    B.attach(*BB.front(), *L);
  return F;
}

/// Moves the operands to r1 and r2, calls, and takes the result from r0.
static void callWithRegisters(Builder &B, const OutlineSite &S,
                              Function &Body) {
  const Insn &I = *S.Site.I;
  auto forSaved = [&](auto Do) {
    for (unsigned R = 0; R <= 5; ++R)
      if (S.Saved.Regs & regBit(R))
        Do(R, int16_t(S.Saved.Slot - 8 * int(R)));
  };
  forSaved([&](unsigned R, int16_t Slot) { B.store(RegFp, Slot, R, 8); });
  bool IsLoad = I.kind() == InsnKind::Load;
  bool HasSecond = !IsLoad && I.kind() != InsnKind::StoreImm;
  unsigned First = IsLoad ? I.src() : I.dst(), Second = I.src();
  // A second operand in r1 must get out of the way of the first; where that is
  // in r2, over r0, which nothing needs before the result is in it.
  if (HasSecond && Second == 1 && First == 2) {
    B.movReg(0, 2);
    First = 0;
  }
  if (HasSecond && Second == 1)
    B.movReg(2, 1);
  if (First != 1)
    B.movReg(1, First);
  if (HasSecond && Second != 1 && Second != 2)
    B.movReg(2, Second);
  B.call(Body);
  bool IsDivision = S.Site.Kind == SiteKind::Division;
  if (IsDivision && insnClass(I.opcode()) == ClassAlu)
    // Says to the verifier what a global function cannot.
    B.create({OpMov32Reg, uint8_t(I.dst()), 0, 0, 0});
  else if ((IsDivision || IsLoad) && I.dst() != 0)
    B.movReg(I.dst(), 0);
  forSaved([&](unsigned R, int16_t Slot) { B.load(R, RegFp, Slot, 8); });
}

void callBody(Program &P, const OutlineSite &S, Function &Body) {
  Builder B(P);
  Insn &I = *S.Site.I;
  BasicBlock &BB = *S.Site.BB;
  B.setInsertPoint(I);
  switch (S.Form) {
  case OutlineForm::SameCall: {
    Insn *Call = B.call(Body);
    if (S.MapLoad)
      eraseDeadArgument(B, BB, *Call, 1);
    break;
  }
  case OutlineForm::ByValue: {
    // The key goes straight to r1, not over the stack.
    eraseDeadArgument(B, BB, I, 1);
    eraseDeadArgument(B, BB, I, 2);
    B.setInsertPoint(I);
    const Insn &Store = *S.Key.Store;
    if (Store.kind() == InsnKind::StoreImm)
      B.movImm(1, Store.imm());
    else if (Store.src() != 1)
      B.movReg(1, Store.src());
    B.call(Body);
    B.setInsertPoint(BB); // nothing may stand before what is erased
    B.erase(BB, *S.Key.Store);
    break;
  }
  case OutlineForm::Registers:
    callWithRegisters(B, S, Body);
    break;
  }
  B.setInsertPoint(BB);
  B.erase(BB, I);
}

} // namespace prepatch
