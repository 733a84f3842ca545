//===- StateLogTest.cpp - the states in a level-2 log -----------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Load/StateLog.h"
#include <gtest/gtest.h>
#include <numeric>

using namespace prepatch;

namespace {

std::vector<int32_t> identity(size_t Count) {
  std::vector<int32_t> Origin(Count);
  std::iota(Origin.begin(), Origin.end(), 0);
  return Origin;
}

StateProfile read(std::string_view Log, std::vector<uint32_t> Points,
                  size_t Count = 64) {
  StateLogReader Reader(identity(Count), Count, Points);
  Reader.read(Log);
  return Reader.profile();
}

uint64_t sum(const std::vector<uint64_t> &Numbers) {
  return std::accumulate(Numbers.begin(), Numbers.end(), uint64_t(0));
}

const PointProfile &point(const StateProfile &P, uint32_t Index) {
  for (const PointProfile &Point : P.Points)
    if (Point.Index == Index)
      return Point;
  ADD_FAILURE() << "no point " << Index;
  return P.Points[0];
}

/// How often location was asked for at a point; slots by their offset.
uint64_t precise(const StateProfile &P, uint32_t Index, int Location) {
  unsigned Number =
      Location < 0 ? unsigned(-Location / 8 + 9) : unsigned(Location);
  for (const LocationProfile &L : point(P, Index).Locations)
    if (L.Location == Number)
      return L.Precise;
  return 0;
}

const LocationProfile *location(const StateProfile &P, uint32_t Index,
                                unsigned Number) {
  for (const LocationProfile &L : point(P, Index).Locations)
    if (L.Location == Number)
      return &L;
  return nullptr;
}

// unsafe_on_2nd_iter of the selftests' verifier_iterating_callbacks, as 6.18
// prints it.
const char Callback618[] = R"(func#0 @0
func#1 @12
Live regs before insn:
      0: .......... (bf) r1 = r10
      1: .1........ (07) r1 += -4
  1   9: .1234..... (85) call bpf_loop#181
arg#0 reference type('UNKNOWN ') size cannot be determined: -22
0: R1=ctx() R10=fp0
0: (bf) r1 = r10                      ; R1=fp0 R10=fp0
1: (07) r1 += -4                      ; R1=fp-4
2: (7b) *(u64 *)(r10 -16) = r1        ; R1=fp-4 R10=fp0 fp-16=fp-4
3: (bf) r3 = r10                      ; R3=fp0 R10=fp0
4: (07) r3 += -16                     ; R3=fp-16
5: (b4) w1 = 100                      ; R1=100
6: (18) r2 = 0x5                      ; R2=func()
8: (b7) r4 = 0                        ; R4=0
9: (85) call bpf_loop#181
mark_precise: frame0: last_idx 9 first_idx 9 subseq_idx -1 
mark_precise: frame0: parent state regs=r4 stack=:  R1=100 R2=func() R3=fp-16 R4=P0 R10=fp0 fp-16=fp-4
mark_precise: frame0: last_idx 8 first_idx 0 subseq_idx 9 
mark_precise: frame0: regs=r4 stack= before 8: (b7) r4 = 0
mark_precise: frame0: last_idx 9 first_idx 9 subseq_idx -1 
mark_precise: frame0: parent state regs=r1 stack=:  R1=P100 R2=func() R3=fp-16 R4=P0 R10=fp0 fp-16=fp-4
mark_precise: frame0: last_idx 8 first_idx 0 subseq_idx 9 
mark_precise: frame0: regs=r1 stack= before 8: (b7) r4 = 0
mark_precise: frame0: regs=r1 stack= before 6: (18) r2 = 0x5
mark_precise: frame0: regs=r1 stack= before 5: (b4) w1 = 100
10: R0=scalar() R10=fp0 fp-16=fp-4
10: (b4) w0 = 0                       ; R0=0
11: (95) exit
(0) frame 0 insn 2 +written -16 
(0) live stack update done in 2 iterations

from 9 to 12: frame1: R1=scalar() R2=fp[0]-16 R10=fp0 cb
12: frame1: R1=scalar() R2=fp[0]-16 R10=fp0 cb
12: (56) if w1 != 0x0 goto pc+3       ; frame1: R1=scalar(smax=0x7fffffff00000000,umax=0xffffffff00000000,smin32=0,smax32=umax32=0,var_off=(0x0; 0xffffffff00000000)) cb
13: (b7) r1 = 57005                   ; frame1: R1=0xdead cb
14: (7b) *(u64 *)(r2 +0) = r1         ; frame1: R1=0xdead R2=fp[0]-16 cb
15: (05) goto pc+8
24: (b4) w0 = 0                       ; frame1: R0=0 cb
25: (95) exit
mark_precise: frame1: last_idx 25 first_idx 25 subseq_idx -1 
mark_precise: frame1: parent state regs=r0 stack=:  frame1: R0=P0 R1=0xdead R2=fp[0]-16 R10=fp0 cb
mark_precise: frame0: parent state regs= stack=:  R1=100 R2=func() R3=fp-16 R4=0 R10=fp0 fp-16=0xdead
mark_precise: frame1: last_idx 24 first_idx 9 subseq_idx 25 
mark_precise: frame1: regs=r0 stack= before 24: (b4) w0 = 0
returning from callee:
 frame1: R0=0 R1=0xdead R2=fp[0]-16 R10=fp0 cb
to caller at 9:
 R1=100 R2=func() R3=fp-16 R4=0 R10=fp0 fp-16=0xdead

from 25 to 9: R1=100 R2=func() R3=fp-16 R4=0 R10=fp0 fp-16=0xdead
9: (85) call bpf_loop#181
mark_precise: frame0: last_idx 9 first_idx 9 subseq_idx -1 
mark_precise: frame0: parent state regs=r4 stack=:  R1=100 R2=func() R3=fp-16 R4=P0 R10=fp0 fp-16=0xdead
mark_precise: frame0: last_idx 25 first_idx 25 subseq_idx 9 
mark_precise: frame0: regs=r4 stack= before 25: (95) exit
10: R0=scalar() R10=fp0 fp-16=0xdead
10: (b4) w0 = 0                       ; R0=0
11: (95) exit

from 9 to 12: frame1: R1=scalar() R2=fp[0]-16 R10=fp0 cb
frame 0: propagating r1,r4
SCC backedge (1)

from 25 to 9: safe
)";

