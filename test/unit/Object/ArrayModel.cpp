//===- ArrayModel.cpp - A program as an array, the plain way --------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "ArrayModel.h"
#include "llvm/ADT/STLExtras.h"

using namespace llvm;

namespace prepatch::test {

unsigned ArrayModel::slotsAt(const CodeSpec &C, uint32_t At) {
  return C.Slots[At].Opcode == OpLdImm64 ? 2 : 1;
}

namespace {
/// Where the index fields of an instruction are, if it has one.
enum class Field { None, Off, Imm };

Field targetField(const RawInsn &I) {
  switch (classify(I)) {
  case InsnKind::Jump:
    return I.Opcode == OpGotol ? Field::Imm : Field::Off;
  case InsnKind::CondJump:
  case InsnKind::MayGoto:
    return Field::Off;
  case InsnKind::BpfCall:
    return Field::Imm;
  case InsnKind::LoadImm64:
    return I.Src == PseudoFunc ? Field::Imm : Field::None;
  default:
    return Field::None;
  }
}

bool hasRelocation(const CodeSpec &C, uint32_t Slot) {
  return any_of(C.Relocs,
                [&](const RelocSpec &R) { return R.Offset == Slot * 8; });
}
} // namespace

/// Repairs every index for the change of [At, At + OldSlots) into
/// [At, At + NewSlots), before the array itself changes.
void ArrayModel::adjust(size_t Section, uint32_t At, int64_t OldSlots,
                        int64_t NewSlots, bool KeepsOriginal) {
  int64_t Delta = NewSlots - OldSlots;
  CodeSpec &C = Spec.Code[Section];
  auto newTarget = [&](int64_t T) {
    return T <= At ? T : T < At + OldSlots ? int64_t(At) : T + Delta;
  };
  auto newPlace = [&](int64_t S) {
    return S < At || (S == At && !KeepsOriginal) ? S : S + Delta;
  };
  for (uint32_t S = 0; S < C.Slots.size(); S += slotsAt(C, S)) {
    RawInsn &I = C.Slots[S];
    Field F = targetField(I);
    if (F == Field::None || hasRelocation(C, S))
      continue;
    int64_t Old = S + 1 + (F == Field::Off ? I.Off : I.Imm);
    int64_t New = newTarget(Old) - newPlace(S) - 1;
    if (F == Field::Off)
      I.Off = New;
    else
      I.Imm = New;
  }
  // Calls by relocation name a symbol and count from it.
  for (CodeSpec &From : Spec.Code)
    for (RelocSpec &R : From.Relocs) {
      auto Sym = find_if(Spec.Symbols, [&](const SymbolSpec &S) {
        return S.Name == R.Symbol;
      });
      if (Sym == Spec.Symbols.end() || Sym->Section != C.Name)
        continue;
      RawInsn &I = From.Slots[R.Offset / 8];
      bool IsCall = classify(I) == InsnKind::BpfCall;
      int64_t Base = Sym->Value / 8;
      int64_t Old = IsCall ? Base + 1 + I.Imm : (Sym->Value + I.Imm) / 8;
      int64_t NewBase = Sym->Type == "STT_SECTION" ? 0 : newTarget(Base);
      int64_t New = newTarget(Old) - NewBase;
      I.Imm = IsCall ? New - 1 : New * 8;
    }
  for (SymbolSpec &S : Spec.Symbols) {
    if (S.Section != C.Name || S.Type == "STT_SECTION")
      continue;
    // The function that the instruction is in grows.
    uint64_t Start = S.Value / 8, End = Start + S.Size / 8;
    if (S.Size && Start <= At && At < End)
      S.Size += Delta * 8;
    S.Value = newTarget(Start) * 8;
  }
  for (uint32_t &Start : C.FuncStarts)
    Start = newTarget(Start);
  adjustRecords(C, At, OldSlots, NewSlots, KeepsOriginal);
}

void ArrayModel::adjustRecords(CodeSpec &C, uint32_t At, int64_t OldSlots,
                               int64_t NewSlots, bool KeepsOriginal) {
  int64_t Delta = NewSlots - OldSlots;
  if (!KeepsOriginal) {
    llvm::erase_if(C.Relocs,
                   [&](const RelocSpec &R) { return R.Offset == At * 8; });
    llvm::erase_if(C.Cores, [&](const CoreSpec &R) { return R.Slot == At; });
  }
  for (RelocSpec &R : C.Relocs)
    if (R.Offset >= At * 8)
      R.Offset += Delta * 8;
  for (CoreSpec &R : C.Cores)
    if (R.Slot >= At)
      R.Slot += Delta;
  if (NewSlots == 0) {
    bool NextHasLine = any_of(
        C.Lines, [&](const LineSpec &L) { return L.Slot == At + OldSlots; });
    if (NextHasLine)
      llvm::erase_if(C.Lines, [&](const LineSpec &L) { return L.Slot == At; });
  }
  for (LineSpec &L : C.Lines)
    if (L.Slot > At)
      L.Slot += Delta;
}

void ArrayModel::patch(size_t Section, uint32_t At, std::vector<RawInsn> With,
                       bool KeepsOriginal) {
  CodeSpec &C = Spec.Code[Section];
  unsigned Old = slotsAt(C, At);
  size_t Total = With.size() + (KeepsOriginal ? Old : 0);
  adjust(Section, At, Old, Total, KeepsOriginal);
  if (!KeepsOriginal)
    C.Slots.erase(C.Slots.begin() + At, C.Slots.begin() + At + Old);
  C.Slots.insert(C.Slots.begin() + At, With.begin(), With.end());
}

void ArrayModel::remove(size_t Section, uint32_t At) {
  CodeSpec &C = Spec.Code[Section];
  unsigned Old = slotsAt(C, At);
  adjust(Section, At, Old, 0, false);
  C.Slots.erase(C.Slots.begin() + At, C.Slots.begin() + At + Old);
}

} // namespace prepatch::test
