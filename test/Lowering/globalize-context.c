// RUN: %clang-bpf -mcpu=v3 -c %s -o %t.o
// RUN: prepatch lower %t.o -o %t.out --passes=globalize --verify-each --report - | FileCheck %s
// RUN: %python %inputs/btf-functions.py %t.out | FileCheck %s --check-prefix=BTF
// RUN: sed 's/"mayGoto":true/"mayGoto":false/' %S/../../lib/Kernel/profiles/linux-6.18-x86_64.json > %t.json
// RUN: prepatch lower %t.o -o %t.out --passes=globalize --profile=%t.json --report - | FileCheck %s --check-prefix=OLD

// Check contexts: programs of two types may share a function, and the verifier
// knows a context by its type or by a tag.

// CHECK-COUNT-2: took
// BTF: global int shared(void *ctx [arg:ctx], u32 n)
// BTF: global int marks(struct __sk_buff *skb, u32 n)
// OLD-DAG: refused shared+{{.*}} argument r1 is the context, which kernels without argument tags know by its type alone
// OLD-DAG: took marks+
#include <linux/bpf.h>

#define SEC(N) __attribute__((section(N), used))
#define noinline __attribute__((noinline))
typedef unsigned int u32;

// Something that takes the context of every program.
static long (*perf_event_output)(void *, void *, unsigned long long, void *,
                                 unsigned long long) = (void *)25;
struct {
  int (*type)[BPF_MAP_TYPE_PERF_EVENT_ARRAY];
  int (*max_entries)[0];
  int *key;
  int *value;
} events SEC(".maps");

static noinline int shared(struct xdp_md *ctx, u32 n) {
  u32 data = n;
  if (n & 1)
    data *= 3;
  return perf_event_output(ctx, &events, 0xffffffffull, &data, 4);
}

static noinline int marks(struct __sk_buff *skb, u32 n) {
  return skb->mark > n ? n * 3 : n;
}

SEC("xdp") int of_xdp(struct xdp_md *ctx) {
#pragma clang loop unroll(full)
  for (int i = 0; i < 5; i++)
    shared(ctx, i);
  return 2;
}

SEC("tc") int of_tc(struct __sk_buff *skb) {
  u32 n = skb->len;
#pragma clang loop unroll(full)
  for (int i = 0; i < 5; i++)
    n += marks(skb, n);
#pragma clang loop unroll(full)
  for (int i = 0; i < 5; i++)
    shared((void *)skb, n + i);
  return 0;
}
char _license[] SEC("license") = "GPL";
