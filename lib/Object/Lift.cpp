//===- Lift.cpp - Sections -> Program ------------------------------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// In this order: symbols and maps; functions of every code section by their
// symbols, so that calls find them; instructions and blocks; then what refers
// to instructions by offset: .BTF.ext, jump tables, addresses in data.
//
// What the immediate of a reference means:
//   call, no relocation        target slot - next slot, in the same section
//   call, R_BPF_64_32          target slot - next slot, from the symbol's value
//   ld_imm64 func, none        target slot - next slot
//   ld_imm64, R_BPF_64_64      bytes from the symbol's value
//===----------------------------------------------------------------------===//

#include "Object/Lifter.h"
#include "llvm/Support/Endian.h"
#include <map>

using namespace llvm;

namespace prepatch {

/// Compilers before clang 8 gave functions no type. In a section where no
/// symbol is a function, global symbols are.
static bool isUntypedFunction(const ElfSymbol &S,
                              const BitVector &HasFunctions) {
  return S.type() == ELF::STT_NOTYPE && S.binding() != ELF::STB_LOCAL &&
         !HasFunctions[S.Section];
}

void Lifter::liftSymbols() {
  BitVector HasFunctions(Elf.Sections.size());
  for (const ElfSymbol &E : Elf.Symbols)
    if (E.type() == ELF::STT_FUNC && E.Section < Elf.Sections.size())
      HasFunctions.set(E.Section);
  for (uint32_t I = 0; I < Elf.Symbols.size(); ++I) {
    const ElfSymbol &E = Elf.Symbols[I];
    Symbol &S = Prog.Symbols.emplace_back();
    S.Name = E.Name;
    S.Index = I;
    S.Value = E.Value;
    S.Size = E.Size;
    S.IsGlobal = E.binding() != ELF::STB_LOCAL;
    S.IsWeak = E.binding() == ELF::STB_WEAK;
    S.IsHidden = E.visibility() == ELF::STV_HIDDEN ||
                 E.visibility() == ELF::STV_INTERNAL;
    if (E.Section > 0 && E.Section < Elf.Sections.size())
      S.SectionName = Elf.Sections[E.Section].Name;
    if (E.Section == ELF::SHN_UNDEF)
      S.Kind = Symbol::Undefined;
    else if (E.type() == ELF::STT_SECTION)
      S.Kind = Symbol::Section;
    else if (E.type() == ELF::STT_FUNC ||
             (isCode(E.Section) && isUntypedFunction(E, HasFunctions)))
      S.Kind = Symbol::Function;
    else if (E.type() == ELF::STT_OBJECT || E.type() == ELF::STT_NOTYPE)
      S.Kind = Symbol::Data;
    for (const Map &M : Prog.Maps) {
      if (S.SectionName.empty() || M.SectionName != S.SectionName)
        continue;
      if (M.IsInternal || (S.Kind != Symbol::Section && M.Offset == S.Value))
        S.MapDef = &M;
    }
  }
}

Error Lifter::collectCode() {
  for (uint32_t I = 1; I < Elf.Sections.size(); ++I) {
    const ElfSection &S = Elf.Sections[I];
    if (S.Type == ELF::SHT_RELA)
      freeze("section '" + S.Name + "' has relocations with addends");
    if (!isCode(I))
      continue;
    // Empty ones too: a pass may put a subprogram into .text.
    CodeByIndex[I] = Codes.size();
    CodeMap &Code = Codes.emplace_back();
    Code.ElfIndex = I;
    Code.Section = &Prog.createSection(S.Name, S.Name == ".text");
    Code.Section->ElfIndex = I;
    if (Error E = decode(Code))
      return E;
    if (Error E = collectRelocations(Code))
      return E;
    if (Error E = findFunctions(Code))
      return E;
  }
  return Error::success();
}

Error Lifter::decode(CodeMap &Code) {
  ArrayRef<uint8_t> Data = Elf.Sections[Code.ElfIndex].data();
  if (Data.size() % SlotBytes)
    return createStringError("section '" + Code.Section->Name + "': size " +
                             Twine(Data.size()) + " is not a multiple of " +
                             Twine(SlotBytes));
  size_t N = Data.size() / SlotBytes;
  Code.Slots.resize(N);
  Code.InsnAt.assign(N, nullptr);
  Code.IsTail.resize(N);
  for (size_t I = 0; I < N; ++I) {
    Code.Slots[I] = decodeSlot(Data.data() + I * SlotBytes, Elf.Endian);
    if (I && Code.Slots[I - 1].Opcode == OpLdImm64 && !Code.IsTail[I - 1] &&
        isLdImm64Tail(Code.Slots[I]))
      Code.IsTail.set(I);
  }
  return Error::success();
}

Error Lifter::collectRelocations(CodeMap &Code) {
  Code.RelocAt.assign(Code.Slots.size(), 0);
  uint32_t Index = Elf.findRelocations(Code.ElfIndex);
  if (!Index)
    return Error::success();
  Code.Relocs = Elf.relocations(Index);
  for (uint32_t I = 0; I < Code.Relocs.size(); ++I) {
    const ElfReloc &R = Code.Relocs[I];
    uint64_t Slot = R.Offset / SlotBytes;
    if (R.Offset % SlotBytes || Code.IsTail[Slot])
      return failAt(Code, Slot,
                    "relocation at byte " + Twine(R.Offset) +
                        " is not at the start of an instruction");
    if (!Code.RelocAt[Slot])
      Code.RelocAt[Slot] = I + 1;
  }
  return Error::success();
}

/// Bytes where func_info says that functions of section \p Name start.
std::vector<uint64_t> Lifter::funcInfoOffsets(StringRef Name) const {
  std::vector<uint64_t> Offsets;
  if (Obj.Ext && Obj.Types)
    for (const BtfExtGroup &G : Obj.Ext->Tables[BtfExt::FuncInfo].Groups)
      if (Obj.Types->string(G.SectionNameOff) == Name)
        for (const BtfExtRecord &R : G.Records)
          Offsets.push_back(R.InsnOff);
  return Offsets;
}

Error Lifter::findFunctions(CodeMap &Code) {
  uint64_t Bytes = Code.Slots.size() * SlotBytes;
  std::vector<Symbol *> Symbols;
  for (Symbol &S : Prog.Symbols) {
    if (Elf.Symbols[S.Index].Section != Code.ElfIndex ||
        S.Kind != Symbol::Function)
      continue;
    if (S.Value > Bytes || S.Size > Bytes - S.Value)
      return createStringError(
          "symbol '" + S.Name + "': bytes " + Twine(S.Value) + " to " +
          Twine(S.Value + S.Size) + " are past the end of section '" +
          Code.Section->Name + "' (" + Twine(Bytes) + ")");
    if (S.Value % SlotBytes || S.Size % SlotBytes ||
        (S.Value < Bytes && Code.IsTail[S.Value / SlotBytes]))
      return createStringError("symbol '" + S.Name +
                               "' does not start and end at an instruction");
    if (S.Value < Bytes)
      Symbols.push_back(&S);
  }
  // By start: the symbol if there is one. Code without a symbol may still have
  // a func_info: bpftool keeps the bodies of weak functions that it drops.
  std::map<uint64_t, Symbol *> Starts;
  for (Symbol *S : Symbols)
    Starts.try_emplace(S->Value, S); // the first of several names wins
  for (uint64_t Byte : funcInfoOffsets(Code.Section->Name))
    if (Byte % SlotBytes == 0 && Byte < Bytes && !Code.IsTail[Byte / SlotBytes])
      Starts.try_emplace(Byte, nullptr);
  uint64_t End = 0; // of the function before
  auto start = [&](uint64_t Byte, std::string Name) -> Function & {
    Function &F = Prog.createFunction(*Code.Section, std::move(Name));
    F.setOriginalStart(Byte / SlotBytes);
    Code.Starts.push_back({uint32_t(Byte / SlotBytes), &F});
    return F;
  };
  for (auto It = Starts.begin(); It != Starts.end(); ++It) {
    auto [Byte, S] = *It;
    if (Byte < End)
      freeze((S ? "symbol '" + S->Name + "'"
                : "func_info of byte " + Twine(Byte)) +
             " starts inside another function");
    if (Byte > End)
      start(End, "");
    Function &F = start(Byte, S ? S->Name : "");
    F.setSymbol(S);
    auto Next = std::next(It);
    End = S && S->Size ? Byte + S->Size
                       : (Next == Starts.end() ? Bytes : Next->first);
  }
  if (End < Bytes)
    start(End, "");
  for (Symbol *S : Symbols)
    S->Fn = Code.functionAt(S->Value / SlotBytes);
  // What is left names a function by another symbol type, or is a label.
  for (Symbol &S : Prog.Symbols) {
    if (Elf.Symbols[S.Index].Section != Code.ElfIndex || S.Fn ||
        S.Kind == Symbol::Section)
      continue;
    if (S.Value >= Bytes) {
      // Code that is added would come to stand where it points. One at the
      // very end is a mark that nothing goes to.
      if (S.Value > Bytes)
        freeze("symbol '" + S.Name + "' points behind the code");
      continue;
    }
    uint64_t Slot = S.Value / SlotBytes;
    if (S.Value % SlotBytes || Code.IsTail[Slot])
      freeze("symbol '" + S.Name + "' points into an instruction");
    else if (!(S.Fn = Code.functionAt(Slot)))
      Code.Labels.push_back(&S);
  }
  return Error::success();
}

/// Marks where blocks start. Sets \p F opaque where control flow is not
/// understood.
Error Lifter::markLeaders(CodeMap &Code, Function &F, uint32_t Start,
                          uint32_t End, BitVector &Leaders) {
  Leaders.resize(End - Start);
  Leaders.set(0);
  InsnKind LastKind = InsnKind::End;
  for (uint32_t Slot = Start; Slot < End; ++Slot) {
    const RawInsn &Raw = Code.Slots[Slot];
    InsnKind Kind = classify(Raw);
    LastKind = Kind;
    if (Kind == InsnKind::LoadImm64) {
      if (Slot + 1 >= Code.Slots.size() || !Code.IsTail[Slot + 1])
        return failAt(Code, Slot, "ld_imm64 without its second slot");
      if (Slot + 1 >= End) {
        freeze("function '" + F.name() + "' ends inside an ld_imm64");
        F.setOpaque("ends inside an ld_imm64");
        return Error::success();
      }
      ++Slot;
      continue;
    }
    if (Kind == InsnKind::Unknown) {
      F.setOpaque("unknown encoding at insn " + std::to_string(Slot - Start));
      continue;
    }
    if (!isBranch(Kind)) {
      if (endsFlow(Kind) && Slot + 1 < End)
        Leaders.set(Slot + 1 - Start);
      continue;
    }
    int64_t Target =
        int64_t(Slot) + 1 + (Raw.Opcode == OpGotol ? Raw.Imm : Raw.Off);
    if (Target < 0 || Target >= int64_t(Code.Slots.size()))
      return failAt(Code, Slot,
                    "jump target " + Twine(Target) +
                        (Target < 0 ? " is before the start"
                                    : " is past the end (" +
                                          Twine(Code.Slots.size()) + ")"));
    if (Code.IsTail[Target])
      return failAt(Code, Slot,
                    "jump target " + Twine(Target) + " is inside an ld_imm64");
    if (Target < Start || Target >= End) {
      pin(Code, "function '" + F.name() + "' jumps out of itself");
      F.setOpaque("jumps out of itself");
      continue;
    }
    Leaders.set(Target - Start);
    if (Slot + 1 < End)
      Leaders.set(Slot + 1 - Start);
  }
  if (!F.isOpaque() && !endsFlow(LastKind))
    F.setOpaque("falls through at its end");
  return Error::success();
}

void Lifter::createInsns(CodeMap &Code, Function &F, uint32_t Start,
                         uint32_t End, const BitVector &Leaders) {
  BasicBlock *Block = nullptr;
  for (uint32_t Slot = Start; Slot < End; ++Slot) {
    if (!Block || (!F.isOpaque() && Leaders[Slot - Start])) {
      Block = &B.createBlock(F);
      B.setInsertPoint(*Block);
    }
    const RawInsn &Raw = Code.Slots[Slot];
    bool TwoSlots = classify(Raw) == InsnKind::LoadImm64 && Slot + 1 < End;
    int32_t High = TwoSlots ? Code.Slots[Slot + 1].Imm : 0;
    Code.InsnAt[Slot] = B.create(Raw, High, Slot);
    Slot += TwoSlots;
  }
}

Error Lifter::resolveReference(CodeMap &Code, Function &F, Insn &I,
                               uint32_t Slot) {
  const Relocation *R = nullptr;
  if (uint32_t First = Code.RelocAt[Slot]) {
    for (uint32_t N = First - 1;
         N < Code.Relocs.size() && Code.Relocs[N].Offset / SlotBytes == Slot;
         ++N)
      B.attach(I, Relocation{&Prog.Symbols[Code.Relocs[N].Symbol],
                             Code.Relocs[N].Type});
    R = I.relocation();
  }
  bool IsCall = I.kind() == InsnKind::BpfCall;
  if (!IsCall && I.kind() != InsnKind::LoadImm64)
    return Error::success();
  CodeMap *Target = R ? codeOf(*R->Sym) : nullptr;
  if (!IsCall && !Target) {
    if (R || I.src() != PseudoFunc)
      return Error::success();
    Target = &Code;
  }
  if (IsCall && !R)
    Target = &Code;
  if (!Target)
    return Error::success(); // an extern
  int64_t TargetSlot;
  if (!R)
    TargetSlot = int64_t(Slot) + 1 + I.imm();
  else if (IsCall)
    TargetSlot = int64_t(R->Sym->Value / SlotBytes) + 1 + I.imm();
  else
    TargetSlot = (int64_t(R->Sym->Value) + I.imm()) / SlotBytes;
  Function *Callee = TargetSlot < 0 ? nullptr : Target->functionAt(TargetSlot);
  if (!Callee) {
    pin(*Target, "function '" + F.name() + "' refers to insn " +
                     Twine(TargetSlot).str() + ", where no function starts");
    F.setOpaque("refers to code where no function starts");
    return Error::success();
  }
  if (IsCall)
    I.setCallee(Callee);
  else
    Builder::makeFunctionPointer(I, Callee);
  return Error::success();
}

Error Lifter::liftFunction(CodeMap &Code, Function &F, uint32_t Start,
                           uint32_t End) {
  BitVector Leaders;
  if (Error E = markLeaders(Code, F, Start, End, Leaders))
    return E;
  createInsns(Code, F, Start, End, Leaders);
  // Blocks by first slot, to find the targets.
  for (BasicBlock &BB : F)
    for (Insn &I : BB) {
      uint32_t Slot = I.originalIndex();
      if (Error E = resolveReference(Code, F, I, Slot))
        return E;
    }
  if (F.isOpaque())
    return Error::success();
  std::vector<BasicBlock *> BlockAt(End - Start);
  for (BasicBlock &BB : F)
    BlockAt[BB.front()->originalIndex() - Start] = &BB;
  for (BasicBlock &BB : F) {
    Insn *I = BB.back();
    if (!isBranch(I->kind()))
      continue;
    int64_t Target = int64_t(I->originalIndex()) + 1 +
                     (I->opcode() == OpGotol ? I->imm() : I->off());
    I->setTarget(BlockAt[Target - Start]);
  }
  return Error::success();
}

Error Lifter::run() {
  if (Error E = readMaps(Elf, Obj.Types ? &*Obj.Types : nullptr, Prog.Maps))
    return E;
  liftSymbols();
  if (Error E = collectCode())
    return E;
  for (CodeMap &Code : Codes)
    for (size_t I = 0; I < Code.Starts.size(); ++I) {
      uint32_t End = I + 1 < Code.Starts.size() ? Code.Starts[I + 1].first
                                                : Code.Slots.size();
      if (Error E = liftFunction(Code, *Code.Starts[I].second,
                                 Code.Starts[I].first, End))
        return E;
    }
  for (CodeMap &Code : Codes)
    for (Symbol *S : Code.Labels)
      S->At = Code.InsnAt[S->Value / SlotBytes];
  if (Error E = liftJumpTables())
    return E;
  if (Error E = liftDataReferences())
    return E;
  if (Error E = liftBtfExt())
    return E;
  checkLines();
  liftLicense();
  makePinnedOpaque();
  return Error::success();
}

void Lifter::makePinnedOpaque() {
  for (CodeMap &Code : Codes)
    if (!Code.PinnedReason.empty())
      for (auto [Start, F] : Code.Starts)
        if (!F->isOpaque())
          F->setOpaque("in a section that must stay as it is: " +
                       Code.PinnedReason);
}

Error lift(Object &Obj) { return Lifter(Obj).run(); }

} // namespace prepatch
