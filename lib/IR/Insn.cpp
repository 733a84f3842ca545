//===- Insn.cpp - One instruction in a list ------------------------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "IR/Insn.h"

namespace prepatch {

static const Attachment *find(const Attachment *A, Attachment::KindType Kind) {
  while (A && A->Kind != Kind)
    A = A->Next;
  return A;
}

const LineRecord *Insn::line() const {
  const Attachment *A = find(Attached, Attachment::Line);
  return A ? &A->LineInfo : nullptr;
}

const Relocation *Insn::relocation() const {
  const Attachment *A = find(Attached, Attachment::Reloc);
  return A ? &A->RelocInfo : nullptr;
}

bool Insn::hasCoreRecord() const { return find(Attached, Attachment::Core); }

} // namespace prepatch
