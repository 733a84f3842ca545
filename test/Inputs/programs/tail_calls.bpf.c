//===- tail_calls.bpf.c - Dispatcher with stages --------------------------===//
//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: (Apache-2.0 WITH LLVM-exception) OR GPL-2.0
//
//===----------------------------------------------------------------------===//
//
// A packet pipeline whose stages are programs of their own that hand over by
// tail calls with constant slots, and one with a computed slot. The table of
// stages is filled by the loader from the object itself. State travels in the
// context's control block and in a per-CPU record. One stage calls functions,
// so that tail calls and subprograms meet.
//
//===----------------------------------------------------------------------===//

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/pkt_cls.h>
#include <linux/tcp.h>
#include <linux/udp.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

enum stage {
  STAGE_LINK = 0,
  STAGE_IPV4 = 1,
  STAGE_IPV6 = 2,
  STAGE_TCP = 3,
  STAGE_UDP = 4,
  STAGE_OTHER = 5,
  STAGE_POLICY = 6,
  STAGE_FINISH = 7,
  Stages = 8,
};

enum { TraceBit = 0x80, PolicyPorts = 1024 };

// What the stages hand on. The control block of a packet has five words.
enum slot_of_cb {
  CbOffset = 0, // where the next header begins
  CbFlags = 1,
  CbPorts = 2,
  CbHash = 3,
  CbPath = 4, // four bits for each stage passed
};

struct totals {
  __u64 packets;
  __u64 bytes;
  __u64 missed;
  __u64 path;
};

struct record {
  __u32 source[4];
  __u32 target[4];
  __u32 ports;
  __u32 protocol;
  __u32 class;
  __u32 hops;
};

int link_stage(struct __sk_buff *skb);
int ipv4_stage(struct __sk_buff *skb);
int ipv6_stage(struct __sk_buff *skb);
int tcp_stage(struct __sk_buff *skb);
int udp_stage(struct __sk_buff *skb);
int other_stage(struct __sk_buff *skb);
int policy_stage(struct __sk_buff *skb);
int finish_stage(struct __sk_buff *skb);

struct {
  __uint(type, BPF_MAP_TYPE_PROG_ARRAY);
  __uint(max_entries, Stages);
  __uint(key_size, sizeof(__u32));
  __array(values, int(struct __sk_buff *));
} stages SEC(".maps") = {
    .values =
        {
            [STAGE_LINK] = (void *)&link_stage,
            [STAGE_IPV4] = (void *)&ipv4_stage,
            [STAGE_IPV6] = (void *)&ipv6_stage,
            [STAGE_TCP] = (void *)&tcp_stage,
            [STAGE_UDP] = (void *)&udp_stage,
            [STAGE_OTHER] = (void *)&other_stage,
            [STAGE_POLICY] = (void *)&policy_stage,
            [STAGE_FINISH] = (void *)&finish_stage,
        },
};

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, Stages);
  __type(key, __u32);
  __type(value, struct totals);
} stage_totals SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, struct record);
} scratch SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, PolicyPorts);
  __type(key, __u32);
  __type(value, __u32);
} policy SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_LRU_HASH);
  __uint(max_entries, 8192);
  __type(key, __u32);
  __type(value, struct totals);
} talkers SEC(".maps");

static __always_inline void enter(struct __sk_buff *skb, __u32 stage) {
  skb->cb[CbPath] = skb->cb[CbPath] << 4 | stage | 8;
  struct totals *t = bpf_map_lookup_elem(&stage_totals, &stage);
  if (!t)
    return;
  __sync_fetch_and_add(&t->packets, 1);
  __sync_fetch_and_add(&t->bytes, skb->len);
}

// A tail call that returns has failed: the slot is empty, or too many.
static __always_inline int miss(__u32 stage) {
  struct totals *t = bpf_map_lookup_elem(&stage_totals, &stage);
  if (t)
    __sync_fetch_and_add(&t->missed, 1);
  return TC_ACT_UNSPEC;
}

static __always_inline struct record *get_record(void) {
  __u32 zero = 0;
  return bpf_map_lookup_elem(&scratch, &zero);
}

