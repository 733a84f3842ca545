//===- packet_classifier.bpf.c - Packet filter with a rule table ----------===//
//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: (Apache-2.0 WITH LLVM-exception) OR GPL-2.0
//
//===----------------------------------------------------------------------===//
//
// Three programs that share their maps: `guard` drops early at XDP, `classify`
// and `account` filter in and out at tc. What they read of a packet and of its
// context goes into a key of words; each rule is a value and a mask over those
// words, and the table of rules is unrolled. Context reads, array and per-CPU
// array lookups dominate, and nothing depends on time or CPU, so that equal
// packets give equal results. A rule of zeros matches every packet and counts.
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

enum {
  InRules = 48,
  OutRules = 20,
  FlowSlots = 4096,
  MaxVlans = 2,
  MaxExtensions = 3,
};

// The words that rules compare.
enum word {
  SourceAddress, // four words each: IPv4 uses the last one
  TargetAddress = SourceAddress + 4,
  Ports = TargetAddress + 4, // source << 16 | target
  Protocols,                 // ether type << 16 | traffic class << 8 | protocol
  Vlan,                      // proto << 16 | tci
  Devices,                   // ingress << 16 | current
  Mark,
  Priority,
  Shape, // length << 16 | segments << 8 | packet type
  Flags,
  Words,
};

enum flag {
  FLAG_FRAGMENT = 1 << 0,
  FLAG_SYN = 1 << 1,
  FLAG_RESET = 1 << 2,
  FLAG_URGENT_MARK = 1 << 3,
  FLAG_HASHED = 1 << 4,
  FLAG_POLLED = 1 << 5,
  FLAG_TAGGED = 1 << 6,
  FLAG_TRUNCATED = 1 << 7,
  FLAG_CLASSED = 1 << 8,
};

enum action {
  ACTION_COUNT = 0,
  ACTION_ACCEPT = 1,
  ACTION_DROP = 2,
  ACTION_MARK = 3,
  ACTION_PRIORITY = 4,
  ACTION_CLASS = 5,
};

struct key {
  __u32 word[Words];
};

struct rule {
  __u32 value[Words];
  __u32 mask[Words];
  __u32 action;
  __u32 argument;
};

struct counter {
  __u64 packets;
  __u64 bytes;
};

struct flow_key {
  __u32 source[4];
  __u32 target[4];
  __u32 ports;
  __u32 protocols;
};

struct flow {
  __u64 packets;
  __u64 bytes;
  __u32 first_mark;
  __u32 last_queue;
};

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, InRules + OutRules);
  __type(key, __u32);
  __type(value, struct rule);
} rules SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, InRules + OutRules);
  __type(key, __u32);
  __type(value, struct counter);
} rule_hits SEC(".maps");

// By the verdict of the program and where it ran.
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 32);
  __type(key, __u32);
  __type(value, struct counter);
} verdicts SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, FlowSlots);
  __type(key, struct flow_key);
  __type(value, struct flow);
} flows SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 1024);
  __type(key, __u32[4]);
  __type(value, struct counter);
} blocked SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 65536);
  __type(key, __u32);
  __type(value, __u32);
} closed_ports SEC(".maps");

struct vlan_header {
  __be16 tci;
  __be16 ether_type;
};

// Where the parsers stand. Pointers stay in it, so all of it lives in
// registers and the caller's stack.
struct cursor {
  void *at;
  void *end;
};

#define take(Cursor, Type)                                                     \
  ({                                                                           \
    Type *Header = (Cursor)->at;                                               \
    if ((void *)(Header + 1) > (Cursor)->end)                                  \
      Header = 0;                                                              \
    else                                                                       \
      (Cursor)->at = Header + 1;                                               \
    Header;                                                                    \
  })

static __always_inline void parse_transport(struct cursor *in, __u8 protocol,
                                            struct key *key) {
  if (protocol == IPPROTO_TCP) {
    struct tcphdr *tcp = take(in, struct tcphdr);
    if (!tcp) {
      key->word[Flags] |= FLAG_TRUNCATED;
      return;
    }
    key->word[Ports] = bpf_ntohs(tcp->source) << 16 | bpf_ntohs(tcp->dest);
    if (tcp->syn && !tcp->ack)
      key->word[Flags] |= FLAG_SYN;
    if (tcp->rst)
      key->word[Flags] |= FLAG_RESET;
  } else if (protocol == IPPROTO_UDP) {
    struct udphdr *udp = take(in, struct udphdr);
    if (!udp) {
      key->word[Flags] |= FLAG_TRUNCATED;
      return;
    }
    key->word[Ports] = bpf_ntohs(udp->source) << 16 | bpf_ntohs(udp->dest);
  }
}

