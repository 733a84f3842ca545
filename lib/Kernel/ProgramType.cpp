//===- ProgramType.cpp - program, attach and map types, section names -----===//
//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Section names follow the public table of libbpf ("Program Types and ELF
// Sections" in its documentation).
//
//===----------------------------------------------------------------------===//

#include "ProgramType.h"
#include "llvm/ADT/ArrayRef.h"
#include <iterator>

using namespace llvm;
using namespace prepatch;

namespace {
struct NumberName {
  uint32_t Number;
  StringLiteral Name;
};

constexpr NumberName ProgTypes[] = {
#define PREPATCH_PROG_TYPE(ID, NUM, NAME) {NUM, NAME},
#include "ProgTypes.def"
};
constexpr NumberName MapTypes[] = {
#define PREPATCH_MAP_TYPE(ID, NUM, NAME) {NUM, NAME},
#include "MapTypes.def"
};
constexpr NumberName AttachTypes[] = {
#define PREPATCH_ATTACH_TYPE(ID, NUM, NAME) {NUM, NAME},
#include "AttachTypes.def"
};

StringRef nameOf(ArrayRef<NumberName> Table, uint32_t Number) {
  for (const NumberName &Entry : Table)
    if (Entry.Number == Number)
      return Entry.Name;
  return "";
}

std::optional<uint32_t> numberOf(ArrayRef<NumberName> Table, StringRef Name) {
  for (const NumberName &Entry : Table)
    if (Entry.Name == Name)
      return Entry.Number;
  return std::nullopt;
}

enum SectionFlags : uint8_t {
  None = 0,
  Extra = 1,  ///< "name" or "name/anything"; without it the whole name
  Sleep = 2,  ///< sleepable
  Target = 4, ///< what follows names a kernel function or type
  Frags = 8   ///< BPF_F_XDP_HAS_FRAGS
};

struct Section {
  StringLiteral Name;
  uint32_t Prog;
  uint32_t Attach;
  uint8_t Flags;
};

constexpr Section Sections[] = {
    // Tracing with addresses or names resolved when attaching.
    {"kprobe", ProgType::Kprobe, 0, Extra},
    {"kretprobe", ProgType::Kprobe, 0, Extra},
    {"ksyscall", ProgType::Kprobe, 0, Extra},
    {"kretsyscall", ProgType::Kprobe, 0, Extra},
    {"kprobe.multi", ProgType::Kprobe, AttachType::TraceKprobeMulti, Extra},
    {"kretprobe.multi", ProgType::Kprobe, AttachType::TraceKprobeMulti, Extra},
    {"kprobe.session", ProgType::Kprobe, AttachType::TraceKprobeSession, Extra},
    {"uprobe", ProgType::Kprobe, 0, Extra},
    {"uprobe.s", ProgType::Kprobe, 0, Extra | Sleep},
    {"uretprobe", ProgType::Kprobe, 0, Extra},
    {"uretprobe.s", ProgType::Kprobe, 0, Extra | Sleep},
    {"uprobe.multi", ProgType::Kprobe, AttachType::TraceUprobeMulti, Extra},
    {"uprobe.multi.s", ProgType::Kprobe, AttachType::TraceUprobeMulti,
     Extra | Sleep},
    {"uretprobe.multi", ProgType::Kprobe, AttachType::TraceUprobeMulti, Extra},
    {"uretprobe.multi.s", ProgType::Kprobe, AttachType::TraceUprobeMulti,
     Extra | Sleep},
    {"uprobe.session", ProgType::Kprobe, AttachType::TraceUprobeSession, Extra},
    {"uprobe.session.s", ProgType::Kprobe, AttachType::TraceUprobeSession,
     Extra | Sleep},
    {"usdt", ProgType::Kprobe, 0, Extra},
    {"usdt.s", ProgType::Kprobe, 0, Extra | Sleep},
    {"tracepoint", ProgType::Tracepoint, 0, Extra},
    {"tp", ProgType::Tracepoint, 0, Extra},
    {"raw_tracepoint", ProgType::RawTracepoint, 0, Extra},
    {"raw_tp", ProgType::RawTracepoint, 0, Extra},
    {"raw_tracepoint.w", ProgType::RawTracepointWritable, 0, Extra},
    {"raw_tp.w", ProgType::RawTracepointWritable, 0, Extra},
    {"perf_event", ProgType::PerfEvent, 0, None},

    // Tracing with a BTF target known when loading.
    {"tp_btf", ProgType::Tracing, AttachType::TraceRawTp, Extra | Target},
    {"fentry", ProgType::Tracing, AttachType::TraceFentry, Extra | Target},
    {"fentry.s", ProgType::Tracing, AttachType::TraceFentry,
     Extra | Target | Sleep},
    {"fexit", ProgType::Tracing, AttachType::TraceFexit, Extra | Target},
    {"fexit.s", ProgType::Tracing, AttachType::TraceFexit,
     Extra | Target | Sleep},
    {"fmod_ret", ProgType::Tracing, AttachType::ModifyReturn, Extra | Target},
    {"fmod_ret.s", ProgType::Tracing, AttachType::ModifyReturn,
     Extra | Target | Sleep},
    {"iter", ProgType::Tracing, AttachType::TraceIter, Extra | Target},
    {"iter.s", ProgType::Tracing, AttachType::TraceIter,
     Extra | Target | Sleep},
    {"lsm", ProgType::Lsm, AttachType::LsmMac, Extra | Target},
    {"lsm.s", ProgType::Lsm, AttachType::LsmMac, Extra | Target | Sleep},
    {"lsm_cgroup", ProgType::Lsm, AttachType::LsmCgroup, Extra | Target},
    {"freplace", ProgType::Ext, 0, Extra | Target},

    // Kernel structures and system calls.
    {"struct_ops", ProgType::StructOps, 0, Extra},
    {"struct_ops.s", ProgType::StructOps, 0, Extra | Sleep},
    {"syscall", ProgType::Syscall, 0, Sleep},

    // Packets.
    {"socket", ProgType::SocketFilter, 0, None},
    {"tc", ProgType::SchedCls, 0, None},
    {"tc/ingress", ProgType::SchedCls, AttachType::TcxIngress, None},
    {"tc/egress", ProgType::SchedCls, AttachType::TcxEgress, None},
    {"tcx/ingress", ProgType::SchedCls, AttachType::TcxIngress, None},
    {"tcx/egress", ProgType::SchedCls, AttachType::TcxEgress, None},
    {"classifier", ProgType::SchedCls, 0, None},
    {"action", ProgType::SchedAct, 0, None},
    {"netkit/primary", ProgType::SchedCls, AttachType::NetkitPrimary, None},
    {"netkit/peer", ProgType::SchedCls, AttachType::NetkitPeer, None},
    {"xdp", ProgType::Xdp, AttachType::Xdp, None},
    {"xdp.frags", ProgType::Xdp, AttachType::Xdp, Frags},
    {"xdp/devmap", ProgType::Xdp, AttachType::XdpDevmap, None},
    {"xdp.frags/devmap", ProgType::Xdp, AttachType::XdpDevmap, Frags},
    {"xdp/cpumap", ProgType::Xdp, AttachType::XdpCpumap, None},
    {"xdp.frags/cpumap", ProgType::Xdp, AttachType::XdpCpumap, Frags},
    {"lwt_in", ProgType::LwtIn, 0, None},
    {"lwt_out", ProgType::LwtOut, 0, None},
    {"lwt_xmit", ProgType::LwtXmit, 0, None},
    {"lwt_seg6local", ProgType::LwtSeg6local, 0, None},
    {"flow_dissector", ProgType::FlowDissector, AttachType::FlowDissector,
     None},
    {"netfilter", ProgType::Netfilter, AttachType::Netfilter, None},
    {"lirc_mode2", ProgType::LircMode2, AttachType::LircMode2, None},

    // Sockets.
    {"sockops", ProgType::SockOps, AttachType::CgroupSockOps, None},
    {"sk_skb", ProgType::SkSkb, 0, None},
    {"sk_skb/stream_parser", ProgType::SkSkb, AttachType::SkSkbStreamParser,
     None},
    {"sk_skb/stream_verdict", ProgType::SkSkb, AttachType::SkSkbStreamVerdict,
     None},
    {"sk_skb/verdict", ProgType::SkSkb, AttachType::SkSkbVerdict, None},
    {"sk_msg", ProgType::SkMsg, AttachType::SkMsgVerdict, None},
    {"sk_lookup", ProgType::SkLookup, AttachType::SkLookup, None},
    {"sk_reuseport", ProgType::SkReuseport, AttachType::SkReuseportSelect,
     None},
    {"sk_reuseport/migrate", ProgType::SkReuseport,
     AttachType::SkReuseportSelectOrMigrate, None},

    // Control groups.
    {"cgroup/skb", ProgType::CgroupSkb, 0, None},
    {"cgroup_skb/ingress", ProgType::CgroupSkb, AttachType::CgroupInetIngress,
     None},
    {"cgroup_skb/egress", ProgType::CgroupSkb, AttachType::CgroupInetEgress,
     None},
    {"cgroup/sock", ProgType::CgroupSock, AttachType::CgroupInetSockCreate,
     None},
    {"cgroup/sock_create", ProgType::CgroupSock,
     AttachType::CgroupInetSockCreate, None},
    {"cgroup/sock_release", ProgType::CgroupSock,
     AttachType::CgroupInetSockRelease, None},
    {"cgroup/post_bind4", ProgType::CgroupSock, AttachType::CgroupInet4PostBind,
     None},
    {"cgroup/post_bind6", ProgType::CgroupSock, AttachType::CgroupInet6PostBind,
     None},
    {"cgroup/bind4", ProgType::CgroupSockAddr, AttachType::CgroupInet4Bind,
     None},
    {"cgroup/bind6", ProgType::CgroupSockAddr, AttachType::CgroupInet6Bind,
     None},
    {"cgroup/connect4", ProgType::CgroupSockAddr,
     AttachType::CgroupInet4Connect, None},
    {"cgroup/connect6", ProgType::CgroupSockAddr,
     AttachType::CgroupInet6Connect, None},
    {"cgroup/connect_unix", ProgType::CgroupSockAddr,
     AttachType::CgroupUnixConnect, None},
    {"cgroup/sendmsg4", ProgType::CgroupSockAddr, AttachType::CgroupUdp4Sendmsg,
     None},
    {"cgroup/sendmsg6", ProgType::CgroupSockAddr, AttachType::CgroupUdp6Sendmsg,
     None},
    {"cgroup/sendmsg_unix", ProgType::CgroupSockAddr,
     AttachType::CgroupUnixSendmsg, None},
    {"cgroup/recvmsg4", ProgType::CgroupSockAddr, AttachType::CgroupUdp4Recvmsg,
     None},
    {"cgroup/recvmsg6", ProgType::CgroupSockAddr, AttachType::CgroupUdp6Recvmsg,
     None},
    {"cgroup/recvmsg_unix", ProgType::CgroupSockAddr,
     AttachType::CgroupUnixRecvmsg, None},
    {"cgroup/getpeername4", ProgType::CgroupSockAddr,
     AttachType::CgroupInet4Getpeername, None},
    {"cgroup/getpeername6", ProgType::CgroupSockAddr,
     AttachType::CgroupInet6Getpeername, None},
    {"cgroup/getpeername_unix", ProgType::CgroupSockAddr,
     AttachType::CgroupUnixGetpeername, None},
    {"cgroup/getsockname4", ProgType::CgroupSockAddr,
     AttachType::CgroupInet4Getsockname, None},
    {"cgroup/getsockname6", ProgType::CgroupSockAddr,
     AttachType::CgroupInet6Getsockname, None},
    {"cgroup/getsockname_unix", ProgType::CgroupSockAddr,
     AttachType::CgroupUnixGetsockname, None},
    {"cgroup/sysctl", ProgType::CgroupSysctl, AttachType::CgroupSysctl, None},
    {"cgroup/getsockopt", ProgType::CgroupSockopt, AttachType::CgroupGetsockopt,
     None},
    {"cgroup/setsockopt", ProgType::CgroupSockopt, AttachType::CgroupSetsockopt,
     None},
    {"cgroup/dev", ProgType::CgroupDevice, AttachType::CgroupDevice, None},
};
} // namespace

