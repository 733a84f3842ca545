//===- ProfileReaderTest.cpp - errors in profile files
//----------------------===//
//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Takes the shipped profile, breaks one element at a time, and expects an error
// that names the element.
//
//===----------------------------------------------------------------------===//

#include "Kernel/KernelProfile.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/raw_ostream.h"
#include "gtest/gtest.h"

using namespace llvm;
using namespace prepatch;

namespace {
std::string shipped() {
  auto File =
      MemoryBuffer::getFile(PREPATCH_PROFILE_DIR "/linux-6.18-x86_64.json");
  return File ? (*File)->getBuffer().str() : "";
}

/// The error after the first occurrence of From became To.
std::string errorAfter(StringRef From, StringRef To) {
  std::string Text = shipped();
  size_t Pos = Text.find(From);
  if (Pos == std::string::npos)
    return ("not in the profile: " + From).str();
  Text.replace(Pos, From.size(), To.str());
  auto P = KernelProfile::parse(Text, "p.json");
  return P ? "accepted" : toString(P.takeError());
}

TEST(ProfileReader, AcceptsTheShippedFile) {
  auto P = KernelProfile::parse(shipped(), "p.json");
  EXPECT_TRUE(bool(P)) << toString(P.takeError());
}

TEST(ProfileReader, NotJson) {
  for (const char *Text : {"", "{", "[1,]", "{\"format\":1", "\xff\xfe"}) {
    auto P = KernelProfile::parse(Text, "p.json");
    ASSERT_FALSE(bool(P)) << Text;
    std::string Error = toString(P.takeError());
    EXPECT_TRUE(StringRef(Error).starts_with("p.json: ")) << Error;
  }
}

TEST(ProfileReader, DeepNesting) {
  auto P = KernelProfile::parse(std::string(10'000'000, '['), "p.json");
  ASSERT_FALSE(bool(P));
  EXPECT_EQ(toString(P.takeError()), "p.json: nested too deeply for a profile");
  // Brackets in texts do not count.
  EXPECT_EQ(errorAfter("\"arch\":\"x86_64\"",
                       "\"arch\":\"\\\"" + std::string(100, '[') + "\""),
            "accepted");
}

TEST(ProfileReader, WrongRoot) {
  auto P = KernelProfile::parse("[]", "p.json");
  ASSERT_FALSE(bool(P));
  EXPECT_EQ(toString(P.takeError()), "p.json: expected an object");
  P = KernelProfile::parse("{}", "p.json");
  ASSERT_FALSE(bool(P));
  EXPECT_EQ(toString(P.takeError()), "p.json: expected a member 'format'");
}

TEST(ProfileReader, NamesTheWrongElement) {
  EXPECT_EQ(errorAfter("\"format\":1", "\"format\":2"),
            "p.json: format: expected an integer from 1 to 1, found 2");
  EXPECT_EQ(errorAfter("\"endian\":\"little\"", "\"endian\":\"middle\""),
            "p.json: endian: expected 'little' or 'big'");
  EXPECT_EQ(errorAfter("\"release\":\"6.18\"", "\"release\":6.18"),
            "p.json: release: expected a string");
  EXPECT_EQ(errorAfter("\"arch\"", "\"Arch\""),
            "p.json: expected a member 'arch'");
  EXPECT_EQ(errorAfter("\"arch\"", "\"zz\":1,\"aa\":2,\"arch\""),
            "p.json: unexpected member 'aa'");
  EXPECT_EQ(errorAfter("\"callFrames\":8", "\"callFrames\":true"),
            "p.json: limits.callFrames: expected an integer");
  EXPECT_EQ(errorAfter("\"kfuncs\":true", "\"kfuncs\":1"),
            "p.json: features.kfuncs: expected true or false");
  EXPECT_EQ(errorAfter("\"alu", "\"Alu"), "p.json: expected a member 'alu'");
  EXPECT_EQ(errorAfter("\"div32\":4", "\"div32\":0"),
            "p.json: alu.div32: expected an integer from 1 to 255, found 0");
  EXPECT_EQ(errorAfter("\"growthSmall\":[0.41", "\"growthSmall\":[-0.41"),
            "p.json: costs.growthSmall[0]: expected a number that is not "
            "negative");
  EXPECT_EQ(errorAfter("\"mov\":", "\"move\":"),
            "p.json: costs.visit: expected a member 'mov'");
}

TEST(ProfileReader, Shapes) {
  EXPECT_EQ(errorAfter("[[0,1,2,2,3,0,0,0,4,0,8]", "[[0,3,2,2,3,0,0,0,4,0,8]"),
            "p.json: shapes[0][0][1]: expected 1, 2, 4 or 8");
  EXPECT_EQ(errorAfter("[[0,1,2,2,3,0,0,0,4,0,8]", "[[0,1,2,2,3,0,0,0]"),
            "p.json: shapes[0][0]: expected an array of 7 or 11 integers");
  EXPECT_EQ(errorAfter("[[0,1,2,2,3,0,0,0,4,0,8]", "[[0,1,0,2,3,0,0,0,4,0,8]"),
            "p.json: shapes[0][0]: expected all or none of the three read "
            "lengths");
  EXPECT_EQ(errorAfter("[[0,1,2,2,3,0,0,0,4,0,8]", "[[0,1,2,2,3,0,0,0,4,28,8]"),
            "p.json: shapes[0][0]: expected the widened value to hold all 8 "
            "bits above bit 28");
  EXPECT_EQ(errorAfter("[[0,1,2,2,3,0,0,0,4,0,8]", "[[0,4,2,2,3,0,0,0,4,0,8]"),
            "p.json: shapes[0][0][8]: expected a size wider than the access");
}

TEST(ProfileReader, Contexts) {
  EXPECT_EQ(errorAfter("\"fields\":[0,0,4,1,", "\"fields\":[0,0,4,9999,"),
            "p.json: contexts[0].fields[3]: expected an integer from 0 to 43, "
            "found 9999");
  EXPECT_EQ(errorAfter("\"fields\":[0,0,4,1,", "\"fields\":[4,1,0,0,"),
            "p.json: contexts[0].fields[2]: expected rows in order of offset "
            "and size");
  EXPECT_EQ(errorAfter("\"fields\":[0,0,4,1,", "\"fields\":[0,0,6,1,"),
            "p.json: contexts[0].fields[2]: expected a multiple of 4");
  EXPECT_EQ(errorAfter("\"fields\":[0,0,", "\"fields\":[0,"),
            "p.json: contexts[0].fields: expected an array of offsets and "
            "shapes in turn");
  EXPECT_EQ(errorAfter("\"name\":\"cgroup_sock\"", "\"name\":\"cgroup_skb\""),
            "p.json: contexts[1]: context 'cgroup_skb' is there twice");
  EXPECT_EQ(errorAfter("[152,8,\"R\",1,180]", "[152,8,\"X\",1,180]"),
            "p.json: contexts[7].alternatives[0][2]: expected 'R', 'RSX', 'W' "
            "or 'WI'");
  EXPECT_EQ(errorAfter("\"unconverted\":[\"cgroup_device\"",
                       "\"unconverted\":[\"xdp\""),
            "p.json: unconverted: context 'xdp' is there twice");
}

TEST(ProfileReader, HelpersAndKfuncs) {
  EXPECT_EQ(errorAfter("\"max\":211", "\"max\":9999"),
            "p.json: helpers.max: expected an integer from 1 to 211, found "
            "9999");
  EXPECT_EQ(errorAfter("{\"helper\":8,", "{\"helper\":500,"),
            "p.json: helpers.rules[8].helper: no helper has the number 500");
  EXPECT_EQ(errorAfter("[\"mapMasked\"]", "[\"magic\"]"),
            "p.json: helpers.rules[9].needs[0]: unknown condition 'magic'");
  EXPECT_EQ(errorAfter("\"bpf_obj_drop_impl\":{\"insns\":3}",
                       "\"bpf_obj_drop_impl\":{\"insns\":\"3\"}"),
            "p.json: kfuncs.bpf_obj_drop_impl.insns: expected an integer");
}

// A kernel with fewer helpers and features than the newest: data only.
TEST(ProfileReader, OlderKernel) {
  std::string Text = shipped();
  auto replace = [&](StringRef From, StringRef To) {
    size_t Pos = Text.find(From.str());
    ASSERT_NE(Pos, std::string::npos) << From.str();
    Text.replace(Pos, From.size(), To.str());
  };
  replace("\"loadAcquire\":true,\n", "");
  replace("\"name\":\"linux-6.18-x86_64\"", "\"name\":\"linux-6.1-x86_64\"");
  auto P = KernelProfile::parse(Text, "p.json");
  ASSERT_TRUE(bool(P)) << toString(P.takeError());
  EXPECT_FALSE(P->features().LoadAcquire);
  EXPECT_EQ(P->name(), "linux-6.1-x86_64");
}

TEST(ProfileReader, EveryTruncationIsAnError) {
  std::string Text = shipped();
  for (size_t Size = 0; Size + 2 < Text.size(); Size += 37) {
    auto P = KernelProfile::parse(StringRef(Text).take_front(Size), "p.json");
    EXPECT_FALSE(bool(P)) << Size;
    consumeError(P.takeError());
  }
}
} // namespace
