//===- CostModel.cpp - what patches and visits cost at load time ----------===//
//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The formulas over the constants of a profile.
//
//===----------------------------------------------------------------------===//

#include "CostModel.h"

using namespace prepatch;

double CostModel::growthUs(uint64_t N, uint64_t Position, unsigned Grown,
                           uint64_t LineRecords) const {
  if (Grown == 0)
    return 0; // same length: patched in place
  // The kernel tries the new branch offsets in a first scan of its own exactly
  // when the result is longer than a 16-bit jump can span
  // (bpf_patch_insn_data, 6.18), so the cost has a step there and no slope:
  // between SmallLimit and LargeLimit the lower line holds within 15 %.
  const CostLine &Line =
      N + Grown > C.LargeLimit ? C.GrowthLarge : C.GrowthSmall;
  return Line.at(N, Position) + C.ExtraInsnPerInsn * double(Grown - 1) * N +
         C.LinePerPatch * double(LineRecords);
}

double CostModel::deletionUs(uint64_t N, uint64_t Position) const {
  return C.DeletionLine.at(N, Position);
}

double CostModel::spreadGrowthUs(uint64_t N, uint64_t Sites, unsigned Grown,
                                 uint64_t LineRecords) const {
  // The kernel patches front to back: behind site I the program is as it was,
  // before it every site has grown.
  double Sum = 0;
  for (uint64_t I = 0; I < Sites; ++I) {
    uint64_t Behind = uint64_t(double(N) * (1 - (double(I) + 0.5) / Sites));
    uint64_t Length = N + I * Grown;
    Sum += growthUs(Length, Length - Behind, Grown, LineRecords);
  }
  return Sum;
}

double CostModel::staticCallUs(CalleeStack Stack) const {
  switch (Stack) {
  case CalleeStack::Own:
    return C.OwnStackCall;
  case CalleeStack::WritesCaller:
    return C.WriteStackCall;
  case CalleeStack::None:
  case CalleeStack::ReadsCaller:
    break;
  }
  return visitUs(VisitClass::StaticCall);
}

double CostModel::staticCallSiteUs(CalleeStack Stack, uint64_t N) const {
  return Stack == CalleeStack::ReadsCaller ? C.ReadStackPerInsn * double(N) : 0;
}