StringRef prepatch::progTypeName(uint32_t Type) {
  return nameOf(ProgTypes, Type);
}
StringRef prepatch::mapTypeName(uint32_t Type) {
  return nameOf(MapTypes, Type);
}
StringRef prepatch::attachTypeName(uint32_t Type) {
  return nameOf(AttachTypes, Type);
}
std::optional<uint32_t> prepatch::progTypeNamed(StringRef Name) {
  return numberOf(ProgTypes, Name);
}
std::optional<uint32_t> prepatch::mapTypeNamed(StringRef Name) {
  return numberOf(MapTypes, Name);
}
std::optional<uint32_t> prepatch::attachTypeNamed(StringRef Name) {
  return numberOf(AttachTypes, Name);
}

std::optional<SectionInfo> prepatch::parseSectionName(StringRef Name) {
  SectionInfo Info;
  Info.AutoLoad = !Name.consume_front("?");
  for (const Section &S : Sections) {
    StringRef Rest = Name;
    if (!Rest.consume_front(S.Name))
      continue;
    bool Whole = Rest.empty();
    if (!Whole && !((S.Flags & Extra) && Rest.starts_with("/")))
      continue;
    Info.ProgType = S.Prog;
    Info.AttachType = S.Attach;
    Info.Sleepable = S.Flags & Sleep;
    Info.XdpFrags = S.Flags & Frags;
    Info.NeedsTarget = S.Flags & Target;
    Info.Prefix = Name.take_front(S.Name.size());
    Info.Target = Rest.drop_front(Whole ? 0 : 1);
    return Info;
  }
  return std::nullopt;
}

