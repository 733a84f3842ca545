//===- ContextFields.h - Pointers that are loaded from a context ---------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef PREPATCH_ANALYSIS_CONTEXTFIELDS_H
#define PREPATCH_ANALYSIS_CONTEXTFIELDS_H

#include "Analysis/RegValue.h"

namespace prepatch {

/// What a load of \p Size bytes at \p Offset of the context gives in a program
/// of that type. The layouts are uapi and the same on every kernel; which kind
/// of pointer a field is, is what the verifier's is_valid_access callbacks say.
RegValue contextField(uint32_t ProgType, int64_t Offset, unsigned Size);

/// Whether a 4-byte load from the context may give a pointer though
/// contextField, if it was asked, says otherwise: in programs whose context
/// nobody knows, and at unknown offsets where there are packet pointers.
bool mayGivePointerByWord(uint32_t ProgType, bool AtKnownOffset);

} // namespace prepatch

#endif