static __always_inline void parse_ipv4(struct cursor *in, struct key *key) {
  struct iphdr *ip = take(in, struct iphdr);
  if (!ip || ip->version != 4 || ip->ihl < 5) {
    key->word[Flags] |= FLAG_TRUNCATED;
    return;
  }
  key->word[SourceAddress + 3] = bpf_ntohl(ip->saddr);
  key->word[TargetAddress + 3] = bpf_ntohl(ip->daddr);
  key->word[Protocols] |= ip->tos << 8 | ip->protocol;
  if (ip->frag_off & bpf_htons(0x3fff))
    key->word[Flags] |= FLAG_FRAGMENT;
  if (ip->frag_off & bpf_htons(0x1fff))
    return;
  in->at = (void *)ip + ip->ihl * 4;
  parse_transport(in, ip->protocol, key);
}

static __always_inline void parse_ipv6(struct cursor *in, struct key *key) {
  struct ipv6hdr *ip = take(in, struct ipv6hdr);
  if (!ip) {
    key->word[Flags] |= FLAG_TRUNCATED;
    return;
  }
  for (int i = 0; i < 4; ++i) {
    key->word[SourceAddress + i] = bpf_ntohl(ip->saddr.in6_u.u6_addr32[i]);
    key->word[TargetAddress + i] = bpf_ntohl(ip->daddr.in6_u.u6_addr32[i]);
  }
  __u8 protocol = ip->nexthdr;
#pragma clang loop unroll(full)
  for (int i = 0; i < MaxExtensions; ++i) {
    if (protocol != IPPROTO_HOPOPTS && protocol != IPPROTO_DSTOPTS &&
        protocol != IPPROTO_ROUTING)
      break;
    struct ipv6_opt_hdr *option = take(in, struct ipv6_opt_hdr);
    if (!option)
      break;
    protocol = option->nexthdr;
    in->at = (void *)option + (option->hdrlen + 1) * 8;
  }
  key->word[Protocols] |=
      (ip->priority << 4 | ip->flow_lbl[0] >> 4) << 8 | protocol;
  if (protocol == IPPROTO_FRAGMENT)
    key->word[Flags] |= FLAG_FRAGMENT;
  else
    parse_transport(in, protocol, key);
}

// Fills the words that come from the packet's bytes.
static __always_inline void parse_packet(struct cursor *in, struct key *key) {
  struct ethhdr *eth = take(in, struct ethhdr);
  if (!eth) {
    key->word[Flags] |= FLAG_TRUNCATED;
    return;
  }
  __be16 type = eth->h_proto;
#pragma clang loop unroll(full)
  for (int i = 0; i < MaxVlans; ++i) {
    if (type != bpf_htons(ETH_P_8021Q) && type != bpf_htons(ETH_P_8021AD))
      break;
    struct vlan_header *vlan = take(in, struct vlan_header);
    if (!vlan)
      break;
    key->word[Vlan] = bpf_ntohs(type) << 16 | bpf_ntohs(vlan->tci);
    type = vlan->ether_type;
  }
  key->word[Protocols] = bpf_ntohs(type) << 16;
  if (type == bpf_htons(ETH_P_IP))
    parse_ipv4(in, key);
  else if (type == bpf_htons(ETH_P_IPV6))
    parse_ipv6(in, key);
}

// Fills the words that come from the context.
static __always_inline void read_context(struct __sk_buff *skb,
                                         struct key *key) {
  key->word[Devices] = skb->ingress_ifindex << 16 | (skb->ifindex & 0xffff);
  key->word[Mark] = skb->mark;
  key->word[Priority] = skb->priority;
  __u32 segments = skb->gso_segs;
  if (segments > 255)
    segments = 255;
  key->word[Shape] = skb->len << 16 | segments << 8 | (skb->pkt_type & 7);
  if (skb->vlan_present) {
    key->word[Vlan] = skb->vlan_proto << 16 | (__u16)skb->vlan_tci;
    key->word[Flags] |= FLAG_TAGGED;
  }
  if ((__u8)skb->mark == 0x11)
    key->word[Flags] |= FLAG_URGENT_MARK;
  if (skb->hash)
    key->word[Flags] |= FLAG_HASHED;
  if (skb->napi_id)
    key->word[Flags] |= FLAG_POLLED;
}

