//===- WeakExterns.cpp - make an object's externs optional ----------------===//
//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Edits the symbol table in the image; every offset is checked, the file may be
// anything.
//
//===----------------------------------------------------------------------===//

#include "WeakExterns.h"

#include <cstring>
#include <elf.h>

using namespace prepatch;

/// Copies a T out of Image; false if it is not all inside.
template <typename T>
static bool readAt(const std::string &Image, uint64_t Offset, T &Value) {
  if (Offset > Image.size() || Image.size() - Offset < sizeof(T))
    return false;
  memcpy(&Value, Image.data() + Offset, sizeof(T));
  return true;
}

static std::string stringAt(const std::string &Image, const Elf64_Shdr &Table,
                            uint32_t Name) {
  uint64_t Offset = Table.sh_offset + Name;
  if (Name >= Table.sh_size || Offset >= Image.size())
    return {};
  return std::string(Image.data() + Offset,
                     strnlen(Image.data() + Offset, Image.size() - Offset));
}

std::vector<std::string> prepatch::makeExternsWeak(std::string &Image) {
  std::vector<std::string> Names;
  Elf64_Ehdr Header;
  if (!readAt(Image, 0, Header) ||
      memcmp(Header.e_ident, ELFMAG, SELFMAG) != 0 ||
      Header.e_ident[EI_CLASS] != ELFCLASS64 ||
      Header.e_ident[EI_DATA] != ELFDATA2LSB)
    return Names;
  for (unsigned I = 0; I != Header.e_shnum; ++I) {
    Elf64_Shdr Section, Strings = {};
    if (!readAt(Image, Header.e_shoff + uint64_t(I) * sizeof(Section),
                Section) ||
        Section.sh_type != SHT_SYMTAB)
      continue;
    readAt(Image, Header.e_shoff + uint64_t(Section.sh_link) * sizeof(Strings),
           Strings);
    for (uint64_t At = 0; At + sizeof(Elf64_Sym) <= Section.sh_size;
         At += sizeof(Elf64_Sym)) {
      Elf64_Sym Symbol;
      if (!readAt(Image, Section.sh_offset + At, Symbol))
        break;
      if (Symbol.st_shndx != SHN_UNDEF || Symbol.st_name == 0 ||
          ELF64_ST_BIND(Symbol.st_info) != STB_GLOBAL)
        continue;
      Symbol.st_info = ELF64_ST_INFO(STB_WEAK, ELF64_ST_TYPE(Symbol.st_info));
      memcpy(&Image[Section.sh_offset + At], &Symbol, sizeof(Symbol));
      Names.push_back(stringAt(Image, Strings, Symbol.st_name));
    }
  }
  return Names;
}
