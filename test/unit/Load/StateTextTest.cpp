//===- StateTextTest.cpp - the verifier's text of a state ----------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Load/StateText.h"
#include <gtest/gtest.h>
#include <string>

using namespace prepatch;

namespace {

LocationValue value(std::string_view Text, bool Slot = false) {
  std::string_view Rest = Text;
  LocationValue Result = takeValue(Rest, Slot);
  EXPECT_EQ(Rest, "") << Text;
  EXPECT_NE(Result.Hash, 0u) << Text;
  return Result;
}

void expectConstant(std::string_view Text, uint64_t Number, bool Slot = false) {
  LocationValue V = value(Text, Slot);
  EXPECT_EQ(V.Kind, LocationValue::Scalar) << Text;
  EXPECT_TRUE(V.Known) << Text;
  EXPECT_EQ(V.Min, Number) << Text;
  EXPECT_EQ(V.Max, Number) << Text;
}

void expectRange(std::string_view Text, uint64_t Min, uint64_t Max,
                 bool Slot = false) {
  LocationValue V = value(Text, Slot);
  EXPECT_EQ(V.Kind, LocationValue::Scalar) << Text;
  EXPECT_FALSE(V.Known) << Text;
  EXPECT_EQ(V.Min, Min) << Text;
  EXPECT_EQ(V.Max, Max) << Text;
}

TEST(StateText, ReadsConstants) {
  expectConstant("0", 0);
  expectConstant("P4", 4);
  expectConstant("-1", UINT64_MAX);
  expectConstant("0xdead", 0xdead);
  expectConstant("8245940422806172261", 8245940422806172261u); // 6.1
  expectConstant("inv5", 5);                                   // before 5.18
  expectConstant("invP-2", uint64_t(-2));
}

TEST(StateText, ReadsRanges) {
  expectRange("scalar()", 0, UINT64_MAX);
  expectRange("Pscalar(smin=smin32=0,smax=umax=smax32=umax32=0xffff,"
              "var_off=(0x0; 0xffff))",
              0, 0xffff);
  expectRange("scalar(smin=0x8000000000000001,umin=umin32=1)", 1, UINT64_MAX);
  expectRange("scalar(id=1,smin32=4,umin32=4,umax32=8)", 0, UINT64_MAX);
  expectRange("scalar(umin=3,umax=255,var_off=(0x0; 0xff),u32_min=3)", 3, 255);
  expectRange("inv(id=0,umin_value=1,umax_value=7,var_off=(0x0; 0x7))", 1, 7);
  expectRange("inv", 0, UINT64_MAX);
}

TEST(StateText, ForgetsIds) {
  uint32_t Plain = value("scalar(umax=9)").Hash;
  EXPECT_EQ(value("scalar(id=1,umax=9)").Hash, Plain);
  EXPECT_EQ(value("scalar(id=12345,umax=9)").Hash, Plain);
  EXPECT_EQ(value("scalar(id=7+4,umax=9)").Hash, Plain);
  EXPECT_EQ(value("Pscalar(id=2,umax=9)").Hash, Plain);
  EXPECT_NE(value("scalar(id=1,umax=8)").Hash, Plain);
  EXPECT_EQ(value("scalar(id=1)").Hash, value("scalar()").Hash);
  EXPECT_EQ(value("rdonly_mem(id=2,ref_obj_id=1,sz=4)").Hash,
            value("rdonly_mem(id=3,ref_obj_id=9,sz=4)").Hash);
  EXPECT_NE(value("rdonly_mem(id=2,ref_obj_id=1,sz=4)").Hash,
            value("mem(id=2,ref_obj_id=1,sz=4)").Hash);
}

TEST(StateText, TellsPointersFromScalars) {
  for (const char *Text :
       {"ctx()", "fp0", "fp-16", "fp[1]-8", "map_value(map=m,ks=4,vs=8)",
        "pkt(off=4,r=14)", "ptr_task_struct(off=8)", "func()", "pkt_end()",
        "map_value(off=0,ks=4,vs=4,umax=12,var_off=(0x0; 0xc))"}) {
    LocationValue V = value(Text);
    EXPECT_EQ(V.Kind, LocationValue::Other) << Text;
    EXPECT_EQ(V.Bytes, 0) << Text;
    EXPECT_EQ(value(Text, true).Kind, LocationValue::Other) << Text;
  }
  EXPECT_EQ(value("dynptr_local(id=1,ref_id=2)", true).Kind,
            LocationValue::Other);
  EXPECT_EQ(value("iter_num(ref_id=1,state=active,depth=0)", true).Kind,
            LocationValue::Other);
}

TEST(StateText, ReadsBytesOfSlots) {
  expectConstant("0", 0, true);
  expectConstant("00000000", 0, true);
  expectRange("mmmmmmmm", 0, UINT64_MAX, true);
  expectRange("", 0, UINT64_MAX, true); // 6.1: a range whose text is missing
  expectRange("P", 0, UINT64_MAX, true);
  EXPECT_EQ(value("mmmmmmmm", true).Bytes, 0xff);
  EXPECT_EQ(value("mmmm????", true).Bytes, 0xf0);
  EXPECT_EQ(value("mmmmmmm?", true).Bytes, 0xfe);
  // A spilled part, with the types of the bytes above it.
  expectConstant("????5", 5, true);
  EXPECT_EQ(value("????5", true).Bytes, 0x0f);
  expectConstant("????0", 0, true);
  expectConstant("00000", 0, true);
  expectConstant("00000x10", 16, true);
  EXPECT_EQ(value("00000x10", true).Bytes, 0xff);
  expectRange("mmmm0", 0, UINT64_MAX, true);
  EXPECT_EQ(value("mmmm0", true).Bytes, 0xff);
  EXPECT_EQ(value("????mmm3", true).Bytes, 0x0f);
  EXPECT_FALSE(value("????mmm3", true).Known);
  expectRange("????scalar(id=1,umax=255,var_off=(0x0; 0xff))", 0, 255, true);
  EXPECT_NE(value("????5", true).Hash, value("mmmm5", true).Hash);
}

TEST(StateText, AppliesChangesAndWholeStates) {
  FrameState S;
  EXPECT_TRUE(S.apply(" frame1: R1_w=5 R2_rw=ctx() R10=fp0 fp-16_w=7 "
                      "fp-24=mmmmmmmm refs=1,2 cb",
                      false));
  EXPECT_EQ(S.frame(), 1u);
  EXPECT_EQ(S[1].Min, 5u);
  EXPECT_EQ(S[2].Kind, LocationValue::Other);
  EXPECT_EQ(S[10].Kind, LocationValue::Nothing);
  EXPECT_EQ(S[11].Min, 7u);
  EXPECT_EQ(S[12].Kind, LocationValue::Scalar);
  EXPECT_EQ(S.used(), 13u);
  EXPECT_TRUE(S.apply(" R1=6", false));
  EXPECT_EQ(S.frame(), 0u);
  EXPECT_EQ(S[1].Min, 6u);
  EXPECT_EQ(S[11].Min, 7u);
  EXPECT_TRUE(S.apply(" R3=scalar(var_off=(0x0; 0xff)) fp-8=9", true));
  EXPECT_EQ(S[1].Kind, LocationValue::Nothing);
  EXPECT_EQ(S[3].Kind, LocationValue::Scalar);
  EXPECT_EQ(S[10].Min, 9u);
  EXPECT_EQ(S[11].Kind, LocationValue::Nothing);
}

TEST(StateText, CallsLeaveNoArguments) {
  FrameState S;
  EXPECT_TRUE(S.apply("R0=1 R1=1 R5=1 R6=1", true));
  S.clobberArguments();
  EXPECT_EQ(S[0].Kind, LocationValue::Scalar);
  EXPECT_EQ(S[1].Kind, LocationValue::Nothing);
  EXPECT_EQ(S[5].Kind, LocationValue::Nothing);
  EXPECT_EQ(S[6].Kind, LocationValue::Scalar);
}

TEST(StateText, ADynptrFillsTwoSlots) {
  FrameState S;
  EXPECT_TRUE(S.apply(" fp-8=mmmmmmmm fp-16=5", true));
  EXPECT_TRUE(S.apply(" fp-16_w=dynptr_ringbuf(id=1,ref_id=2)", false));
  EXPECT_EQ(S[10].Kind, LocationValue::Other);
  EXPECT_EQ(S[11].Kind, LocationValue::Other);
}

TEST(StateText, SaysWhatItDoesNotKnow) {
  FrameState S;
  EXPECT_FALSE(S.apply(" R1=5 Q7=8 R2=6", false));
  EXPECT_EQ(S[1].Min, 5u);
  EXPECT_EQ(S[2].Min, 6u);
  // Cut off in the middle of a value.
  for (size_t I = 0; I != 40; ++I) {
    std::string Text = "frame1: R1_w=scalar(id=1,umax=255,var_off=(0x0; 0xff)) "
                       "fp-16=????scalar(umax=1) refs=2";
    S.apply(std::string_view(Text).substr(0, I * 2), I % 2);
  }
  EXPECT_FALSE(S.apply("fp-12=5", false));
  EXPECT_TRUE(S.apply("fp-4096=5", false)); // deeper than any stack: ignored
  EXPECT_LE(S.used(), FrameState::Locations);
}

} // namespace
