// CFLAGS: -mcpu=v4
//===- divisions.bpf.c - Traffic shaper that divides ----------------------===//
//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: (Apache-2.0 WITH LLVM-exception) OR GPL-2.0
//
//===----------------------------------------------------------------------===//
//
// A token bucket shaper with a controller, and the statistics of what it sees.
// Rates, shares and errors are quotients: of 64 and 32 bits, signed (which
// needs cpu v4) and unsigned, quotient and remainder, by unknown numbers, by
// numbers tested for zero before, and by constants that stand in a register.
// Time is the packet's own time stamp, so that equal input gives equal output.
//
//===----------------------------------------------------------------------===//

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

enum { Classes = 16, Quantiles = 8, SecondInNs = 1000000000 };

// Settings of one class; zeros mean the defaults below.
struct class_settings {
  __u64 rate;  // bytes a second
  __u64 burst; // bytes
  __u32 quantum;
  __s32 gain; // of the controller, thousandths
};

struct class_state {
  __u64 tokens;
  __u64 last; // ns
  __u64 sent;
  __u64 held;
  __s64 error;
  __s64 integral;
  __s64 drift;
  __s32 trend;
  __u32 deficit;
  __u32 packets;
  __u32 turn;
};

struct statistics {
  __u64 count;
  __u64 sum;
  __u64 squares;
  __u64 smallest;
  __u64 largest;
  __u64 mean;
  __u64 variance;
  __s64 skew;
  __u64 quantile[Quantiles];
};

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, Classes);
  __type(key, __u32);
  __type(value, struct class_settings);
} settings SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, Classes);
  __type(key, __u32);
  __type(value, struct class_state);
} states SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, Classes);
  __type(key, __u32);
  __type(value, struct statistics);
} sizes SEC(".maps");

// How many classes share the link; user space changes it.
__u32 active_classes = 7;
__u64 link_rate = 1250000000;

static __always_inline __u64 or_default(__u64 value, __u64 otherwise) {
  return value ? value : otherwise;
}

// Keeps a constant in a register, as a value from another function would be.
#define opaque(Value)                                                          \
  ({                                                                           \
    __u64 Kept = (Value);                                                      \
    asm volatile("" : "+r"(Kept));                                             \
    Kept;                                                                      \
  })

// Tokens that time has earned, without losing the fraction.
static __always_inline void refill(struct class_state *s, __u64 rate,
                                   __u64 burst, __u64 now) {
  __u64 elapsed = now - s->last;
  if (s->last > now || elapsed > SecondInNs)
    elapsed = SecondInNs;
  __u64 earned = elapsed * rate / SecondInNs;
  // What the division cut off moves the clock back.
  __u64 used = rate ? earned * SecondInNs / rate : elapsed;
  s->last = now - (elapsed - used);
  s->tokens += earned;
  if (s->tokens > burst)
    s->tokens = burst;
}

// A proportional-integral controller in whole numbers: signed throughout.
static __always_inline __s64 control(struct class_state *s, __s64 target,
                                     __s64 gain, __s64 interval) {
  __s64 error = target - (__s64)s->sent / (interval ? interval : 1);
  s->integral += error / 16;
  s->integral %= 1000000007;
  __s64 change = error - s->error;
  s->drift = change / gain + change % gain;
  s->error = error;
  return (error * gain + s->integral) / 1000;
}

// 32-bit signed: the trend of sizes against their mean.
static __always_inline __s32 update_trend(struct class_state *s, __s32 size,
                                          __s32 mean) {
  __s32 distance = size - mean;
  __s32 scale = mean / 8 + 1;
  s->trend = (s->trend * 7 + distance * 100 / scale) / 8;
  return s->trend % 360;
}

static __always_inline void observe(struct statistics *st, __u64 size) {
  st->count += 1;
  st->sum += size;
  st->squares += size * size;
  if (!st->smallest || size < st->smallest)
    st->smallest = size;
  if (size > st->largest)
    st->largest = size;
  st->mean = st->sum / st->count;
  st->variance = st->squares / st->count - st->mean * st->mean;
  __s64 delta = (__s64)size - (__s64)st->mean;
  st->skew += delta * delta / ((__s64)st->variance + 1) * delta;

  // Where in the range so far the size lies.
  __u64 range = st->largest - st->smallest;
  if (range) {
    __u64 place = (size - st->smallest) * (Quantiles - 1) / range;
    st->quantile[place & (Quantiles - 1)] += 1;
  }
}

