// REQUIRES: bpf
// RUN: %clang-bpf -c %s -o %t.o
// RUN: prepatch-kload %t.o > %t.json
// RUN: FileCheck %s --input-file %t.json
// RUN: test ! -e /sys/fs/bpf/pinned

// Check that maps that cannot be created as they are get changed, with a note,
// and that nothing is pinned.

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __type(key, int);
  __type(value, int);
} sizeless SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 0x7fffffff);
  __type(key, int);
  __uint(value_size, 4096);
} huge SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 1);
  __uint(pinning, LIBBPF_PIN_BY_NAME);
  __type(key, int);
  __type(value, int);
} pinned SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_HASH_OF_MAPS);
  __uint(max_entries, 4);
  __uint(key_size, 4);
  __uint(value_size, 4);
} outer SEC(".maps");

struct {
  __uint(type, 9999);
  __uint(max_entries, 1);
  __uint(key_size, 4);
  __uint(value_size, 4);
} unknown SEC(".maps");

extern int no_such_kfunc(int) __ksym;

// CHECK: "notes": [
// CHECK-SAME: map 'sizeless': max_entries 0 set to 1
// CHECK-SAME: map 'huge': max_entries 2147483647 cut to 65536:
// CHECK-SAME: map 'outer': inner map unknown, an array of 4-byte values assumed
// CHECK-SAME: externs made weak: no_such_kfunc
// CHECK-SAME: map 'unknown' left out:

// CHECK: "name": "uses",
// CHECK: "verdict": "loaded",
SEC("tc") int uses(struct __sk_buff *skb) {
  int key = 0;
  int *a = bpf_map_lookup_elem(&sizeless, &key);
  int *b = bpf_map_lookup_elem(&huge, &key);
  int *c = bpf_map_lookup_elem(&pinned, &key);
  void *d = bpf_map_lookup_elem(&outer, &key);
  return a && b && c && d;
}

// CHECK: "name": "uses_unknown",
// CHECK: "verdict": "refused",
// CHECK-NEXT: "reason": "{{.*}}(map 'unknown' that could not be created)",
SEC("tc") int uses_unknown(struct __sk_buff *skb) {
  int key = 0;
  return bpf_map_lookup_elem(&unknown, &key) != 0;
}

// CHECK: "name": "uses_kfunc",
// CHECK: "verdict": "refused",
// CHECK-NEXT: "reason": "{{.+}}",
SEC("tc") int uses_kfunc(struct __sk_buff *skb) { return no_such_kfunc(1); }

char _license[] SEC("license") = "GPL";
