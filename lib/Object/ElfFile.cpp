//===- ElfFile.cpp - Reading and checking an ELF object ------------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Object/ElfFile.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/BinaryFormat/ELF.h"
#include "llvm/BinaryFormat/Magic.h"
#include "llvm/Object/ELF.h"
#include "llvm/Support/Endian.h"

using namespace llvm;
using namespace llvm::object;

namespace prepatch {

static constexpr unsigned RelEntryBytes = 16;

void ElfSection::setData(ByteVector Data) {
  if (data() == ArrayRef<uint8_t>(Data))
    return;
  NewData = std::move(Data);
  Replaced = true;
  Size = NewData.size();
}

static Error fail(const Twine &What) { return createStringError(What); }

static Error failIn(const ElfSection &S, const Twine &What) {
  return fail("section '" + S.Name + "': " + What);
}

template <class ELFT>
Expected<ElfFile> ElfFile::readAs(MemoryBufferRef Buffer) {
  auto File = ELFFile<ELFT>::create(Buffer.getBuffer());
  if (!File)
    return File.takeError();
  const auto &Header = File->getHeader();
  if (Header.e_machine != ELF::EM_BPF)
    return fail("not a BPF object: expected machine " + Twine(ELF::EM_BPF) +
                ", found " + Twine(Header.e_machine));
  if (Header.e_type != ELF::ET_REL)
    return fail("not a relocatable object: expected type " +
                Twine(ELF::ET_REL) + ", found " + Twine(Header.e_type));
  if (Header.e_phnum)
    return fail("has program headers, expected none in a relocatable object");

  ElfFile Out;
  Out.Endian = ELFT::Endianness;
  Out.Bytes = arrayRefFromStringRef(Buffer.getBuffer());
  auto Headers = File->sections();
  if (!Headers)
    return Headers.takeError();
  if (Headers->empty())
    return fail("has no sections");
  if (Headers->size() >= ELF::SHN_LORESERVE)
    return fail("has " + Twine(Headers->size()) +
                " sections, expected fewer than " + Twine(ELF::SHN_LORESERVE));
  Out.NameTable = Header.e_shstrndx;
  for (const auto &H : *Headers) {
    ElfSection &S = Out.Sections.emplace_back();
    auto Name = File->getSectionName(H);
    if (!Name)
      return Name.takeError();
    S.Name = Name->str();
    S.NameOff = H.sh_name;
    S.Type = H.sh_type;
    S.Flags = H.sh_flags;
    S.Addr = H.sh_addr;
    S.Offset = H.sh_offset;
    S.Link = H.sh_link;
    S.Info = H.sh_info;
    S.Align = H.sh_addralign;
    S.EntSize = H.sh_entsize;
    S.Size = H.sh_size;
    // NOBITS sections have a size, but no bytes in the file.
    if (S.Type == ELF::SHT_NULL || S.Type == ELF::SHT_NOBITS)
      continue;
    auto Contents = File->getSectionContents(H);
    if (!Contents)
      return Contents.takeError();
    S.OldData = *Contents;
    if (S.Type == ELF::SHT_SYMTAB) {
      if (Out.SymbolTable)
        return failIn(S, "a second symbol table");
      Out.SymbolTable = Out.Sections.size() - 1;
    }
    if (S.Type == ELF::SHT_SYMTAB_SHNDX || S.Type == ELF::SHT_GROUP)
      return failIn(S, "sections of type " + Twine(S.Type) +
                           " are not supported in BPF objects");
  }
  if (Error E = Out.checkLayout())
    return std::move(E);
  if (!Out.SymbolTable)
    return fail("has no symbol table");

  const auto &Table = (*Headers)[Out.SymbolTable];
  auto Symbols = File->symbols(&Table);
  if (!Symbols)
    return Symbols.takeError();
  auto Strings = File->getStringTableForSymtab(Table, *Headers);
  if (!Strings)
    return Strings.takeError();
  for (const auto &Sym : *Symbols) {
    ElfSymbol &S = Out.Symbols.emplace_back();
    auto Name = Sym.getName(*Strings);
    if (!Name)
      return Name.takeError();
    S.Name = Name->str();
    S.NameOff = Sym.st_name;
    S.Info = Sym.st_info;
    S.Other = Sym.st_other;
    S.Section = Sym.st_shndx;
    S.Value = Sym.st_value;
    S.Size = Sym.st_size;
    if (S.Section < ELF::SHN_LORESERVE && S.Section >= Out.Sections.size())
      return fail("symbol '" + S.Name + "': section index " + Twine(S.Section) +
                  " is past the end (" + Twine(Out.Sections.size()) + ")");
  }
  // Of local binding too, or sorting would put another one before it.
  if (Out.Symbols.empty() || Out.Symbols[0].Section != ELF::SHN_UNDEF ||
      Out.Symbols[0].Info != 0)
    return fail("the symbol table does not start with the null symbol");
  if (Error E = Out.checkRelocations())
    return std::move(E);
  return std::move(Out);
}

Expected<ElfFile> ElfFile::read(MemoryBufferRef Buffer) {
  if (Buffer.getBufferSize() == 0)
    return fail("the file is empty");
  switch (identify_magic(Buffer.getBuffer())) {
  case file_magic::archive:
    return fail("is an archive, expected one ELF object");
  case file_magic::elf:
  case file_magic::elf_relocatable:
  case file_magic::elf_executable:
  case file_magic::elf_shared_object:
  case file_magic::elf_core:
    break;
  default:
    return fail("not an ELF file");
  }
  if (Buffer.getBufferSize() < sizeof(ELF64LE::Ehdr))
    return fail("truncated: " + Twine(Buffer.getBufferSize()) +
                " bytes, an ELF header has " + Twine(sizeof(ELF64LE::Ehdr)));
  auto Ident = Buffer.getBuffer().bytes_begin();
  if (Ident[ELF::EI_CLASS] != ELF::ELFCLASS64)
    return fail("not a 64-bit ELF file");
  if (Ident[ELF::EI_DATA] == ELF::ELFDATA2LSB)
    return readAs<ELF64LE>(Buffer);
  if (Ident[ELF::EI_DATA] == ELF::ELFDATA2MSB)
    return readAs<ELF64BE>(Buffer);
  return fail("unknown byte order " + Twine(Ident[ELF::EI_DATA]));
}

/// Sections must not share bytes: writing one would change the other.
Error ElfFile::checkLayout() const {
  SmallVector<const ElfSection *, 32> Order;
  for (const ElfSection &S : drop_begin(Sections))
    if (!S.data().empty())
      Order.push_back(&S);
  llvm::stable_sort(Order, [](const ElfSection *A, const ElfSection *B) {
    return A->Offset < B->Offset;
  });
  uint64_t End = sizeof(ELF64LE::Ehdr);
  const ElfSection *Last = nullptr;
  for (const ElfSection *S : Order) {
    if (S->Offset < End)
      return failIn(*S, Last ? "overlaps section '" + Last->Name + "'"
                             : Twine("overlaps the ELF header"));
    End = S->Offset + S->data().size();
    Last = S;
  }
  for (const ElfSection &S : Sections) {
    if (S.Link >= Sections.size())
      return failIn(S, "links to section " + Twine(S.Link) +
                           ", past the end (" + Twine(Sections.size()) + ")");
    if (!isPowerOf2_64(std::max<uint64_t>(S.Align, 1)) || S.Align > 4096)
      return failIn(S, "alignment " + Twine(S.Align) +
                           " is not a power of two up to 4096");
  }
  return Error::success();
}

Error ElfFile::checkRelocations() const {
  SmallVector<bool, 32> Patched(Sections.size());
  for (uint32_t I = 0; I < Sections.size(); ++I) {
    const ElfSection &S = Sections[I];
    if (S.Type != ELF::SHT_REL)
      continue;
    if (S.Info == 0 || S.Info >= Sections.size())
      return failIn(S, "patches section " + Twine(S.Info) +
                           ", which does not exist");
    if (S.Link != SymbolTable)
      return failIn(S, "links to section " + Twine(S.Link) +
                           ", expected the symbol table " + Twine(SymbolTable));
    if (S.data().size() % RelEntryBytes)
      return failIn(S, "size " + Twine(S.data().size()) +
                           " is not a multiple of " + Twine(RelEntryBytes));
    const ElfSection &Target = Sections[S.Info];
    if (std::exchange(Patched[S.Info], true))
      return failIn(S, "a second relocation section for '" + Target.Name + "'");
    for (const ElfReloc &R : relocations(I)) {
      if (R.Offset >= Target.Size)
        return failIn(S, "relocation at offset " + Twine(R.Offset) +
                             " is past the end of '" + Target.Name + "' (" +
                             Twine(Target.Size) + ")");
      if (R.Symbol >= Symbols.size())
        return failIn(S, "relocation at offset " + Twine(R.Offset) +
                             " names symbol " + Twine(R.Symbol) +
                             ", past the end (" + Twine(Symbols.size()) + ")");
    }
  }
  return Error::success();
}

uint32_t ElfFile::findSection(StringRef Name) const {
  for (uint32_t I = 1; I < Sections.size(); ++I)
    if (Sections[I].Name == Name && !Sections[I].Removed)
      return I;
  return 0;
}

uint32_t ElfFile::findRelocations(uint32_t Target) const {
  for (uint32_t I = 1; I < Sections.size(); ++I)
    if (Sections[I].Type == ELF::SHT_REL && Sections[I].Info == Target)
      return I;
  return 0;
}

std::vector<ElfReloc> ElfFile::relocations(uint32_t Index) const {
  ArrayRef<uint8_t> Data = Sections[Index].data();
  std::vector<ElfReloc> Relocs(Data.size() / RelEntryBytes);
  const uint8_t *P = Data.data();
  for (ElfReloc &R : Relocs) {
    R.Offset = support::endian::read<uint64_t>(P, Endian);
    uint64_t Info = support::endian::read<uint64_t>(P + 8, Endian);
    R.Symbol = Info >> 32;
    R.Type = Info;
    P += RelEntryBytes;
  }
  return Relocs;
}

void ElfFile::setRelocations(uint32_t Index, ArrayRef<ElfReloc> Relocs) {
  ByteVector Data;
  Data.resize_for_overwrite(Relocs.size() * RelEntryBytes);
  uint8_t *P = Data.data();
  for (const ElfReloc &R : Relocs) {
    support::endian::write<uint64_t>(P, R.Offset, Endian);
    support::endian::write<uint64_t>(P + 8, uint64_t(R.Symbol) << 32 | R.Type,
                                     Endian);
    P += RelEntryBytes;
  }
  Sections[Index].setData(std::move(Data));
}

uint32_t ElfFile::addString(uint32_t Table, StringRef Text) {
  ArrayRef<uint8_t> Old = Sections[Table].data();
  ByteVector Data(Old.begin(), Old.end());
  uint32_t Off = Data.size();
  Data.append(Text.bytes_begin(), Text.bytes_end());
  Data.push_back(0);
  Sections[Table].setData(std::move(Data));
  return Off;
}

uint32_t ElfFile::addSection(StringRef Name, uint32_t Type, uint64_t Flags,
                             uint64_t Align) {
  uint32_t NameOff = addString(NameTable, Name);
  ElfSection &S = Sections.emplace_back();
  S.Name = Name.str();
  S.NameOff = NameOff;
  S.Type = Type;
  S.Flags = Flags;
  S.Align = Align;
  S.Added = true;
  return Sections.size() - 1;
}

uint32_t ElfFile::addRelocations(uint32_t Target) {
  uint32_t Index = addSection(".rel" + Sections[Target].Name, ELF::SHT_REL,
                              ELF::SHF_INFO_LINK, 8);
  ElfSection &S = Sections[Index];
  S.Link = SymbolTable;
  S.Info = Target;
  S.EntSize = RelEntryBytes;
  return Index;
}

uint32_t ElfFile::addSymbol(ElfSymbol Symbol) {
  Symbol.Added = true;
  Symbol.NameOff = addString(Sections[SymbolTable].Link, Symbol.Name);
  Symbols.push_back(std::move(Symbol));
  return Symbols.size() - 1;
}

void ElfFile::removeSection(uint32_t Index) {
  Sections[Index].Removed = true;
  if (uint32_t Relocs = findRelocations(Index))
    Sections[Relocs].Removed = true;
}

} // namespace prepatch
