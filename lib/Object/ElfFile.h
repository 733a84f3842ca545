//===- ElfFile.h - An ELF object as sections and symbols -----------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A relocatable BPF object, little or big endian, read in full and checked
// once. Sections and symbols keep the index that they had in the file for as
// long as the ElfFile lives; write() numbers them anew where some were added
// or removed. A file in which nothing changed is written byte for byte.
//===----------------------------------------------------------------------===//
#ifndef PREPATCH_OBJECT_ELFFILE_H
#define PREPATCH_OBJECT_ELFFILE_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/ADT/bit.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/MemoryBufferRef.h"
#include "llvm/Support/raw_ostream.h"
#include <deque>
#include <string>
#include <vector>

namespace prepatch {

using ByteVector = llvm::SmallVector<uint8_t, 0>;

struct ElfSection {
  std::string Name;
  uint32_t NameOff = 0;
  uint32_t Type = 0;
  uint64_t Flags = 0;
  uint64_t Addr = 0;
  uint64_t Offset = 0; ///< in the input file
  uint32_t Link = 0;
  uint32_t Info = 0;
  uint64_t Align = 1;
  uint64_t EntSize = 0;
  uint64_t Size = 0; ///< bytes; of NOBITS sections too
  bool Removed = false;
  bool Added = false;

  llvm::ArrayRef<uint8_t> data() const {
    return Replaced ? llvm::ArrayRef<uint8_t>(NewData) : OldData;
  }
  /// Replaces the contents, if they differ.
  void setData(ByteVector Data);
  bool isChanged() const { return Replaced; }

private:
  friend class ElfFile;
  llvm::ArrayRef<uint8_t> OldData; ///< into the buffer of the file
  ByteVector NewData;
  bool Replaced = false;
};

struct ElfSymbol {
  std::string Name;
  uint32_t NameOff = 0;
  uint8_t Info = 0;
  uint8_t Other = 0;
  uint32_t Section = 0; ///< section index or a reserved one (SHN_ABS, ...)
  uint64_t Value = 0;
  uint64_t Size = 0;
  bool Removed = false;
  bool Added = false;
  bool Rebound = false; ///< changed from local to global

  uint8_t binding() const { return Info >> 4; }
  uint8_t type() const { return Info & 0xf; }
  uint8_t visibility() const { return Other & 3; }
};

/// One entry of a REL section.
struct ElfReloc {
  uint64_t Offset; ///< bytes from the start of the section that it patches
  uint32_t Symbol; ///< index into ElfFile::Symbols
  uint32_t Type;

  bool operator==(const ElfReloc &) const = default;
};

class ElfFile {
public:
  /// Reads \p Buffer, which must outlive the result. Every offset, size, link
  /// and index in the file is checked; errors name the section.
  static llvm::Expected<ElfFile> read(llvm::MemoryBufferRef Buffer);

  llvm::endianness Endian = llvm::endianness::little;
  std::deque<ElfSection> Sections; ///< by index; 0 is the null section
  std::vector<ElfSymbol> Symbols;  ///< by index; 0 is the null symbol

  /// Index of the first section with that name, or 0.
  uint32_t findSection(llvm::StringRef Name) const;
  /// Index of the REL section that patches section \p Target, or 0.
  uint32_t findRelocations(uint32_t Target) const;
  /// Entries of the REL section \p Index; checked when the file was read.
  std::vector<ElfReloc> relocations(uint32_t Index) const;
  void setRelocations(uint32_t Index, llvm::ArrayRef<ElfReloc> Relocs);

  /// Adds an empty section behind the others and returns its index.
  uint32_t addSection(llvm::StringRef Name, uint32_t Type, uint64_t Flags,
                      uint64_t Align);
  /// Adds an empty REL section for section \p Target.
  uint32_t addRelocations(uint32_t Target);
  /// Adds a symbol and returns its index.
  uint32_t addSymbol(ElfSymbol Symbol);
  /// Gives a symbol global binding and default visibility.
  void makeGlobal(uint32_t Index);
  /// Leaves a section out of what is written, with its relocations and the
  /// symbols in it.
  void removeSection(uint32_t Index);

  /// Leaves a symbol out of what is written.
  void removeSymbol(uint32_t Index) { Symbols[Index].Removed = true; }

  /// Writes the file; call it once. An error if a relocation that stays names
  /// a symbol that does not.
  llvm::Error write(llvm::raw_ostream &OS);

private:
  template <class ELFT>
  static llvm::Expected<ElfFile> readAs(llvm::MemoryBufferRef Buffer);
  llvm::Error checkLayout() const;
  llvm::Error checkRelocations() const;
  bool isRenumbered() const;
  uint32_t addString(uint32_t Table, llvm::StringRef Text);

  /// Puts the sections, symbols and indices into their final form.
  llvm::Error finalize();
  void writePatched(llvm::raw_ostream &OS) const;
  void writeLaidOut(llvm::raw_ostream &OS) const;

  llvm::ArrayRef<uint8_t> Bytes; ///< the input file
  uint32_t SymbolTable = 0;      ///< section index, 0 if there is none
  uint32_t NameTable = 0;        ///< section index of the section names
};

} // namespace prepatch

#endif
