//===- DecisionsMap.h - A function as decisions files see it -------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Internal to the decisions: the instructions of a function in layout order
// without no-ops of ours, with what describes each as a place, and the values
// at a place with what writes and reads them. It is the same for a program in
// memory and for the one that reads it from the object it was written to:
// blocks begin where control comes in, not where a pass has split them.
//===----------------------------------------------------------------------===//
#ifndef PREPATCH_WIDENING_DECISIONSMAP_H
#define PREPATCH_WIDENING_DECISIONSMAP_H

#include "Analysis/Cfg.h"
#include "Widening/Decisions.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/StringMap.h"

namespace prepatch {

class DecisionsMap {
public:
  /// \p Types may be null. Linear in the function.
  DecisionsMap(Function &F, const Btf *Types, bool IsBigEndian);

  static constexpr unsigned NoPoint = ~0u;
  unsigned size() const { return unsigned(Points.size()); }
  Insn &insn(unsigned P) const { return *Points[P].I; }
  BasicBlock &block(unsigned P) const {
    return Flow.block(Points[P].FlowBlock);
  }
  PlaceRole role(unsigned P) const { return Points[P].Role; }
  /// The point with that local index in the input, or NoPoint.
  unsigned find(uint32_t LocalIndex) const;

  bool hasLines() const { return !Runs.empty(); }
  Place describe(unsigned P) const;
  /// "file.c:12: text" of the line that covers the point, or empty.
  std::string lineText(unsigned P) const;
  /// Hash of the next instructions of the block, see Place::Code.
  uint32_t code(unsigned P) const;
  uint32_t sourceLine(unsigned P) const;

  /// Points of that role on lines with that text (without one: that number),
  /// in layout order; a column of ~0u stands for any. Of Inside: the first
  /// instruction of each run.
  std::vector<unsigned> pointsOnLine(const Place &Like, PlaceRole Role,
                                     uint32_t Column) const;
  /// Numbers of the lines of \p Like's file that have code in its column, the
  /// nearest to its line first, that itself left out.
  std::vector<uint32_t> otherLines(const Place &Like) const;
  /// The instruction that is \p Step from the start of a run, or NoPoint.
  unsigned stepInRun(unsigned First, unsigned Step) const;
  unsigned runLength(unsigned First) const;

  unsigned numBlocks() const { return unsigned(BlockStart.size()); }
  unsigned blockOf(unsigned P) const { return Points[P].Block; }
  /// The instruction \p Step of block \p N, both from 0, or NoPoint.
  unsigned inBlock(unsigned N, unsigned Step) const;

  /// What writes and reads the value in \p L before the point. Without the
  /// variable.
  ValueShape valueAt(unsigned P, Location L) const;
  /// Slots that the function's code names, lowest first.
  llvm::ArrayRef<int16_t> slots() const { return Slots; }
  /// No-ops of ours that stand before the point already.
  llvm::ArrayRef<Widening> noOpsBefore(unsigned P) const;

private:
  enum AccessBits : uint8_t { Reads = 1, Writes = 2 };
  struct Point {
    Insn *I;
    unsigned FlowBlock; ///< number in Flow
    unsigned Block;     ///< by control flow; index into BlockStart
    unsigned Run;       ///< index into Runs
    PlaceRole Role;
    /// What the instruction does to the function's own stack.
    uint8_t StackAccess = 0;
    uint8_t StackBytes = 0;
    bool TakesAddress = false;
    int16_t StackOff = 0;
  };
  struct SourceLine {
    std::string File, Text; ///< Text squeezed
    uint32_t Line, Column;
    std::optional<uint16_t> Hash;
    unsigned Key; ///< number of its file, text (or line) and column
  };
  struct Run {
    unsigned First, Length;
    unsigned Source; ///< index into Sources
    unsigned Number; ///< of the runs of its key, from 1
  };

  void findPoints(bool IsBigEndian);
  void findRuns(const Btf *Types);
  void findStackAccesses();
  void countRoles();
  unsigned sourceOf(const LineRecord &L, const Btf *Types);
  uint8_t access(unsigned P, Location L) const;
  /// Whether anything of block \p N of Flow has an access to \p L.
  bool touches(unsigned N, Location L) const;
  ValueMark mark(unsigned P, Location L) const;

  Function &F;
  Cfg Flow;
  std::vector<Point> Points;
  std::vector<unsigned> FlowStart; ///< first point of each block of Flow
  /// What each block of Flow reads or writes; bit N of Slots is the 8 bytes at
  /// r10 - 8 - 8 * N.
  struct Touched {
    RegSet Regs = 0;
    uint64_t Slots = 0;
  };
  std::vector<Touched> FlowTouches;
  std::vector<unsigned> BlockStart; ///< first point of each block
  std::vector<Run> Runs;
  std::vector<SourceLine> Sources;
  llvm::DenseMap<std::pair<uint64_t, uint32_t>, unsigned> SourceIndex;
  llvm::StringMap<unsigned> KeyIndex;
  /// Of each key: its runs, and its places by role.
  struct KeyPlaces {
    unsigned Runs = 0, Joins = 0, Starts = 0;
  };
  std::vector<KeyPlaces> Keys;
  /// Number among the places of its role and key, of block starts.
  llvm::DenseMap<unsigned, unsigned> StartNumber;
  llvm::DenseMap<unsigned, llvm::SmallVector<Widening, 2>> NoOps;
  llvm::DenseMap<uint32_t, unsigned> ByIndex;
  std::vector<int16_t> Slots;
};

/// White space at the ends cut off and inside made one blank.
std::string squeeze(llvm::StringRef Text);

} // namespace prepatch

#endif
