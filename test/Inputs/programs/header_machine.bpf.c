//===- header_machine.bpf.c - Chains of packet headers --------------------===//
//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: (Apache-2.0 WITH LLVM-exception) OR GPL-2.0
//
//===----------------------------------------------------------------------===//
//
// Walks the headers of a packet at XDP as a state machine: the state is what
// the next header is, a step reads one header and says what follows it. VLANs,
// IPv4, IPv6, its extension headers and tunnels may follow each other in any
// order that a packet has; a second machine goes over the options of TCP. Steps
// are unrolled. State, offset and what was found are carried from one to the
// next, and each header has a length of its own, so that the ways through the
// steps multiply for the verifier. Packets are counted by what they hold;
// chains that are longer than all steps are dropped.
//
//===----------------------------------------------------------------------===//

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

enum {
  MaxHeaders = 11,
  MaxOptions = 8,
  MaxOffset = 1024,
  Kinds = 256,
};

// States: what the next header is.
enum state {
  AtType, // an Ethernet type has been read, which says what follows
  AtProtocol,
  AtOptions, // of TCP
  AtEnd,
  AtBroken,
};

enum found {
  FOUND_VLAN = 1 << 0,
  FOUND_IPV4 = 1 << 1,
  FOUND_IPV6 = 1 << 2,
  FOUND_EXTENSION = 1 << 3,
  FOUND_TUNNEL = 1 << 4,
  FOUND_FRAGMENT = 1 << 5,
  FOUND_TCP = 1 << 6,
  FOUND_OPTION = 1 << 7, // one of TCP that is seldom there
};

struct vlan_header {
  __be16 tci;
  __be16 type;
};

struct gre_header {
  __be16 flags;
  __be16 type;
};

struct extension {
  __u8 next;
  __u8 length;
};

struct counter {
  __u64 packets;
  __u64 bytes;
};

// The last packet of a kind.
struct example {
  __u32 headers;
  __u32 offset;
  __u32 tenant;
  __u32 segment; // largest that TCP wants
};

struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, Kinds);
  __type(key, __u32);
  __type(value, struct counter);
} kinds SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, Kinds);
  __type(key, __u32);
  __type(value, struct example);
} examples SEC(".maps");

struct machine {
  __u32 state;
  __u32 next; // Ethernet type, in the packet's byte order, or IP protocol
  __u32 offset;
  __u32 end; // of the options
  __u32 found;
  __u32 headers;
  __u32 tenant;
  __u32 segment;
};

// Makes the compiler forget what it knows of a variable.
#define forget(Variable) asm volatile("" : "+r"(Variable))

// A header at the machine's offset, null if the packet is too short. The
// verifier has to see the bound in front of each.
#define header_at(Context, Offset, Type)                                       \
  ({                                                                           \
    __u64 From = (Offset);                                                     \
    forget(From);                                                              \
    Type *Header = 0;                                                          \
    if (From <= MaxOffset) {                                                   \
      Header = (void *)(long)(Context)->data + From;                           \
      if ((void *)(Header + 1) > (void *)(long)(Context)->data_end)            \
        Header = 0;                                                            \
    }                                                                          \
    Header;                                                                    \
  })

static __always_inline void step_type(struct xdp_md *ctx, struct machine *at) {
  switch (at->next) {
  case bpf_htons(ETH_P_8021Q):
  case bpf_htons(ETH_P_8021AD): {
    struct vlan_header *vlan = header_at(ctx, at->offset, struct vlan_header);
    if (!vlan)
      break;
    at->tenant = at->tenant << 12 | (bpf_ntohs(vlan->tci) & 0xfff);
    at->found |= FOUND_VLAN;
    at->next = vlan->type;
    at->offset += sizeof(*vlan);
    return;
  }
  case bpf_htons(ETH_P_IP): {
    struct iphdr *ip = header_at(ctx, at->offset, struct iphdr);
    if (!ip || ip->ihl < 5)
      break;
    if (ip->frag_off & bpf_htons(0x3fff))
      at->found |= FOUND_FRAGMENT;
    at->state = AtProtocol;
    at->found |= FOUND_IPV4;
    at->next = ip->protocol;
    at->offset += ip->ihl * 4;
    return;
  }
  case bpf_htons(ETH_P_IPV6): {
    struct ipv6hdr *ip = header_at(ctx, at->offset, struct ipv6hdr);
    if (!ip)
      break;
    at->state = AtProtocol;
    at->found |= FOUND_IPV6;
    at->next = ip->nexthdr;
    at->offset += sizeof(*ip);
    return;
  }
  default:
    at->state = AtEnd;
    return;
  }
  at->state = AtBroken;
}

