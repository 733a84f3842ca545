//===- Decisions.h - What was chosen for a program, to be replayed -------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// tune finds with a kernel at hand which values to forget at which places; a
// decisions file keeps that, to be committed beside the source and replayed by
// builds that have no kernel. The program is compiled anew in between, so a
// place is described by its source line and the code there, and a value by
// where it comes from and goes to. docs/decisions.md is the format.
//
//   describe(object, chosen) -> DecisionsFile -> write
//   parse -> DecisionsFile -> resolve(object) -> apply
//===----------------------------------------------------------------------===//
#ifndef PREPATCH_WIDENING_DECISIONS_H
#define PREPATCH_WIDENING_DECISIONS_H

#include "Object/Object.h"
#include "Widening/Widener.h"

namespace prepatch {

/// One no-op, by the place where it was tried: what tune hands over.
struct ChosenWidening {
  Function *F;
  uint32_t Index; ///< local index in the input
  Location Where;
  Form How;
};

/// An instruction that writes or reads a value, without its operands.
struct ValueMark {
  std::string Op;    ///< "add", "load", "if", "call.14", "entry"
  uint32_t Line = 0; ///< of its source; 0 without line info. For the reader
  std::optional<uint16_t> Text; ///< hash of the source text of that line
  bool operator==(const ValueMark &) const = default;
};

/// A value at a place: the nearest instructions that may have written it and
/// that will read it next, at most MaxMarks of each, the nearest first.
struct ValueShape {
  static constexpr unsigned MaxMarks = 3;
  llvm::SmallVector<ValueMark, MaxMarks> Defs, Uses;
  std::string Variable; ///< name by DWARF, or empty
  bool operator==(const ValueShape &) const = default;
};

/// Forget the value that was in a location.
struct ForgetDecision {
  unsigned LineNo = 0; ///< in the decisions file
  Location Hint;       ///< where the value was when this was written
  Form How;
  ValueShape Value;
  bool operator==(const ForgetDecision &) const = default;
};

/// "k of n", counting from 1.
struct Occurrence {
  unsigned Number = 0, Total = 0;
  bool operator==(const Occurrence &) const = default;
};

/// What a place is to the flow of control.
enum class PlaceRole : uint8_t {
  Join,   ///< a block begins there, and it is reached in several ways
  Start,  ///< a block begins there
  Inside, ///< anything else
};

/// A place of a function: before an instruction.
struct Place {
  /// File name without folders, line, column and text of the source line;
  /// empty and 0 without line info. White space in the text is squeezed.
  std::string File, Text;
  uint32_t Line = 0, Column = 0;
  PlaceRole Role = PlaceRole::Inside;
  /// Which one, in layout order: of Join and Start, among the places of that
  /// role on the line; of Inside, the run of instructions among those of the
  /// line. 0 of 0 without line info.
  Occurrence OnLine;
  /// Of Inside: which instruction of the run.
  Occurrence InRun;
  Occurrence Block;       ///< of the function
  unsigned BlockStep = 0; ///< instructions of the block before it
  uint32_t Code = 0;      ///< hash of the opcodes that follow in the block
  bool hasLine() const { return !File.empty(); }
  bool operator==(const Place &) const = default;
};

struct PlaceDecisions {
  unsigned LineNo = 0;
  Place Where;
  std::vector<ForgetDecision> Forget;
  /// The loop that begins there gets a may_goto. Such places are those of the
  /// object as it was read; those of Forget are of one that has the may_goto.
  bool MayGoto = false;
  bool operator==(const PlaceDecisions &) const = default;
};

struct FunctionDecisions {
  unsigned LineNo = 0;
  std::string Name;
  std::vector<PlaceDecisions> Places; ///< in layout order
  bool operator==(const FunctionDecisions &) const = default;
};

/// A static function becomes global.
struct GlobalDecision {
  unsigned LineNo = 0;
  std::string Name;
  bool operator==(const GlobalDecision &) const = default;
};

/// What the decisions brought when they were made.
struct DecisionFigures {
  std::string Program;
  uint64_t VerifiedBefore = 0, VerifiedAfter = 0;
  std::string Kernel; ///< that they were measured on
  bool operator==(const DecisionFigures &) const = default;
};

struct DecisionsFile {
  static constexpr unsigned Version = 1;
  /// Of the file; for messages.
  std::string Name;
  std::string Tool;                 ///< that wrote it: "prepatch 0.1.0"
  std::vector<std::string> Kernels; ///< that all of it was loaded on
  std::vector<DecisionFigures> Figures;
  std::vector<GlobalDecision> Globals; ///< in the order of the object
  std::vector<FunctionDecisions> Functions;
};

/// Reads a decisions file. Errors name file and line, what was expected and
/// what was found.
llvm::Expected<DecisionsFile> parseDecisions(llvm::StringRef Text,
                                             llvm::StringRef Name);
void writeDecisions(llvm::raw_ostream &OS, const DecisionsFile &File);

/// Describes \p Chosen, in functions as they were read from the object, in
/// the order of the object. Header and figures are left to the caller.
DecisionsFile describeDecisions(const Object &Obj,
                                llvm::ArrayRef<ChosenWidening> Chosen);

/// Adds to \p File that the loops that begin at \p Heads, by function and local
/// index in the input, get a may_goto.
void describeLoops(DecisionsFile &File, const Object &Obj,
                   llvm::ArrayRef<std::pair<Function *, uint32_t>> Heads);

/// What a replay comes to. Nothing is changed until applyReplay.
struct Replay {
  struct Applied {
    unsigned LineNo; ///< in the decisions file
    Function *F;
    Insn *At; ///< the no-op goes before it
    Widening What;
    /// How it differs from what was written, or empty: "r8 instead of r7".
    std::string Note;
  };
  struct Misfit {
    unsigned LineNo;
    std::string Function;
    std::string Place;  ///< "file.c:12: text", or empty
    std::string What;   ///< "forget r7 by xor"
    std::string Reason; ///< why it does not fit
  };
  std::vector<Applied> Take; ///< by function and place, as in the object
  std::vector<Misfit> Misfits;
  unsigned AlreadyThere = 0; ///< decisions whose no-op the code has
};

/// Where the loops begin that \p File wants a may_goto in. To be asked before
/// anything is changed.
struct LoopReplay {
  struct Found {
    unsigned LineNo; ///< in the decisions file
    Function *F;
    Insn *Head;        ///< null: the place is not found, see Note
    std::string Place; ///< "file.c:12: text", or empty
    std::string Note;  ///< how it differs from what was written, or empty
  };
  std::vector<Found> Loops;
};
LoopReplay resolveLoops(const DecisionsFile &File, Object &Obj);

/// Finds places and values of \p File in the program as it is. \p W and
/// \p Kinds must be of the program as it is.
Replay resolveDecisions(const DecisionsFile &File, Object &Obj,
                        const Widener &W, const RegKinds &Kinds);

/// Inserts what \p R takes. What turns out to have no room goes from its
/// Take to its Misfits. Returns whether anything was inserted.
bool applyReplay(Replay &R, Widener &W);

/// "forget r7 by xor".
std::string toString(const Widening &What);

} // namespace prepatch

#endif
