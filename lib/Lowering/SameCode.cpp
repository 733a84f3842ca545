//===- SameCode.cpp - Are two functions the same but for their name ------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Lowering/SameCode.h"

namespace prepatch {

static const Attachment *skipLines(const Attachment *A) {
  while (A && A->Kind == Attachment::Line)
    A = A->Next;
  return A;
}

static bool sameRecords(const Insn &A, const Insn &B) {
  const Attachment *X = skipLines(A.attachments());
  const Attachment *Y = skipLines(B.attachments());
  for (; X && Y; X = skipLines(X->Next), Y = skipLines(Y->Next)) {
    if (X->Kind != Y->Kind)
      return false;
    if (X->Kind == Attachment::Core &&
        (X->CoreInfo.TypeId != Y->CoreInfo.TypeId ||
         X->CoreInfo.AccessStrOff != Y->CoreInfo.AccessStrOff ||
         X->CoreInfo.Kind != Y->CoreInfo.Kind))
      return false;
    if (X->Kind == Attachment::Reloc &&
        (X->RelocInfo.Sym != Y->RelocInfo.Sym ||
         X->RelocInfo.Type != Y->RelocInfo.Type))
      return false;
  }
  return !X && !Y;
}

static bool sameInsn(const Insn &A, const Insn &B, const Stretch &InA,
                     const Stretch &InB) {
  RawInsn RawA = A.raw(), RawB = B.raw();
  if (isBranch(A.kind()))
    RawA.Off = RawB.Off = 0, RawA.Imm = A.opcode() == OpGotol ? 0 : RawA.Imm,
    RawB.Imm = B.opcode() == OpGotol ? 0 : RawB.Imm;
  if (A.kind() != B.kind() || A.refersToFunction() != B.refersToFunction())
    return false;
  if (A.refersToFunction()) {
    if (A.callee() != B.callee())
      return false;
    if (A.callee()) // says the same by an offset
      RawA.Imm = RawB.Imm = 0;
  }
  if (RawA != RawB || A.immHigh() != B.immHigh() || !sameRecords(A, B))
    return false;
  if (!isBranch(A.kind()))
    return true;
  BasicBlock *ToA = A.target(), *ToB = B.target();
  if (ToA == InA.End || ToB == InB.End)
    return ToA == InA.End && ToB == InB.End;
  return ToA->number() - InA.First->number() ==
         ToB->number() - InB.First->number();
}

bool isSameCode(const Stretch &A, const Stretch &B) {
  BasicBlock *X = A.First, *Y = B.First;
  for (; X != A.End && Y != B.End; X = X->next(), Y = Y->next()) {
    Insn *I = X->front(), *J = Y->front();
    for (; I && J; I = I->next(), J = J->next())
      if (!sameInsn(*I, *J, A, B))
        return false;
    if (I || J)
      return false;
  }
  return X == A.End && Y == B.End;
}

} // namespace prepatch
