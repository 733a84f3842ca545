//===- Emit.cpp - Program -> sections ------------------------------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The inverse of Lift.cpp. Offsets are computed in one walk over the layout
// and used in a second one; they exist nowhere else.
//===----------------------------------------------------------------------===//

#include "Object/Emit.h"
#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/BinaryFormat/ELF.h"
#include "llvm/Support/Endian.h"
#include <map>

using namespace llvm;

namespace prepatch {

namespace {

class Emitter {
public:
  explicit Emitter(Object &Obj) : Obj(Obj) {}
  Expected<Image> run();

private:
  void layOut(CodeSection &S);
  Error encode(CodeSection &S);
  Error encodeBranch(Function &F, const Insn &I, RawInsn &Raw, uint64_t Slot);
  Error encodeReference(CodeSection &S, const Insn &I, RawInsn &Raw,
                        uint64_t Slot, Image::Code &Out);
  Error emitExt();
  Error emitJumpTables();

  /// Bytes from the start of its section that \p S stands for now.
  uint64_t valueOf(const Symbol &S) const {
    return S.Fn ? Out.FunctionOffsets.lookup(S.Fn) : S.Value;
  }
  uint64_t blockSlot(const Function &F, const BasicBlock &BB) const {
    return BlockSlots.find(&F)->second[BB.number()];
  }

