//===- loops.bpf.c - Every kind of loop -----------------------------------===//
//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: (Apache-2.0 WITH LLVM-exception) OR GPL-2.0
//
//===----------------------------------------------------------------------===//
//
// Searches and sums over packets and tables, with each way BPF has to loop: a
// native loop with a bound the verifier finds, the bpf_loop helper, the number
// iterator's kfuncs, and may_goto. Lookups, reads of the context and divisions
// stand inside the bodies, where code that grows costs most at run time.
//
//===----------------------------------------------------------------------===//

#include <linux/bpf.h>
#include <linux/pkt_cls.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

enum {
  TableSize = 256,
  Window = 64,
  Lines = 16,
  SortedBytes = 24,
  MaxOptions = 20,
  MaxSteps = 512,
};

// Our own name for what the kernel calls bpf_iter_num: headers differ in
// whether they have it, and only the layout counts.
struct number_iterator {
  __u64 opaque[1];
} __attribute__((aligned(8)));

extern int bpf_iter_num_new(struct number_iterator *it, int first,
                            int end) __ksym __weak;
extern int *bpf_iter_num_next(struct number_iterator *it) __ksym __weak;
extern void bpf_iter_num_destroy(struct number_iterator *it) __ksym __weak;

// Leaves a loop for which the kernel has lost its patience.
#define stay_or(Label) asm volatile goto("may_goto %l[" #Label "]" :: ::Label)

struct cell {
  __u64 hits;
  __u64 sum;
  __u32 next;
  __u32 tag;
};

struct result {
  __u64 runs;
  __u64 value;
  __u64 steps;
  __u64 extra;
};

enum result_slot {
  ResultChecksum,
  ResultOptions,
  ResultChain,
  ResultHistogram,
  ResultEntropy,
  ResultSort,
  Results,
};

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, TableSize);
  __type(key, __u32);
  __type(value, struct cell);
} table SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, Results);
  __type(key, __u32);
  __type(value, struct result);
} results SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 4096);
  __type(key, __u64);
  __type(value, __u32);
} grams SEC(".maps");

struct window {
  __u8 bytes[Window];
};

struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, struct window);
} windows SEC(".maps");

static __always_inline struct result *result_at(__u32 slot) {
  return bpf_map_lookup_elem(&results, &slot);
}

static __always_inline void record(__u32 slot, __u64 value, __u64 steps) {
  struct result *r = result_at(slot);
  if (!r)
    return;
  r->runs += 1;
  r->value = r->value * 33 + value;
  r->steps += steps;
}

// Native loops ----------------------------------------------------------- //

// The internet checksum of the first bytes, two at a time, then the options of
// a header that has up to MaxOptions of them.
SEC("tc")
int native_loops(struct __sk_buff *skb) {
  __u8 *data = (void *)(long)skb->data;
  __u8 *end = (void *)(long)skb->data_end;
  if (data + Window > end)
    return TC_ACT_SHOT;
  __u64 sum = 0;
#pragma clang loop unroll(disable)
  for (int i = 0; i < Window; i += 2)
    sum += data[i] << 8 | data[i + 1];
#pragma clang loop unroll(disable)
  for (int i = 0; i < 2; ++i)
    sum = (sum & 0xffff) + (sum >> 16);
  record(ResultChecksum, sum, Window / 2);

  __u32 at = 54;
  __u32 seen = 0;
  int count = 0;
#pragma clang loop unroll(disable)
  for (count = 0; count < MaxOptions; ++count) {
    __u8 option[2];
    if (bpf_skb_load_bytes(skb, at, option, sizeof(option)))
      break;
    __u8 kind = option[0] & 31;
    if (!kind)
      break;
    seen |= 1u << kind;
    __u32 slot = kind + (skb->mark & 7) * 32;
    struct cell *cell = bpf_map_lookup_elem(&table, &slot);
    if (cell) {
      cell->hits += 1;
      cell->sum += skb->len;
    }
    at += kind == 1 || option[1] < 2 ? 1 : option[1];
  }
  record(ResultOptions, seen, count);
  return TC_ACT_OK;
}

// bpf_loop --------------------------------------------------------------- //

struct gram_context {
  struct __sk_buff *skb;
  __u64 previous;
  __u32 fresh;
  __u32 repeated;
};

static long count_gram(__u64 index, void *context) {
  struct gram_context *c = context;
  __u8 next;
  if (bpf_skb_load_bytes(c->skb, index, &next, 1))
    return 1;
  c->previous = (c->previous << 8 | next) & 0xffffff;
  if (index < 2)
    return 0;
  __u64 gram = c->previous;
  __u32 *known = bpf_map_lookup_elem(&grams, &gram);
  if (known) {
    *known += 1;
    c->repeated += 1;
    return 0;
  }
  __u32 one = 1;
  bpf_map_update_elem(&grams, &gram, &one, BPF_NOEXIST);
  c->fresh += 1;
  return 0;
}

