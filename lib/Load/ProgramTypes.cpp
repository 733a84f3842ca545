//===- ProgramTypes.cpp - names and kinds of program types ----------------===//
//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The table of pre-1.0 section prefixes, and names with a fallback.
//
//===----------------------------------------------------------------------===//

#include "ProgramTypes.h"

#include <bpf/libbpf.h>

using namespace prepatch;

namespace {
struct Prefix {
  const char *Text;
  bpf_prog_type Type;
  bpf_attach_type Attach;
};
} // namespace

static constexpr bpf_attach_type None = BPF_CGROUP_INET_INGRESS; // zero

// Only prefixes that can mean one thing. "?" marks optional programs and is
// taken off first.
static const Prefix Prefixes[] = {
    {"xdp", BPF_PROG_TYPE_XDP, BPF_XDP},
    {"classifier", BPF_PROG_TYPE_SCHED_CLS, None},
    {"tc", BPF_PROG_TYPE_SCHED_CLS, None},
    {"action", BPF_PROG_TYPE_SCHED_ACT, None},
    {"socket", BPF_PROG_TYPE_SOCKET_FILTER, None},
    {"kprobe", BPF_PROG_TYPE_KPROBE, None},
    {"kretprobe", BPF_PROG_TYPE_KPROBE, None},
    {"uprobe", BPF_PROG_TYPE_KPROBE, None},
    {"uretprobe", BPF_PROG_TYPE_KPROBE, None},
    {"tracepoint/", BPF_PROG_TYPE_TRACEPOINT, None},
    {"raw_tracepoint", BPF_PROG_TYPE_RAW_TRACEPOINT, None},
    {"perf_event", BPF_PROG_TYPE_PERF_EVENT, None},
    {"sockops", BPF_PROG_TYPE_SOCK_OPS, BPF_CGROUP_SOCK_OPS},
    {"sk_msg", BPF_PROG_TYPE_SK_MSG, BPF_SK_MSG_VERDICT},
    {"sk_skb", BPF_PROG_TYPE_SK_SKB, None},
    {"sk_lookup", BPF_PROG_TYPE_SK_LOOKUP, BPF_SK_LOOKUP},
    {"lwt_in", BPF_PROG_TYPE_LWT_IN, None},
    {"lwt_out", BPF_PROG_TYPE_LWT_OUT, None},
    {"lwt_xmit", BPF_PROG_TYPE_LWT_XMIT, None},
    {"flow_dissector", BPF_PROG_TYPE_FLOW_DISSECTOR, BPF_FLOW_DISSECTOR},
    {"cgroup/skb", BPF_PROG_TYPE_CGROUP_SKB, None},
    {"cgroup_skb", BPF_PROG_TYPE_CGROUP_SKB, None},
    {"syscall", BPF_PROG_TYPE_SYSCALL, None},
};

LegacySection prepatch::guessLegacySection(const std::string &Section) {
  std::string Name = Section.substr(Section.rfind('?', 0) == 0 ? 1 : 0);
  for (const Prefix &P : Prefixes)
    if (Name.rfind(P.Text, 0) == 0)
      return {P.Type, P.Attach};
  return {};
}

std::string prepatch::programTypeName(bpf_prog_type Type) {
  if (const char *Name = libbpf_bpf_prog_type_str(Type))
    return Name;
  return std::to_string(Type);
}

std::string prepatch::attachTypeName(bpf_prog_type Type, uint32_t Attach) {
  // Zero is both "none" and the name of one.
  if (Attach == 0 && Type != BPF_PROG_TYPE_CGROUP_SKB)
    return {};
  if (const char *Name =
          libbpf_bpf_attach_type_str(static_cast<bpf_attach_type>(Attach)))
    return Name;
  return std::to_string(Attach);
}
