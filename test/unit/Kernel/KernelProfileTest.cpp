//===- KernelProfileTest.cpp - what the 6.18 profile says
//-------------------===//
//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Rows of the shipped profile that were read off the measurement by hand, and
// the shape of every shipped profile.
//
//===----------------------------------------------------------------------===//

#include "Kernel/KernelProfile.h"
#include "Kernel/ProgramType.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/raw_ostream.h"
#include "gtest/gtest.h"

using namespace llvm;
using namespace prepatch;

namespace {
class Profile618 : public testing::Test {
protected:
  KernelProfile P = cantFail(KernelProfile::builtin("linux-6.18-x86_64"));

  CtxRewrite at(StringRef Context, unsigned Offset, unsigned Size,
                AccessKind Kind = AccessKind::Read) {
    const ContextTable *Table = P.contextNamed(Context);
    EXPECT_NE(Table, nullptr) << Context.str();
    if (!Table)
      return {};
    auto R = Table->lookup(Offset, Size, Kind);
    EXPECT_TRUE(R.has_value()) << Context.str() << " +" << Offset;
    return R.value_or(CtxRewrite());
  }
};

TEST_F(Profile618, Identity) {
  EXPECT_EQ(P.name(), "linux-6.18-x86_64");
  EXPECT_EQ(P.release(), "6.18");
  EXPECT_EQ(P.arch(), "x86_64");
  EXPECT_FALSE(P.isBigEndian());
  EXPECT_FALSE(P.notes().empty());
}

TEST_F(Profile618, FullFields) {
  EXPECT_EQ(at("sched_cls", 40, 4).Insns, 2) << "ifindex";
  EXPECT_EQ(at("socket_filter", 40, 4).Insns, 3) << "ifindex, tested for NULL";
  EXPECT_EQ(at("sched_cls", 8, 4).Insns, 1) << "mark";
  EXPECT_EQ(at("sched_cls", 8, 4).growth(), 0u);
  EXPECT_EQ(at("sched_cls", 184, 8).Insns, 4) << "hwtstamp";
  EXPECT_EQ(at("xdp", 12, 4).Insns, 3) << "ingress_ifindex";
  EXPECT_EQ(at("sk_reuseport", 0, 8).Insns, 2) << "data";
  EXPECT_EQ(at("perf_event", 0, 8).Insns, 2) << "a register";
}

TEST_F(Profile618, DestinationIsContext) {
  CtxRewrite Cwnd = at("sock_ops", 76, 4);
  EXPECT_EQ(Cwnd.Insns, 4);
  EXPECT_EQ(Cwnd.InsnsDestIsCtx, 9);
  EXPECT_EQ(Cwnd.growth(false), 3u);
  EXPECT_EQ(Cwnd.growth(true), 8u);
  EXPECT_EQ(at("sock_ops", 184, 8).InsnsDestIsCtx, 8) << "sk";
  EXPECT_EQ(at("sk_skb", 80, 4).InsnsDestIsCtx, 9) << "data_end";
  EXPECT_EQ(at("sock_ops", 76, 4, AccessKind::ReadSignExtend).Insns, 5);
  EXPECT_EQ(at("sock_ops", 76, 4, AccessKind::ReadSignExtend).InsnsDestIsCtx,
            10);
}

TEST_F(Profile618, Writes) {
  EXPECT_EQ(at("sched_cls", 12, 4, AccessKind::Write).Insns, 2);
  EXPECT_EQ(at("sched_cls", 12, 4, AccessKind::WriteImm).Insns, 1);
  EXPECT_EQ(at("sock_addr_connect4", 4, 4, AccessKind::Write).Insns, 4);
  EXPECT_EQ(at("sockopt_get", 36, 4, AccessKind::Write).Insns, 5);
  EXPECT_FALSE(
      P.contextNamed("sched_cls")->lookup(0, 4, AccessKind::Write).has_value())
      << "len is read only";
}

TEST_F(Profile618, NoSuchAccess) {
  const ContextTable *Cls = P.contextNamed("sched_cls");
  EXPECT_FALSE(Cls->lookup(0, 8, AccessKind::Read)) << "len as u64";
  EXPECT_FALSE(Cls->lookup(76, 2, AccessKind::Read)) << "data as u16";
  EXPECT_FALSE(Cls->lookup(-4, 4, AccessKind::Read));
  EXPECT_FALSE(Cls->lookup(4096, 4, AccessKind::Read));
  EXPECT_FALSE(Cls->lookup(65576, 4, AccessKind::Read)) << "40 + 65536";
}

TEST_F(Profile618, WideningOfNarrowReads) {
  CtxRewrite Byte1 = at("sched_cls", 9, 1);
  EXPECT_EQ(Byte1.Insns, 3);
  ASSERT_TRUE(Byte1.Widening);
  EXPECT_EQ(*Byte1.Widening, (CtxWidening{8, 4, 8, true, 0, 255}));

  CtxRewrite Byte0 = at("sched_cls", 8, 1);
  EXPECT_EQ(*Byte0.Widening, (CtxWidening{8, 4, 0, true, 0, 255}));
  CtxRewrite Half = at("sched_cls", 10, 2);
  EXPECT_EQ(*Half.Widening, (CtxWidening{8, 4, 16, true, 0, 0xffff}));
  // Nothing to widen.
  EXPECT_FALSE(at("sched_cls", 8, 4).Widening);
}

TEST_F(Profile618, WideningOfU64Fields) {
  EXPECT_EQ(*at("perf_event", 168, 4).Widening,
            (CtxWidening{168, 8, 0, true, 0, 0xffffffff}));
  EXPECT_EQ(*at("perf_event", 172, 4).Widening,
            (CtxWidening{168, 8, 32, true, 0, 0xffffffff}));
  EXPECT_EQ(*at("perf_event", 175, 1).Widening,
            (CtxWidening{168, 8, 56, true, 0, 255}));
}

// A u16 read of the upper half of a field that is u16 in the kernel gives the
// lower half again, so it must not become a shifted read of the whole.
TEST_F(Profile618, NoWideningOfHalvesOfU16Fields) {
  EXPECT_FALSE(at("sched_cls", 46, 2).Widening) << "tc_index + 2";
  EXPECT_FALSE(at("sched_cls", 18, 2).Widening) << "protocol + 2";
  EXPECT_FALSE(at("sched_cls", 16, 2).Widening) << "protocol";
  EXPECT_FALSE(at("sched_cls", 4, 1).Widening) << "pkt_type, masked by 7";
  // The kernel reads 0 for the padding after sk_lookup's 16-bit port, so a
  // byte of it may become the half that is read as 0, not the whole word.
  EXPECT_EQ(*at("sk_lookup", 38, 1).Widening,
            (CtxWidening{38, 2, 0, true, 0, 255}));
}

TEST_F(Profile618, SignExtension) {
  // Narrow: wide read, shift, mask, extension.
  CtxRewrite Byte = at("sched_cls", 9, 1, AccessKind::ReadSignExtend);
  EXPECT_EQ(Byte.Insns, 4);
  EXPECT_EQ(*Byte.Widening, (CtxWidening{8, 4, 8, true, 8, 255}));
  // A full field: only the extension has to be written out.
  CtxRewrite Full = at("sched_cls", 8, 4, AccessKind::ReadSignExtend);
  EXPECT_EQ(Full.Insns, 2);
  EXPECT_EQ(*Full.Widening, (CtxWidening{8, 4, 0, false, 32, 0xffffffff}));
  // The quirk: read what the kernel reads, then extend.
  EXPECT_EQ(*at("sched_cls", 18, 2, AccessKind::ReadSignExtend).Widening,
            (CtxWidening{18, 2, 0, false, 16, 0xffff}));
}

TEST_F(Profile618, TimeStampDependsOnItsType) {
  CtxRewrite Read = at("sched_cls", 152, 8);
  EXPECT_EQ(Read.Insns, 8);
  EXPECT_EQ(Read.AltTrigger, 180);
  EXPECT_EQ(Read.AltInsns, 1);
  EXPECT_EQ(at("sched_cls", 152, 8, AccessKind::Write).Insns, 6);
  EXPECT_EQ(at("cgroup_skb", 152, 8).AltTrigger, -1);
}

TEST_F(Profile618, ContextsOfProgramTypes) {
  auto name = [&](uint32_t Prog, uint32_t Attach = 0) {
    const ContextTable *Table = P.context(Prog, Attach);
    return Table ? Table->name().str() : "none";
  };
  EXPECT_EQ(name(ProgType::SchedAct), "sched_cls");
  EXPECT_EQ(name(ProgType::LwtIn), "lwt_xmit");
  EXPECT_EQ(name(ProgType::CgroupSockopt, AttachType::CgroupSetsockopt),
            "sockopt_set");
  EXPECT_EQ(name(ProgType::Ext), "none") << "depends on what it replaces";
  EXPECT_EQ(name(ProgType::Unspec), "none");
  EXPECT_EQ(name(1000), "none");
  // Every other type has a table.
  for (uint32_t Type = 1; Type <= ProgType::Netfilter; ++Type)
    if (Type != ProgType::Ext) {
      EXPECT_NE(P.context(Type, 0), nullptr) << progTypeName(Type).str();
    }
}

TEST_F(Profile618, UnconvertedContextsAreFree) {
  for (uint32_t Type : {ProgType::Kprobe, ProgType::Tracepoint,
                        ProgType::Tracing, ProgType::StructOps}) {
    const ContextTable *Table = P.context(Type, 0);
    ASSERT_NE(Table, nullptr);
    EXPECT_FALSE(Table->converts());
    EXPECT_EQ(Table->maxInsns(), 1u);
    for (AccessKind Kind :
         {AccessKind::Read, AccessKind::ReadSignExtend, AccessKind::Write}) {
      auto R = Table->lookup(24, 8, Kind);
      ASSERT_TRUE(R);
      EXPECT_EQ(R->Insns, 1);
      EXPECT_FALSE(R->Widening);
    }
  }
}

TEST_F(Profile618, AttachTypeOpensFields) {
  EXPECT_FALSE(P.context(ProgType::Xdp, AttachType::Xdp)
                   ->lookup(20, 4, AccessKind::Read));
  EXPECT_EQ(P.context(ProgType::Xdp, AttachType::XdpDevmap)
                ->lookup(20, 4, AccessKind::Read)
                ->Insns,
            3)
      << "egress_ifindex";
  EXPECT_EQ(P.context(ProgType::CgroupSockAddr, AttachType::CgroupUdp4Sendmsg)
                ->lookup(40, 4, AccessKind::Write)
                ->Insns,
            4)
      << "msg_src_ip4";
}

TEST_F(Profile618, PostBindSeesItsOwnFamily) {
  auto n = [&](uint32_t Attach, unsigned Offset) {
    auto R = P.context(ProgType::CgroupSock, Attach)
                 ->lookup(Offset, 4, AccessKind::Read);
    return R ? R->Insns : 0;
  };
  EXPECT_EQ(n(AttachType::CgroupInetSockCreate, 16), 1) << "mark";
  EXPECT_EQ(n(AttachType::CgroupInet4PostBind, 16), 0);
  EXPECT_EQ(n(AttachType::CgroupInet4PostBind, 24), 1) << "src_ip4";
  EXPECT_EQ(n(AttachType::CgroupInet6PostBind, 24), 0);
  EXPECT_EQ(n(AttachType::CgroupInet6PostBind, 28), 1) << "src_ip6";
  EXPECT_EQ(n(AttachType::CgroupInet6PostBind, 44), 1) << "src_port";
}

TEST_F(Profile618, Sockets) {
  const ContextTable &Sock = P.socket(SocketKind::Sock);
  EXPECT_EQ(Sock.lookup(4, 4, AccessKind::Read)->Insns, 1) << "family";
  EXPECT_EQ(Sock.lookup(76, 4, AccessKind::Read)->Insns, 3)
      << "rx_queue_mapping";
  EXPECT_EQ(Sock.lookup(24, 1, AccessKind::Read)->Insns, 2) << "src_ip4";
  EXPECT_EQ(Sock.lookup(25, 1, AccessKind::Read)->Insns, 3);
  EXPECT_EQ(*Sock.lookup(25, 1, AccessKind::Read)->Widening,
            (CtxWidening{24, 4, 8, true, 0, 255}));
  EXPECT_FALSE(Sock.lookup(16, 4, AccessKind::Write)) << "read only";
  EXPECT_TRUE(Sock.lookup(16, 4, AccessKind::Read)) << "mark";
  EXPECT_FALSE(
      P.socket(SocketKind::SockCommon).lookup(16, 4, AccessKind::Read));
  EXPECT_EQ(P.socket(SocketKind::TcpSock).maxInsns(), 2u)
      << "only the sign extension grows";
  EXPECT_EQ(
      P.socket(SocketKind::TcpSock).lookup(88, 8, AccessKind::Read)->Insns, 1)
      << "bytes_acked";
  EXPECT_EQ(P.socket(SocketKind::XdpSock).lookup(0, 4, AccessKind::Read)->Insns,
            1);
}

TEST_F(Profile618, Prologues) {
  EXPECT_EQ(P.directWritePrologue(ProgType::SchedCls), 10u);
  EXPECT_EQ(P.directWritePrologue(ProgType::SkSkb), 10u);
  EXPECT_EQ(P.directWritePrologue(ProgType::Xdp), 0u);
  EXPECT_EQ(P.directWritePrologue(ProgType::LwtIn), 0u);
}

TEST_F(Profile618, MapLookups) {
  auto n = [&](std::optional<uint32_t> Type, uint32_t Flags = 0,
               bool Masked = false) {
    HelperCall Call;
    Call.Id = 1;
    Call.MapType = Type;
    Call.MapFlags = Flags;
    Call.MapMasked = Masked;
    return P.helperInsns(Call);
  };
  EXPECT_EQ(n(MapType::Array), 7u);
  EXPECT_EQ(n(MapType::Array, 0x1000), 1u) << "BPF_F_INNER_MAP";
  EXPECT_EQ(n(MapType::Array, 0x400), 7u) << "BPF_F_MMAPABLE";
  EXPECT_EQ(n(MapType::Array, 0, true), 8u);
  EXPECT_EQ(n(MapType::PercpuArray), 9u);
  EXPECT_EQ(n(MapType::Hash), 3u);
  EXPECT_EQ(n(MapType::LruHash), 6u);
  EXPECT_EQ(n(MapType::PercpuHash), 5u);
  EXPECT_EQ(n(MapType::ArrayOfMaps), 9u);
  EXPECT_EQ(n(MapType::HashOfMaps), 4u);
  EXPECT_EQ(n(MapType::Xskmap), 8u);
  for (uint32_t Type : {MapType::LruPercpuHash, MapType::LpmTrie,
                        MapType::Devmap, MapType::Sockmap})
    EXPECT_EQ(n(Type), 1u) << mapTypeName(Type).str();
  EXPECT_EQ(n(std::nullopt), 1u) << "two maps at one call";
}

TEST_F(Profile618, OtherHelpers) {
  auto n = [&](uint32_t Id, HelperCall Call = {}) {
    Call.Id = Id;
    return P.helperInsns(Call);
  };
  EXPECT_EQ(n(2), 1u);
  EXPECT_EQ(n(8), 3u);
  EXPECT_EQ(n(35), 1u);
  EXPECT_EQ(n(118), 3u);
  EXPECT_EQ(n(176), 11u);
  EXPECT_EQ(n(194), 2u);
  EXPECT_EQ(n(12), 1u);
  HelperCall Masked;
  Masked.MapMasked = true;
  EXPECT_EQ(n(12, Masked), 3u);

  HelperCall Loop;
  EXPECT_EQ(n(181, Loop), 1u);
  Loop.OneCallback = true;
  EXPECT_EQ(n(181, Loop), 1u);
  Loop.ZeroFlags = true;
  EXPECT_EQ(n(181, Loop), 19u);
  EXPECT_EQ(P.maxHelperInsns(181), 19u);
  EXPECT_EQ(P.maxHelperInsns(1), 10u);
  EXPECT_EQ(P.maxHelperInsns(5), 1u);

  HelperCall Ret;
  Ret.ProgType = ProgType::Tracing;
  Ret.AttachType = AttachType::TraceFexit;
  EXPECT_EQ(n(184, Ret), 6u);
  Ret.AttachType = AttachType::TraceFentry;
  EXPECT_EQ(n(184, Ret), 1u);
  EXPECT_EQ(n(183, Ret), 9u);
  Ret.ProgType = ProgType::Kprobe;
  EXPECT_EQ(n(183, Ret), 1u);

  HelperCall Percpu;
  EXPECT_EQ(n(154, Percpu), 1u) << "ksym";
  Percpu.PercpuKptr = true;
  EXPECT_EQ(n(154, Percpu), 2u);
}

TEST_F(Profile618, Kfuncs) {
  EXPECT_EQ(P.kfunc("bpf_obj_new_impl").Insns, 4);
  EXPECT_EQ(P.kfunc("bpf_obj_drop_impl").Insns, 3);
  EXPECT_EQ(P.kfunc("bpf_rdonly_cast").Insns, 1);
  EXPECT_TRUE(P.kfunc("bpf_rdonly_cast").Inlined);
  EXPECT_TRUE(P.kfunc("bpf_rdonly_cast").Fastcall);
  EXPECT_EQ(P.kfunc("bpf_iter_num_next").Insns, 1) << "not listed";
  EXPECT_TRUE(P.isFastcallHelper(8));
  EXPECT_FALSE(P.isFastcallHelper(5));
}

TEST_F(Profile618, Divisions) {
  EXPECT_EQ(P.aluRegInsns({AluForm::Div, 64, false}), 4u);
  EXPECT_EQ(P.aluRegInsns({AluForm::Div, 32, false}), 4u);
  EXPECT_EQ(P.aluRegInsns({AluForm::Mod, 64, false}), 2u);
  EXPECT_EQ(P.aluRegInsns({AluForm::Mod, 32, false}), 4u);
  EXPECT_EQ(P.aluRegInsns({AluForm::Div, 64, true}), 8u);
  EXPECT_EQ(P.aluRegInsns({AluForm::Div, 32, true}), 8u);
  EXPECT_EQ(P.aluRegInsns({AluForm::Mod, 64, true}), 7u);
  EXPECT_EQ(P.aluRegInsns({AluForm::Mod, 32, true}), 9u);
}

TEST_F(Profile618, FeaturesAndLimits) {
  EXPECT_TRUE(P.features().RdonlyCast);
  EXPECT_TRUE(P.features().LiveStackPass);
  EXPECT_FALSE(P.features().InsnArrays) << "6.19 and later";
  EXPECT_EQ(P.limits().StackBytes, 512u);
  EXPECT_EQ(P.limits().CallFrames, 8u);
  EXPECT_EQ(P.misc().MayGoto, 7);
  EXPECT_EQ(P.misc().LdAbs, 6);
}

TEST(KernelProfile, BuiltinsAreSound) {
  auto Names = KernelProfile::builtinNames();
  ASSERT_FALSE(Names.empty());
  EXPECT_TRUE(std::is_sorted(Names.begin(), Names.end()));
  for (StringRef Name : Names) {
    auto P = KernelProfile::builtin(Name);
    ASSERT_TRUE(bool(P)) << toString(P.takeError());
    EXPECT_EQ(P->name(), Name) << "the file has the name of the profile";
    for (const ContextTable &Table : P->contexts()) {
      EXPECT_EQ(Table.converts(), !Table.rows().empty());
      for (const ContextTable::Row &R : Table.rows()) {
        if (!R.WideSize)
          continue;
        // What a read widens to can be read itself, for less.
        auto Wide = Table.lookup(R.WideOffset, R.WideSize, AccessKind::Read);
        ASSERT_TRUE(Wide) << Table.name().str() << " +" << R.Offset;
        EXPECT_EQ(Wide->Insns + (R.Shift ? 2 : 1), R.Read);
        EXPECT_FALSE(Wide->Widening) << "one step is enough";
      }
    }
  }
}

// The writer gives back the very text of the files in the repository.
TEST(KernelProfile, WriterReproducesTheFiles) {
  for (StringRef Name : KernelProfile::builtinNames()) {
    std::string Path = (PREPATCH_PROFILE_DIR "/" + Name + ".json").str();
    auto File = MemoryBuffer::getFile(Path);
    ASSERT_TRUE(bool(File)) << Path;
    KernelProfile P = cantFail(KernelProfile::load(Path));
    std::string Text;
    raw_string_ostream OS(Text);
    P.write(OS);
    EXPECT_EQ(Text, (*File)->getBuffer().str());
  }
}

TEST(KernelProfile, OpenByNameOrPath) {
  EXPECT_EQ(cantFail(KernelProfile::open("")).name(),
            KernelProfile::DefaultName);
  EXPECT_EQ(cantFail(KernelProfile::open("linux-6.18-x86_64")).name(),
            "linux-6.18-x86_64");
  EXPECT_EQ(cantFail(KernelProfile::open(PREPATCH_PROFILE_DIR
                                         "/linux-6.18-x86_64.json"))
                .name(),
            "linux-6.18-x86_64");
  auto Unknown = KernelProfile::open("linux-0.1");
  ASSERT_FALSE(bool(Unknown));
  EXPECT_EQ(toString(Unknown.takeError()),
            "unknown kernel profile 'linux-0.1', expected one of: "
            "linux-6.18-x86_64");
  auto Missing = KernelProfile::open("/no/such/profile.json");
  ASSERT_FALSE(bool(Missing));
  std::string Text = toString(Missing.takeError());
  EXPECT_NE(Text.find("/no/such/profile.json"), std::string::npos) << Text;
}
} // namespace
