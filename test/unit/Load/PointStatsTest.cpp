//===- PointStatsTest.cpp - what states met at a point ------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Load/PointStats.h"
#include <gtest/gtest.h>
#include <string>

using namespace prepatch;

namespace {

void visit(PointStats &P, const std::string &Text) {
  FrameState S;
  EXPECT_TRUE(S.apply(Text, true));
  P.visit(S);
}

const LocationProfile *find(const PointProfile &P, unsigned Location) {
  for (const LocationProfile &L : P.Locations)
    if (L.Location == Location)
      return &L;
  return nullptr;
}

TEST(PointStats, CountsValuesAndMerges) {
  PointStats P(100);
  // r6 and r7 vary independently, r8 follows r7.
  for (int I = 0; I != 12; ++I)
    visit(P, "R1=ctx() R6=" + std::to_string(I % 3) + " R7=" +
                 std::to_string(I % 4) + " R8=" + std::to_string(I % 4 + 10));
  visit(P, "R1=ctx() R6=0 R7=0 R8=10");
  PointProfile R = P.profile(7);
  EXPECT_EQ(R.Index, 7u);
  EXPECT_EQ(R.Visits, 13u);
  EXPECT_EQ(R.States, 12u);
  ASSERT_EQ(R.Locations.size(), 3u);
  EXPECT_EQ(find(R, 6)->Values, 3u);
  EXPECT_EQ(find(R, 6)->Merge, 8u);
  EXPECT_EQ(find(R, 7)->Values, 4u);
  EXPECT_EQ(find(R, 7)->Merge, 0u);
  EXPECT_EQ(find(R, 8)->Min, 10u);
  EXPECT_EQ(find(R, 8)->Max, 13u);
  EXPECT_EQ(find(R, 8)->Known, 13u);
}

TEST(PointStats, ScalarMeansAtEveryVisit) {
  PointStats P(100);
  visit(P, "R1=1 R2=1 R3=1 fp-8=1 fp-16=1");
  visit(P, "R1=ctx() R3=scalar(umax=4) fp-8=????2 fp-16=mmmmmmmm fp-24=3");
  PointProfile R = P.profile(0);
  EXPECT_FALSE(find(R, 1)->Scalar); // a pointer once
  EXPECT_FALSE(find(R, 2)->Scalar); // nothing once
  EXPECT_TRUE(find(R, 3)->Scalar);
  EXPECT_EQ(find(R, 3)->Known, 1u);
  EXPECT_EQ(find(R, 3)->Min, 0u);
  EXPECT_EQ(find(R, 3)->Max, 4u);
  EXPECT_FALSE(find(R, 10)->Scalar);
  EXPECT_EQ(find(R, 10)->Bytes, 0x0f);
  EXPECT_TRUE(find(R, 11)->Scalar);
  EXPECT_FALSE(find(R, 12)->Scalar); // not there at the first visit
  EXPECT_EQ(find(R, 12)->Values, 2u);
}

TEST(PointStats, ListsWhatIsAskedFor) {
  PointStats P(100);
  P.precise(13);
  visit(P, "R6=5");
  P.precise(6);
  P.precise(6);
  PointProfile R = P.profile(0);
  ASSERT_EQ(R.Locations.size(), 2u);
  EXPECT_EQ(find(R, 6)->Precise, 2u);
  EXPECT_EQ(find(R, 6)->Values, 1u);
  EXPECT_TRUE(find(R, 6)->Scalar);
  EXPECT_EQ(find(R, 13)->Precise, 1u);
  EXPECT_FALSE(find(R, 13)->Scalar);
}

TEST(PointStats, StaysBounded) {
  PointStats P(50);
  for (int I = 0; I != 20000; ++I)
    visit(P, "R6=" + std::to_string(I) + " R7=" + std::to_string(I % 2));
  PointProfile R = P.profile(0);
  EXPECT_EQ(find(R, 6)->Values, LocationProfile::MaxValues);
  EXPECT_EQ(find(R, 6)->Min, 0u);
  EXPECT_EQ(find(R, 6)->Max, 19999u);
  // Estimates from samples.
  EXPECT_GT(R.States, 16000u);
  EXPECT_LE(R.States, 20000u);
  EXPECT_GT(find(R, 6)->Merge, 15000u);
  EXPECT_EQ(find(R, 7)->Merge, 0u);
}

TEST(PointStats, WithoutVisitsThereIsNothing) {
  PointProfile R = PointStats(10).profile(3);
  EXPECT_EQ(R.Visits, 0u);
  EXPECT_EQ(R.States, 0u);
  EXPECT_TRUE(R.Locations.empty());
}

} // namespace
