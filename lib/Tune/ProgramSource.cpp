//===- ProgramSource.cpp - A loaded program in terms of its source -------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Tune/ProgramSource.h"
#include "ISA/Disassemble.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallSet.h"
#include <bpf/btf.h>

using namespace llvm;

namespace prepatch {

ProgramSource::ProgramSource(const Object &Obj, const CallGraph &Graph,
                             const SessionProgram &P)
    : Obj(Obj), P(P), Slots(P.Insns), Variables(Obj) {
  findFunctions(Graph);
  for (uint32_t Number = 0; Number < Parts.size(); ++Number)
    addPart(Parts[Number], Number);
  sort(Points);
}

/// Names are not unique: static functions of several files may share one. The
/// order in which a loader appends them tells them apart.
void ProgramSource::findFunctions(const CallGraph &Graph) {
  const LoadedProgram *Known = nullptr;
  for (const LoadedProgram &L : Graph.loadedPrograms())
    if (L.Entry->name() == P.Name && L.Entry->section()->Name == P.Section &&
        L.Functions.size() == P.Functions.size())
      Known = &L;
  for (size_t I = 0; I < P.Functions.size(); ++I) {
    const LoadedFunction &Loaded = P.Functions[I];
    Part ThePart{&Loaded};
    auto Fits = [&](const Function *F) {
      return F->name() == Loaded.Name && F->countSlots() == Loaded.Count;
    };
    if (Known && Fits(Known->Functions[I]))
      ThePart.F = Known->Functions[I];
    else
      for (Function *F : Graph.functions())
        if (!ThePart.F && Fits(F))
          ThePart.F = F;
    Parts.push_back(std::move(ThePart));
  }
}

uint32_t ProgramSource::flatOf(const Part &ThePart, const Insn &I) const {
  return ThePart.Loaded->Start + I.originalIndex() - ThePart.F->originalStart();
}

void ProgramSource::addPart(Part &ThePart, uint32_t Number) {
  for (uint32_t I = 0; I < ThePart.Loaded->Count; ++I)
    Slots[ThePart.Loaded->Start + I].Fn = Number;
  if (!ThePart.F)
    return;
  const LineRecord *Line = nullptr;
  for (BasicBlock &BB : *ThePart.F)
    for (Insn &I : BB) {
      if (I.line() && Obj.Types) {
        Line = I.line();
        HasLines = true;
      }
      uint32_t Flat = flatOf(ThePart, I);
      for (unsigned S = 0; S < I.slots() && Flat + S < Slots.size(); ++S)
        Slots[Flat + S] = {S ? nullptr : &I, Line, Number, &BB};
    }
  if (ThePart.F->isOpaque())
    return;
  ThePart.Shape = std::make_unique<Cfg>(*ThePart.F);
  const Cfg &Shape = *ThePart.Shape;
  SmallPtrSet<const BasicBlock *, 32> Targets;
  for (unsigned B = 0; B < Shape.size(); ++B)
    if (const Insn *Last = Shape.block(B).back();
        Last && isBranch(Last->kind()))
      Targets.insert(Last->target());
  for (unsigned B = 0; B < Shape.size(); ++B) {
    BasicBlock &BB = Shape.block(B);
    if (!BB.empty() && Shape.isReachable(B) &&
        (Shape.predecessors(B).size() > 1 || Targets.contains(&BB)))
      Points.push_back(flatOf(ThePart, *BB.front()));
  }
}

SourcePlace ProgramSource::placeOf(uint32_t Flat) const {
  SourcePlace Place;
  const Slot &S = Slots[Flat];
  if (S.Fn < Parts.size()) {
    Place.Function = Parts[S.Fn].Loaded->Name;
    Place.Index = Flat - Parts[S.Fn].Loaded->Start;
  }
  if (S.Line) {
    Place.File = Obj.Types->string(S.Line->FileNameOff).str();
    Place.Line = S.Line->line();
    Place.Text = Obj.Types->string(S.Line->LineOff).rtrim().str();
  }
  if (Place.File.empty()) {
    Place.Line = 0;
    Place.Text = disassembly(Flat);
  }
  return Place;
}

std::string ProgramSource::disassembly(uint32_t Flat) const {
  const Insn *I = Slots[Flat].I;
  if (!I)
    return "";
  const Part &ThePart = Parts[Slots[Flat].Fn];
  std::string Target, Text;
  if (const Relocation *R = I->relocation(); R && R->Sym)
    Target = R->Sym->Name;
  if (isBranch(I->kind()) && I->target() && I->target()->front())
    Target = ThePart.Loaded->Name + "+" +
             std::to_string(flatOf(ThePart, *I->target()->front()) -
                            ThePart.Loaded->Start);
  else if (I->refersToFunction() && I->callee())
    Target = I->callee()->name();
  raw_string_ostream OS(Text);
  disassemble(OS, I->raw(), I->kind(), I->immHigh(), Target);
  return Text;
}

bool ProgramSource::beginsLine(uint32_t Flat) const {
  const Slot &S = Slots[Flat];
  if (!S.Line)
    return true;
  if (Flat == 0 || Slots[Flat - 1].Fn != S.Fn || !Slots[Flat - 1].Line)
    return true;
  const LineRecord &Before = *Slots[Flat - 1].Line;
  return Before.line() != S.Line->line() ||
         Before.FileNameOff != S.Line->FileNameOff;
}

unsigned ProgramSource::waysTo(uint32_t Point) const {
  const Slot &S = Slots[Point];
  return unsigned(Parts[S.Fn].Shape->predecessors(S.BB->number()).size());
}

std::vector<uint32_t> ProgramSource::regionOf(uint32_t Point) const {
  const Slot &S = Slots[Point];
  const Part &ThePart = Parts[S.Fn];
  const Cfg &Shape = *ThePart.Shape;
  // A block with one predecessor is found once, so this ends.
  std::vector<unsigned> Blocks = {S.BB->number()};
  for (size_t I = 0; I < Blocks.size(); ++I)
    for (unsigned Next : Shape.successors(Blocks[I]))
      if (Shape.predecessors(Next).size() == 1 && Next != Blocks[0])
        Blocks.push_back(Next);
  std::vector<uint32_t> Region;
  for (unsigned B : Blocks)
    for (const Insn &I : Shape.block(B))
      Region.push_back(flatOf(ThePart, I));
  return Region;
}

/// A search backwards. Locations change on the way, so a block may be passed
/// once for each.
struct ProgramSource::Walk {
  const Part &In;
  SmallSet<std::pair<unsigned, Location>, 32> Seen;
  std::vector<uint32_t> Found;
  bool ReachesEntry = false;
  unsigned Left = 4000; ///< instructions to look at
};

static bool overlaps(int16_t Off, uint8_t Opcode, Location L) {
  return Off < L.Where + 8 && Off + int(memBytes(Opcode)) > L.Where;
}

static bool writes(const Insn &I, Location L) {
  if (!L.IsSlot)
    return I.writes() & regBit(unsigned(L.Where));
  switch (I.kind()) {
  case InsnKind::Store:
  case InsnKind::StoreImm:
  case InsnKind::Atomic:
    return I.dst() == RegFp && overlaps(I.off(), I.opcode(), L);
  default:
    return false;
  }
}

/// The location that \p I, which writes \p L, copies it from, if it does.
static std::optional<Location> copiedFrom(const Insn &I, Location L) {
  if (L.IsSlot) {
    if (I.kind() == InsnKind::Store && I.src() < RegFp && I.off() == L.Where)
      return Location::reg(I.src());
    return std::nullopt;
  }
  bool IsMove = (I.opcode() == OpMov64Reg || I.opcode() == OpMov32Reg) &&
                I.off() == 0 && I.src() < RegFp;
  if (IsMove && I.dst() == L.Where)
    return Location::reg(I.src());
  if (I.kind() == InsnKind::Load && I.src() == RegFp && I.off() < 0 &&
      I.off() % 8 == 0)
    return Location::slot(I.off());
  return std::nullopt;
}

void ProgramSource::walkPredecessors(Walk &W, const BasicBlock &BB, Location L,
                                     unsigned Depth) const {
  if (!W.Seen.insert({BB.number(), L}).second)
    return;
  if (BB.number() == 0)
    W.ReachesEntry = true;
  for (unsigned Before : W.In.Shape->predecessors(BB.number()))
    walkBack(W, nullptr, W.In.Shape->block(Before), L, Depth);
}

void ProgramSource::walkBack(Walk &W, const Insn *From, const BasicBlock &BB,
                             Location L, unsigned Depth) const {
  const Insn *I = From ? From->prev() : BB.back();
  for (; I && W.Left; I = I->prev(), --W.Left) {
    if (!writes(*I, L))
      continue;
    std::optional<Location> Source = copiedFrom(*I, L);
    if (Source && Depth < 6)
      return walkBack(W, I, BB, *Source, Depth + 1);
    W.Found.push_back(flatOf(W.In, *I));
    return;
  }
  if (W.Left)
    walkPredecessors(W, BB, L, Depth);
}

std::vector<uint32_t> ProgramSource::lastWrites(uint32_t Point,
                                                Location L) const {
  Walk W{Parts[Slots[Point].Fn]};
  walkPredecessors(W, *Slots[Point].BB, L, 0);
  sort(W.Found);
  W.Found.erase(llvm::unique(W.Found), W.Found.end());
  return std::move(W.Found);
}

std::string ProgramSource::variableName(uint32_t Point, Location L) const {
  const Function *F = Parts[Slots[Point].Fn].F;
  uint32_t Index = Point - Parts[Slots[Point].Fn].Loaded->Start;
  std::vector<StringRef> Names = Variables.namesAt(*F, Index, L);
  if (!Names.empty())
    return Names.back().str();
  if (L.IsSlot || L.Where < 1 || L.Where > 5 || !Obj.Types || !F->btfId())
    return "";
  Walk W{Parts[Slots[Point].Fn]};
  walkPredecessors(W, *Slots[Point].BB, L, 6);
  if (!W.ReachesEntry || !W.Found.empty())
    return "";
  const btf_type *Func = Obj.Types->type(F->btfId());
  const btf_type *Proto = Func ? Obj.Types->type(Func->type) : nullptr;
  if (!Proto || !btf_is_func_proto(Proto) || btf_vlen(Proto) < L.Where)
    return "";
  return Obj.Types->string(btf_params(Proto)[L.Where - 1].name_off).str();
}

} // namespace prepatch
