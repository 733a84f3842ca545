//===- Explanation.h - Where the verifier spends itself ------------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What `prepatch explain` tells of a load, in terms of source lines, ready to
// be written as text, as JSON or as a page of HTML. Who collects it is
// Tune/Explain.h.
//===----------------------------------------------------------------------===//
#ifndef PREPATCH_REPORT_EXPLANATION_H
#define PREPATCH_REPORT_EXPLANATION_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/raw_ostream.h"
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace prepatch {

/// A program of the object, loaded once.
struct LoadSummary {
  std::string Name, Section, Type;
  std::string Verdict; ///< "loaded", "refused", "interrupted", "not loadable"
  std::string Reason;  ///< of everything but "loaded"
  uint32_t Insns = 0;
  std::optional<uint64_t> Verified; ///< instructions that were processed
  uint64_t States = 0;
  double VerificationUs = 0;

  /// Microseconds for each verified instruction; 0 if unknown.
  double usPerInsn() const {
    return Verified && *Verified ? VerificationUs / double(*Verified) : 0;
  }
};

/// A source line; without line info, one instruction.
struct SourcePlace {
  std::string File; ///< as recorded; empty if there is no line info
  uint32_t Line = 0;
  std::string Text; ///< source text or, without line info, the instruction
  std::string Function;
  uint32_t Index = 0; ///< slot in the function

  /// "file.c:12", or "function+7" without line info.
  std::string name() const;
};

struct ExplainedLine {
  SourcePlace Where;       ///< function and index: the most visited instruction
  uint64_t Visits = 0;     ///< of all its instructions together
  uint32_t Insns = 0;      ///< that come from it and were visited
  uint32_t Copies = 0;     ///< places in the code where the line begins
  uint32_t MostVisits = 0; ///< of one instruction
  double CostUs = 0;
};

struct ExplainedFunction {
  std::string Name;
  uint32_t Insns = 0;
  uint64_t Visits = 0;
  uint64_t Entered = 0; ///< times that the verifier went into it
  double CostUs = 0;
};

/// What a register or stack slot held when the verifier came by.
struct ExplainedLocation {
  std::string Where;                  ///< "r6" or "fp-16"
  std::string Variable;               ///< what it holds, if that is known
  std::optional<SourcePlace> Written; ///< the most visited of the last writes
  bool Scalar = false;
  uint32_t Values = 0, Precise = 0, Known = 0, Merge = 0;
  uint64_t UMin = 0, UMax = 0;

  /// Whether it is a scalar that the verifier needs exactly and that alone
  /// keeps states apart.
  bool keepsApart() const { return Scalar && Precise && Merge; }
  /// "r6 (off, foo.c:12)".
  std::string name() const;
};

/// A place where ways meet, or a branch goes to.
struct ExplainedPoint {
  SourcePlace Where;
  uint64_t Visits = 0;
  uint64_t Cut = 0;    ///< paths that ended here in a state seen before
  uint32_t States = 0; ///< distinct ones
  unsigned Ways = 0;   ///< predecessors
  unsigned Copies = 1; ///< points that are taken together
  double CostUs = 0;   ///< of the code up to the next place where ways meet
  /// Scalars that the verifier asked for exactly and that had several values,
  /// most merging first.
  std::vector<ExplainedLocation> Locations;
};

/// Why a program was refused, or what the verifier was doing then.
struct ExplainedRefusal {
  std::string Reason;
  std::string Meaning;  ///< in words; empty if the reason says it
  bool ForSize = false; ///< a limit was reached; the place is incidental
  std::optional<SourcePlace> At;
  std::string Instruction; ///< disassembled
  /// The last source lines on the path, oldest first, without repeats.
  std::vector<SourcePlace> Path;
  std::vector<std::string> Tail; ///< of the log
};

struct Explanation {
  std::string Object, Kernel;
  /// All programs, the most expensive first; empty if one was asked for.
  std::vector<LoadSummary> Programs;
  LoadSummary Program; ///< the one that is explained
  std::vector<std::string> Notes;
  std::optional<ExplainedRefusal> Refused;
  std::vector<ExplainedFunction> Functions; ///< most visited first
  std::vector<ExplainedLine> Lines;         ///< most visited first
  std::vector<ExplainedPoint> Points;       ///< most expensive first
  /// The same, those of one source line taken together: the copies of an
  /// unrolled loop or of an inlined function are one. Sums, except that a
  /// location has the most values of any copy.
  std::vector<ExplainedPoint> LinePoints;
  uint64_t Visits = 0;  ///< of all instructions
  bool Partial = false; ///< the log ended before the load did
  /// Whole files by recorded path, where they were found; see readSources().
  std::map<std::string, std::vector<std::string>> Sources;

  double share(uint64_t Of) const {
    return Visits ? double(Of) / double(Visits) : 0;
  }
};

enum class ExplanationFormat : uint8_t { Text, Json, Html };

/// Reads the files that lines come from, as far as they are there and hold
/// each line that the object knows.
void readSources(Explanation &E);

/// The name that \p Line, a line of C, assigns to: "off" for "off += 4;" and
/// for "for (int off = 0; ...". Empty if it assigns to nothing with a name.
llvm::StringRef assignedName(llvm::StringRef Line);

/// "1 line", "2 lines": \p Count with its noun.
std::string counted(uint64_t Count, llvm::StringRef Noun);
/// \p Us in a unit that keeps the number short: "12 us", "3.1 ms", "1.25 s".
std::string duration(double Us);
/// What a location does at a point, in words: "47 values, 812 of 900 states
/// differ in it alone".
std::string describe(const ExplainedPoint &P, const ExplainedLocation &L);
/// One line on what the load cost, e.g. "7735 instructions, 610922 verified
/// (79 visits each), 1.25 s, 2.04 us for each verified".
std::string describe(const LoadSummary &S);

/// Text and JSON tell of at most \p Top lines and points; 0: of all.
void writeExplanation(llvm::raw_ostream &OS, const Explanation &E,
                      ExplanationFormat Format, unsigned Top);
/// ExplanationPage.cpp: one page without anything outside of it.
void writeExplanationPage(llvm::raw_ostream &OS, const Explanation &E,
                          unsigned Top);

} // namespace prepatch

#endif