  Object &Obj;
  Image Out;
  DenseMap<const Function *, std::vector<uint64_t>> BlockSlots;
  DenseSet<const Insn *> Labelled;
};

void Emitter::layOut(CodeSection &S) {
  uint64_t Slot = 0;
  for (Function &F : S.Functions) {
    uint64_t Start = Slot;
    std::vector<uint64_t> &Blocks = BlockSlots[&F];
    Blocks.reserve(F.numberBlocks());
    for (BasicBlock &BB : F) {
      Blocks.push_back(Slot);
      for (Insn &I : BB) {
        if (!Labelled.empty() && Labelled.contains(&I))
          Out.LabelOffsets[&I] = Slot * SlotBytes;
        Slot += I.slots();
      }
    }
    Out.FunctionOffsets[&F] = Start * SlotBytes;
    Out.FunctionSizes[&F] = (Slot - Start) * SlotBytes;
  }
}

Error Emitter::encodeBranch(Function &F, const Insn &I, RawInsn &Raw,
                            uint64_t Slot) {
  if (!I.target())
    return Error::success(); // opaque: keeps what it had
  if (I.target()->parent() != &F)
    return createStringError("function '" + F.name() +
                             "': a branch to a block that was erased");
  int64_t Distance = int64_t(blockSlot(F, *I.target())) - int64_t(Slot) - 1;
  if (Raw.Opcode == OpGotol) {
    Raw.Imm = Distance;
    return Error::success();
  }
  if (!isInt<16>(Distance))
    return createStringError("function '" + F.name() + "': a branch over " +
                             Twine(Distance) +
                             " instructions does not fit 16 bits");
  Raw.Off = Distance;
  return Error::success();
}

Error Emitter::encodeReference(CodeSection &S, const Insn &I, RawInsn &Raw,
                               uint64_t Slot, Image::Code &Code) {
  bool AnyReloc = false;
  for (const Attachment *A = I.attachments(); A; A = A->Next)
    if (A->Kind == Attachment::Reloc) {
      if (A->RelocInfo.Sym->IsRemoved)
        return createStringError("section '" + S.Name + "': insn " +
                                 Twine(Slot) + ": a reference to '" +
                                 A->RelocInfo.Sym->Name +
                                 "', which was erased");
      Code.Relocs.push_back(
          {Slot * SlotBytes, A->RelocInfo.Sym, A->RelocInfo.Type});
      AnyReloc = true;
    }
  if (!I.refersToFunction() || !I.callee())
    return Error::success();
  Function &Callee = *I.callee();
  auto Where = Out.FunctionOffsets.find(&Callee);
  if (Where == Out.FunctionOffsets.end())
    return createStringError("section '" + S.Name + "': insn " + Twine(Slot) +
                             ": a reference to function '" + Callee.name() +
                             "', which was erased");
  uint64_t Offset = Where->second;
  bool IsCall = I.kind() == InsnKind::BpfCall;
  if (AnyReloc) {
    int64_t Addend = int64_t(Offset) - int64_t(valueOf(*I.relocation()->Sym));
    Raw.Imm = IsCall ? Addend / int(SlotBytes) - 1 : Addend;
  } else if (Callee.section() == &S) {
    Raw.Imm = int64_t(Offset / SlotBytes) - int64_t(Slot) - 1;
  } else {
    Raw.Imm = IsCall ? -1 : 0;
    Code.Relocs.push_back({Slot * SlotBytes, Callee.symbol(),
                           IsCall ? ELF::R_BPF_64_32 : ELF::R_BPF_64_64});
  }
  return Error::success();
}

Error Emitter::encode(CodeSection &S) {
  Image::Code &Code = Out.Codes.emplace_back();
  Code.Section = &S;
  uint64_t Slots = 0;
  for (Function &F : S.Functions)
    Slots += Out.FunctionSizes.lookup(&F) / SlotBytes;
  Code.Bytes.resize_for_overwrite(Slots * SlotBytes);
  endianness Endian = Obj.Elf.Endian;
  uint64_t Slot = 0;
  for (Function &F : S.Functions)
    for (BasicBlock &BB : F)
      for (Insn &I : BB) {
        RawInsn Raw = I.raw();
        if (isBranch(I.kind())) {
          if (Error E = encodeBranch(F, I, Raw, Slot))
            return E;
        } else if (I.attachments() || I.refersToFunction()) {
          if (Error E = encodeReference(S, I, Raw, Slot, Code))
            return E;
        }
        encodeSlot(Raw, Code.Bytes.data() + Slot * SlotBytes, Endian);
        if (I.slots() == 2)
          encodeSlot({0, 0, 0, 0, I.immHigh()},
                     Code.Bytes.data() + (Slot + 1) * SlotBytes, Endian);
        Slot += I.slots();
      }
  return Error::success();
}

Error Emitter::emitExt() {
  if (!Obj.Ext || !Obj.Types)
    return Error::success();
  Out.Ext = *Obj.Ext;
  // Which group a section's records go to: the one that stands there already.
  for (Image::Code &Code : Out.Codes) {
    std::vector<BtfExtRecord> Records[BtfExt::NumTables];
    uint64_t Slot = 0;
    for (Function &F : Code.Section->Functions) {
      if (F.btfId())
        Records[BtfExt::FuncInfo].push_back(
            {uint32_t(Slot * SlotBytes), {F.btfId(), 0, 0}});
      for (BasicBlock &BB : F)
        for (Insn &I : BB) {
          uint32_t Byte = Slot * SlotBytes;
          for (const Attachment *A = I.attachments(); A; A = A->Next) {
            if (A->Kind == Attachment::Line)
              Records[BtfExt::LineInfo].push_back(
                  {Byte,
                   {A->LineInfo.FileNameOff, A->LineInfo.LineOff,
                    A->LineInfo.LineCol}});
            else if (A->Kind == Attachment::Core)
              Records[BtfExt::CoreRelo].push_back(
                  {Byte,
                   {A->CoreInfo.TypeId, A->CoreInfo.AccessStrOff,
                    A->CoreInfo.Kind}});
          }
          Slot += I.slots();
        }
    }
    for (unsigned T = 0; T < BtfExt::NumTables; ++T) {
      BtfExtTable &Table = Out.Ext->Tables[T];
      BtfExtGroup *Group = nullptr;
      for (BtfExtGroup &G : Table.Groups)
        if (Obj.Types->string(G.SectionNameOff) == Code.Section->Name) {
          Group = &G;
          break;
        }
      if (!Group) {
        if (Records[T].empty())
          continue;
        auto Name = Obj.Types->addString(Code.Section->Name);
        if (!Name)
          return Name.takeError();
        Group = &Table.groupFor(*Name);
        Table.HasRecordSize = true;
        Table.WordsPerRecord = T == BtfExt::FuncInfo ? 2 : 4;
      }
      Group->Records = std::move(Records[T]);
    }
  }
  // A group that lost its last record would be refused by loaders.
  for (BtfExtTable &Table : Out.Ext->Tables)
    llvm::erase_if(Table.Groups,
                   [](const BtfExtGroup &G) { return G.Records.empty(); });
  Out.ExtBytes = Out.Ext->write(Obj.Elf.Endian);
  return Error::success();
}

Error Emitter::emitJumpTables() {
  if (!Obj.JumpTableSection)
    return Error::success();
  ArrayRef<uint8_t> Old = Obj.Elf.Sections[Obj.JumpTableSection].data();
  Out.JumpTables.assign(Old.begin(), Old.end());
  for (const JumpTable &T : Obj.Prog.JumpTables)
    for (size_t I = 0; I < T.Targets.size(); ++I) {
      const BasicBlock &BB = *T.Targets[I];
      if (!BB.parent())
        return createStringError("jump table at offset " + Twine(T.Offset) +
                                 ": entry " + Twine(I) +
                                 " names a block that was erased");
      if (!BlockSlots.contains(BB.parent()))
        break; // the table of an erased function: nothing reads it
      support::endian::write<uint64_t>(Out.JumpTables.data() + T.Offset + 8 * I,
                                       blockSlot(*BB.parent(), BB) * SlotBytes,
                                       Obj.Elf.Endian);
    }
  return Error::success();
}

Expected<Image> Emitter::run() {
  for (const Symbol &S : Obj.Prog.Symbols)
    if (S.At)
      Labelled.insert(S.At);
  for (CodeSection &S : Obj.Prog.Sections)
    layOut(S);
  for (CodeSection &S : Obj.Prog.Sections)
    if (Error E = encode(S))
      return std::move(E);
  if (Error E = emitExt())
    return std::move(E);
  if (Error E = emitJumpTables())
    return std::move(E);
  for (const DataReference &R : Obj.DataReferences)
    if (!Out.FunctionOffsets.contains(R.Fn))
      return createStringError("section '" + Obj.Elf.Sections[R.Section].Name +
                               "': the address at offset " + Twine(R.Offset) +
                               " is of function '" + R.Fn->name() +
                               "', which was erased");
  return std::move(Out);
}

/// Entries as the file holds them; new symbols must have their index.
std::vector<ElfReloc> relocationEntries(const Image::Code &Code) {
  std::vector<ElfReloc> Entries;
  Entries.reserve(Code.Relocs.size());
  for (const Image::Code::Reloc &R : Code.Relocs)
    Entries.push_back({R.Offset, R.Sym->Index, R.Type});
  return Entries;
}

/// Relocations of the record offsets in .BTF.ext, as compilers write them:
/// against the symbol of the code section. The type differs: clang 9 took
/// R_BPF_NONE, gcc has one of its own. \p Rel is the section that they are in.
std::vector<ElfReloc> extRelocations(const Object &Obj, const Image &Image,
                                     uint32_t Rel) {
  std::vector<ElfReloc> Old = Obj.Elf.relocations(Rel);
  uint32_t Type = Old.empty() ? uint32_t(ELF::R_BPF_64_NODYLD32) : Old[0].Type;
  std::map<uint32_t, uint32_t> SymbolOf; // a DenseMap has no room for ~0u
  std::vector<ElfReloc> Entries;
  for (auto [Offset, NameOff] : Image.Ext->InsnOffsetFields) {
    auto [It, New] = SymbolOf.try_emplace(NameOff, 0);
    if (New) {
      StringRef Name = Obj.Types->string(NameOff);
      for (const ElfSymbol &S : Obj.Elf.Symbols)
        // Local ones alone: their order does not depend on that of others,
        // which bpftool's linker leaves among them.
        if (S.type() == ELF::STT_SECTION && S.binding() == ELF::STB_LOCAL &&
            S.Section < Obj.Elf.Sections.size() &&
            Obj.Elf.Sections[S.Section].Name == Name)
          It->second = &S - Obj.Elf.Symbols.data();
    }
    if (It->second)
      Entries.push_back({Offset, It->second, Type});
  }
  return Entries;
}

} // namespace

Expected<Image> emit(Object &Obj) { return Emitter(Obj).run(); }

bool isIdentical(const Object &Obj, const Image &Image, std::string &Where) {
  for (const Image::Code &Code : Image.Codes) {
    const ElfSection &S = Obj.Elf.Sections[Code.Section->ElfIndex];
    Where = S.Name;
    if (S.data() != ArrayRef<uint8_t>(Code.Bytes))
      return false;
    uint32_t Rel = Obj.Elf.findRelocations(Code.Section->ElfIndex);
    std::vector<ElfReloc> Entries = relocationEntries(Code);
    if (Rel ? Obj.Elf.relocations(Rel) != Entries : !Entries.empty())
      return false;
  }
  if (Image.Ext) {
    Where = ".BTF.ext";
    uint32_t Index = Obj.Elf.findSection(".BTF.ext");
    if (Obj.Elf.Sections[Index].data() != ArrayRef<uint8_t>(Image.ExtBytes))
      return false;
    if (uint32_t Rel = Obj.Elf.findRelocations(Index))
      if (Obj.Elf.relocations(Rel) != extRelocations(Obj, Image, Rel))
        return false;
  }
  if (Obj.JumpTableSection) {
    Where = ".jumptables";
    if (Obj.Elf.Sections[Obj.JumpTableSection].data() !=
        ArrayRef<uint8_t>(Image.JumpTables))
      return false;
  }
  return true;
}

/// Gives every symbol of code its new place, and leaves out those whose code is
/// gone.
static void installSymbols(Object &Obj, const Image &Image) {
  ElfFile &Elf = Obj.Elf;
  DenseMap<uint32_t, std::pair<uint64_t, uint64_t>> CodeBytes; // old, new
  for (const Image::Code &Code : Image.Codes)
    CodeBytes[Code.Section->ElfIndex] = {
        Elf.Sections[Code.Section->ElfIndex].data().size(), Code.Bytes.size()};
  for (Symbol &S : Obj.Prog.Symbols) {
    if (S.Index == ~0u) {
      if (S.IsRemoved || !S.Fn)
        continue; // of a function that a later pass deleted
      ElfSymbol New;
      New.Name = S.Name;
      New.Info = uint8_t((S.IsGlobal ? ELF::STB_GLOBAL : ELF::STB_LOCAL) << 4 |
                         ELF::STT_FUNC);
      New.Section = S.Fn->section()->ElfIndex;
      New.Value = Image.FunctionOffsets.lookup(S.Fn);
      New.Size = Image.FunctionSizes.lookup(S.Fn);
      S.Index = Elf.addSymbol(std::move(New));
    } else if (S.Fn) {
      const ElfSymbol &Was = Elf.Symbols[S.Index];
      if ((S.IsGlobal && Was.binding() == ELF::STB_LOCAL) ||
          (!S.IsHidden && (Was.visibility() == ELF::STV_HIDDEN ||
                           Was.visibility() == ELF::STV_INTERNAL)))
        Elf.makeGlobal(S.Index);
      Elf.Symbols[S.Index].Value = Image.FunctionOffsets.lookup(S.Fn);
      if (Elf.Symbols[S.Index].Size)
        Elf.Symbols[S.Index].Size = Image.FunctionSizes.lookup(S.Fn);
    } else if (S.At) {
      auto It = Image.LabelOffsets.find(S.At);
      if (It == Image.LabelOffsets.end())
        Elf.removeSymbol(S.Index);
      else
        Elf.Symbols[S.Index].Value = It->second;
    } else if (S.IsRemoved) {
      Elf.removeSymbol(S.Index);
    } else if (auto It = CodeBytes.find(Elf.Symbols[S.Index].Section);
               It != CodeBytes.end() && S.Kind != Symbol::Section &&
               S.Value == It->second.first) {
      Elf.Symbols[S.Index].Value = It->second.second; // at the end of the code
    }
  }
}

Error install(Object &Obj, Image Image) {
  ElfFile &Elf = Obj.Elf;
  for (Image::Code &Code : Image.Codes)
    if (Code.Section->ElfIndex == ~0u)
      Code.Section->ElfIndex =
          Elf.addSection(Code.Section->Name, ELF::SHT_PROGBITS,
                         ELF::SHF_ALLOC | ELF::SHF_EXECINSTR, SlotBytes);
  installSymbols(Obj, Image);
  for (Image::Code &Code : Image.Codes) {
    uint32_t Index = Code.Section->ElfIndex;
    uint32_t Rel = Elf.findRelocations(Index);
    if (!Rel && !Code.Relocs.empty())
      Rel = Elf.addRelocations(Index);
    if (Rel)
      Elf.setRelocations(Rel, relocationEntries(Code));
    ElfSection &S = Elf.Sections[Index];
    S.Align = std::max<uint64_t>(S.Align, SlotBytes);
    S.setData(std::move(Code.Bytes));
  }
  if (Obj.Types && !Obj.Types->raw())
    return createStringError("no BTF to write");
  if (Image.Ext) {
    uint32_t Index = Elf.findSection(".BTF.ext");
    if (uint32_t Rel = Elf.findRelocations(Index))
      Elf.setRelocations(Rel, extRelocations(Obj, Image, Rel));
    Elf.Sections[Index].setData(std::move(Image.ExtBytes));
    auto Bytes = Obj.Types->bytes();
    if (!Bytes)
      return Bytes.takeError();
    // libbpf reads some damaged headers that it writes out in another way.
    if (auto Again = Btf::read(*Bytes); !Again)
      return createStringError("section '.BTF': cannot be extended: " +
                               toString(Again.takeError()));
    Elf.Sections[Elf.findSection(".BTF")].setData(std::move(*Bytes));
  }
  if (Obj.JumpTableSection)
    Elf.Sections[Obj.JumpTableSection].setData(std::move(Image.JumpTables));
  for (const DataReference &R : Obj.DataReferences) {
    ArrayRef<uint8_t> Old = Elf.Sections[R.Section].data();
    ByteVector Data(Old.begin(), Old.end());
    support::endian::write<uint64_t>(
        Data.data() + R.Offset, Image.FunctionOffsets.lookup(R.Fn), Elf.Endian);
    Elf.Sections[R.Section].setData(std::move(Data));
  }
  return Error::success();
}

} // namespace prepatch
