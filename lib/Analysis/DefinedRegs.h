//===- DefinedRegs.h - Registers that are written on every way ------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The verifier refuses to read a register that it has not seen written on the
// way it is on ("!read_ok", check_reg_arg). A register that is alive may still
// be unwritten on some way on which it is not read later; code that saves
// registers must not touch it.
//===----------------------------------------------------------------------===//
#ifndef PREPATCH_ANALYSIS_DEFINEDREGS_H
#define PREPATCH_ANALYSIS_DEFINEDREGS_H

#include "Analysis/Cfg.h"
#include "ISA/Operands.h"

namespace prepatch {

class DefinedRegs {
public:
  /// Of arguments, only the context of an entry function is taken for granted.
  /// The blocks must stay as \p Flow has them.
  explicit DefinedRegs(const Cfg &Flow);

  /// Registers that may be read before \p I. Walks the block.
  RegSet before(const BasicBlock &BB, const Insn &I) const;

private:
  std::vector<RegSet> In; ///< by block number
};

} // namespace prepatch

#endif
