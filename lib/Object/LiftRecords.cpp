//===- LiftRecords.cpp - What refers to code by offset -------------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Jump tables, addresses of functions in data, and .BTF.ext: each is tied to
// the instruction, block or function that it means.
//===----------------------------------------------------------------------===//

#include "Object/Lifter.h"
#include "llvm/Support/Endian.h"

using namespace llvm;

namespace prepatch {

Error Lifter::liftJumpTables() {
  Obj.JumpTableSection = Elf.findSection(".jumptables");
  ArrayRef<uint8_t> Data;
  if (Obj.JumpTableSection)
    Data = Elf.Sections[Obj.JumpTableSection].data();
  DenseMap<const Symbol *, Function *> Users;
  for (CodeMap &Code : Codes)
    for (auto [Start, F] : Code.Starts) {
      if (F->isOpaque())
        continue;
      bool HasIndirect = false;
      for (BasicBlock &BB : *F)
        for (Insn &I : BB) {
          HasIndirect |= I.kind() == InsnKind::IndirectJump;
          const Relocation *R = I.relocation();
          if (!R || !Obj.JumpTableSection ||
              Elf.Symbols[R->Sym->Index].Section != Obj.JumpTableSection)
            continue;
          auto [It, New] = Users.try_emplace(R->Sym, F);
          if (!New) {
            if (It->second != F)
              freeze("jump table '" + R->Sym->Name +
                     "' is used by two functions");
            continue;
          }
          if (R->Sym->Value > Data.size() ||
              R->Sym->Size > Data.size() - R->Sym->Value)
            return createStringError("symbol '" + R->Sym->Name +
                                     "' is past the end of .jumptables");
          JumpTable &T = Prog.JumpTables.emplace_back();
          T.Offset = R->Sym->Value;
          for (uint64_t At = 0; At + 8 <= R->Sym->Size; At += 8) {
            uint64_t Byte = support::endian::read<uint64_t>(
                Data.data() + T.Offset + At, Elf.Endian);
            Insn *To =
                Byte % SlotBytes == 0 && Byte / SlotBytes < Code.InsnAt.size()
                    ? Code.InsnAt[Byte / SlotBytes]
                    : nullptr;
            if (!To)
              return createStringError("jump table '" + R->Sym->Name +
                                       "': entry " + Twine(At / 8) +
                                       " names no instruction");
            BasicBlock *Block = nullptr;
            for (BasicBlock &Candidate : *F)
              if (Candidate.front() == To)
                Block = &Candidate;
            if (!Block) { // reached only through the table: not a leader yet
              for (BasicBlock &Candidate : *F)
                for (Insn &J : Candidate)
                  if (&J == To)
                    Block = &Candidate;
              if (Block)
                Block = &B.splitBefore(*Block, *To);
            }
            if (!Block) {
              freeze("jump table '" + R->Sym->Name + "' leaves its function");
              return Error::success();
            }
            T.Targets.push_back(Block);
          }
          F->addJumpTable(&T);
        }
      if (HasIndirect && F->jumpTables().empty()) {
        freeze("function '" + F->name() + "' has a gotox without jump table");
        return Error::success();
      }
    }
  return Error::success();
}

Error Lifter::liftDataReferences() {
  for (uint32_t Index = 1; Index < Elf.Sections.size(); ++Index) {
    const ElfSection &S = Elf.Sections[Index];
    if (S.Type != ELF::SHT_REL || codeOf(S.Info))
      continue;
    const ElfSection &Target = Elf.Sections[S.Info];
    if (StringRef(Target.Name).starts_with(".debug") ||
        StringRef(Target.Name).starts_with(".BTF") ||
        StringRef(Target.Name).starts_with(".eh_frame"))
      continue;
    std::vector<uint64_t> Places;
    for (const ElfReloc &R : Elf.relocations(Index)) {
      CodeMap *Code = codeOf(Elf.Symbols[R.Symbol].Section);
      if (!Code)
        continue;
      Places.push_back(R.Offset);
      if (Target.data().size() < 8 || R.Offset > Target.data().size() - 8)
        return createStringError("section '" + S.Name +
                                 "': relocation at offset " + Twine(R.Offset) +
                                 " has no 8 bytes in '" + Target.Name + "' (" +
                                 Twine(Target.data().size()) + ")");
      uint64_t Addend = support::endian::read<uint64_t>(
          Target.data().data() + R.Offset, Elf.Endian);
      const ElfSymbol &Sym = Elf.Symbols[R.Symbol];
      if (Prog.Symbols[R.Symbol].At) {
        freeze("section '" + Target.Name + "' holds the address of label '" +
               Sym.Name + "'");
        continue;
      }
      if (Addend == 0 && Sym.type() != ELF::STT_SECTION)
        continue; // the symbol alone says where the function is
      Function *F = (Sym.Value + Addend) % SlotBytes == 0
                        ? Code->functionAt((Sym.Value + Addend) / SlotBytes)
                        : nullptr;
      // The symbol of a section stands for its start.
      if (!F || Sym.type() != ELF::STT_SECTION || Sym.Value != 0)
        freeze("section '" + Target.Name +
               "' holds the address of code where no function starts");
      else
        Obj.DataReferences.push_back({S.Info, R.Offset, F});
    }
    // Writing one address would change another that shares bytes with it.
    llvm::sort(Places);
    for (size_t I = 1; I < Places.size(); ++I)
      if (Places[I] - Places[I - 1] < 8)
        freeze("section '" + Target.Name + "' holds addresses that overlap");
  }
  return Error::success();
}

Error Lifter::liftBtfExt() {
  if (!Obj.Ext || !Obj.Types)
    return Error::success();
  for (unsigned T = 0; T < BtfExt::NumTables; ++T)
    for (const BtfExtGroup &G : Obj.Ext->Tables[T].Groups) {
      StringRef Name = Obj.Types->string(G.SectionNameOff);
      auto It = find_if(
          Codes, [&](const CodeMap &C) { return C.Section->Name == Name; });
      if (It == Codes.end())
        continue;
      for (const BtfExtRecord &R : G.Records) {
        uint64_t Slot = R.InsnOff / SlotBytes;
        if (Slot >= It->Slots.size())
          return createStringError(".BTF.ext: a record names byte " +
                                   Twine(R.InsnOff) + " of section '" + Name +
                                   "', past the end (" +
                                   Twine(It->Slots.size() * SlotBytes) + ")");
        Insn *I = It->InsnAt[Slot];
        if (!I || R.InsnOff % SlotBytes) {
          freeze(".BTF.ext names byte " + Twine(R.InsnOff) + " of section '" +
                 Name + "', where no instruction starts");
          return Error::success();
        }
        if (T == BtfExt::LineInfo) {
          B.attach(*I, LineRecord{R.Words[0], R.Words[1], R.Words[2]});
        } else if (T == BtfExt::CoreRelo) {
          B.attach(*I, CoreRecord{R.Words[0], R.Words[1], R.Words[2]});
        } else if (Function *F = It->functionAt(Slot)) {
          F->setBtfId(R.Words[0]);
        } else {
          freeze(".BTF.ext names a function at insn " + Twine(Slot) +
                 " of section '" + Name + "', where none starts");
          return Error::success();
        }
      }
    }
  return Error::success();
}

/// The kernel (check_btf_line, 6.18) refuses line info that leaves out the
/// first instruction of a function; edits rely on the record there.
void Lifter::checkLines() {
  for (CodeMap &Code : Codes)
    for (auto [Start, F] : Code.Starts) {
      if (F->entry().front()->line())
        continue;
      for (BasicBlock &BB : *F)
        for (Insn &I : BB)
          if (I.line())
            return freeze("function '" + F->name() +
                          "' has line records, but none at its first "
                          "instruction");
    }
}

void Lifter::liftLicense() {
  uint32_t Index = Elf.findSection("license");
  if (!Index)
    return;
  ArrayRef<uint8_t> Data = Elf.Sections[Index].data();
  StringRef Text(reinterpret_cast<const char *>(Data.data()), Data.size());
  Prog.License = Text.take_until([](char C) { return C == 0; }).str();
}

} // namespace prepatch
