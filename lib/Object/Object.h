//===- Object.h - A BPF object, in and out -------------------------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//   auto Obj = Object::read(Buffer);       ELF -> Program, checked
//   ... passes edit (*Obj)->Prog ...
//   (*Obj)->write(OS)                      Program -> ELF
//
// read() also emits what it has lifted and compares: if a section that it owns
// would come out with other bytes, the object is frozen and stays as it is.
//===----------------------------------------------------------------------===//
#ifndef PREPATCH_OBJECT_OBJECT_H
#define PREPATCH_OBJECT_OBJECT_H

#include "IR/Program.h"
#include "Object/Btf.h"
#include "Object/BtfExt.h"
#include "Object/ElfFile.h"

namespace prepatch {

/// The address of a function in a section of data, written as the offset of
/// the function in its section.
struct DataReference {
  uint32_t Section; ///< ELF index of the data section
  uint64_t Offset;  ///< bytes
  Function *Fn;
};

class Object {
public:
  /// \p Buffer must outlive the result. Errors name section and instruction.
  static llvm::Expected<std::unique_ptr<Object>>
  read(llvm::MemoryBufferRef Buffer);

  ElfFile Elf;
  std::optional<Btf> Types;
  std::optional<BtfExt> Ext;
  Program Prog;

  /// Why nothing in it may be changed; empty if it may be.
  std::string FrozenReason;
  bool isFrozen() const { return !FrozenReason.empty(); }
  /// What a user should know about what was written, one line each.
  std::vector<std::string> Notes;

  /// Puts the program into the sections again and writes the file. With
  /// \p Changed false the program is taken to be as it was read, and the file
  /// is written as it was. Call it once.
  llvm::Error write(llvm::raw_ostream &OS, bool Changed);

  /// "file.c:12:3: source text", or empty.
  std::string describeLine(const LineRecord &Line) const;

  std::vector<DataReference> DataReferences;
  /// ELF index of the section of jump tables, or 0.
  uint32_t JumpTableSection = 0;

private:
  Object() = default;
  void dropStaleDebugInfo();
};

} // namespace prepatch

#endif
