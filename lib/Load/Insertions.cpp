//===- Insertions.cpp - a captured load with code put in ------------------===//
//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Everything in a program that counts in instructions is computed again: jumps,
// calls, addresses of functions, the offsets of func_info and of relocations
// that were left to the kernel. Line info is dropped: it says nothing about
// what the verifier does.
//
//===----------------------------------------------------------------------===//

#include "Insertions.h"

#include <cstring>

using namespace prepatch;

// Not in the headers of 6.1: goto with a 32-bit offset is JMP32 | JA, and the
// register form of JA jumps through a map of instruction addresses.
static constexpr uint8_t Goto32 = BPF_JMP32 | BPF_JA;
static constexpr uint8_t GotoX = BPF_JMP | BPF_JA | BPF_X;
static constexpr uint8_t LoadImm64 = BPF_LD | BPF_IMM | BPF_DW;

namespace {
/// Where an instruction keeps a distance to another instruction.
enum class Distance { None, Off, Imm };

class Inserter {
public:
  Inserter(const PreparedLoad &Load, const std::vector<Insertion> &Insertions,
           LoadVariant &Variant, std::string &Error)
      : Old(Load.insns()), Load(Load), Insertions(Insertions), New(Variant),
        Error(Error) {}
  bool run();

private:
  bool checkPlaces();
  bool checkCode(const Insertion &I);
  void place();
  bool relocate(uint32_t Index);
  void moveRecords();
  bool fail(std::string Text) {
    Error = std::move(Text);
    return false;
  }

  const std::vector<bpf_insn> &Old;
  const PreparedLoad &Load;
  const std::vector<Insertion> &Insertions;
  LoadVariant &New;
  std::string &Error;
  /// New index of each old instruction, and of the code in front of it.
  std::vector<uint32_t> Self, Entry;
};
} // namespace

static Distance distanceIn(const bpf_insn &Insn) {
  unsigned Class = BPF_CLASS(Insn.code);
  if (Insn.code == LoadImm64)
    return Insn.src_reg == BPF_PSEUDO_FUNC ? Distance::Imm : Distance::None;
  if (Insn.code == Goto32)
    return Distance::Imm;
  if (Class != BPF_JMP && Class != BPF_JMP32)
    return Distance::None;
  switch (BPF_OP(Insn.code)) {
  case BPF_CALL:
    return Class == BPF_JMP && Insn.src_reg == BPF_PSEUDO_CALL ? Distance::Imm
                                                               : Distance::None;
  case BPF_EXIT:
    return Distance::None;
  default:
    return Distance::Off; // may_goto, too
  }
}

bool Inserter::checkCode(const Insertion &I) {
  int64_t Size = int64_t(I.Code.size());
  for (int64_t At = 0; At != Size; ++At) {
    const bpf_insn &Insn = I.Code[size_t(At)];
    if (Insn.code == LoadImm64) {
      if (++At == Size)
        return fail("code before instruction " + std::to_string(I.Index) +
                    ": expected the second half of a 64-bit load");
      continue;
    }
    Distance Kind = distanceIn(Insn);
    if (Kind == Distance::None)
      continue;
    int64_t Target = At + 1 + (Kind == Distance::Off ? Insn.off : Insn.imm);
    if (BPF_OP(Insn.code) == BPF_CALL || Target < 0 || Target > Size)
      return fail("code before instruction " + std::to_string(I.Index) +
                  ": expected no jump or call out of it");
  }
  return true;
}