SEC("tc")
int dispatch(struct __sk_buff *skb) {
  struct record *record = get_record();
  if (!record)
    return TC_ACT_SHOT;
  __builtin_memset(record, 0, sizeof(*record));
  skb->cb[CbOffset] = 0;
  skb->cb[CbFlags] = skb->mark & TraceBit;
  skb->cb[CbPorts] = 0;
  skb->cb[CbHash] = skb->ifindex * 0x9e3779b1;
  skb->cb[CbPath] = 0;
  // A mark chosen elsewhere may skip the parsers.
  if ((skb->mark & 0xff00) == 0x5500 && skb->priority > 4)
    bpf_tail_call(skb, &stages, STAGE_POLICY);
  bpf_tail_call(skb, &stages, STAGE_LINK);
  return miss(STAGE_LINK);
}

SEC("tc")
int link_stage(struct __sk_buff *skb) {
  enter(skb, STAGE_LINK);
  skb->cb[CbOffset] = ETH_HLEN;
  switch (skb->protocol) {
  case bpf_htons(ETH_P_IP):
    bpf_tail_call(skb, &stages, STAGE_IPV4);
    return miss(STAGE_IPV4);
  case bpf_htons(ETH_P_IPV6):
    bpf_tail_call(skb, &stages, STAGE_IPV6);
    return miss(STAGE_IPV6);
  case bpf_htons(ETH_P_ARP):
    return TC_ACT_OK;
  }
  bpf_tail_call(skb, &stages, STAGE_OTHER);
  return miss(STAGE_OTHER);
}

static __always_inline __u32 stage_of(__u32 protocol) {
  if (protocol == IPPROTO_TCP)
    return STAGE_TCP;
  if (protocol == IPPROTO_UDP)
    return STAGE_UDP;
  return STAGE_OTHER;
}

SEC("tc")
int ipv4_stage(struct __sk_buff *skb) {
  enter(skb, STAGE_IPV4);
  struct record *record = get_record();
  struct ethhdr *eth = (void *)(long)skb->data;
  struct iphdr *ip = (void *)(eth + 1);
  if (!record || (void *)(ip + 1) > (void *)(long)skb->data_end)
    return TC_ACT_SHOT;
  record->source[3] = bpf_ntohl(ip->saddr);
  record->target[3] = bpf_ntohl(ip->daddr);
  record->protocol = ip->protocol;
  record->hops = ip->ttl;
  skb->cb[CbOffset] += ip->ihl * 4;
  skb->cb[CbHash] ^= ip->saddr ^ ip->daddr;
  if (ip->frag_off & bpf_htons(0x1fff)) {
    skb->cb[CbFlags] |= 1;
    bpf_tail_call(skb, &stages, STAGE_OTHER);
    return miss(STAGE_OTHER);
  }
  // The slot depends on the packet.
  __u32 next = stage_of(ip->protocol);
  bpf_tail_call(skb, &stages, next);
  return miss(next);
}

SEC("tc")
int ipv6_stage(struct __sk_buff *skb) {
  enter(skb, STAGE_IPV6);
  struct record *record = get_record();
  struct ethhdr *eth = (void *)(long)skb->data;
  struct ipv6hdr *ip = (void *)(eth + 1);
  if (!record || (void *)(ip + 1) > (void *)(long)skb->data_end)
    return TC_ACT_SHOT;
  for (int i = 0; i < 4; ++i) {
    record->source[i] = bpf_ntohl(ip->saddr.in6_u.u6_addr32[i]);
    record->target[i] = bpf_ntohl(ip->daddr.in6_u.u6_addr32[i]);
    skb->cb[CbHash] ^= record->source[i] + record->target[i];
  }
  record->protocol = ip->nexthdr;
  record->hops = ip->hop_limit;
  skb->cb[CbOffset] += sizeof(*ip);
  if (ip->nexthdr == IPPROTO_TCP)
    bpf_tail_call(skb, &stages, STAGE_TCP);
  else if (ip->nexthdr == IPPROTO_UDP)
    bpf_tail_call(skb, &stages, STAGE_UDP);
  bpf_tail_call(skb, &stages, STAGE_OTHER);
  return miss(STAGE_OTHER);
}

