//===- TestObject.h - Small objects, made in the test ---------------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Two ways to an object: put together from encoded instructions, records and
// symbols (ObjectSpec; LLVM's yaml2obj writes the file, so that nothing of
// ours is on both sides of a comparison), or assembled from text.
//===----------------------------------------------------------------------===//
#ifndef PREPATCH_TEST_UNIT_OBJECT_TESTOBJECT_H
#define PREPATCH_TEST_UNIT_OBJECT_TESTOBJECT_H

#include "ISA/Encoding.h"
#include "Object/Object.h"
#include "llvm/ADT/SmallString.h"

namespace prepatch::test {

using File = llvm::SmallString<0>;

struct SymbolSpec {
  std::string Name;
  std::string Section; ///< empty: undefined
  uint64_t Value = 0;  ///< bytes
  uint64_t Size = 0;   ///< bytes
  std::string Type = "STT_FUNC";
  std::string Binding = "STB_GLOBAL";
};

struct RelocSpec {
  uint64_t Offset; ///< bytes
  std::string Symbol;
  std::string Type;
  bool operator==(const RelocSpec &) const = default;
};

/// Records of .BTF.ext; Slot is an instruction slot.
struct LineSpec {
  uint32_t Slot;
  uint32_t Line;
  bool operator==(const LineSpec &) const = default;
};
struct CoreSpec {
  uint32_t Slot;
  uint32_t Kind;
  bool operator==(const CoreSpec &) const = default;
};

struct CodeSpec {
  std::string Name;
  std::vector<RawInsn> Slots;
  std::vector<RelocSpec> Relocs;
  std::vector<uint32_t> FuncStarts; ///< slots that have a func_info
  std::vector<LineSpec> Lines;
  std::vector<CoreSpec> Cores;
};

struct DataSpec {
  std::string Name;
  std::vector<uint8_t> Bytes;
  std::vector<RelocSpec> Relocs;
};

struct ObjectSpec {
  llvm::endianness Endian = llvm::endianness::little;
  std::vector<CodeSpec> Code;
  std::vector<DataSpec> Data;
  std::vector<SymbolSpec> Symbols;

  /// The whole file.
  File build() const;
  /// Contents of sections.
  ByteVector code(const CodeSpec &C) const;
  ByteVector btf() const;
  ByteVector btfExt() const;
};

/// The object in \p Image, or an empty pointer and a failed test. \p Image
/// must outlive it.
std::unique_ptr<Object> read(const File &Image);
/// Writes \p Obj as changed; empty after a failed test.
File write(Object &Obj);
/// What writing \p Obj as changed fails with; empty if it does not.
std::string writeError(Object &Obj);

/// Assembles \p Text for BPF; a failure ends the process.
File assemble(llvm::StringRef Text, llvm::StringRef Cpu = "v4",
              bool BigEndian = false);

/// Contents of section \p Name of \p Image.
ByteVector contents(const File &Image, llvm::StringRef Name);

/// "name section value size" of every symbol, in order.
std::vector<std::string> symbols(const File &Image);

/// "offset symbol type" of every relocation of section \p Name.
std::vector<std::string> relocations(const File &Image, llvm::StringRef Name);

/// The instructions of section \p Name as our disassembler prints them, one a
/// line, branch targets as "+n".
std::string listing(const File &Image, llvm::StringRef Name);

} // namespace prepatch::test

#endif