TEST(StateLog, ReadsAWalkOf618) {
  StateProfile P = read(Callback618, {1, 9, 10, 12, 13, 24});
  EXPECT_EQ(P.UnknownLines, 0u);
  EXPECT_EQ(sum(P.Visits), 21u);
  EXPECT_EQ(sum(P.Safe), 1u);
  EXPECT_EQ(P.Visits[9], 3u);
  EXPECT_EQ(P.Safe[9], 1u);
  EXPECT_EQ(P.Visits[7], 0u);        // the second half of a 64-bit load
  EXPECT_EQ(point(P, 9).Visits, 2u); // the third one was cut
  EXPECT_EQ(point(P, 9).States, 2u);
  EXPECT_EQ(point(P, 9).Frame, 0u);
  EXPECT_EQ(point(P, 12).Frame, 1u);
  // fp-16 held a pointer, then 0xdead.
  const LocationProfile *Slot = location(P, 9, 11);
  ASSERT_TRUE(Slot);
  EXPECT_FALSE(Slot->Scalar);
  EXPECT_EQ(Slot->Values, 2u);
  EXPECT_EQ(Slot->Merge, 1u);
  EXPECT_EQ(location(P, 9, 1)->Known, 2u);
  EXPECT_EQ(location(P, 9, 1)->Max, 100u);
  // The call left nothing in r1 to r5, and they are the same each time.
  EXPECT_FALSE(location(P, 10, 1));
}

TEST(StateLog, CountsWhatIsAskedFor) {
  StateProfile P = read(Callback618, {5, 6, 8, 9, 24, 25});
  // At the call itself: from the lines about the parent, once for each series.
  EXPECT_EQ(precise(P, 9, 4), 2u);
  EXPECT_EQ(precise(P, 9, 1), 1u);
  // "regs=r1 before 6" is what is wanted when 8 begins.
  EXPECT_EQ(precise(P, 8, 1), 1u);
  EXPECT_EQ(precise(P, 6, 1), 1u);
  EXPECT_EQ(precise(P, 5, 1), 0u);
  EXPECT_EQ(precise(P, 8, 4), 0u);
  EXPECT_EQ(precise(P, 25, 0), 1u);
  EXPECT_EQ(precise(P, 24, 0), 0u);
}

