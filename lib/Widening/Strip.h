//===- Strip.h - Taking no-ops out again ---------------------------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The proof that an object differs from another by known no-ops alone. Both
// are read from their files; nothing is believed of how the second was made:
//  1. The instructions of each function are walked side by side. Where the
//     second has more, that must be a sequence of Sequences.def, in one piece,
//     and what it overwrites must be dead in the first.
//  2. The sequences are taken out, and all references compared: targets of
//     branches, callees, relocations, CO-RE records, source lines.
//  3. What is left is written as a file and compared with the first, section
//     by section and bit by bit.
//===----------------------------------------------------------------------===//
#ifndef PREPATCH_WIDENING_STRIP_H
#define PREPATCH_WIDENING_STRIP_H

#include "Kernel/KernelProfile.h"
#include "Object/Object.h"
#include "Widening/Sequences.h"

namespace prepatch {

/// A no-op that was found.
struct StrippedNoOp {
  uint32_t Index; ///< of the instruction behind it, in the first object
  ForgetMatch Match;
};

/// What was found out about a function.
struct FunctionProof {
  std::string Name;
  std::vector<StrippedNoOp> NoOps;
  unsigned Instructions = 0; ///< that they are made of
  bool BecameGlobal = false; ///< a change of linkage, and of nothing else
};

/// The first place where the objects differ by something else.
struct ProofDifference {
  std::string Function; ///< empty: not in one function
  /// Slot in the function of the first object, or NoIndex.
  uint32_t Index = Insn::NoIndex;
  std::string Line; ///< "file.c:12: text", or empty
  std::string What;
};

struct Proof {
  std::vector<FunctionProof> Functions; ///< in the order of the file
  std::vector<std::string> Notes;       ///< what else is not the same, harmless
  std::optional<ProofDifference> Difference;

  bool holds() const { return !Difference; }
};

/// Whether \p After is \p Before with no-ops put in. Steps 1 and 2; the no-ops
/// are taken out of the program of \p After.
Proof stripNoOps(Object &Before, Object &After, const KernelProfile &Profile);

/// All steps. \p After is written and cannot be used any more.
llvm::Expected<Proof> proveNoOpsOnly(Object &Before, Object &After,
                                     const KernelProfile &Profile);

} // namespace prepatch

#endif
