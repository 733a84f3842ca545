//===- StatsLogTest.cpp - the end of a verifier log ---------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Load/StatsLog.h"
#include <gtest/gtest.h>

using namespace prepatch;

namespace {

TEST(StatsLog, ReadsStatistics) {
  VerifierStats S = parseStats(
      "verification time 363 usec\nstack depth 16+0\nprocessed 31 insns (limit "
      "1000000) max_states_per_insn 1 total_states 4 peak_states 5 mark_read "
      "0\n");
  EXPECT_EQ(S.VerificationUs, 363);
  EXPECT_EQ(S.Processed, 31);
  EXPECT_EQ(S.TotalStates, 4);
  EXPECT_EQ(S.PeakStates, 5);
  EXPECT_EQ(S.StackDepth, "16+0");
  EXPECT_EQ(parseStats("cut off").Processed, -1);
}

TEST(StatsLog, FindsTheReason) {
  EXPECT_EQ(refusalReason("12: (95) exit\nR0 !read_ok\nverification time 1 "
                          "usec\nstack depth 0\nprocessed 2 insns\n"),
            "R0 !read_ok");
  // The two states stand behind this one.
  EXPECT_EQ(refusalReason("infinite loop detected at insn 4\ncur state:\n "
                          "R0=1 R10=fp0\nold state:\n R0=1 R10=fp0\nprocessed "
                          "9 insns\n"),
            "infinite loop detected at insn 4");
  EXPECT_EQ(refusalReason("infinite loop detected at insn 4\n"
                          "cur state: R0=1 R10=fp0\n"
                          "old state: R0=1 R10=fp0\n"
                          "processed 9 insns (limit 1000000)\n"),
            "infinite loop detected at insn 4");
  EXPECT_EQ(refusalReason(""), "");
}

} // namespace
