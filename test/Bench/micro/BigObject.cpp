//===- BigObject.cpp - Objects of any size for the benchmarks ------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Writes the smallest ELF file that holds a program: code, symbols, names.
//===----------------------------------------------------------------------===//

#include "BigObject.h"
#include "ISA/Encoding.h"
#include "ISA/Opcodes.h"
#include "llvm/BinaryFormat/ELF.h"
#include <cstring>
#include <vector>

using namespace llvm;

namespace prepatch {

static std::vector<RawInsn> makeCode(size_t Insns) {
  const RawInsn Pattern[] = {
      {ClassLdx | SizeW | ModeMem, 2, 6, 0, 0}, // r2 = *(u32 *)(r6 + 0)
      {ClassAlu64 | AluAdd, 2, 0, 0, 7},        // r2 += 7
      {ClassAlu64 | AluXor | SrcReg, 7, 2, 0, 0},
      {OpCall, 0, 0, 0, 5},           // bpf_ktime_get_ns()
      {ClassJmp | JmpEq, 7, 0, 5, 0}, // over the next five
      {ClassStx | SizeDw | ModeMem, 10, 7, -8, 0},
      {ClassLdx | SizeDw | ModeMem, 7, 10, -8, 0},
      {ClassAlu | AluRsh, 7, 0, 0, 3},
      {ClassAlu64 | AluOr, 7, 0, 0, 1},
      {OpMov64Imm, 3, 0, 0, 12},
  };
  std::vector<RawInsn> Code = {{OpMov64Reg, 6, 1, 0, 0},
                               {OpMov64Imm, 7, 0, 0, 0}};
  while (Code.size() + std::size(Pattern) + 2 <= Insns)
    Code.insert(Code.end(), std::begin(Pattern), std::end(Pattern));
  while (Code.size() + 2 < Insns)
    Code.push_back({OpMov64Imm, 3, 0, 0, 12});
  Code.push_back({OpMov64Imm, 0, 0, 0, 2});
  Code.push_back({OpExit, 0, 0, 0, 0});
  return Code;
}

namespace {
/// Appends the parts of a file.
class FileWriter {
public:
  explicit FileWriter(size_t HeaderSize) : Bytes(HeaderSize, '\0') {}
  /// Returns where they went.
  size_t append(const void *Data, size_t Size) {
    Bytes.resize((Bytes.size() + 7) / 8 * 8);
    size_t At = Bytes.size();
    Bytes.append(static_cast<const char *>(Data), Size);
    return At;
  }
  std::string Bytes;
};
} // namespace

static ELF::Elf64_Shdr section(unsigned Name, unsigned Type, size_t Offset,
                               size_t Size) {
  ELF::Elf64_Shdr S = {};
  S.sh_name = Name;
  S.sh_type = Type;
  S.sh_offset = Offset;
  S.sh_size = Size;
  S.sh_addralign = 8;
  return S;
}

std::string makeBigObject(size_t Insns) {
  std::vector<RawInsn> Code = makeCode(Insns);
  std::string Slots(8 * Code.size(), '\0');
  for (size_t I = 0; I != Code.size(); ++I)
    encodeSlot(Code[I], reinterpret_cast<uint8_t *>(&Slots[8 * I]),
               endianness::little);

  const char Names[] = "\0xdp\0big\0.symtab\0.strtab";
  ELF::Elf64_Sym Symbols[2] = {};
  Symbols[1].st_name = 5; // "big"
  Symbols[1].st_info = ELF::STB_GLOBAL << 4 | ELF::STT_FUNC;
  Symbols[1].st_shndx = 1;
  Symbols[1].st_size = Slots.size();

  FileWriter File(sizeof(ELF::Elf64_Ehdr));
  size_t CodeAt = File.append(Slots.data(), Slots.size());
  size_t SymbolsAt = File.append(Symbols, sizeof(Symbols));
  size_t NamesAt = File.append(Names, sizeof(Names));
  ELF::Elf64_Shdr Sections[] = {
      {},
      section(1, ELF::SHT_PROGBITS, CodeAt, Slots.size()),
      section(9, ELF::SHT_SYMTAB, SymbolsAt, sizeof(Symbols)),
      section(17, ELF::SHT_STRTAB, NamesAt, sizeof(Names)),
  };
  Sections[1].sh_flags = ELF::SHF_ALLOC | ELF::SHF_EXECINSTR;
  Sections[2].sh_link = 3;
  Sections[2].sh_info = 1;
  Sections[2].sh_entsize = sizeof(ELF::Elf64_Sym);
  Sections[3].sh_addralign = 1;
  size_t SectionsAt = File.append(Sections, sizeof(Sections));

  ELF::Elf64_Ehdr Header = {};
  memcpy(Header.e_ident, ELF::ElfMagic, 4);
  Header.e_ident[ELF::EI_CLASS] = ELF::ELFCLASS64;
  Header.e_ident[ELF::EI_DATA] = ELF::ELFDATA2LSB;
  Header.e_ident[ELF::EI_VERSION] = ELF::EV_CURRENT;
  Header.e_type = ELF::ET_REL;
  Header.e_machine = ELF::EM_BPF;
  Header.e_version = ELF::EV_CURRENT;
  Header.e_ehsize = sizeof(Header);
  Header.e_shoff = SectionsAt;
  Header.e_shentsize = sizeof(ELF::Elf64_Shdr);
  Header.e_shnum = std::size(Sections);
  Header.e_shstrndx = 3;
  memcpy(&File.Bytes[0], &Header, sizeof(Header));
  return File.Bytes;
}

} // namespace prepatch