// One byte or half of a context field. Volatile, because the compiler would
// rather read the whole word.
#define part_of(Field, Type, Index) (((const volatile Type *)&(Field))[Index])

// Agreed with the containers' side: the mark holds the tenant in its second
// byte and a colour in its fourth, the priority a class in its upper half.
static __always_inline __u32 tenant_of(struct __sk_buff *skb) {
  __u32 tenant = part_of(skb->mark, __u8, 1) << 8 | part_of(skb->mark, __u8, 3);
  if (part_of(skb->priority, __u16, 1) == 7)
    tenant |= 1 << 16;
  if (part_of(skb->protocol, __u16, 0) == bpf_htons(ETH_P_ARP))
    tenant |= 1 << 17;
  if (part_of(skb->vlan_tci, __u16, 0) & 0x1000)
    tenant |= 1 << 18;
  return tenant | part_of(skb->hash, __u8, 0) << 24;
}

static __always_inline void add(struct counter *counter, __u32 bytes) {
  counter->packets += 1;
  counter->bytes += bytes;
}

static __always_inline int finish(struct __sk_buff *skb, __u32 where,
                                  int verdict) {
  __u32 slot = (where << 3 | (verdict & 7)) & 31;
  struct counter *counter = bpf_map_lookup_elem(&verdicts, &slot);
  if (counter) {
    __sync_fetch_and_add(&counter->packets, 1);
    __sync_fetch_and_add(&counter->bytes, skb->len);
  }
  return verdict;
}

// Applies one rule. Returns a verdict, or TC_ACT_UNSPEC to go on.
static __always_inline int apply_rule(struct __sk_buff *skb, __u32 number,
                                      const struct key *key) {
  struct rule *rule = bpf_map_lookup_elem(&rules, &number);
  if (!rule)
    return TC_ACT_UNSPEC;
  __u32 differ = 0;
#pragma clang loop unroll(full)
  for (int i = 0; i < Words; ++i)
    differ |= (key->word[i] ^ rule->value[i]) & rule->mask[i];
  if (differ)
    return TC_ACT_UNSPEC;

  struct counter *hits = bpf_map_lookup_elem(&rule_hits, &number);
  if (hits)
    add(hits, skb->len);

  switch (rule->action) {
  case ACTION_ACCEPT:
    return TC_ACT_OK;
  case ACTION_DROP:
    return TC_ACT_SHOT;
  case ACTION_MARK:
    skb->mark = rule->argument;
    break;
  case ACTION_PRIORITY:
    skb->priority = rule->argument;
    break;
  case ACTION_CLASS:
    skb->tc_classid = rule->argument;
    break;
  }
  return TC_ACT_UNSPEC;
}

static __always_inline void count_flow(struct __sk_buff *skb,
                                       const struct key *key) {
  struct flow_key name = {};
  for (int i = 0; i < 4; ++i) {
    name.source[i] = key->word[SourceAddress + i];
    name.target[i] = key->word[TargetAddress + i];
  }
  name.ports = key->word[Ports];
  name.protocols = key->word[Protocols];

  struct flow *flow = bpf_map_lookup_elem(&flows, &name);
  if (flow) {
    __sync_fetch_and_add(&flow->packets, 1);
    __sync_fetch_and_add(&flow->bytes, skb->wire_len);
    flow->last_queue = skb->queue_mapping;
    return;
  }
  struct flow first = {
      .packets = 1,
      .bytes = skb->wire_len,
      .first_mark = skb->mark,
      .last_queue = skb->queue_mapping,
  };
  bpf_map_update_elem(&flows, &name, &first, BPF_NOEXIST);
}

SEC("tc")
int classify(struct __sk_buff *skb) {
  struct key key = {};
  struct cursor in = {.at = (void *)(long)skb->data,
                      .end = (void *)(long)skb->data_end};
  parse_packet(&in, &key);
  read_context(skb, &key);
  count_flow(skb, &key);

#pragma clang loop unroll(full)
  for (int i = 0; i < InRules; ++i) {
    int verdict = apply_rule(skb, i, &key);
    if (verdict != TC_ACT_UNSPEC)
      return finish(skb, 0, verdict);
  }

  // No rule decided. What egress needs to know travels in the context.
  skb->cb[0] = key.word[Flags];
  skb->cb[4] = tenant_of(skb);
  skb->cb[1] = key.word[Protocols];
  skb->tc_index = key.word[Devices] & 0xff;
  return finish(skb, 0, TC_ACT_OK);
}

