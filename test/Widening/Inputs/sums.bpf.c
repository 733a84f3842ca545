//===- sums.bpf.c - One path for each sum ---------------------------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#define STEP(Bit)                                                              \
  if (mark & (1ull << Bit)) {                                                  \
    total += 1ull << Bit;                                                      \
    asm volatile("" : "+r"(total));                                            \
  }

SEC("tc")
int sums(struct __sk_buff *skb) {
#ifdef EDITED
  __u64 more = skb->len;
#endif
  __u64 total = 1;
  __u64 mark = skb->hash;
  asm volatile("" : "+r"(total));

  STEP(0)
  STEP(1)
  STEP(2)
  STEP(3)
  STEP(4)
  STEP(5)
  STEP(6)
  STEP(7)
  STEP(8)
  STEP(9)
  STEP(10)
  STEP(11)
#ifdef EDITED
  if (more > 1000)
    return 2;
#endif
  return total > 40;
}

char _license[] SEC("license") = "GPL";