TEST(StateLog, ReadsAWalkOf612) {
  StateProfile P = read(R"(0: R1=ctx() R10=fp0
0: (b7) r6 = 0                        ; R6_w=0
1: (7b) *(u64 *)(r10 -8) = r6         ; R6_w=0 R10=fp0 fp-8_w=0
2: (63) *(u32 *)(r10 -16) = r6        ; R6_w=0 R10=fp0 fp-16=????0
3: (85) call bpf_ktime_get_ns#5       ; R0_w=scalar()
4: (79) r2 = *(u64 *)(r10 -8)
mark_precise: frame0: last_idx 4 first_idx 0 subseq_idx -1 
mark_precise: frame0: regs=r6 stack=-8 before 3: (85) call bpf_ktime_get_ns#5
mark_precise: frame0: regs=r6 stack=-8,-16 before 2: (63) *(u32 *)(r10 -16) = r6
5: R2_w=0 R10=fp0 fp-8=0
5: (15) if r0 == 0x0 goto pc+1        ; R0_w=scalar(umin=1)
6: (b7) r6 = 1                        ; R6=1
7: (95) exit

from 5 to 7: R0=0 R2_w=0 R6=0 R10=fp0 fp-8=0 fp-16=????0
7: (95) exit

from 3 to 5 (speculative execution): R0=P0 R2_w=0 R6=0 R10=fp0 fp-8=0 fp-16=????5
5: (15) if r0 == 0x0 goto pc+1

from 5 to 6 (speculative execution): safe
)",
                        {3, 4, 5, 7});
  EXPECT_EQ(P.UnknownLines, 0u);
  EXPECT_EQ(P.Visits[5], 2u);
  EXPECT_EQ(P.Safe[6], 1u);
  EXPECT_EQ(precise(P, 4, 6), 1u);
  EXPECT_EQ(precise(P, 4, -8), 1u);
  EXPECT_EQ(precise(P, 4, -16), 0u);
  EXPECT_EQ(precise(P, 3, -16), 1u);
  EXPECT_EQ(location(P, 7, 6)->Values, 2u);
  EXPECT_TRUE(location(P, 7, 6)->Scalar);
  EXPECT_EQ(location(P, 5, 11)->Values, 2u);
  EXPECT_EQ(location(P, 5, 11)->Bytes, 0x0f);
}

// The end of a callback in bpf_loop's prog_nested_calls, as 6.1 prints it.
TEST(StateLog, ReadsAWalkOf61) {
  StateProfile P = read(R"(reg type unsupported for arg#0 function callback#16
caller:
 frame2: R10=fp0 cb
callee:
 frame3: R1=scalar() R2_w=fp-4 R10=fp0 cb
53: frame3: R1_w=scalar() R2_w=fp-4 R10=fp0 cb
53: (b4) w0 = 1                       ; frame3: R0_w=1 cb
54: (18) r3 = 0xff82a78c40814000      ; frame3: R3_w=map_value(off=0,ks=4,vs=4,imm=0) cb
56: (61) r3 = *(u32 *)(r3 +0)         ; frame3: R3_w=scalar(umax=4294967295,var_off=(0x0; 0xffffffff)) cb
57: (3e) if w1 >= w3 goto pc+4        ; frame3: R1_w=scalar() R3_w=scalar(umax=4294967295,var_off=(0x0; 0xffffffff)) cb
58: (61) r3 = *(u32 *)(r2 +0)         ; frame3: R2_w=fp-4 R3_w=P0 cb
59: (0c) w3 += w1
last_idx 59 first_idx 38
regs=2 stack=0 before 58: (61) r3 = *(u32 *)(r2 +0)
regs=2 stack=2 before 57: (3e) if w1 >= w3 goto pc+4
regs=a stack=0 before 56: (61) r3 = *(u32 *)(r3 +0)
60: frame3: R1_w=scalar() R3_w=Pscalar(umax=4294967295,var_off=(0x0; 0xffffffff)) cb
60: (63) *(u32 *)(r2 +0) = r3         ; frame3: R2_w=fp-4 R3_w=Pscalar(umax=4294967295,var_off=(0x0; 0xffffffff)) cb
61: (b4) w0 = 0                       ; frame3: R0=0 cb
62: (95) exit
last_idx 62 first_idx 62
parent didn't have regs=1 stack=0 marks: frame3: R0_rw=P0 R1_w=scalar() R2_w=fp-4 R3_w=scalar(umax=4294967295,var_off=(0x0; 0xffffffff)) R10=fp0 cb
last_idx 61 first_idx 38
regs=1 stack=0 before 61: (b4) w0 = 0
returning from callee:
 frame3: R0=0 R1=scalar() R2=fp-4 R3=scalar(umax=4294967295,var_off=(0x0; 0xffffffff)) R10=fp0 cb
to caller at 46:
 frame2: R0=scalar() R10=fp0 fp-8= fp-16=fp cb

from 62 to 46: frame2: R0=scalar() R10=fp0 fp-8= fp-16=fp cb
46: (18) r1 = 0xff82a78c40817008      ; frame2: R1_w=map_value(off=8,ks=4,vs=28,imm=0) cb
)",
                        {46, 57, 58, 59, 61, 62});
  EXPECT_EQ(P.UnknownLines, 0u);
  EXPECT_EQ(sum(P.Visits), 10u);
  EXPECT_EQ(point(P, 59).Frame, 3u);
  EXPECT_EQ(point(P, 46).Frame, 2u);
  EXPECT_EQ(precise(P, 59, 1), 1u);
  EXPECT_EQ(precise(P, 58, 1), 1u);
  EXPECT_EQ(precise(P, 58, -16), 1u);
  EXPECT_EQ(precise(P, 57, 1), 1u);
  EXPECT_EQ(precise(P, 57, 3), 1u);
  EXPECT_EQ(precise(P, 62, 0), 1u);
  EXPECT_EQ(precise(P, 61, 0), 0u);
}