// The way out sees only what ingress left behind and what the context says:
// the packet may be encrypted by now.
SEC("tc")
int account(struct __sk_buff *skb) {
  struct key key = {};
  read_context(skb, &key);
  key.word[Protocols] = bpf_ntohs(skb->protocol) << 16;
  key.word[Flags] |= skb->cb[0] & (FLAG_FRAGMENT | FLAG_SYN | FLAG_RESET);
  key.word[Ports] = skb->cb[2];
  key.word[SourceAddress] = skb->tc_index;
  key.word[TargetAddress] = tenant_of(skb);
  if (skb->tc_classid)
    key.word[Flags] |= FLAG_CLASSED;

  // Large sends count as the packets that leave the wire.
  if (skb->gso_segs > 1 && skb->gso_size < 536)
    key.word[Flags] |= FLAG_TRUNCATED;
  if ((skb->priority >> 16) == 1 && (skb->mark & 0xff00) == 0x1200)
    return finish(skb, 1, TC_ACT_OK);

#pragma clang loop unroll(full)
  for (int i = 0; i < OutRules; ++i) {
    int verdict = apply_rule(skb, InRules + i, &key);
    if (verdict != TC_ACT_UNSPEC)
      return finish(skb, 1, verdict);
  }
  if (!skb->queue_mapping)
    skb->queue_mapping = (key.word[Devices] & 3) + 1;
  if (skb->tstamp)
    skb->cb[3] = skb->tstamp >> 20;
  return finish(skb, 1, TC_ACT_OK);
}

static __always_inline int finish_early(struct xdp_md *xdp, __u32 bytes,
                                        int verdict) {
  __u32 slot = 16 | (verdict & 7);
  struct counter *counter = bpf_map_lookup_elem(&verdicts, &slot);
  if (counter) {
    __sync_fetch_and_add(&counter->packets, 1);
    __sync_fetch_and_add(&counter->bytes, bytes);
  }
  return verdict;
}

SEC("xdp")
int guard(struct xdp_md *xdp) {
  struct key key = {};
  struct cursor in = {.at = (void *)(long)xdp->data,
                      .end = (void *)(long)xdp->data_end};
  __u32 bytes = in.end - in.at;
  parse_packet(&in, &key);
  key.word[Devices] = xdp->ingress_ifindex << 16 | xdp->rx_queue_index;

  // The address, then its /24 and /16 for IPv4, or /64 and /48 for IPv6.
  __u32 address[4];
  __builtin_memcpy(address, &key.word[SourceAddress], sizeof(address));
  int narrow = !(address[0] | address[1] | address[2]);
#pragma clang loop unroll(full)
  for (int i = 0; i < 3; ++i) {
    struct counter *block = bpf_map_lookup_elem(&blocked, address);
    if (block) {
      __sync_fetch_and_add(&block->packets, 1);
      __sync_fetch_and_add(&block->bytes, bytes);
      return finish_early(xdp, bytes, XDP_DROP);
    }
    if (narrow) {
      address[3] &= i ? 0xffff0000 : 0xffffff00;
    } else {
      address[3] = address[2] = 0;
      if (i)
        address[1] &= 0xffff0000;
    }
  }

  __u32 port = key.word[Ports] & 0xffff;
  __u32 *closed = bpf_map_lookup_elem(&closed_ports, &port);
  if (closed && *closed == (key.word[Protocols] & 0xff) && port)
    return finish_early(xdp, bytes, XDP_DROP);

  // Answer datagrams of the echo service on the spot.
  if ((key.word[Protocols] & 0xff) == IPPROTO_UDP && port == 7) {
    struct ethhdr *eth = (void *)(long)xdp->data;
    if ((void *)(eth + 1) <= (void *)(long)xdp->data_end) {
      __u8 mac[ETH_ALEN];
      __builtin_memcpy(mac, eth->h_dest, ETH_ALEN);
      __builtin_memcpy(eth->h_dest, eth->h_source, ETH_ALEN);
      __builtin_memcpy(eth->h_source, mac, ETH_ALEN);
      return finish_early(xdp, bytes, XDP_TX);
    }
  }
  if (key.word[Flags] & FLAG_TRUNCATED)
    return finish_early(xdp, bytes, XDP_DROP);
  return finish_early(xdp, bytes, XDP_PASS);
}

char _license[] SEC("license") = "GPL";
