//===- SiteCostTest.cpp - What a site costs where it is ---===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Against the cost model, asked directly.
//===----------------------------------------------------------------------===//

#include "Analysis/SiteCost.h"
#include "TestProgram.h"

using namespace llvm;
using namespace prepatch;

namespace {

TEST(SiteCost, ByPlaceInEveryProgram) {
  TestProgram T;
  Function &Sub = T.subprogram("sub");
  T.block(Sub);
  T.B.callHelper(HelperCpu); // +2
  T.B.exit();
  Function &A1 = T.entry("xdp", "a"), &A2 = T.entry("xdp", "b");
  T.block(A1);
  T.B.callHelper(HelperCpu);
  T.B.call(Sub);
  T.B.exit();
  T.block(A2);
  for (int N = 0; N < 100; ++N)
    T.B.movImm(6, N);
  T.B.call(Sub);
  T.B.exit();
  Analysed A(T);
  SiteCost Cost(A.Sites, testProfile());
  CostModel M = testProfile().costModel();
  const PatchSite &First = A.Sites.sites(A1)[0],
                  &Shared = A.Sites.sites(Sub)[0];
  EXPECT_DOUBLE_EQ(Cost.total(First), M.growthUs(5, 0, 2));
  EXPECT_DOUBLE_EQ(Cost.total(Shared),
                   M.growthUs(5, 3, 2) + M.growthUs(104, 102, 2));
  EXPECT_DOUBLE_EQ(Cost.program(A.Graph.loadedPrograms()[0]),
                   M.growthUs(5, 0, 2) + M.growthUs(5, 3, 2));
  EXPECT_DOUBLE_EQ(Cost.growthAt(A1, 0, 2), Cost.total(First));
  EXPECT_DOUBLE_EQ(Cost.growthAtEnd(A2, 1), M.growthUs(104, 104, 1));
}

TEST(SiteCost, Deletions) {
  TestProgram T;
  Function &F = T.entry("xdp");
  T.block(F);
  T.returnZero();
  T.block(F);
  T.returnZero();
  Analysed A(T);
  SiteCost Cost(A.Sites, testProfile());
  ASSERT_EQ(A.sites(F), "unreachable-2");
  EXPECT_DOUBLE_EQ(Cost.total(A.Sites.sites(F)[0]),
                   testProfile().costModel().deletionUs(4, 2));
}

TEST(SiteCost, LineRecordsCount) {
  TestProgram T;
  Function &F = T.entry("xdp");
  T.block(F);
  T.B.attach(*T.B.callHelper(HelperCpu), LineRecord{0, 0, 0});
  T.B.exit();
  Analysed A(T);
  SiteCost Cost(A.Sites, testProfile());
  CostModel M = testProfile().costModel();
  EXPECT_DOUBLE_EQ(Cost.total(A.Sites.sites(F)[0]), M.growthUs(2, 0, 2, 1));
}

} // namespace
