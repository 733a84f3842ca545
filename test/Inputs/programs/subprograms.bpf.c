//===- subprograms.bpf.c - Functions, callbacks and pointers to them ------===//
//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: (Apache-2.0 WITH LLVM-exception) OR GPL-2.0
//
//===----------------------------------------------------------------------===//
//
// A load balancer that hashes packets over backends, written as many small
// functions: static ones that take pointers to the caller's stack, global ones
// that the verifier checks alone, a weak one, a hidden one, chains of nested
// calls, callbacks for bpf_loop and bpf_for_each_map_elem, one of them handed
// through a function argument. Three programs use overlapping sets of them.
//
//===----------------------------------------------------------------------===//

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/pkt_cls.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

enum { Backends = 16, Rounds = 8, LastSeen = 64, Missing = 0xffffffff };

struct backend {
  __u32 address;
  __u32 weight;
  __u64 packets;
  __u64 bytes;
  __u32 failures;
  __u32 down;
};

struct session {
  __u32 backend;
  __u32 packets;
  __u64 bytes;
};

struct connection {
  __u32 source;
  __u32 target;
  __u16 source_port;
  __u16 target_port;
  __u32 protocol;
};

struct summary {
  __u64 packets;
  __u64 bytes;
  __u64 heaviest;
  __u64 sessions;
  __u64 checksum;
  __u64 runs;
};

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, Backends);
  __type(key, __u32);
  __type(value, struct backend);
} backends SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 8192);
  __type(key, struct connection);
  __type(value, struct session);
} sessions SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 4);
  __type(key, __u32);
  __type(value, struct summary);
} summaries SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, LastSeen);
  __type(key, __u32);
  __type(value, __u64);
} last_seen SEC(".maps");

// Hashing ---------------------------------------------------------------- //

static __noinline __u32 rotate(__u32 value, __u32 by) {
  return value << (by & 31) | value >> (-by & 31);
}

static __noinline __u32 mix(__u32 a, __u32 b) {
  a = (a ^ rotate(b, 13)) * 0x9e3779b1;
  return a ^ (a >> 15);
}

static __noinline __u32 finish_hash(__u32 a) {
  a = (a ^ (a >> 16)) * 0x7feb352d;
  a = (a ^ (a >> 15)) * 0x846ca68b;
  return a ^ (a >> 16);
}

// Reads the stack of its caller.
static __noinline __u32 hash_connection(const struct connection *c,
                                        __u32 seed) {
  __u32 hash = mix(seed, c->source);
  hash = mix(hash, c->target);
  hash = mix(hash, (__u32)c->source_port << 16 | c->target_port);
  return finish_hash(mix(hash, c->protocol));
}

// Checked by the verifier on its own: scalars only.
__noinline __u32 score(__u32 hash, __u32 number, __u32 weight) {
  __u32 value = finish_hash(hash ^ number * 0x85ebca6b);
  return (value >> 8) * (weight ? weight : 1);
}

// Another object may bring a better one.
__weak __noinline __u32 weight_of(__u32 configured, __u32 failures) {
  if (failures > 16)
    return 1;
  return (configured ? configured : 4) + 1 - failures / 16;
}

// Global for the linker, local for the loader.
__attribute__((visibility("hidden"))) __noinline __u32
penalty(const struct backend *b) {
  return b->failures / 2 + (b->down ? 1000 : 0);
}

// A global function with a pointer: the verifier wants the test for null.
__noinline int merge(struct summary *into, __u64 packets, __u64 bytes) {
  if (!into)
    return -1;
  into->packets += packets;
  into->bytes += bytes;
  if (bytes > into->heaviest)
    into->heaviest = bytes;
  into->checksum = into->checksum * 31 + bytes;
  return 0;
}

// Choosing --------------------------------------------------------------- //

struct choice {
  __u32 hash;
  __u32 best;
  __u32 best_score;
  __u32 examined;
};

static __noinline __u32 judge(struct backend *b, __u32 number, __u32 hash) {
  if (b->down)
    return 0;
  __u32 value = score(hash, number, weight_of(b->weight, b->failures));
  __u32 minus = penalty(b);
  return value > minus ? value - minus : 0;
}

// The backend with the highest score wins. Called by bpf_loop.
static long consider_backend(__u64 index, void *context) {
  struct choice *choice = context;
  __u32 number = index;
  struct backend *b = bpf_map_lookup_elem(&backends, &number);
  if (!b)
    return 1;
  __u32 value = judge(b, number, choice->hash);
  choice->examined += 1;
  if (value >= choice->best_score) {
    choice->best_score = value;
    choice->best = number;
  }
  return 0;
}

static __noinline __u32 choose_backend(__u32 hash) {
  struct choice choice = {.hash = hash, .best = Missing};
  bpf_loop(Backends, consider_backend, &choice, 0);
  return choice.best;
}

// Parsing ---------------------------------------------------------------- //

static __noinline int load_ports(struct __sk_buff *skb, __u32 offset,
                                 struct connection *c) {
  __be16 ports[2];
  if (bpf_skb_load_bytes(skb, offset, ports, sizeof(ports)))
    return -1;
  c->source_port = bpf_ntohs(ports[0]);
  c->target_port = bpf_ntohs(ports[1]);
  return 0;
}

static __noinline int load_connection(struct __sk_buff *skb,
                                      struct connection *c) {
  struct iphdr ip;
  if (skb->protocol != bpf_htons(ETH_P_IP)) {
    // Whatever else it is, its first words tell it apart.
    return bpf_skb_load_bytes(skb, ETH_HLEN, c, sizeof(*c));
  }
  if (bpf_skb_load_bytes(skb, ETH_HLEN, &ip, sizeof(ip)))
    return -1;
  c->source = bpf_ntohl(ip.saddr);
  c->target = bpf_ntohl(ip.daddr);
  c->protocol = ip.protocol;
  if (ip.protocol == IPPROTO_TCP || ip.protocol == IPPROTO_UDP)
    return load_ports(skb, ETH_HLEN + ip.ihl * 4, c);
  return 0;
}

