//===- Emit.h - Program -> sections --------------------------------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef PREPATCH_OBJECT_EMIT_H
#define PREPATCH_OBJECT_EMIT_H

#include "Object/Object.h"
#include "llvm/ADT/DenseMap.h"

namespace prepatch {

/// The sections that the program turns into.
struct Image {
  struct Code {
    CodeSection *Section;
    ByteVector Bytes;
    /// Symbol: an IR symbol, as new ones have no index yet.
    struct Reloc {
      uint64_t Offset;
      Symbol *Sym;
      uint32_t Type;
    };
    std::vector<Reloc> Relocs;
  };
  std::vector<Code> Codes;
  llvm::DenseMap<const Function *, uint64_t> FunctionOffsets; ///< bytes
  llvm::DenseMap<const Function *, uint64_t> FunctionSizes;   ///< bytes
  /// Bytes of the instructions that symbols name; absent for erased ones.
  llvm::DenseMap<const Insn *, uint64_t> LabelOffsets;
  std::optional<BtfExt> Ext;
  ByteVector ExtBytes;
  ByteVector JumpTables;
};

/// Lays the program out and encodes it. Branches that do not reach are an
/// error: relax first. Changes nothing in \p Obj but strings added to BTF.
llvm::Expected<Image> emit(Object &Obj);

/// Whether \p Image is what the sections of \p Obj hold already; if not, the
/// name of the first section that differs goes to \p Where.
bool isIdentical(const Object &Obj, const Image &Image, std::string &Where);

/// Puts \p Image into the sections of \p Obj.
llvm::Error install(Object &Obj, Image Image);

} // namespace prepatch

#endif
