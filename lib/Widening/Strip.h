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
#include "Widening/Widener.h"
#include "llvm/ADT/STLFunctionalExtras.h"

namespace prepatch {

/// A no-op that was found.
struct StrippedNoOp {
  uint32_t Index; ///< of the instruction behind it, in the first object
  ForgetMatch Match;
};

/// A may_goto that whoever asks put into the first object, too, because it can
/// never jump.
struct StrippedMayGoto {
  uint32_t Index;   ///< of the instruction behind it, in the first object
  std::string Line; ///< "file.c:12: text", or empty
};

/// What was found out about a function.
struct FunctionProof {
  std::string Name;
  std::vector<StrippedNoOp> NoOps;
  std::vector<StrippedMayGoto> MayGotos;
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

/// What a function has more may_goto of than the same of another object.
struct ExtraMayGotos {
  /// The instructions of the first that they stand before, in layout order.
  std::vector<Insn *> Behind;
  /// With them and no-ops the functions are the same. If not, Behind goes as
  /// far as they are.
  bool Whole = false;
};

/// Tells where \p After has a may_goto that \p Before, of \p Obj, has not, if
/// those stand before instructions that \p MayStandBefore lets through. This
/// proves nothing: it says what to put into \p Before, to ask again.
ExtraMayGotos
findExtraMayGotos(Object &Obj, const Widener &W, Function &Before,
                  Function &After,
                  llvm::function_ref<bool(const Insn &)> MayStandBefore);

/// Whether \p After is \p Before with no-ops put in. Steps 1 and 2; the no-ops
/// are taken out of the program of \p After. So is what was put into the
/// program of \p Before since that was read, all of it may_goto.
Proof stripNoOps(Object &Before, Object &After, const KernelProfile &Profile);

/// All steps. \p After is written and cannot be used any more.
llvm::Expected<Proof> proveNoOpsOnly(Object &Before, Object &After,
                                     const KernelProfile &Profile);

} // namespace prepatch

#endif
