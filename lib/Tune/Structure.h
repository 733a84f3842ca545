//===- Structure.h - Global functions and loops with a may_goto ----------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What tune may change beside no-ops: linkage of functions, and loops that the
// verifier may leave. A session can insert no-ops into a program at each load;
// these changes make another object, a variant, with sessions of its own.
//===----------------------------------------------------------------------===//
#ifndef PREPATCH_TUNE_STRUCTURE_H
#define PREPATCH_TUNE_STRUCTURE_H

#include "Lowering/Pass.h"
#include "Tune/ProgramModel.h"
#include "Widening/Decisions.h"
#include "llvm/Support/MemoryBuffer.h"

namespace prepatch {

/// Whether the kernel of \p Release, "6.12.117+deb12", is that or later.
bool isAtLeast(llvm::StringRef Release, unsigned Major, unsigned Minor);

/// By the functions and instructions of the object as it was read.
struct Structure {
  std::vector<uint32_t> Globals; ///< function numbers, increasing
  /// The first instructions of the loops' heads, increasing.
  std::vector<CodePlace> Loops;
  bool empty() const { return Globals.empty() && Loops.empty(); }
  auto operator<=>(const Structure &) const = default;
};

/// An object that stands in memory, with what the search asks of it. Functions
/// have the same numbers in all variants of an object, and instructions the
/// same indices in functions that are changed alike.
class Variant {
public:
  /// \p Original, which must outlive it, with \p What in it.
  static llvm::Expected<std::unique_ptr<Variant>>
  make(llvm::MemoryBufferRef Original, const Structure &What,
       const KernelProfile &Profile, bool ArgumentTags);

  Object &object() const { return *Obj; }
  const ObjectModel &model() const { return *Model; }
  Analyses &analyses() const { return *Known; }
  const Structure &structure() const { return What; }
  /// The file.
  llvm::StringRef bytes() const { return Bytes; }

private:
  Variant() = default;

  Structure What;
  std::unique_ptr<llvm::MemoryBuffer> Owned; ///< null: the original
  llvm::StringRef Bytes;
  std::unique_ptr<Object> Obj;
  std::unique_ptr<Analyses> Known;
  std::unique_ptr<Widener> TheWidener;
  std::unique_ptr<ObjectModel> Model;
};

/// Loops that may have a may_goto and are long enough to be worth one, by
/// their places in \p V.
std::vector<CodePlace> findMayGotoLoops(const Variant &V);

/// What replaying global and may-goto lines of a decisions file comes to.
struct StructureReplay {
  struct Change {
    unsigned LineNo;
    std::string Function, Place, What, Note;
  };
  std::vector<Change> Made;
  std::vector<Replay::Misfit> Misfits;
  unsigned AlreadyThere = 0;
  bool changed() const { return !Made.empty(); }
};

/// Does what \p File says of functions and loops, and takes from \p File the
/// no-ops that rely on a may_goto that cannot be had: they become misfits.
/// Analyses become invalid.
llvm::Expected<StructureReplay> replayStructure(DecisionsFile &File,
                                                Object &Obj, Analyses &A,
                                                const KernelProfile &Profile);

/// Adds \p What, which is of \p Original, to \p File.
void describeStructure(DecisionsFile &File, const Variant &Original,
                       const Structure &What);

} // namespace prepatch

#endif
