//===- Function.h - A program or subprogram ------------------------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef PREPATCH_IR_FUNCTION_H
#define PREPATCH_IR_FUNCTION_H

#include "IR/BasicBlock.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/simple_ilist.h"
#include <optional>
#include <string>

namespace prepatch {

class Program;
struct CodeSection;
struct JumpTable;

/// What a value handed to a new subprogram is; enough to describe it in BTF.
enum class ParamType : uint8_t {
  U64,     ///< a scalar of 8 bytes
  Pointer, ///< void *; fine for static functions only
};

/// How a function that a pass made is called.
struct Signature {
  llvm::SmallVector<std::pair<std::string, ParamType>, 5> Params;
  ParamType Result = ParamType::U64;
  /// Verified on its own, so parameters and result must be scalars.
  bool IsGlobal = false;
};

class Function : public llvm::ilist_node<Function> {
  friend class Builder;
  friend class Program;

  using BlockList = llvm::simple_ilist<BasicBlock>;

public:
  using iterator = BlockList::iterator;

  const std::string &name() const { return Name; }
  CodeSection *section() const { return Section; }
  Program &program() const { return Prog; }

  /// The symbol that names it; null for code that no symbol covers.
  Symbol *symbol() const { return Sym; }
  void setSymbol(Symbol *S) { Sym = S; }

  /// BTF id of its FUNC, by func_info; 0 without one.
  uint32_t btfId() const { return BtfId; }
  void setBtfId(uint32_t Id) { BtfId = Id; }

  /// Set for a function that a pass made: what to tell BTF.
  const std::optional<Signature> &signature() const { return Sig; }
  void setSignature(Signature S) { Sig = std::move(S); }

  /// Whether it is an entry (what a loader calls a program) or a subprogram.
  bool isEntry() const;
  /// Whether the verifier checks it on its own: a global subprogram. A hidden
  /// one counts as static, as libbpf turns it into that.
  bool isGlobal() const;

  /// An opaque function could not be understood in full. It is one block of
  /// instructions whose branches keep their encoded offsets, and no pass
  /// touches it.
  bool isOpaque() const { return !OpaqueReason.empty(); }
  const std::string &opaqueReason() const { return OpaqueReason; }
  void setOpaque(std::string Reason) { OpaqueReason = std::move(Reason); }

  iterator begin() { return Blocks.begin(); }
  iterator end() { return Blocks.end(); }
  bool empty() const { return Blocks.empty(); }
  BasicBlock &entry() { return Blocks.front(); }

  /// Numbers the blocks in layout order and returns how many there are.
  unsigned numberBlocks();
  /// Slots of all its instructions. Linear.
  unsigned countSlots() const;
  /// Slot index in its input section of the first instruction.
  uint32_t originalStart() const { return OrigStart; }
  void setOriginalStart(uint32_t Index) { OrigStart = Index; }

  llvm::ArrayRef<JumpTable *> jumpTables() const { return Tables; }
  void addJumpTable(JumpTable *T) { Tables.push_back(T); }

private:
  Function(Program &P, CodeSection *S, std::string N)
      : Prog(P), Section(S), Name(std::move(N)) {}

  Program &Prog;
  CodeSection *Section;
  std::string Name;
  std::string OpaqueReason;
  Symbol *Sym = nullptr;
  uint32_t BtfId = 0;
  uint32_t OrigStart = 0;
  std::optional<Signature> Sig;
  BlockList Blocks;
  llvm::SmallVector<JumpTable *, 0> Tables;
};

} // namespace prepatch

#endif
