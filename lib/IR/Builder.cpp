//===- Builder.cpp - The only way to create and change code --------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "IR/Builder.h"

using namespace llvm;

namespace prepatch {

Insn *nextInLayout(BasicBlock &BB, Insn &I) {
  if (Insn *Next = I.next())
    return Next;
  for (BasicBlock *Later = BB.next(); Later; Later = Later->next())
    if (Insn *First = Later->front())
      return First;
  return nullptr;
}

Insn *Builder::create(const RawInsn &Raw, int32_t ImmHigh,
                      uint32_t OriginalIndex) {
  assert(Point && "no insertion point");
  auto *I = new (Prog.Arena.Allocate<Insn>())
      Insn(Raw, classify(Raw), ImmHigh, OriginalIndex);
  I->Next = Point;
  I->Prev = Point->Prev;
  Point->Prev->Next = I;
  Point->Prev = I;
  if (Before)
    if (Attachment *Line = takeLine(*Before))
      attachNode(*I, Line);
  return I;
}

Insn *Builder::clone(const Insn &I) {
  Insn *New = create(I.raw(), I.immHigh());
  New->Target = I.Target;
  New->IsFunctionRef = I.IsFunctionRef;
  for (const Attachment *A = I.attachments(); A; A = A->Next) {
    if (A->Kind == Attachment::Core)
      attach(*New, A->CoreInfo);
    else if (A->Kind == Attachment::Reloc)
      attach(*New, A->RelocInfo);
  }
  return New;
}

Insn *Builder::movReg(unsigned Dst, unsigned Src) {
  return create({OpMov64Reg, uint8_t(Dst), uint8_t(Src), 0, 0});
}

Insn *Builder::movImm(unsigned Dst, int32_t Imm) {
  return create({OpMov64Imm, uint8_t(Dst), 0, 0, Imm});
}

Insn *Builder::aluImm(AluOp Op, unsigned Dst, int32_t Imm, bool Is64) {
  return create(
      {uint8_t(Op | (Is64 ? ClassAlu64 : ClassAlu)), uint8_t(Dst), 0, 0, Imm});
}

Insn *Builder::aluReg(AluOp Op, unsigned Dst, unsigned Src, bool Is64) {
  return create({uint8_t(Op | SrcReg | (Is64 ? ClassAlu64 : ClassAlu)),
                 uint8_t(Dst), uint8_t(Src), 0, 0});
}

Insn *Builder::load(unsigned Dst, unsigned Base, int16_t Off, unsigned Bytes) {
  return create({uint8_t(ClassLdx | ModeMem | memSizeFor(Bytes)), uint8_t(Dst),
                 uint8_t(Base), Off, 0});
}

Insn *Builder::store(unsigned Base, int16_t Off, unsigned Src, unsigned Bytes) {
  return create({uint8_t(ClassStx | ModeMem | memSizeFor(Bytes)), uint8_t(Base),
                 uint8_t(Src), Off, 0});
}

Insn *Builder::loadSymbol(unsigned Dst, const Relocation &Sym) {
  Insn *I = create({OpLdImm64, uint8_t(Dst), 0, 0, 0});
  attach(*I, Sym);
  return I;
}

Insn *Builder::jump(BasicBlock &Target) {
  Insn *I = create({OpJa, 0, 0, 0, 0});
  I->setTarget(&Target);
  return I;
}

Insn *Builder::condJumpImm(JmpOp Op, unsigned Dst, int32_t Imm,
                           BasicBlock &Target, bool Is64) {
  Insn *I = create(
      {uint8_t(Op | (Is64 ? ClassJmp : ClassJmp32)), uint8_t(Dst), 0, 0, Imm});
  I->setTarget(&Target);
  return I;
}

Insn *Builder::condJumpReg(JmpOp Op, unsigned Dst, unsigned Src,
                           BasicBlock &Target, bool Is64) {
  Insn *I = create({uint8_t(Op | SrcReg | (Is64 ? ClassJmp : ClassJmp32)),
                    uint8_t(Dst), uint8_t(Src), 0, 0});
  I->setTarget(&Target);
  return I;
}

Insn *Builder::callHelper(int32_t Id) {
  return create({OpCall, 0, CallHelper, 0, Id});
}

Insn *Builder::call(Function &Callee) {
  Insn *I = create({OpCall, 0, CallBpf, 0, -1});
  I->setCallee(&Callee);
  return I;
}

Insn *Builder::exit() { return create({OpExit, 0, 0, 0, 0}); }

void Builder::makeFunctionPointer(Insn &I, Function *F) {
  assert(I.Kind == InsnKind::LoadImm64 && "only ld_imm64 holds an address");
  I.IsFunctionRef = true;
  I.Callee = F;
}

void Builder::attachNode(Insn &I, Attachment *A) {
  A->Next = nullptr;
  Attachment **Last = &I.Attached;
  while (*Last)
    Last = &(*Last)->Next;
  *Last = A;
}

void Builder::attach(Insn &I, LineRecord Line) {
  attachNode(I, new (Prog.Arena.Allocate<Attachment>()) Attachment(Line));
}

void Builder::attach(Insn &I, CoreRecord Core) {
  attachNode(I, new (Prog.Arena.Allocate<Attachment>()) Attachment(Core));
}

void Builder::attach(Insn &I, Relocation Reloc) {
  attachNode(I, new (Prog.Arena.Allocate<Attachment>()) Attachment(Reloc));
}

Attachment *Builder::takeLine(Insn &I) {
  for (Attachment **A = &I.Attached; *A; A = &(*A)->Next)
    if ((*A)->Kind == Attachment::Line) {
      Attachment *Taken = *A;
      *A = Taken->Next;
      return Taken;
    }
  return nullptr;
}

void Builder::dropLine(Insn &I) { takeLine(I); }

void Builder::erase(BasicBlock &BB, Insn &I) {
  assert(&I != Before && "erasing the insertion point");
  if (Attachment *Line = takeLine(I))
    if (Insn *Next = nextInLayout(BB, I); Next && !Next->line())
      attachNode(*Next, Line);
  I.Prev->Next = I.Next;
  I.Next->Prev = I.Prev;
}

void Builder::erase(BasicBlock &BB) {
  while (Insn *I = BB.front())
    erase(BB, *I);
  BB.Parent->Blocks.remove(BB);
  BB.Parent = nullptr; // what still branches here is found by this
}

void Builder::rewrite(Insn &I, const RawInsn &Raw) {
  I.Kind = classify(Raw);
  I.Opcode = Raw.Opcode;
  I.Dst = Raw.Dst;
  I.Src = Raw.Src;
  I.Off = Raw.Off;
  I.Imm = Raw.Imm;
}

BasicBlock &Builder::createBlock(Function &F, BasicBlock *After) {
  auto *BB = new (Prog.Arena.Allocate<BasicBlock>()) BasicBlock(&F);
  if (After)
    F.Blocks.insert(std::next(After->getIterator()), *BB);
  else
    F.Blocks.push_back(*BB);
  return *BB;
}

BasicBlock &Builder::createEntryBlock(Function &F) {
  auto *BB = new (Prog.Arena.Allocate<BasicBlock>()) BasicBlock(&F);
  F.Blocks.push_front(*BB);
  return *BB;
}

void Builder::moveBlocks(BasicBlock &First, BasicBlock *End, Function &To) {
  Function &From = *First.Parent;
  auto Start = First.getIterator();
  auto Stop = End ? End->getIterator() : From.Blocks.end();
  for (auto It = Start; It != Stop; ++It)
    It->Parent = &To;
  To.Blocks.splice(To.Blocks.end(), From.Blocks, Start, Stop);
}

BasicBlock &Builder::splitBefore(BasicBlock &BB, Insn &I) {
  BasicBlock &Rest = createBlock(*BB.Parent, &BB);
  InsnLink *First = &I, *Last = BB.EndMark.Prev;
  BB.EndMark.Prev = First->Prev;
  First->Prev->Next = &BB.EndMark;
  Rest.EndMark.Next = First;
  Rest.EndMark.Prev = Last;
  First->Prev = &Rest.EndMark;
  Last->Next = &Rest.EndMark;
  return Rest;
}

} // namespace prepatch