SEC("tc")
int tcp_stage(struct __sk_buff *skb) {
  enter(skb, STAGE_TCP);
  struct tcphdr tcp;
  if (bpf_skb_load_bytes(skb, skb->cb[CbOffset], &tcp, sizeof(tcp)))
    return TC_ACT_SHOT;
  skb->cb[CbPorts] = bpf_ntohs(tcp.source) << 16 | bpf_ntohs(tcp.dest);
  skb->cb[CbFlags] |= tcp.syn << 1 | tcp.fin << 2 | tcp.rst << 3;
  skb->cb[CbOffset] += tcp.doff * 4;
  bpf_tail_call(skb, &stages, STAGE_POLICY);
  return miss(STAGE_POLICY);
}

SEC("tc")
int udp_stage(struct __sk_buff *skb) {
  enter(skb, STAGE_UDP);
  struct udphdr udp;
  if (bpf_skb_load_bytes(skb, skb->cb[CbOffset], &udp, sizeof(udp)))
    return TC_ACT_SHOT;
  skb->cb[CbPorts] = bpf_ntohs(udp.source) << 16 | bpf_ntohs(udp.dest);
  skb->cb[CbOffset] += sizeof(udp);
  bpf_tail_call(skb, &stages, STAGE_POLICY);
  return miss(STAGE_POLICY);
}

SEC("tc")
int other_stage(struct __sk_buff *skb) {
  enter(skb, STAGE_OTHER);
  __u32 words[4];
  if (!bpf_skb_load_bytes(skb, skb->cb[CbOffset], words, sizeof(words)))
    skb->cb[CbHash] ^= words[0] + words[1] * 3 + words[2] * 5 + words[3] * 7;
  if (skb->cb[CbFlags] & TraceBit)
    skb->priority = 1;
  bpf_tail_call(skb, &stages, STAGE_FINISH);
  return miss(STAGE_FINISH);
}

static __noinline __u32 policy_for(__u32 port) {
  __u32 *class = bpf_map_lookup_elem(&policy, &port);
  return class ? *class : 0;
}

static __noinline __u32 classify_ports(__u32 ports, __u32 flags) {
  __u32 class = policy_for(ports & 0xffff);
  if (!class)
    class = policy_for(ports >> 16);
  if (!class)
    class = (ports & 0xffff) < PolicyPorts ? 2 : 3;
  return flags & 2 ? class | 0x100 : class;
}

SEC("tc")
int policy_stage(struct __sk_buff *skb) {
  enter(skb, STAGE_POLICY);
  struct record *record = get_record();
  if (!record)
    return TC_ACT_SHOT;
  record->ports = skb->cb[CbPorts];
  record->class = classify_ports(skb->cb[CbPorts], skb->cb[CbFlags]);
  skb->tc_classid = record->class;
  skb->cb[CbHash] ^= skb->cb[CbPorts];
  bpf_tail_call(skb, &stages, STAGE_FINISH);
  return miss(STAGE_FINISH);
}

SEC("tc")
int finish_stage(struct __sk_buff *skb) {
  enter(skb, STAGE_FINISH);
  struct record *record = get_record();
  if (!record)
    return TC_ACT_SHOT;
  __u32 who = record->source[3] ^ skb->cb[CbHash];
  struct totals *t = bpf_map_lookup_elem(&talkers, &who);
  if (t) {
    __sync_fetch_and_add(&t->packets, 1);
    __sync_fetch_and_add(&t->bytes, skb->len);
  } else {
    struct totals first = {
        .packets = 1, .bytes = skb->len, .path = skb->cb[CbPath]};
    bpf_map_update_elem(&talkers, &who, &first, BPF_NOEXIST);
  }
  if (skb->gso_segs > 1)
    skb->cb[CbFlags] |= 0x10;
  skb->mark = record->class << 8 | (skb->cb[CbFlags] & 0xff);
  skb->queue_mapping = (skb->cb[CbHash] & 7) + 1;
  return record->hops == 1 ? TC_ACT_SHOT : TC_ACT_OK;
}

char _license[] SEC("license") = "GPL";
