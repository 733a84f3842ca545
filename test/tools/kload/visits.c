// REQUIRES: bpf
// RUN: %clang-bpf -c %s -o %t.o
// RUN: prepatch-kload --visits --prog=branches --prog=calls --prog=long_loop %t.o > %t.json
// RUN: FileCheck %s --input-file %t.json
// RUN: %python %S/Inputs/check-visits.py %t.json
// RUN: prepatch-kload --visits --log-mb=1 --prog=long_loop %t.o | FileCheck %s --check-prefix=CUT

// Check that the visits in the verifier's log add up to the number that the
// kernel itself gives, with branches, pruned paths, backtracking for precision,
// subprograms and loops, and that a log that did not fit is said to be cut.

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 16);
  __type(key, int);
  __type(value, long);
} array SEC(".maps");

// CHECK: "name": "branches",
// CHECK: "visits": {"sum": {{[0-9]+}}, "processed": {{[0-9]+}}, "truncated": false, "functions": {{\[}}{"name": "branches", "counts": [1, {{.*}}]}]}
SEC("tc") int branches(struct __sk_buff *skb) {
  char buffer[16] = {};
  int index = 0;
  if (skb->len & 1)
    index += 1;
  if (skb->mark & 1)
    index += 2;
  if (skb->priority & 1)
    index += 4;
  int key = index;
  long *value = bpf_map_lookup_elem(&array, &key);
  if (value)
    buffer[index & 15] = *value;
  return buffer[skb->hash & 15];
}

static __attribute__((noinline)) int add(int a, int b) { return a + b + 1; }
__attribute__((noinline)) int global(int a) { return a > 3 ? a : 3; }

// CHECK: "name": "calls",
// CHECK: {"name": "calls", "counts": [1,
// CHECK-SAME: {"name": "global", "counts": [
// CHECK-SAME: {"name": "add", "counts": [
SEC("tc") int calls(struct __sk_buff *skb) {
  return global(skb->len) + add(skb->mark, 1) + add(skb->len, 2);
}

// CHECK: "name": "long_loop",
// CHECK: "truncated": false
// CUT: "visits": {"sum": {{[0-9]+}}, "processed": {{[0-9]+}}, "truncated": true
SEC("tc") int long_loop(struct __sk_buff *skb) {
  long sum = 0;
  for (int i = 0; i < 20000; ++i) {
    sum += i;
    asm volatile("" : "+r"(sum));
  }
  return sum;
}

char _license[] SEC("license") = "GPL";