SEC("tc")
int shape(struct __sk_buff *skb) {
  __u32 classes = active_classes;
  __u32 key = (skb->priority ^ bpf_ntohs(skb->protocol)) % classes;
  key %= Classes;
  struct class_settings *set = bpf_map_lookup_elem(&settings, &key);
  struct class_state *s = bpf_map_lookup_elem(&states, &key);
  struct statistics *st = bpf_map_lookup_elem(&sizes, &key);
  if (!set || !s || !st)
    return TC_ACT_SHOT;

  __u64 size = skb->len;
  __u64 now = skb->tstamp ? skb->tstamp : s->last + size * 800;
  __u64 rate = or_default(set->rate, link_rate / classes);
  __u64 burst = or_default(set->burst, rate / opaque(50));
  __s64 gain = (__s32)or_default(set->gain, 250 + key);

  observe(st, size);
  refill(s, rate, burst, now);
  s->packets += 1;
  update_trend(s, size, st->mean);

  // Deficit round robin: the class with the turn may overdraw a quantum.
  __u32 quantum = or_default(set->quantum, 1514);
  s->turn = s->packets % (quantum / 64 + 1);
  s->deficit += quantum / (s->turn + 1);
  s->deficit %= opaque(1 << 20) - 3;

  __s64 correction =
      control(s, rate / (__u64)(classes + key), gain, s->packets);
  __s64 allowance = (__s64)s->tokens + correction % (__s64)(quantum + 1);
  if (allowance < (__s64)size && s->deficit < size) {
    s->held += 1;
    // How long until the tokens suffice, in microseconds.
    __u64 missing = size - s->tokens;
    skb->cb[0] = missing * 1000000 / rate;
    return TC_ACT_SHOT;
  }
  s->sent += size;
  s->tokens -= s->tokens < size ? s->tokens : size;
  skb->mark = s->deficit / or_default(size, 1);
  skb->cb[1] = s->trend;
  return TC_ACT_OK;
}

// Divides whatever the packet brings, zero and the smallest number included:
// these are the cases in which the kernel's sequence differs from the CPU's.
SEC("xdp")
int calculate(struct xdp_md *xdp) {
  __u64 *number = (void *)(long)xdp->data;
  if ((void *)(number + 6) > (void *)(long)xdp->data_end)
    return XDP_ABORTED;
  __u32 key = 0;
  struct statistics *st = bpf_map_lookup_elem(&sizes, &key);
  key = Classes - 1;
  struct class_state *s = bpf_map_lookup_elem(&states, &key);
  if (!st || !s)
    return XDP_ABORTED;

  __u64 sum = 0;
#pragma clang loop unroll(full)
  for (int i = 0; i < 5; ++i) {
    __u64 a = number[i];
    __u64 b = number[i + 1];
    // Bits of the packet make small and zero divisors common.
    b >>= a & 63;
    // Not defined in C, but by the instruction set.
    __u64 by_zero = b & ((a >> 8 & 1) - 1);
    __u64 quotient = a, rest = a;
    asm volatile("%0 /= %1" : "+r"(quotient) : "r"(by_zero));
    asm volatile("%0 %%= %1" : "+r"(rest) : "r"(by_zero));
    sum = sum * 31 + quotient + rest;

    __s64 squotient = a, srest = a;
    asm volatile("%0 s/= %1" : "+r"(squotient) : "r"(by_zero));
    asm volatile("%0 s%%= %1" : "+r"(srest) : "r"(by_zero));
    sum = sum * 31 + squotient + srest;

    if (b)
      sum += a / b + (__u32)a % ((__u32)b | 1);
    __s32 c = a;
    __s32 d = b;
    if (d && d != -1)
      sum += c / d + c % d;
    // Minus one, the divisor of overflow.
    __s64 smallest = 1ull << 63;
    __s64 minus = -1;
    asm volatile("%0 s/= %1" : "+r"(smallest) : "r"(minus));
    sum ^= smallest;
    sum += a / 10 + a % opaque(97) + (__s64)a / (__s64)opaque(-7);
  }
  st->sum ^= sum;
  s->drift = sum % or_default(s->sent, 65537);
  s->sent = sum / opaque(3);
  return sum % 5 ? XDP_PASS : XDP_DROP;
}

char _license[] SEC("license") = "GPL";
