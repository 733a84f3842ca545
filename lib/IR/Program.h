//===- Program.h - Everything that is loaded from one object -------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The Program owns all nodes: they live in its arena until it dies, whatever
// lists they are in. It knows nothing of files; Object/ lifts into it and
// emits from it.
//===----------------------------------------------------------------------===//
#ifndef PREPATCH_IR_PROGRAM_H
#define PREPATCH_IR_PROGRAM_H

#include "IR/Function.h"
#include "llvm/Support/Allocator.h"
#include <deque>
#include <memory>
#include <vector>

namespace prepatch {

/// A map as its definition describes it. Numbers as in <linux/bpf.h>.
struct Map {
  std::string Name;
  uint32_t Type = 0;
  uint32_t KeySize = 0;   ///< bytes
  uint32_t ValueSize = 0; ///< bytes
  uint32_t MaxEntries = 0;
  uint32_t Flags = 0;
  /// A global variable section (.data, .rodata, .bss, .kconfig) that the
  /// loader turns into an array map.
  bool IsInternal = false;
  /// Where its definition stands: bytes from the start of that section.
  std::string SectionName;
  uint64_t Offset = 0;
  /// Of a map of maps: what its elements are like, if its definition says so.
  const Map *Inner = nullptr;
};

/// What relocations name.
class Symbol {
public:
  enum KindType : uint8_t { Undefined, Function, Data, Section, Other };

  std::string Name;
  KindType Kind = Other;
  bool IsGlobal = false; ///< binding global or weak
  bool IsWeak = false;
  bool IsHidden = false; ///< visibility hidden or internal
  uint32_t Index = 0;    ///< in the symbol table; ~0u for one that a pass made
  std::string SectionName;      ///< of a defined symbol
  uint64_t Value = 0;           ///< bytes from the start of its section
  uint64_t Size = 0;            ///< bytes
  class Function *Fn = nullptr; ///< the function that it names, if any
  /// The instruction that it names, for a label inside a function. Clang
  /// leaves such labels in objects that were compiled without -g.
  const Insn *At = nullptr;
  /// Of a function that was erased: left out of what is written.
  bool IsRemoved = false;
  const Map *MapDef = nullptr; ///< the map that it names, if any
};

/// A table of code addresses for gotox, in .jumptables.
struct JumpTable {
  uint64_t Offset; ///< bytes from the start of its section
  std::vector<BasicBlock *> Targets;
};

/// An executable section: functions in layout order.
struct CodeSection {
  std::string Name;
  uint32_t ElfIndex = ~0u; ///< ~0u for one that a pass made
  /// .text: what libbpf appends to the programs that call it.
  bool HoldsSubprograms = false;
  llvm::simple_ilist<Function> Functions;
};

class Program {
  friend class Builder;

public:
  Program();
  ~Program();
  Program(const Program &) = delete;
  Program &operator=(const Program &) = delete;

  /// Sections in file order.
  std::deque<CodeSection> Sections;
  /// Symbols in file order, then those that passes made.
  std::deque<Symbol> Symbols;
  std::deque<Map> Maps;
  std::deque<JumpTable> JumpTables;
  /// The license, without the terminating zero; empty if there is none.
  std::string License;

  CodeSection &createSection(std::string Name, bool HoldsSubprograms);
  /// Appends a function to \p Section.
  Function &createFunction(CodeSection &Section, std::string Name);
  /// Takes \p F out of its section, with the symbols that name it. Nothing may
  /// refer to it any more. Its FUNC in BTF stays: types keep their numbers, and
  /// loaders accept one that no code belongs to.
  void eraseFunction(Function &F);
  /// A name that no symbol has: \p Base, or \p Base with a number.
  std::string uniqueName(const std::string &Base) const;

  /// Appends a subprogram to .text, with a symbol; its body is empty.
  Function &createSubprogram(const std::string &BaseName, Signature Sig);

  /// The map whose address or whose value's address \p I loads, or null.
  const Map *mapOf(const Insn &I) const;

  CodeSection *findSection(llvm::StringRef Name);
  Function *findFunction(llvm::StringRef Name);

  /// Bytes of heap that the nodes take.
  size_t bytesAllocated() const { return Arena.getTotalMemory(); }

private:
  llvm::BumpPtrAllocator Arena;
  std::vector<std::unique_ptr<Function>> OwnedFunctions;
};

} // namespace prepatch

#endif