static __always_inline void step_protocol(struct xdp_md *ctx,
                                          struct machine *at) {
  switch (at->next) {
  case IPPROTO_HOPOPTS:
  case IPPROTO_ROUTING:
  case IPPROTO_DSTOPTS:
  case IPPROTO_FRAGMENT: {
    struct extension *extension = header_at(ctx, at->offset, struct extension);
    if (!extension)
      break;
    at->found |= FOUND_EXTENSION;
    if (at->next == IPPROTO_FRAGMENT) {
      at->found |= FOUND_FRAGMENT;
      at->offset += 8;
    } else {
      at->offset += (extension->length + 1) * 8;
    }
    at->next = extension->next;
    return;
  }
  case IPPROTO_IPIP:
    at->state = AtType;
    at->found |= FOUND_TUNNEL;
    at->next = bpf_htons(ETH_P_IP);
    return;
  case IPPROTO_IPV6:
    at->state = AtType;
    at->found |= FOUND_TUNNEL;
    at->next = bpf_htons(ETH_P_IPV6);
    return;
  case IPPROTO_GRE: {
    struct gre_header *gre = header_at(ctx, at->offset, struct gre_header);
    if (!gre)
      break;
    at->offset += sizeof(*gre);
    if (gre->flags & bpf_htons(0x2000)) // a key
      at->offset += 4;
    at->state = AtType;
    at->found |= FOUND_TUNNEL;
    at->next = gre->type;
    return;
  }
  case IPPROTO_TCP: {
    struct tcphdr *tcp = header_at(ctx, at->offset, struct tcphdr);
    if (!tcp || tcp->doff < 5)
      break;
    at->state = AtOptions;
    at->found |= FOUND_TCP;
    at->end = at->offset + tcp->doff * 4;
    at->offset += sizeof(*tcp);
    return;
  }
  default:
    at->state = AtEnd;
    return;
  }
  at->state = AtBroken;
}

// One option of TCP.
static __always_inline void step_option(struct xdp_md *ctx,
                                        struct machine *at) {
  if (at->offset >= at->end) {
    at->state = AtEnd;
    return;
  }
  __u8 *kind = header_at(ctx, at->offset, __u8);
  if (!kind) {
    at->state = AtBroken;
    return;
  }
  if (*kind == 0) {
    at->state = AtEnd;
    return;
  }
  if (*kind == 1) { // padding
    at->offset += 1;
    return;
  }
  struct tcp_option {
    __u8 kind;
    __u8 length;
    __be16 value;
  } __attribute__((packed)) *option =
      header_at(ctx, at->offset, struct tcp_option);
  if (!option || option->length < 2) {
    at->state = AtBroken;
    return;
  }
  if (option->kind == 2)
    at->segment = bpf_ntohs(option->value);
  else if (option->kind > 8)
    at->found |= FOUND_OPTION;
  at->offset += option->length;
}

SEC("xdp")
int count_headers(struct xdp_md *ctx) {
  void *data = (void *)(long)ctx->data;
  void *data_end = (void *)(long)ctx->data_end;
  struct ethhdr *eth = data;
  if ((void *)(eth + 1) > data_end)
    return XDP_PASS;

  struct machine at = {
      .state = AtType,
      .next = eth->h_proto,
      .offset = sizeof(*eth),
  };
#pragma clang loop unroll(full)
  for (int i = 0; i < MaxHeaders; ++i) {
    if (at.state == AtType) {
      step_type(ctx, &at);
      at.headers += 1;
    } else if (at.state == AtProtocol) {
      step_protocol(ctx, &at);
      at.headers += 1;
    }
  }
#pragma clang loop unroll(full)
  for (int i = 0; i < MaxOptions; ++i)
    if (at.state == AtOptions)
      step_option(ctx, &at);

  __u32 kind = at.found;
  struct counter *counter = bpf_map_lookup_elem(&kinds, &kind);
  struct example *example = bpf_map_lookup_elem(&examples, &kind);
  if (counter) {
    counter->packets += 1;
    counter->bytes += data_end - data;
  }
  if (example) {
    example->headers = at.headers;
    example->offset = at.offset;
    example->tenant = at.tenant;
    example->segment = at.segment;
  }
  return at.state == AtBroken || at.state < AtOptions ? XDP_DROP : XDP_PASS;
}

char _license[] SEC("license") = "GPL";