TEST(StateLog, InsertedCodeIsLeftOut) {
  // Two instructions before instruction 1 of three.
  StateLogReader Reader({0, -1, -1, 1, 2}, 3, {1});
  Reader.read("0: R1=ctx() R10=fp0\n"
              "0: (b7) r6 = 4     ; R6=4\n"
              "1: (af) r6 ^= r7   ; R6=scalar()\n"
              "2: (af) r6 ^= r7   ; R6=scalar(umax=9)\n"
              "3: (bf) r0 = r6    ; R0=scalar(umax=9)\n"
              "4: (95) exit\n"
              "\n"
              "from 0 to 1: safe\n"
              "3: safe\n");
  StateProfile P = Reader.profile();
  EXPECT_EQ(P.Visits, (std::vector<uint64_t>{1, 3, 1}));
  // A path that is cut at the code in front of an instruction is cut there.
  EXPECT_EQ(P.Safe, (std::vector<uint64_t>{0, 2, 0}));
  EXPECT_EQ(point(P, 1).Visits, 1u);
}

TEST(StateLog, GlobalFunctionsBeginWithNothing) {
  StateProfile P = read("0: R1=ctx() R10=fp0\n"
                        "0: (b7) r6 = 4     ; R6=4 fp-8=mmmmmmmm\n"
                        "1: (95) exit\n"
                        "Func#1 ('f') is global and assumed valid.\n"
                        "Validating f() func#1...\n"
                        "5: R1=scalar() R10=fp0\n"
                        "5: (b7) r6 = 5     ; R6=5\n"
                        "5: (95) exit\n",
                        {5});
  EXPECT_EQ(P.UnknownLines, 0u);
  // r6 was nothing at the first visit.
  EXPECT_FALSE(location(P, 5, 6)->Scalar);
  EXPECT_FALSE(location(P, 5, 10));
}

TEST(StateLog, AnyPieceOfALogIsFine) {
  std::string_view Whole(Callback618);
  // What is left of the last line comes again with the rest.
  StateLogReader Pieces(identity(64), 64, {9, 12});
  for (size_t Start = 0, End = 0; End != Whole.size();) {
    End = std::min(Whole.size(), End + 37);
    Start += Pieces.read(Whole.substr(Start, End - Start));
  }
  StateProfile A = Pieces.profile(), B = read(Whole, {9, 12});
  EXPECT_EQ(A.Visits, B.Visits);
  EXPECT_EQ(A.UnknownLines, 0u);
  EXPECT_EQ(point(A, 9).Locations.size(), point(B, 9).Locations.size());
  for (size_t Cut = 0; Cut != Whole.size(); ++Cut)
    EXPECT_LE(sum(read(Whole.substr(0, Cut), {9}).Visits), 21u);
}

TEST(StateLog, SaysWhatItDoesNotKnow) {
  StateProfile P = read("0: (b7) r6 = 4     ; R6=4\n"
                        "a line of a kernel to come\n"
                        "1: R6=4 news=3\n"
                        "1: nonsense\n"
                        "from 1 to x: R6=4\n"
                        "mark_precise: frame0: something else\n"
                        "99999: (95) exit\n"
                        "1: (95) exit\n",
                        {1, 1});
  EXPECT_EQ(P.UnknownLines, 5u);
  ASSERT_EQ(P.UnknownExamples.size(), 3u);
  EXPECT_EQ(P.UnknownExamples[0], "a line of a kernel to come");
  EXPECT_EQ(sum(P.Visits), 2u);
  EXPECT_EQ(P.Points.size(), 1u);
}

} // namespace