bool Inserter::checkPlaces() {
  std::vector<bool> Second(Old.size());
  for (size_t I = 0; I != Old.size(); ++I) {
    if (Old[I].code == GotoX)
      return fail("instruction " + std::to_string(I) +
                  " jumps through a table of instructions, which cannot be "
                  "moved");
    if (Old[I].code == LoadImm64 && I + 1 != Old.size())
      Second[++I] = true;
  }
  const Insertion *Last = nullptr;
  for (const Insertion &I : Insertions) {
    if (I.Index >= Old.size())
      return fail("expected an instruction below " +
                  std::to_string(Old.size()) + ", found " +
                  std::to_string(I.Index));
    if (Second[I.Index])
      return fail("instruction " + std::to_string(I.Index) +
                  " is the second half of a 64-bit load");
    if (Last && I.Index <= Last->Index)
      return fail("expected increasing instructions, found " +
                  std::to_string(I.Index) + " after " +
                  std::to_string(Last->Index));
    if (!checkCode(I))
      return false;
    Last = &I;
  }
  return true;
}

void Inserter::place() {
  size_t Next = 0;
  for (uint32_t I = 0; I != Old.size(); ++I) {
    Entry.push_back(static_cast<uint32_t>(New.Insns.size()));
    if (Next != Insertions.size() && Insertions[Next].Index == I) {
      const std::vector<bpf_insn> &Code = Insertions[Next].Code;
      New.Insns.insert(New.Insns.end(), Code.begin(), Code.end());
      New.Origin.resize(New.Insns.size(), -1 - static_cast<int32_t>(Next));
      ++Next;
    }
    Self.push_back(static_cast<uint32_t>(New.Insns.size()));
    New.Insns.push_back(Old[I]);
    New.Origin.push_back(static_cast<int32_t>(I));
  }
}

/// Points the instruction at its old target again.
bool Inserter::relocate(uint32_t Index) {
  Distance Kind = distanceIn(Old[Index]);
  if (Kind == Distance::None)
    return true;
  int32_t Offset = Kind == Distance::Off ? Old[Index].off : Old[Index].imm;
  int64_t Target = int64_t(Index) + 1 + Offset;
  // The kernel refuses such a program; it shall refuse this one for the same.
  if (Target < 0 || Target >= int64_t(Old.size()))
    return true;
  int64_t Moved = int64_t(Entry[size_t(Target)]) - int64_t(Self[Index]) - 1;
  bpf_insn &Insn = New.Insns[Self[Index]];
  if (Kind == Distance::Imm) {
    Insn.imm = static_cast<int32_t>(Moved);
    return true;
  }
  if (Moved < INT16_MIN || Moved > INT16_MAX)
    return fail("the jump of instruction " + std::to_string(Index) +
                " does not reach its target any more: " +
                std::to_string(Moved) + " does not fit in 16 bits");
  Insn.off = static_cast<int16_t>(Moved);
  return true;
}

/// Func info counts in instructions, relocations count in bytes; both have the
/// number at the start of each record.
void Inserter::moveRecords() {
  auto Move = [](std::vector<unsigned char> &Records, size_t Size,
                 const std::vector<uint32_t> &Map, uint32_t Scale) {
    for (size_t At = 0; Size >= 4 && At + Size <= Records.size(); At += Size) {
      uint32_t Offset;
      memcpy(&Offset, Records.data() + At, 4);
      if (Offset / Scale >= Map.size())
        continue;
      Offset = Map[Offset / Scale] * Scale;
      memcpy(Records.data() + At, &Offset, 4);
    }
  };
  New.FuncInfo = Load.funcInfoBytes();
  Move(New.FuncInfo, Load.funcInfoSize(), Entry, 1);
  New.CoreRelos = Load.coreReloBytes();
  Move(New.CoreRelos, Load.coreReloSize(), Self, sizeof(bpf_insn));
}

bool Inserter::run() {
  New = LoadVariant();
  if (!checkPlaces())
    return false;
  place();
  for (uint32_t I = 0; I != Old.size(); ++I) {
    if (!relocate(I))
      return false;
    if (Old[I].code == LoadImm64)
      ++I;
  }
  moveRecords();
  return true;
}

bool prepatch::insertCode(const PreparedLoad &Load,
                          const std::vector<Insertion> &Insertions,
                          LoadVariant &Variant, std::string &Error) {
  return Inserter(Load, Insertions, Variant, Error).run();
}