struct chain_context {
  __u32 at;
  __u32 target;
  __u32 length;
};

static long follow_chain(__u64 index, void *context) {
  struct chain_context *c = context;
  __u32 slot = c->at % TableSize;
  struct cell *cell = bpf_map_lookup_elem(&table, &slot);
  if (!cell)
    return 1;
  c->length += 1;
  if (cell->tag == c->target)
    return 1;
  cell->tag = cell->tag ? cell->tag : c->target;
  c->at = cell->next ? cell->next : slot * 5 + 1;
  return 0;
}

SEC("tc")
int helper_loops(struct __sk_buff *skb) {
  struct gram_context grams_seen = {.skb = skb};
  __u32 limit = skb->len < MaxSteps ? skb->len : MaxSteps;
  bpf_loop(limit, count_gram, &grams_seen, 0);
  record(ResultEntropy,
         grams_seen.fresh * 1000 / (grams_seen.fresh + grams_seen.repeated + 1),
         limit);

  struct chain_context chain = {.at = skb->hash, .target = skb->len | 1};
  bpf_loop(64, follow_chain, &chain, 0);
  record(ResultChain, chain.length, chain.at);
  return chain.length == 64 ? TC_ACT_SHOT : TC_ACT_OK;
}

// Iterators -------------------------------------------------------------- //

SEC("tc")
int iterator_loops(struct __sk_buff *skb) {
  struct number_iterator rows;
  int *row;
  __u64 total = 0;
  __u64 steps = 0;
  bpf_iter_num_new(&rows, 0, Lines);
  while ((row = bpf_iter_num_next(&rows))) {
    __u32 line = *row;
    __u64 bytes;
    if (bpf_skb_load_bytes(skb, line * 8, &bytes, sizeof(bytes)))
      break;
    struct number_iterator columns;
    int *column;
    bpf_iter_num_new(&columns, 0, Lines);
    while ((column = bpf_iter_num_next(&columns))) {
      __u32 slot = (line * Lines + *column) % TableSize;
      struct cell *cell = bpf_map_lookup_elem(&table, &slot);
      if (!cell)
        continue;
      cell->hits += (bytes >> (*column & 63)) & 1;
      cell->sum += skb->priority + line;
      total += cell->hits;
      steps += 1;
    }
    bpf_iter_num_destroy(&columns);
  }
  bpf_iter_num_destroy(&rows);
  record(ResultHistogram, total, steps);
  return TC_ACT_OK;
}

// may_goto --------------------------------------------------------------- //

// The length of the cycle that repeated steps over the table run into.
static __noinline __u32 cycle_length(__u32 seed, __u32 factor) {
  __u32 slow = seed % TableSize;
  __u32 fast = slow;
  __u32 length = 0;
  for (;;) {
    stay_or(tired);
    slow = (slow * factor + 1) % TableSize;
    fast = (fast * factor + 1) % TableSize;
    fast = (fast * factor + 1) % TableSize;
    length += 1;
    if (slow == fast || length > 2 * TableSize)
      break;
  }
tired:
  return length;
}

SEC("xdp")
int patient_loops(struct xdp_md *xdp) {
  __u8 *data = (void *)(long)xdp->data;
  __u8 *end = (void *)(long)xdp->data_end;
  __u32 zero = 0;
  struct window *window = bpf_map_lookup_elem(&windows, &zero);
  if (!window || data + Window > end)
    return XDP_ABORTED;
  __builtin_memcpy(window->bytes, data, Window);

  // Bubbles rise until none does. One round is unrolled: its length is known.
  __u32 swaps = 0;
  __u32 moved = 0;
  do {
    stay_or(sorted);
    moved = 0;
#pragma clang loop unroll(full)
    for (__u32 i = 0; i + 1 < SortedBytes; ++i) {
      __u8 low = window->bytes[i];
      __u8 high = window->bytes[i + 1];
      if (low > high) {
        window->bytes[i] = high;
        window->bytes[i + 1] = low;
        moved += 1;
      }
    }
    swaps += moved;
  } while (moved);
sorted:
  record(ResultSort, swaps,
         cycle_length(window->bytes[0] + xdp->rx_queue_index,
                      (window->bytes[Window - 1] & ~3) + 1));
  return window->bytes[0] > window->bytes[SortedBytes - 1] ? XDP_DROP
                                                           : XDP_PASS;
}

char _license[] SEC("license") = "GPL";
