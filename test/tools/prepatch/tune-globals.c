// REQUIRES: bpf
// RUN: %clang-bpf -mcpu=v3 -c %s -o %t.o
// RUN: prepatch tune %t.o -o %t.out --quiet --budget=60 --decisions=%t.dec --report - | FileCheck %s
// RUN: prepatch tune %t.o -o %t.json.out --quiet --budget=60 --report %t.json
// RUN: FileCheck %s --check-prefix=JSON --input-file=%t.json
// RUN: prepatch compare %t.o %t.out -n 1 --run=50 | FileCheck %s --check-prefix=SAME
// RUN: prepatch compare %t.o %t.out --proof | FileCheck %s --check-prefix=PROOF
// RUN: FileCheck %s --check-prefix=DECISIONS --input-file=%t.dec

// What tune decided is had again without a kernel, byte for byte.
// RUN: prepatch lower %t.o -o %t.again --passes=none --decisions=%t.dec
// RUN: cmp %t.out %t.again

// RUN: prepatch tune %t.o -o %t.static --quiet --budget=20 --no-globals --report - | FileCheck %s --check-prefix=STATIC

// No file is left beside the output.
// RUN: ls %t.* | FileCheck %s --check-prefix=FILES --implicit-check-not=variant

// Check that functions become global where the verifier is spared their walks: a
// program that is refused for its branches loads, and one that walks a function
// at each call walks it once. One whose callers rely on the bound of its result
// stays static.

// CHECK: {{^}}large {{.*}} refused {{ *[0-9]+ }}
// CHECK-NEXT: has functions that were made global
// CHECK: {{^}}many {{.*}} {{4[0-9][0-9] +1[0-9][0-9] }}
// CHECK-DAG: {{^}}made global: mix
// CHECK-DAG: {{^}}made global: walk
// CHECK-NOT: made global

// JSON: "globals": [
// JSON-DAG: "mix"
// JSON-DAG: "walk"
// JSON: ],
// JSON: "may_goto": [],
// JSON: "has_globals": true

// SAME: 2 programs: 1 same, 1 loads now{{$}}
// PROOF-DAG: function 'walk': made global, identical otherwise
// PROOF-DAG: function 'mix': {{.*}}made global, identical otherwise

// DECISIONS: {{^}}global {{mix|walk}}
// DECISIONS-NEXT: {{^}}global {{mix|walk}}

// STATIC: {{^}}large {{.*}} refused {{ *}}refused
// STATIC-NOT: made global

// FILES: .out
#include <linux/bpf.h>

#define SEC(N) __attribute__((section(N), used))
#define noinline __attribute__((noinline))
typedef unsigned int u32;
typedef unsigned long long u64;

struct {
  int (*type)[BPF_MAP_TYPE_ARRAY];
  int (*max_entries)[1];
  u32 *key;
  char (*value)[64];
} bytes SEC(".maps");
static void *(*lookup)(void *, const void *) = (void *)1;

// Leaves a thousand branches to be looked at later, each time that it is called.
static noinline u64 walk(u64 s, u64 key) {
#pragma clang loop unroll(disable)
  for (int i = 0; i < 1000; i++) {
    if (s & key)
      s += i;
    else
      s ^= 7 * i;
  }
  return s;
}

static noinline u64 mix(u64 bits, u32 kind) {
  u64 s = bits + kind;
#pragma clang loop unroll(full)
  for (int i = 0; i < 6; i++)
    if (bits & (1ull << (i * 3)))
      s = s * 3 + i;
  return s;
}

static noinline u32 bounded(u64 s) { return s & 63; }

SEC("tc") int large(struct __sk_buff *skb) {
  u64 s = skb->len;
#pragma clang loop unroll(disable)
  for (int i = 0; i < 12; i++)
    s = walk(s, skb->hash + i);
  return s;
}

SEC("tc") int many(struct __sk_buff *skb) {
  u64 s = skb->len;
  u32 zero = 0;
  char *b = lookup(&bytes, &zero);
  s += mix(skb->hash, 1);
  s += mix(skb->hash, 2);
  s += mix(skb->mark, 3);
  s += mix(skb->mark, 4);
  s += mix(s, 5);
  s += mix(s, 6);
  if (b) {
    s += b[bounded(skb->priority)];
    s += b[bounded(skb->ifindex)];
    s += b[bounded(skb->protocol)];
  }
  return s;
}
char _license[] SEC("license") = "GPL";
