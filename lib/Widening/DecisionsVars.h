//===- DecisionsVars.h - Names of local variables, by DWARF --------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Internal to the decisions. BTF has no local variables; where an object has
// .debug_info too, it tells which variable a register or a slot holds.
//===----------------------------------------------------------------------===//
#ifndef PREPATCH_WIDENING_DECISIONSVARS_H
#define PREPATCH_WIDENING_DECISIONSVARS_H

#include "Object/Object.h"
#include "Widening/Sequences.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/MemoryBuffer.h"

namespace llvm {
class DWARFContext;
class DWARFDie;
} // namespace llvm

namespace prepatch {

class DecisionsVars {
public:
  /// Reads nothing before it is asked. \p Obj must outlive it, as it was read.
  explicit DecisionsVars(const Object &Obj);
  ~DecisionsVars();

  /// Variables that are in \p L before the instruction at \p LocalIndex of the
  /// input, innermost scope last. Empty without debug info.
  std::vector<llvm::StringRef> namesAt(const Function &F, uint32_t LocalIndex,
                                       Location L);

private:
  struct Range {
    uint64_t Begin, End; ///< bytes from the start of the function
    Location Where;
    std::string Name;
  };
  void open();
  void readVariables(const llvm::DWARFDie &Scope, uint64_t Begin, uint64_t End,
                     uint64_t Base, std::vector<Range> &To);

  const Object &Obj;
  bool Opened = false;
  llvm::StringMap<std::unique_ptr<llvm::MemoryBuffer>> Sections;
  std::unique_ptr<llvm::DWARFContext> Dwarf;
  llvm::StringMap<llvm::SmallVector<llvm::DWARFDie, 1>> Dies; ///< by name
  llvm::DenseMap<const Function *, std::vector<Range>> Ranges;
};

} // namespace prepatch

#endif
