//===- ProgramSource.h - A loaded program in terms of its source ---------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The kernel counts instructions of the program as it was loaded, subprograms
// appended. This finds the instruction in the object, its source line, where
// ways meet, and who wrote a register or stack slot last.
//===----------------------------------------------------------------------===//
#ifndef PREPATCH_TUNE_PROGRAMSOURCE_H
#define PREPATCH_TUNE_PROGRAMSOURCE_H

#include "Analysis/CallGraph.h"
#include "Analysis/Cfg.h"
#include "Object/Object.h"
#include "Report/Explanation.h"
#include "Tune/KernelSession.h"
#include "Widening/DecisionsVars.h"

namespace prepatch {

class ProgramSource {
public:
  /// All must outlive this.
  ProgramSource(const Object &Obj, const CallGraph &Graph,
                const SessionProgram &P);

  const SessionProgram &program() const { return P; }
  /// Whether any instruction has a source line.
  bool hasLines() const { return HasLines; }

  /// Never fails: what the object does not tell is left empty.
  SourcePlace placeOf(uint32_t Flat) const;
  /// Disassembled; empty for the second slot of an ld_imm64 and for code that
  /// the object does not have.
  std::string disassembly(uint32_t Flat) const;
  /// Whether the source line of \p Flat is another than that of the
  /// instruction before it in the layout.
  bool beginsLine(uint32_t Flat) const;

  /// Where blocks begin that several ways lead to, or a branch; in order.
  llvm::ArrayRef<uint32_t> points() const { return Points; }
  /// Ways that lead to a point.
  unsigned waysTo(uint32_t Point) const;
  /// The instructions that surely follow the point \p Point, or may, until ways
  /// meet again.
  std::vector<uint32_t> regionOf(uint32_t Point) const;

  /// The instructions that may have written \p L last before the point, moves
  /// and spills followed to where the value was made.
  std::vector<uint32_t> lastWrites(uint32_t Point, Location L) const;
  /// The variable that is in \p L at the point, by debug info, or the argument
  /// by BTF if nothing has written it since the entry. Empty if neither tells.
  std::string variableName(uint32_t Point, Location L) const;

private:
  struct Slot {
    const Insn *I = nullptr;
    const LineRecord *Line = nullptr; ///< that holds there
    uint32_t Fn = 0;                  ///< place in Parts
    BasicBlock *BB = nullptr;
  };
  /// A function as loaded.
  struct Part {
    const LoadedFunction *Loaded;
    Function *F = nullptr; ///< null if it is not found, or differs
    std::unique_ptr<Cfg> Shape;
  };
  struct Walk;
  void findFunctions(const CallGraph &Graph);
  void addPart(Part &ThePart, uint32_t Number);
  uint32_t flatOf(const Part &ThePart, const Insn &I) const;
  void walkBack(Walk &W, const Insn *From, const BasicBlock &BB, Location L,
                unsigned Depth) const;
  void walkPredecessors(Walk &W, const BasicBlock &BB, Location L,
                        unsigned Depth) const;

  const Object &Obj;
  const SessionProgram &P;
  std::vector<Part> Parts;
  std::vector<Slot> Slots;
  std::vector<uint32_t> Points;
  bool HasLines = false;
  mutable DecisionsVars Variables; ///< reads debug info when it is asked
};

} // namespace prepatch

#endif
