//===- LiveLogTest.cpp - a log read while it is written -----------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Load/LiveLog.h"
#include <cstring>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

using namespace prepatch;

namespace {

/// Writes as bpf_verifier_vlog() does: the text, and a NUL behind it.
struct Writer {
  explicit Writer(LiveLog &Log) : Log(Log) {}
  void write(std::string_view Text) {
    size_t Room = Log.size() - At;
    if (Room <= 1)
      return;
    size_t Count = std::min(Text.size(), Room - 1);
    memcpy(Log.data() + At, Text.data(), Count);
    Log.data()[At + Count] = '\0';
    At += Count;
  }
  /// print_insn_state() goes on in the line before.
  void takeBackNewline() { --At; }

  LiveLog &Log;
  size_t At = 0;
};

/// Takes complete lines, as StateLogReader does.
struct Lines {
  size_t operator()(std::string_view Text) {
    size_t End = Text.rfind('\n');
    if (End == std::string_view::npos)
      return 0;
    for (char C : Text.substr(0, End + 1))
      Hash = (Hash ^ static_cast<unsigned char>(C)) * 0x100000001b3;
    Bytes += End + 1;
    return End + 1;
  }
  uint64_t Hash = 0;
  size_t Bytes = 0;
};

TEST(LiveLog, ReadsAllAndGivesMemoryBack) {
  Lines Seen, Expected;
  LiveLog Log(LiveLog::MaxSize,
              [&](std::string_view Text) { return Seen(Text); });
  Writer W(Log);
  std::string Line;
  for (int I = 0; I != 400000; ++I) {
    std::string Number = std::to_string(I);
    W.write(Number + ": (b7) r1 = 0\n");
    if (I % 3 == 0) {
      W.takeBackNewline();
      W.write("      ;");
      W.write(" R1_w=" + Number);
      W.write("\n");
      Expected(Number + ": (b7) r1 = 0      ; R1_w=" + Number + "\n");
    } else {
      Expected(Number + ": (b7) r1 = 0\n");
    }
  }
  W.write("processed 7 insns\n");
  Expected("processed 7 insns\n");
  Log.finish();
  EXPECT_EQ(Seen.Bytes, Expected.Bytes);
  EXPECT_EQ(Seen.Hash, Expected.Hash);
  EXPECT_EQ(Log.tail().substr(Log.tail().size() - 18), "processed 7 insns\n");
  // What is read is gone, but for the end.
  unsigned char Resident[1024];
  ASSERT_GT(Seen.Bytes, 9u << 20);
  ASSERT_EQ(
      mincore(Log.data(), sizeof(Resident) * size_t(getpagesize()), Resident),
      0);
  for (unsigned char R : Resident)
    EXPECT_EQ(R & 1, 0);
}

TEST(LiveLog, AFullBufferEndsInTheMiddle) {
  Lines Seen;
  LiveLog Log(4096, [&](std::string_view Text) { return Seen(Text); });
  Writer W(Log);
  for (int I = 0; I != 1000; ++I)
    W.write("0123456789\n");
  Log.finish();
  EXPECT_EQ(Seen.Bytes, 4095 / 11 * 11u);
  EXPECT_EQ(Log.tail().size(), 4095u);
}

TEST(LiveLog, NothingWritten) {
  Lines Seen;
  LiveLog Log(1 << 20, [&](std::string_view Text) { return Seen(Text); });
  Log.finish();
  Log.finish();
  EXPECT_EQ(Seen.Bytes, 0u);
  EXPECT_EQ(Log.tail(), "");
}

} // namespace
