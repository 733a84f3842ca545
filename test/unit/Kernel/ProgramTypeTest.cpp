//===- ProgramTypeTest.cpp - section names and type names
//-------------------===//
//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What section names mean, and the numbers of the uapi's types.
//
//===----------------------------------------------------------------------===//

#include "Kernel/ProgramType.h"
#include "gtest/gtest.h"
#include <linux/bpf.h>

using namespace llvm;
using namespace prepatch;

namespace {
struct Case {
  const char *Section;
  uint32_t Prog;
  uint32_t Attach = 0;
  const char *Target = "";
  bool Sleepable = false;
};

const Case Cases[] = {
    {"socket", ProgType::SocketFilter},
    {"tc", ProgType::SchedCls},
    {"classifier", ProgType::SchedCls},
    {"action", ProgType::SchedAct},
    {"tc/ingress", ProgType::SchedCls, AttachType::TcxIngress},
    {"tcx/ingress", ProgType::SchedCls, AttachType::TcxIngress},
    {"tcx/egress", ProgType::SchedCls, AttachType::TcxEgress},
    {"netkit/primary", ProgType::SchedCls, AttachType::NetkitPrimary},
    {"xdp", ProgType::Xdp, AttachType::Xdp},
    {"xdp.frags", ProgType::Xdp, AttachType::Xdp},
    {"xdp/devmap", ProgType::Xdp, AttachType::XdpDevmap},
    {"xdp.frags/cpumap", ProgType::Xdp, AttachType::XdpCpumap},
    {"kprobe", ProgType::Kprobe},
    {"kprobe/do_unlinkat", ProgType::Kprobe, 0, "do_unlinkat"},
    {"kretprobe/do_unlinkat", ProgType::Kprobe, 0, "do_unlinkat"},
    {"kprobe.multi/bpf_*", ProgType::Kprobe, AttachType::TraceKprobeMulti,
     "bpf_*"},
    {"uprobe.s//bin/bash:readline", ProgType::Kprobe, 0, "/bin/bash:readline",
     true},
    {"uprobe.multi.s/x", ProgType::Kprobe, AttachType::TraceUprobeMulti, "x",
     true},
    {"usdt", ProgType::Kprobe},
    {"tp/sched/sched_switch", ProgType::Tracepoint, 0, "sched/sched_switch"},
    {"tracepoint/syscalls/sys_enter_open", ProgType::Tracepoint, 0,
     "syscalls/sys_enter_open"},
    {"raw_tp/sys_enter", ProgType::RawTracepoint, 0, "sys_enter"},
    {"raw_tp.w/x", ProgType::RawTracepointWritable, 0, "x"},
    {"tp_btf/sched_switch", ProgType::Tracing, AttachType::TraceRawTp,
     "sched_switch"},
    {"fentry/tcp_connect", ProgType::Tracing, AttachType::TraceFentry,
     "tcp_connect"},
    {"fexit.s/x", ProgType::Tracing, AttachType::TraceFexit, "x", true},
    {"fmod_ret/x", ProgType::Tracing, AttachType::ModifyReturn, "x"},
    {"iter/task", ProgType::Tracing, AttachType::TraceIter, "task"},
    {"iter.s/task", ProgType::Tracing, AttachType::TraceIter, "task", true},
    {"lsm/file_open", ProgType::Lsm, AttachType::LsmMac, "file_open"},
    {"lsm.s/file_open", ProgType::Lsm, AttachType::LsmMac, "file_open", true},
    {"lsm_cgroup/socket_bind", ProgType::Lsm, AttachType::LsmCgroup,
     "socket_bind"},
    {"freplace/f", ProgType::Ext, 0, "f"},
    {"struct_ops/init", ProgType::StructOps, 0, "init"},
    {"struct_ops.s/init", ProgType::StructOps, 0, "init", true},
    {"syscall", ProgType::Syscall, 0, "", true},
    {"perf_event", ProgType::PerfEvent},
    {"lwt_in", ProgType::LwtIn},
    {"lwt_xmit", ProgType::LwtXmit},
    {"lwt_seg6local", ProgType::LwtSeg6local},
    {"flow_dissector", ProgType::FlowDissector, AttachType::FlowDissector},
    {"netfilter", ProgType::Netfilter, AttachType::Netfilter},
    {"sockops", ProgType::SockOps, AttachType::CgroupSockOps},
    {"sk_skb", ProgType::SkSkb},
    {"sk_skb/stream_parser", ProgType::SkSkb, AttachType::SkSkbStreamParser},
    {"sk_skb/stream_verdict", ProgType::SkSkb, AttachType::SkSkbStreamVerdict},
    {"sk_msg", ProgType::SkMsg, AttachType::SkMsgVerdict},
    {"sk_lookup", ProgType::SkLookup, AttachType::SkLookup},
    {"sk_reuseport", ProgType::SkReuseport, AttachType::SkReuseportSelect},
    {"sk_reuseport/migrate", ProgType::SkReuseport,
     AttachType::SkReuseportSelectOrMigrate},
    {"cgroup_skb/ingress", ProgType::CgroupSkb, AttachType::CgroupInetIngress},
    {"cgroup_skb/egress", ProgType::CgroupSkb, AttachType::CgroupInetEgress},
    {"cgroup/skb", ProgType::CgroupSkb},
    {"cgroup/sock_create", ProgType::CgroupSock,
     AttachType::CgroupInetSockCreate},
    {"cgroup/post_bind4", ProgType::CgroupSock,
     AttachType::CgroupInet4PostBind},
    {"cgroup/connect4", ProgType::CgroupSockAddr,
     AttachType::CgroupInet4Connect},
    {"cgroup/sendmsg6", ProgType::CgroupSockAddr,
     AttachType::CgroupUdp6Sendmsg},
    {"cgroup/getsockname_unix", ProgType::CgroupSockAddr,
     AttachType::CgroupUnixGetsockname},
    {"cgroup/sysctl", ProgType::CgroupSysctl, AttachType::CgroupSysctl},
    {"cgroup/getsockopt", ProgType::CgroupSockopt,
     AttachType::CgroupGetsockopt},
    {"cgroup/setsockopt", ProgType::CgroupSockopt,
     AttachType::CgroupSetsockopt},
    {"cgroup/dev", ProgType::CgroupDevice, AttachType::CgroupDevice},
};

TEST(ProgramType, SectionNames) {
  for (const Case &C : Cases) {
    auto Info = parseSectionName(C.Section);
    ASSERT_TRUE(Info) << C.Section;
    EXPECT_EQ(Info->ProgType, C.Prog) << C.Section;
    EXPECT_EQ(Info->AttachType, C.Attach) << C.Section;
    EXPECT_EQ(Info->Target, C.Target) << C.Section;
    EXPECT_EQ(Info->Sleepable, C.Sleepable) << C.Section;
    EXPECT_TRUE(Info->AutoLoad) << C.Section;
  }
}

TEST(ProgramType, UnknownSections) {
  for (const char *Section :
       {"", "?", "text", ".text", "license", "maps", "xdp2", "xdp/other",
        "tc/foo", "kprobes/x", "kprobe.multi2", "fentry.x/y", "sockets",
        "cgroup/connect5", "syscall/x", "perf_event/x", "XDP", "??tc"})
    EXPECT_FALSE(parseSectionName(Section)) << Section;
}

TEST(ProgramType, OptionalPrograms) {
  auto Info = parseSectionName("?fentry/f");
  ASSERT_TRUE(Info);
  EXPECT_FALSE(Info->AutoLoad);
  EXPECT_EQ(Info->Prefix, "fentry");
  EXPECT_EQ(Info->Target, "f");
}

TEST(ProgramType, PartsOfASection) {
  EXPECT_TRUE(parseSectionName("xdp.frags/devmap")->XdpFrags);
  EXPECT_FALSE(parseSectionName("xdp/devmap")->XdpFrags);
  EXPECT_TRUE(parseSectionName("fentry/f")->NeedsTarget);
  EXPECT_TRUE(parseSectionName("freplace/f")->NeedsTarget);
  EXPECT_FALSE(parseSectionName("kprobe/f")->NeedsTarget);
  EXPECT_EQ(parseSectionName("kprobe/")->Target, "");
}

// The numbers are the kernel's, as far as the installed header knows them.
TEST(ProgramType, NumbersOfTheUapi) {
  EXPECT_EQ(uint32_t(ProgType::SchedCls), uint32_t(BPF_PROG_TYPE_SCHED_CLS));
  EXPECT_EQ(uint32_t(ProgType::SkLookup), uint32_t(BPF_PROG_TYPE_SK_LOOKUP));
  EXPECT_EQ(uint32_t(ProgType::Syscall), uint32_t(BPF_PROG_TYPE_SYSCALL));
  EXPECT_EQ(uint32_t(MapType::LpmTrie), uint32_t(BPF_MAP_TYPE_LPM_TRIE));
  EXPECT_EQ(uint32_t(MapType::BloomFilter),
            uint32_t(BPF_MAP_TYPE_BLOOM_FILTER));
  EXPECT_EQ(uint32_t(MapType::PercpuCgroupStorage),
            uint32_t(BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE));
  EXPECT_EQ(uint32_t(AttachType::XdpDevmap), uint32_t(BPF_XDP_DEVMAP));
  EXPECT_EQ(uint32_t(AttachType::LsmCgroup), uint32_t(BPF_LSM_CGROUP));
}

TEST(ProgramType, Names) {
  EXPECT_EQ(progTypeName(ProgType::SchedCls), "sched_cls");
  EXPECT_EQ(progTypeNamed("sched_cls"), uint32_t(ProgType::SchedCls));
  EXPECT_EQ(mapTypeName(MapType::PercpuArray), "percpu_array");
  EXPECT_EQ(mapTypeNamed("cgroup_storage"), uint32_t(MapType::CgroupStorage));
  EXPECT_EQ(attachTypeName(AttachType::TraceFentry), "trace_fentry");
  EXPECT_EQ(attachTypeNamed("tcx_ingress"), uint32_t(AttachType::TcxIngress));
  EXPECT_EQ(progTypeName(9999), "");
  EXPECT_FALSE(mapTypeNamed("nothing"));
}

TEST(ProgramType, ContextKeys) {
  EXPECT_EQ(contextKey(ProgType::SchedAct, 0), "sched_cls");
  EXPECT_EQ(contextKey(ProgType::Kprobe, AttachType::TraceKprobeMulti),
            "kprobe");
  EXPECT_EQ(contextKey(ProgType::CgroupSockAddr, AttachType::CgroupInet6Bind),
            "sock_addr_connect6");
  EXPECT_EQ(contextKey(ProgType::CgroupSockAddr, AttachType::CgroupUnixConnect),
            "sock_addr_unix");
  EXPECT_EQ(contextKey(ProgType::CgroupSock, AttachType::CgroupInet6PostBind),
            "cgroup_sock_post_bind6");
  EXPECT_EQ(contextKey(0, 0), "");
  EXPECT_EQ(contextKey(9999, 0), "");
}
} // namespace
