// REQUIRES: bpf
// RUN: %clang-bpf -c %s -o %t.before.o
// RUN: %clang-bpf -DCHANGED -c %s -o %t.after.o
// RUN: prepatch-kload --run=20 %t.before.o %t.after.o | FileCheck %s

// Check that program arrays are filled for test runs, as the object says or in
// the order of the programs, so that a change behind a tail call is found.

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

int target(struct __sk_buff *skb);

struct {
  __uint(type, BPF_MAP_TYPE_PROG_ARRAY);
  __uint(max_entries, 4);
  __uint(key_size, 4);
  __array(values, int(struct __sk_buff *));
} declared SEC(".maps") = {.values = {[2] = (void *)&target}};

struct {
  __uint(type, BPF_MAP_TYPE_PROG_ARRAY);
  __uint(max_entries, 4);
  __uint(key_size, 4);
  __uint(value_size, 4);
} filled_later SEC(".maps");

#ifdef CHANGED
#define VALUE 23
#else
#define VALUE 17
#endif

SEC("tc") int target(struct __sk_buff *skb) { return VALUE; }

// CHECK: "path": "{{.*}}before.o"
// CHECK: "name": "by_declaration",
// CHECK: "results": {{\[\[}}17, 20]]
// CHECK: "name": "by_order",
// CHECK: "results": {{\[\[}}17, 20]]
// CHECK: "path": "{{.*}}after.o"
// CHECK: "name": "by_declaration",
// CHECK: "results": {{\[\[}}23, 20]]{{.*}}"different": 20
// CHECK: "name": "by_order",
// CHECK: "results": {{\[\[}}23, 20]]{{.*}}"different": 20
SEC("tc") int by_declaration(struct __sk_buff *skb) {
  bpf_tail_call(skb, &declared, 2);
  return 1;
}

SEC("tc") int by_order(struct __sk_buff *skb) {
  bpf_tail_call(skb, &filled_later, 0);
  return 1;
}

char _license[] SEC("license") = "GPL";
