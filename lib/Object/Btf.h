//===- Btf.h - The .BTF section ------------------------------------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A thin owner of libbpf's struct btf: reading, and appending what new
// subprograms need. Types and strings that were there keep their numbers.
//===----------------------------------------------------------------------===//
#ifndef PREPATCH_OBJECT_BTF_H
#define PREPATCH_OBJECT_BTF_H

#include "IR/Program.h"
#include "Object/ElfFile.h"
#include <memory>
#include <optional>

struct btf;
struct btf_type;

namespace prepatch {

class Btf {
public:
  static llvm::Expected<Btf> read(llvm::ArrayRef<uint8_t> Data);

  /// The string at \p Off, empty where there is none.
  llvm::StringRef string(uint32_t Off) const;
  /// The type with that id, or null.
  const btf_type *type(uint32_t Id) const;
  uint32_t numTypes() const;
  /// The type under typedefs and qualifiers, or null (also on a cycle).
  const btf_type *resolve(uint32_t Id) const;

  /// Appends a FUNC with its prototype; returns its type id.
  llvm::Expected<uint32_t> addFunction(const std::string &Name,
                                       const Signature &Sig);
  /// The offset of \p Text, appended if it is not there.
  llvm::Expected<uint32_t> addString(const std::string &Text);

  /// The id of a type for \p P, appended when first asked for.
  llvm::Expected<uint32_t> typeOf(ParamType P);

  /// The section's contents, in the byte order that it was read in.
  llvm::Expected<ByteVector> bytes() const;

  btf *raw() const { return Handle.get(); }

private:
  struct Free {
    void operator()(btf *B) const;
  };
  explicit Btf(btf *B) : Handle(B) {}

  std::unique_ptr<btf, Free> Handle;
  uint32_t U64Id = 0, PointerId = 0;
};

/// Whether every type refers to types that exist and none contains itself.
llvm::Error checkTypes(const Btf &Types);

/// Appends the maps that \p Types and \p Elf define to \p Maps: .maps, the
/// older "maps" section, and the sections of global variables.
llvm::Error readMaps(const ElfFile &Elf, const Btf *Types,
                     std::deque<Map> &Maps);

} // namespace prepatch

#endif
