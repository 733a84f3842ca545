//===- CostModelTest.cpp - formulas against measured tables
//-----------------===//
//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The cost formulas of the 6.18 profile against the measured points behind
// them.
//
//===----------------------------------------------------------------------===//

#include "Kernel/KernelProfile.h"
#include "gtest/gtest.h"

using namespace prepatch;

namespace {
CostModel model() {
  return llvm::cantFail(KernelProfile::builtin("linux-6.18-x86_64"))
      .costModel();
}

struct Point {
  uint64_t N;
  double Us[5]; ///< at positions 0, N/4, N/2, 3N/4, N
};

// Microseconds of one growth patch of one instruction, 100 sites each.
constexpr Point Growth[] = {
    {2000, {10.2, 9.7, 7.0, 5.7, 3.7}},
    {8000, {35.9, 30.1, 24.3, 18.8, 13.0}},
    {16000, {72.6, 60.0, 48.7, 37.8, 25.9}},
    {24000, {124.5, 94.2, 73.7, 56.6, 40.7}},
    {32000, {178, 138, 97, 73, 51}},
    {45000, {327, 285, 227, 178, 146}},
    {60000, {421, 358, 300, 229, 178}},
};

TEST(CostModel, GrowthMatchesMeasurement) {
  CostModel M = model();
  for (const Point &P : Growth)
    for (unsigned Q = 0; Q < 5; ++Q) {
      double Predicted = M.growthUs(P.N, P.N * Q / 4);
      EXPECT_NEAR(Predicted / P.Us[Q], 1.0, 0.16)
          << "N=" << P.N << " quarter " << Q;
    }
}

TEST(CostModel, SecondBranchScanStartsWhenResultLeavesJumpReach) {
  CostModel M = model();
  // 32766 + 1 still fits a 16-bit jump, 32767 + 1 does not.
  EXPECT_LT(M.growthUs(32766, 32766), 51);
  EXPECT_GT(M.growthUs(32767, 32767), 100);
  EXPECT_GT(M.growthUs(32760, 32760, 8), 100);
}

TEST(CostModel, GrowthByMoreThanOne) {
  CostModel M = model();
  // N=16000, front and end: hash +2, array +6, percpu_array +8.
  struct {
    unsigned Grown;
    double Front, End;
  } const Measured[] = {{2, 83, 37}, {6, 100, 51}, {8, 113, 61}};
  for (const auto &Row : Measured) {
    EXPECT_NEAR(M.growthUs(16000, 0, Row.Grown) / Row.Front, 1.0, 0.1);
    EXPECT_NEAR(M.growthUs(16000, 16000, Row.Grown) / Row.End, 1.0, 0.21);
  }
  EXPECT_EQ(M.growthUs(16000, 0, 0), 0) << "in place";
}

TEST(CostModel, DeletionMatchesMeasurement) {
  CostModel M = model();
  EXPECT_NEAR(M.deletionUs(2000, 0), 13.2, 1.0);
  EXPECT_NEAR(M.deletionUs(2000, 2000), 3.4, 0.5);
  EXPECT_NEAR(M.deletionUs(8000, 0), 50, 4);
  EXPECT_NEAR(M.deletionUs(8000, 8000), 11.7, 1);
  EXPECT_NEAR(M.deletionUs(16000, 0), 104, 5);
  EXPECT_NEAR(M.deletionUs(16000, 16000), 22, 1);
  // Dearer than growing, front to front.
  EXPECT_GT(M.deletionUs(8000, 0), 1.2 * M.growthUs(8000, 0));
}

TEST(CostModel, PositionPastTheEndIsTheEnd) {
  CostModel M = model();
  EXPECT_EQ(M.growthUs(1000, 5000), M.growthUs(1000, 1000));
}

TEST(CostModel, SpreadSites) {
  CostModel M = model();
  // 2000 sites in 20000 instructions were measured at about 127 ms.
  EXPECT_NEAR(M.spreadGrowthUs(20000, 2000) / 127000, 1.0, 0.1);
  EXPECT_EQ(M.spreadGrowthUs(20000, 0), 0);
  // One site is one patch in the middle.
  EXPECT_DOUBLE_EQ(M.spreadGrowthUs(1000, 1), M.growthUs(1000, 500));
}

TEST(CostModel, LineRecords) {
  CostModel M = model();
  EXPECT_NEAR(M.growthUs(30000, 0, 1, 30000) - M.growthUs(30000, 0), 10.5, 0.1);
  EXPECT_NEAR(M.lineCheckUs(30000), 1080, 1);
}

TEST(CostModel, CallsOfSubprograms) {
  CostModel M = model();
  auto site = [&](uint64_t N) {
    return M.staticCallUs(CalleeStack::ReadsCaller) +
           M.staticCallSiteUs(CalleeStack::ReadsCaller, N);
  };
  EXPECT_NEAR(site(1000), 8.6, 0.5);
  EXPECT_NEAR(site(4000), 30, 1);
  EXPECT_NEAR(site(16000), 117, 2);
  EXPECT_EQ(M.staticCallSiteUs(CalleeStack::Own, 16000), 0);
  EXPECT_NEAR(M.staticCallUs(), 1.2, 0.1);
  EXPECT_NEAR(M.staticCallUs(CalleeStack::Own), 2.0, 0.1);
  EXPECT_LT(M.globalCallUs(), M.staticCallUs());
  EXPECT_NEAR(M.firstSubprogUs(1000), 55, 1);
}

TEST(CostModel, VisitsAreOrdered) {
  CostModel M = model();
  EXPECT_LT(M.visitUs(VisitClass::Mov), M.visitUs(VisitClass::Alu));
  EXPECT_LT(M.visitUs(VisitClass::CtxLoad), M.visitUs(VisitClass::Helper));
  EXPECT_GT(M.visitUs(VisitClass::TrustedPtrLoad), 1000);
  for (unsigned I = 0; I < NumVisitClasses; ++I)
    EXPECT_GT(M.visitUs(VisitClass(I)), 0) << I;
}
} // namespace
