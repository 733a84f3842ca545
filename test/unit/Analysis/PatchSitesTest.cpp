//===- PatchSitesTest.cpp - What the kernel will make longer ---===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Numbers are those of the profile of 6.18, measured there.
//===----------------------------------------------------------------------===//

#include "TestProgram.h"

using namespace llvm;
using namespace prepatch;

namespace {

TEST(PatchSites, ContextReads) {
  TestProgram T;
  Function &F = T.entry("tc");
  T.block(F);
  T.B.load(2, 1, 0, 4);                                   // len: in place
  T.B.load(3, 1, 40, 4);                                  // ifindex: 2
  T.B.load(4, 1, 0, 1);                                   // a narrow one: +1
  T.B.create({ClassLdx | ModeMemSx | SizeB, 5, 1, 0, 0}); // sign extended: +2
  T.returnZero();
  Analysed A(T);
  EXPECT_EQ(A.sites(F), "context-read+1 context-read+1 context-read+2");
  const PatchSite &S = A.Sites.sites(F)[0];
  EXPECT_EQ(S.Slot, 1u);
  EXPECT_EQ(S.Offset, 40);
  EXPECT_EQ(S.Size, 4u);
  EXPECT_EQ(S.Access, AccessKind::Read);
  EXPECT_EQ(A.totals().Growth, 4u);
  EXPECT_EQ(A.totals().GrowthSites, 3u);
}

TEST(PatchSites, ContextThatIsNotConverted) {
  TestProgram T;
  Function &F = T.entry("kprobe/f");
  T.block(F);
  T.B.load(2, 1, 0, 8);
  T.B.load(3, 1, 40, 8);
  T.returnZero();
  Analysed A(T);
  EXPECT_EQ(A.sites(F), "");
}

TEST(PatchSites, ContextInTheDestinationRegister) {
  TestProgram T;
  Function &F = T.entry("sockops");
  T.block(F);
  T.B.movReg(6, 1);
  T.B.load(2, 1, 76, 4); // snd_cwnd
  T.B.load(6, 6, 76, 4);
  T.returnZero();
  Analysed A(T);
  EXPECT_EQ(A.sites(F), "context-read+3 context-read+8");
  EXPECT_TRUE(A.Sites.sites(F)[1].DestIsBase);
}

TEST(PatchSites, ContextWrites) {
  TestProgram T;
  Function &F = T.entry("tc");
  T.block(F);
  T.B.movImm(2, 1);
  T.B.store(1, 8, 2, 4);  // mark: in place
  T.B.store(1, 12, 2, 4); // queue_mapping: 2
  T.returnZero();
  Analysed A(T);
  EXPECT_EQ(A.sites(F), "context-write+1");
}

// tstamp is in place if the program also reads tstamp_type, wherever.
TEST(PatchSites, FieldThatDependsOnAnother) {
  TestProgram T;
  Function &Other = T.subprogram("other"), &With = T.entry("tc", "with");
  T.block(Other);
  T.B.load(0, 1, 180, 1);
  T.B.exit();
  T.block(With);
  T.B.movReg(6, 1);
  T.B.call(Other);
  T.B.load(2, 6, 152, 8);
  T.returnZero();
  Function &Without = T.entry("tc", "without");
  T.block(Without);
  T.B.load(2, 1, 152, 8);
  T.returnZero();
  Analysed A(T);
  EXPECT_EQ(A.sites(With), "");
  EXPECT_EQ(A.sites(Without), "context-read+7");
}

// One function, two program types: 1 more instruction in one, 2 in the other.
TEST(PatchSites, SharedFunction) {
  TestProgram T;
  Function &Sub = T.subprogram("sub");
  T.block(Sub);
  T.B.load(0, 1, 40, 4); // ifindex
  T.B.exit();
  Function &Tc = T.entry("tc", "a"), &Cgroup = T.entry("cgroup/skb", "b");
  for (Function *F : {&Tc, &Cgroup}) {
    T.block(*F);
    T.B.call(Sub);
    T.B.exit();
  }
  Analysed A(T);
  EXPECT_EQ(A.sites(Sub), "context-read+2");
  EXPECT_EQ(A.totals(0).Growth, 1u);
  EXPECT_EQ(A.totals(1).Growth, 2u);
}

TEST(PatchSites, SocketReads) {
  TestProgram T;
  Function &F = T.entry("tc");
  BasicBlock &Head = T.block(F);
  T.B.load(6, 1, 168, 8); // sk
  BasicBlock &Found = T.B.createBlock(F), &End = T.B.createBlock(F);
  T.B.setInsertPoint(Head);
  T.B.condJumpImm(JmpEq, 6, 0, End);
  T.B.setInsertPoint(Found);
  T.B.load(2, 6, 4, 4);  // family: in place
  T.B.load(3, 6, 76, 4); // rx_queue_mapping: 3
  T.B.setInsertPoint(End);
  T.returnZero();
  Analysed A(T);
  EXPECT_EQ(A.sites(F), "socket-read+2");
  EXPECT_EQ(A.Sites.sites(F)[0].Socket, SocketKind::SockCommon);
}

TEST(PatchSites, MapLookups) {
  struct Row {
    uint32_t Type, Flags;
    const char *Expected;
  };
  for (const Row &R : std::initializer_list<Row>{
           {MapType::Hash, 0, "map-lookup+2"},
           {MapType::LruHash, 0, "map-lookup+5"},
           {MapType::Array, 0, "map-lookup+6"},
           {MapType::Array, 0x1000, ""}, // BPF_F_INNER_MAP
           {MapType::PercpuArray, 0, "map-lookup+8"},
           {MapType::PercpuHash, 0, "map-lookup+4"},
           {MapType::LpmTrie, 0, ""},
       }) {
    TestProgram T;
    Symbol &M = T.map("m", R.Type, R.Flags);
    Function &F = T.entry("xdp");
    T.block(F);
    T.lookup(M);
    T.returnZero();
    Analysed A(T);
    EXPECT_EQ(A.sites(F), R.Expected) << mapTypeName(R.Type).str();
    if (*R.Expected) {
      EXPECT_EQ(A.Sites.sites(F)[0].TheMap, M.MapDef);
    }
  }
}

TEST(PatchSites, TwoMapsAtOneLookup) {
  TestProgram T;
  Symbol &M1 = T.map("one", MapType::Array), &M2 = T.map("two", MapType::Array);
  Function &F = T.entry("xdp");
  BasicBlock &Head = T.block(F);
  T.B.load(3, 1, 12, 4);
  T.loadMap(1, M1);
  BasicBlock &Other = T.B.createBlock(F), &Join = T.B.createBlock(F);
  T.B.setInsertPoint(Head);
  T.B.condJumpImm(JmpEq, 3, 1, Join);
  T.B.setInsertPoint(Other);
  T.loadMap(1, M2);
  T.B.setInsertPoint(Join);
  T.B.movReg(2, RegFp);
  T.B.aluImm(AluAdd, 2, -4);
  T.B.callHelper(HelperMapLookup);
  T.returnZero();
  Analysed A(T);
  // ifindex of xdp is the other site.
  EXPECT_EQ(A.sites(F), "context-read+2");
}

TEST(PatchSites, Helpers) {
  TestProgram T;
  Function &F = T.entry("xdp");
  T.block(F);
  T.B.callHelper(HelperKtime);
  T.B.callHelper(HelperCpu);
  T.B.callHelper(118); // bpf_jiffies64
  T.B.exit();
  Analysed A(T);
  EXPECT_EQ(A.sites(F), "helper+2 helper+2");
  EXPECT_EQ(A.Sites.sites(F)[0].Helper, uint32_t(HelperCpu));
}

TEST(PatchSites, LoopsInLine) {
  for (bool Constant : {true, false}) {
    TestProgram T;
    Function &Callback = T.subprogram("callback"), &F = T.entry("xdp");
    T.block(Callback);
    T.returnZero();
    T.block(F);
    T.B.load(4, 1, 0, 4);
    T.B.load(4, 4, 0, 4); // from the packet
    if (Constant)
      T.B.movImm(4, 0);
    T.B.movImm(1, 8);
    T.loadFunction(2, Callback);
    T.B.movImm(3, 0);
    T.B.callHelper(HelperLoop);
    T.B.exit();
    Analysed A(T);
    EXPECT_EQ(A.sites(F), Constant ? "bpf-loop+18" : "");
  }
}

TEST(PatchSites, Divisions) {
  TestProgram T;
  Function &F = T.entry("xdp");
  T.block(F);
  T.B.movImm(2, 6);
  T.B.movImm(3, 2);
  T.B.aluReg(AluDiv, 2, 3);
  T.B.aluReg(AluMod, 2, 3);
  T.B.aluReg(AluMod, 2, 3, /*Is64=*/false);
  T.B.create({ClassAlu64 | AluDiv | SrcReg, 2, 3, 1, 0}); // signed
  T.B.aluImm(AluDiv, 2, 3);                               // in place
  T.returnZero();
  Analysed A(T);
  EXPECT_EQ(A.sites(F), "division+3 division+1 division+3 division+7");
}

TEST(PatchSites, LegacyLoads) {
  TestProgram T;
  Function &F = T.entry("socket");
  T.block(F);
  T.B.movReg(6, 1);
  T.B.create({ClassLd | ModeAbs | SizeH, 0, 0, 0, 12});
  T.B.movImm(7, 1);
  T.B.create({ClassLd | ModeInd | SizeH, 0, 7, 0, 12});
  T.B.create({ClassLd | ModeInd | SizeH, 0, 7, 0, 0});
  T.B.exit();
  Analysed A(T);
  EXPECT_EQ(A.sites(F), "legacy-load+5 legacy-load+6 legacy-load+5");
}

TEST(PatchSites, MayGotoAndItsCounter) {
  TestProgram T;
  Function &F = T.entry("xdp");
  BasicBlock &Body = T.block(F), &End = T.B.createBlock(F);
  T.B.movImm(2, 1);
  T.mayGoto(End);
  BasicBlock &Back = T.B.createBlock(F, &Body);
  T.B.setInsertPoint(Back);
  T.B.jump(Body);
  T.B.setInsertPoint(End);
  T.returnZero();
  Analysed A(T);
  EXPECT_EQ(A.sites(F), "may-goto-init+2 may-goto+6");
}

TEST(PatchSites, Kfuncs) {
  TestProgram T;
  Function &F = T.entry("tc");
  T.block(F);
  T.callKfunc("bpf_rcu_read_lock");
  T.callKfunc("bpf_obj_new_impl");
  T.callKfunc("bpf_obj_drop_impl");
  T.returnZero();
  Analysed A(T);
  EXPECT_EQ(A.sites(F), "kfunc+3 kfunc+2");
}

// Writes to the packet, in the entry function or below it, cost a prologue
// at the very first instruction, once.
TEST(PatchSites, PacketWrites) {
  for (const char *Section : {"tc", "xdp"}) {
    TestProgram T;
    Function &Sub = T.subprogram("sub"), &F = T.entry(Section);
    T.block(Sub);
    T.B.store(1, 0, 2, 1);
    T.B.store(1, 1, 2, 1);
    T.returnZero();
    T.block(F);
    bool IsTc = StringRef(Section) == "tc";
    T.B.load(1, 1, IsTc ? 76 : 0, 4);
    T.B.movImm(2, 1);
    T.B.call(Sub);
    T.B.exit();
    Analysed A(T);
    EXPECT_EQ(A.sites(F), IsTc ? "prologue+10" : "");
    EXPECT_EQ(A.sites(Sub), "");
  }
}

// The result of a 32-bit exchange: extended only if all of it is read.
TEST(PatchSites, ExchangeAndExtend) {
  for (bool Wide : {true, false}) {
    TestProgram T;
    Function &F = T.entry("xdp");
    BasicBlock &Head = T.block(F);
    T.B.movImm(0, 0);
    T.B.movImm(2, 1);
    T.B.store(RegFp, -8, 0, 8);
    T.B.create({ClassStx | ModeAtomic | SizeW, RegFp, 2, -8, AtomicCmpXchg});
    BasicBlock &One = T.B.createBlock(F), &Two = T.B.createBlock(F);
    T.B.setInsertPoint(Head);
    T.B.condJumpImm(JmpEq, 0, 3, Two, /*Is64=*/Wide);
    T.B.setInsertPoint(One);
    T.B.movImm(2, 2);
    T.B.setInsertPoint(Two);
    T.returnZero();
    Analysed A(T);
    EXPECT_EQ(A.sites(F), Wide ? "zext+1" : "");
  }
}

TEST(PatchSites, Throw) {
  TestProgram T;
  Function &F = T.entry("tc");
  T.block(F);
  T.callKfunc("bpf_throw");
  Analysed A(T);
  EXPECT_EQ(A.sites(F), "throw+2");
}

TEST(PatchSites, NothingInDeadCodeOrUnusedFunctions) {
  TestProgram T;
  Function &Unused = T.subprogram("unused"), &F = T.entry("tc");
  T.block(Unused);
  T.B.callHelper(HelperCpu);
  T.B.exit();
  T.block(F);
  T.returnZero();
  T.block(F);
  T.B.callHelper(HelperCpu);
  T.B.exit();
  Analysed A(T);
  EXPECT_EQ(A.sites(Unused), "");
  EXPECT_EQ(A.sites(F), "unreachable-2");
}

TEST(PatchSites, Names) {
  EXPECT_EQ(siteKindName(SiteKind::ContextRead), "context-read");
  EXPECT_EQ(siteKindName(SiteKind::FastcallSpill), "fastcall-spill");
  EXPECT_EQ(siteKindText(SiteKind::MapLookup), "bpf_map_lookup_elem");
  EXPECT_EQ(NumSiteKinds, unsigned(SiteKind::FastcallSpill) + 1);
}

} // namespace