// Bookkeeping ------------------------------------------------------------ //

static __noinline void touch(__u32 hash, __u32 length) {
  __u32 slot = hash % LastSeen;
  __u64 *seen = bpf_map_lookup_elem(&last_seen, &slot);
  if (seen)
    *seen = (__u64)hash << 32 | length;
}

static __noinline struct session *open_session(struct connection *c,
                                               __u32 hash) {
  struct session fresh = {.backend = choose_backend(hash)};
  if (fresh.backend == Missing)
    return 0;
  bpf_map_update_elem(&sessions, c, &fresh, BPF_NOEXIST);
  return bpf_map_lookup_elem(&sessions, c);
}

static __noinline void charge(__u32 number, __u32 length) {
  struct backend *b = bpf_map_lookup_elem(&backends, &number);
  if (!b)
    return;
  __sync_fetch_and_add(&b->packets, 1);
  __sync_fetch_and_add(&b->bytes, length);
}

SEC("tc")
int balance(struct __sk_buff *skb) {
  struct connection c = {};
  if (load_connection(skb, &c))
    return TC_ACT_SHOT;
  __u32 hash = hash_connection(&c, 0x5eed);
  touch(hash, skb->len);
  struct session *session = bpf_map_lookup_elem(&sessions, &c);
  if (!session)
    session = open_session(&c, hash);
  if (!session)
    return TC_ACT_SHOT;
  session->packets += 1;
  session->bytes += skb->len;
  charge(session->backend, skb->len);
  skb->mark = session->backend + 1;
  skb->cb[0] = hash;
  return TC_ACT_OK;
}

// Walking the maps ------------------------------------------------------- //

struct bpf_map;

typedef long visit_fn(struct bpf_map *map, const void *key, void *value,
                      void *context);

struct tally {
  __u64 packets;
  __u64 bytes;
  __u64 count;
  __u32 limit;
};

static long visit_backend(struct bpf_map *map, const void *key, void *value,
                          void *context) {
  struct backend *b = value;
  struct tally *tally = context;
  tally->packets += b->packets;
  tally->bytes += b->bytes;
  tally->count += 1;
  return 0;
}

static long visit_session(struct bpf_map *map, const void *key, void *value,
                          void *context) {
  struct session *s = value;
  struct tally *tally = context;
  tally->packets += s->packets;
  tally->bytes += s->bytes;
  tally->count += 1;
  return tally->bytes >> 40 > tally->limit;
}

static long age_backend(struct bpf_map *map, const void *key, void *value,
                        void *context) {
  struct backend *b = value;
  b->failures -= b->failures / 4;
  if (!b->failures)
    b->down = 0;
  return visit_backend(map, key, value, context);
}

// The function to call is an argument: two of them arrive here.
static __noinline long walk_backends(visit_fn *visit, struct tally *tally) {
  return bpf_for_each_map_elem(&backends, visit, tally, 0);
}

static __noinline int store_summary(__u32 slot, struct tally *tally) {
  struct summary *s = bpf_map_lookup_elem(&summaries, &slot);
  if (!s)
    return -1;
  s->sessions = tally->count;
  s->runs += 1;
  return merge(s, tally->packets, tally->bytes);
}

SEC("tc")
int summarise(struct __sk_buff *skb) {
  struct tally all = {.limit = 4096};
  walk_backends(skb->len & 1 ? visit_backend : age_backend, &all);
  if (store_summary(0, &all))
    return TC_ACT_SHOT;

  struct tally open = {.limit = 4096};
  bpf_for_each_map_elem(&sessions, visit_session, &open, 0);
  if (store_summary(1, &open))
    return TC_ACT_SHOT;
  return open.packets > all.packets ? TC_ACT_SHOT : TC_ACT_OK;
}

// Health checks ---------------------------------------------------------- //

struct probe {
  __u32 seed;
  __u32 failed;
  __u64 trace;
};

static long probe_once(__u64 round, void *context) {
  struct probe *probe = context;
  __u32 number = mix(probe->seed, round) % Backends;
  struct backend *b = bpf_map_lookup_elem(&backends, &number);
  if (!b)
    return 1;
  if (finish_hash(probe->seed + round) % 7 == 0) {
    b->failures += 1;
    b->down = b->failures > 64;
    probe->failed += 1;
  }
  probe->trace = probe->trace * 17 + number;
  return 0;
}

// Both ways to the same loop: a fixed count, and one that depends.
static __noinline __u32 run_probes(struct probe *probe, __u32 rounds) {
  if (rounds > Rounds)
    bpf_loop(rounds & 63, probe_once, probe, 0);
  else
    bpf_loop(Rounds, probe_once, probe, 0);
  return probe->failed;
}

SEC("xdp")
int check_health(struct xdp_md *xdp) {
  __u8 *data = (void *)(long)xdp->data;
  if (data + 8 > (__u8 *)(long)xdp->data_end)
    return XDP_ABORTED;
  struct probe probe = {.seed = *(__u32 *)(data + 2)};
  __u32 failed = run_probes(&probe, data[1]);
  touch(finish_hash(probe.seed), failed);
  __u32 slot = 2;
  struct summary *s = bpf_map_lookup_elem(&summaries, &slot);
  if (!s || merge(s, failed, probe.trace & 0xffff))
    return XDP_ABORTED;
  return failed > Rounds ? XDP_DROP : XDP_PASS;
}

char _license[] SEC("license") = "GPL";
