//===- ElfWrite.cpp - Writing an ELF object ------------------------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Two ways out. Where every section still has its size, the input is copied
// and changed sections are put in their places. Else all sections are laid out
// anew, in the order of the input.
//===----------------------------------------------------------------------===//

#include "Object/ElfFile.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/BinaryFormat/ELF.h"
#include "llvm/Object/ELFTypes.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/LEB128.h"
#include "llvm/Support/MathExtras.h"

using namespace llvm;
using namespace llvm::object;

namespace prepatch {

static constexpr unsigned HeaderBytes = sizeof(ELF64LE::Ehdr);
static constexpr unsigned SectionHeaderBytes = sizeof(ELF64LE::Shdr);
static constexpr unsigned SymbolBytes = sizeof(ELF64LE::Sym);

namespace {
/// Old index -> new index; Gone for what is not written.
struct Renumbering {
  static constexpr uint32_t Gone = ~0u;
  std::vector<uint32_t> Sections;
  std::vector<uint32_t> Symbols;
  std::vector<uint32_t> SymbolOrder; ///< old indices in new order
};

class FieldWriter {
public:
  FieldWriter(ByteVector &Out, endianness Endian) : Out(Out), Endian(Endian) {}
  template <class T> void put(T Value) {
    size_t At = Out.size();
    Out.resize(At + sizeof(T));
    support::endian::write<T>(Out.data() + At, Value, Endian);
  }

private:
  ByteVector &Out;
  endianness Endian;
};
} // namespace

bool ElfFile::isRenumbered() const {
  return any_of(Sections,
                [](const ElfSection &S) { return S.Added || S.Removed; }) ||
         any_of(Symbols, [](const ElfSymbol &S) {
           return S.Added || S.Removed || S.Rebound;
         });
}

void ElfFile::makeGlobal(uint32_t Index) {
  ElfSymbol &S = Symbols[Index];
  // A local symbol moves behind all that stay local.
  S.Rebound |= S.binding() == ELF::STB_LOCAL;
  S.Info = uint8_t(ELF::STB_GLOBAL << 4 | S.type());
  S.Other &= ~3;
}

static bool isGone(const ElfFile &File, const ElfSymbol &S) {
  return S.Removed ||
         (S.Section < ELF::SHN_LORESERVE && File.Sections[S.Section].Removed);
}

static Renumbering renumber(const ElfFile &File) {
  Renumbering R;
  uint32_t Next = 0;
  for (const ElfSection &S : File.Sections)
    R.Sections.push_back(S.Removed ? Renumbering::Gone : Next++);
  R.Symbols.assign(File.Symbols.size(), Renumbering::Gone);
  // ELF wants local symbols before all others.
  for (bool Local : {true, false})
    for (uint32_t I = 0; I < File.Symbols.size(); ++I) {
      const ElfSymbol &S = File.Symbols[I];
      if ((S.binding() == ELF::STB_LOCAL) != Local || isGone(File, S))
        continue;
      R.Symbols[I] = R.SymbolOrder.size();
      R.SymbolOrder.push_back(I);
    }
  return R;
}

/// The list of address-significant symbols: one ULEB128 index after another.
static ByteVector renumberAddrsig(ArrayRef<uint8_t> Data,
                                  const Renumbering &R) {
  SmallString<64> Out;
  raw_svector_ostream OS(Out);
  for (const uint8_t *P = Data.begin(); P < Data.end();) {
    unsigned Length = 0;
    const char *Wrong = nullptr;
    uint64_t Index = decodeULEB128(P, &Length, Data.end(), &Wrong);
    if (Wrong)
      break;
    P += Length;
    if (Index < R.Symbols.size() && R.Symbols[Index] != Renumbering::Gone)
      encodeULEB128(R.Symbols[Index], OS);
  }
  return ByteVector(Out.begin(), Out.end());
}

Error ElfFile::finalize() {
  bool Renumbered = isRenumbered();
  Renumbering R;
  if (Renumbered) {
    R = renumber(*this);
    for (uint32_t I = 0; I < Sections.size(); ++I) {
      ElfSection &S = Sections[I];
      if (S.Removed)
        continue;
      if (S.Type == ELF::SHT_REL) {
        std::vector<ElfReloc> Relocs = relocations(I);
        for (ElfReloc &Rel : Relocs) {
          if (R.Symbols[Rel.Symbol] == Renumbering::Gone)
            return createStringError(
                "section '" + S.Name + "': relocation at offset " +
                Twine(Rel.Offset) + " names symbol '" +
                Symbols[Rel.Symbol].Name + "', which was removed");
          Rel.Symbol = R.Symbols[Rel.Symbol];
        }
        setRelocations(I, Relocs);
      } else if (S.Type == ELF::SHT_LLVM_ADDRSIG) {
        S.setData(renumberAddrsig(S.data(), R));
      }
    }
  } else {
    for (uint32_t I = 0; I < Symbols.size(); ++I)
      R.SymbolOrder.push_back(I);
  }

  ByteVector Table;
  Table.reserve(R.SymbolOrder.size() * SymbolBytes);
  FieldWriter W(Table, Endian);
  uint32_t Locals = 0;
  for (uint32_t I : R.SymbolOrder) {
    const ElfSymbol &S = Symbols[I];
    Locals += S.binding() == ELF::STB_LOCAL;
    bool Reserved = S.Section >= ELF::SHN_LORESERVE;
    W.put<uint32_t>(S.NameOff);
    W.put<uint8_t>(S.Info);
    W.put<uint8_t>(S.Other);
    W.put<uint16_t>(Reserved || !Renumbered ? S.Section
                                            : R.Sections[S.Section]);
    W.put<uint64_t>(S.Value);
    W.put<uint64_t>(S.Size);
  }
  Sections[SymbolTable].setData(std::move(Table));
  if (!Renumbered)
    return Error::success();
  Sections[SymbolTable].Info = Locals;

  for (ElfSection &S : Sections) {
    if (S.Removed)
      continue;
    uint32_t Link = R.Sections[S.Link];
    S.Link = Link == Renumbering::Gone ? 0 : Link;
    if (S.Type == ELF::SHT_REL)
      S.Info = R.Sections[S.Info];
  }
  NameTable = R.Sections[NameTable];
  SymbolTable = R.Sections[SymbolTable];
  llvm::erase_if(Sections, [](const ElfSection &S) { return S.Removed; });
  return Error::success();
}

void ElfFile::writePatched(raw_ostream &OS) const {
  ByteVector Out(Bytes.begin(), Bytes.end());
  for (const ElfSection &S : Sections)
    if (S.isChanged())
      copy(S.data(), Out.begin() + S.Offset);
  OS.write(reinterpret_cast<const char *>(Out.data()), Out.size());
}

void ElfFile::writeLaidOut(raw_ostream &OS) const {
  std::vector<uint32_t> Order;
  for (uint32_t I = 1; I < Sections.size(); ++I)
    Order.push_back(I);
  llvm::stable_sort(Order, [&](uint32_t A, uint32_t B) {
    auto Key = [&](const ElfSection &S) {
      return std::pair(S.Added, S.Offset);
    };
    return Key(Sections[A]) < Key(Sections[B]);
  });

  ByteVector Out(Bytes.begin(), Bytes.begin() + HeaderBytes);
  std::vector<uint64_t> Offsets(Sections.size());
  for (uint32_t I : Order) {
    const ElfSection &S = Sections[I];
    Out.resize(alignTo(Out.size(), std::max<uint64_t>(S.Align, 1)));
    Offsets[I] = Out.size();
    Out.append(S.data().begin(), S.data().end());
  }
  Out.resize(alignTo(Out.size(), 8));
  uint64_t HeaderTable = Out.size();
  FieldWriter W(Out, Endian);
  for (uint32_t I = 0; I < Sections.size(); ++I) {
    const ElfSection &S = Sections[I];
    W.put<uint32_t>(S.NameOff);
    W.put<uint32_t>(S.Type);
    W.put<uint64_t>(S.Flags);
    W.put<uint64_t>(S.Addr);
    W.put<uint64_t>(Offsets[I]);
    W.put<uint64_t>(S.Size);
    W.put<uint32_t>(S.Link);
    W.put<uint32_t>(S.Info);
    W.put<uint64_t>(S.Align);
    W.put<uint64_t>(S.EntSize);
  }
  support::endian::write<uint64_t>(
      Out.data() + offsetof(ELF::Elf64_Ehdr, e_shoff), HeaderTable, Endian);
  support::endian::write<uint16_t>(
      Out.data() + offsetof(ELF::Elf64_Ehdr, e_shnum), Sections.size(), Endian);
  support::endian::write<uint16_t>(
      Out.data() + offsetof(ELF::Elf64_Ehdr, e_shstrndx), NameTable, Endian);
  static_assert(sizeof(ELF::Elf64_Shdr) == SectionHeaderBytes);
  OS.write(reinterpret_cast<const char *>(Out.data()), Out.size());
}

Error ElfFile::write(raw_ostream &OS) {
  bool Renumbered = isRenumbered();
  if (Error E = finalize())
    return E;
  // A section that got shorter may have left a relocation behind.
  if (Error E = checkRelocations())
    return E;
  bool SameSizes = none_of(Sections, [](const ElfSection &S) {
    return S.isChanged() && S.data().size() != S.OldData.size();
  });
  if (SameSizes && !Renumbered)
    writePatched(OS);
  else
    writeLaidOut(OS);
  return Error::success();
}

} // namespace prepatch
