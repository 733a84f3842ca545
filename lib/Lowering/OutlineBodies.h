//===- OutlineBodies.h - Shared subprograms and calls of them ------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The mechanics of outline-sites: which sites may share a subprogram, what its
// body is, and what a site becomes.
//===----------------------------------------------------------------------===//
#ifndef PREPATCH_LOWERING_OUTLINEBODIES_H
#define PREPATCH_LOWERING_OUTLINEBODIES_H

#include "IR/Builder.h"
#include "Lowering/Pass.h"

namespace prepatch {

/// How a site hands its arguments over.
enum class OutlineForm : uint8_t {
  SameCall, ///< a helper's own registers: r1 to r5 and r0 as they are
  ByValue,  ///< a lookup whose key is a scalar: the key itself in r1
  Registers ///< operands moved to r1, r2, the result from r0
};

/// A key that a lookup by value takes.
struct KeyByValue {
  Insn *Store = nullptr; ///< writes it to the stack; nothing else reads it
  unsigned Size = 0;     ///< bytes: 1, 2, 4 or 8
  int16_t Slot = -8;     ///< where the body keeps it, from its r10
};

/// Registers that the call would take from the code around it, and where they
/// stay meanwhile.
struct SavedRegs {
  RegSet Regs = 0;
  int16_t Slot = 0; ///< of r0, from r10; rN is N slots below

  unsigned count() const { return llvm::popcount(unsigned(Regs)); }
};

/// One site that could go into a subprogram.
struct OutlineSite {
  PatchSite Site;
  OutlineForm Form = OutlineForm::SameCall;
  KeyByValue Key;  ///< ByValue only
  SavedRegs Saved; ///< Registers only
  /// MapLookup only: an instruction that loads the address of the map, for the
  /// body to do the same. Null for a body that takes any map in r1.
  const Insn *MapLoad = nullptr;
};

/// What sites must have in common. Ordered, so that output is too.
struct OutlineKey {
  SiteKind Kind;
  OutlineForm Form;
  uint32_t Helper = 0; ///< helper id
  const Map *TheMap = nullptr;
  unsigned MapNumber = 0; ///< of TheMap in the program, for the order
  uint64_t Code = 0;      ///< encoding of the access or operation
  /// CO-RE record of the access: type, offset of the string, kind.
  std::tuple<uint32_t, uint32_t, uint32_t> Core;

  auto order() const {
    return std::tuple(Kind, Form, Helper, MapNumber, Code, Core);
  }
  bool operator<(const OutlineKey &O) const { return order() < O.order(); }
};

OutlineKey keyOf(const OutlineSite &S, const Program &P);

/// Instructions of the callee that the verifier walks at each call, the call
/// itself not counted, and those that a site has more (or fewer) than before.
struct OutlineShape {
  unsigned BodyInsns = 0;
  int SiteInsns = 0;
};
OutlineShape shapeOf(const OutlineSite &S);

/// Bytes of stack that the body needs.
unsigned stackOf(const OutlineSite &S);

/// Makes the subprogram for sites like \p Model; it gets the line of \p Model.
Function &createBody(Program &P, const OutlineSite &Model,
                     const KernelProfile &Profile, bool Global);

/// The line record that covers \p I of \p BB: its own or the nearest before it
/// in the function; null if there is none.
const LineRecord *coveringLine(const BasicBlock &BB, const Insn &I);

/// The definitions of \p Reg before \p Call, in its block, that serve the call
/// alone: with them gone, \p Reg keeps what it held before.
llvm::SmallVector<Insn *, 4> argumentDefinitions(Insn &Call, unsigned Reg);

/// Replaces the site by a call of \p Body.
void callBody(Program &P, const OutlineSite &S, Function &Body);

} // namespace prepatch

#endif
