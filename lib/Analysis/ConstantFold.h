//===- ConstantFold.h - Arithmetic on known values -----------------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef PREPATCH_ANALYSIS_CONSTANTFOLD_H
#define PREPATCH_ANALYSIS_CONSTANTFOLD_H

#include "ISA/Encoding.h"
#include <optional>

namespace prepatch {

/// Result of the arithmetic \p I on these operands (an immediate is passed
/// sign-extended), where the verifier computes it exactly as well: division,
/// modulo, negation and byte swaps are left alone.
std::optional<uint64_t> foldAlu(const RawInsn &I, uint64_t Dst, uint64_t Src);

/// Whether the conditional jump \p I is taken.
std::optional<bool> foldBranch(const RawInsn &I, uint64_t Dst, uint64_t Src);

} // namespace prepatch

#endif