bool prepatch::hasSkBuffContext(uint32_t Type) {
  switch (Type) {
  case ProgType::SocketFilter:
  case ProgType::SchedCls:
  case ProgType::SchedAct:
  case ProgType::CgroupSkb:
  case ProgType::LwtIn:
  case ProgType::LwtOut:
  case ProgType::LwtXmit:
  case ProgType::LwtSeg6local:
  case ProgType::SkSkb:
  case ProgType::FlowDissector:
    return true;
  default:
    return false;
  }
}

StringRef prepatch::contextKey(uint32_t Type, uint32_t Attach) {
  switch (Type) {
  case ProgType::Unspec:
    return "";
  case ProgType::SchedAct:
    return "sched_cls";
  case ProgType::LwtIn:
  case ProgType::LwtOut:
  case ProgType::LwtSeg6local:
    return "lwt_xmit";
  case ProgType::Xdp:
    return Attach == AttachType::XdpDevmap ? "xdp_devmap" : "xdp";
  case ProgType::CgroupSock:
    return Attach == AttachType::CgroupInet4PostBind ? "cgroup_sock_post_bind4"
           : Attach == AttachType::CgroupInet6PostBind
               ? "cgroup_sock_post_bind6"
               : "cgroup_sock";
  case ProgType::CgroupSysctl:
    return "sysctl";
  case ProgType::CgroupSockopt:
    return Attach == AttachType::CgroupSetsockopt ? "sockopt_set"
                                                  : "sockopt_get";
  case ProgType::CgroupSockAddr:
    switch (Attach) {
    case AttachType::CgroupInet6Bind:
    case AttachType::CgroupInet6Connect:
    case AttachType::CgroupInet6Getpeername:
    case AttachType::CgroupInet6Getsockname:
    case AttachType::CgroupUdp6Recvmsg:
      return "sock_addr_connect6";
    case AttachType::CgroupUdp6Sendmsg:
      return "sock_addr_sendmsg6";
    case AttachType::CgroupUdp4Sendmsg:
      return "sock_addr_sendmsg4";
    case AttachType::CgroupUnixConnect:
    case AttachType::CgroupUnixSendmsg:
    case AttachType::CgroupUnixRecvmsg:
    case AttachType::CgroupUnixGetpeername:
    case AttachType::CgroupUnixGetsockname:
      return "sock_addr_unix";
    default:
      return "sock_addr_connect4";
    }
  default:
    return progTypeName(Type);
  }
}
