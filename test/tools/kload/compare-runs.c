// REQUIRES: bpf
// RUN: %clang-bpf -c %s -o %t.before.o
// RUN: %clang-bpf -DSHAPE -c %s -o %t.same.o
// RUN: %clang-bpf -DCHANGED -c %s -o %t.changed.o
// RUN: prepatch-kload --run=60 %t.before.o %t.same.o | FileCheck %s --check-prefixes=CHECK,SAME
// RUN: prepatch-kload --run=60 %t.before.o %t.changed.o | FileCheck %s --check-prefixes=CHECK,CHANGED

// Check that programs that do the same in another way are found equal, that each
// kind of change is found, and that what varies by itself is left out of the
// comparison while the rest is still compared.

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#ifdef CHANGED
#define CHANGE 1
#else
#define CHANGE 0
#endif

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 64);
  __type(key, int);
  __type(value, long);
} counts SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 1);
  __type(key, int);
  __type(value, long);
} stamps SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_RINGBUF);
  __uint(max_entries, 4096);
} ring SEC(".maps");

long global;

// The reports of the second object have the comparison.
// CHECK: "path": "{{.*}}.before.o",
// CHECK: "path": "{{.*}}{{same|changed}}.o",

// CHECK: "name": "result",
// SAME: "failed": 0, {{.*}}"nondeterministic": [], "same": 60, "different": 0}
// CHANGED: "different": {{[1-9][0-9]*}}, "first_difference": {"component": "result"
SEC("tc") int result(struct __sk_buff *skb) {
#ifdef SHAPE
  volatile int stack = skb->len;
  return stack & 0xff;
#else
  return (skb->len & 0xff) + (CHANGE && skb->len > 100);
#endif
}

// CHECK: "name": "context",
// SAME: "same": 60, "different": 0}
// CHANGED: "first_difference": {"component": "context"
SEC("tc") int context(struct __sk_buff *skb) {
  skb->cb[2] += 3 + CHANGE;
  return 0;
}

// CHECK: "name": "hash_map",
// SAME: "same": 60, "different": 0}
// CHANGED: "first_difference": {"component": "map counts", {{.*}}"before": "key {{[0-9a-f]+}} value {{[0-9a-f]+}}", "after": "key
SEC("tc") int hash_map(struct __sk_buff *skb) {
  int key = skb->protocol;
  long *value = bpf_map_lookup_elem(&counts, &key), one = 1 + CHANGE;
  if (value)
    *value += one;
  else
    bpf_map_update_elem(&counts, &key, &one, BPF_ANY);
  return 0;
}

// Data sections are maps whose names contain the object's: they are matched all
// the same.
// CHECK: "name": "data_section",
// SAME: "same": 60, "different": 0}
// CHANGED: "first_difference": {"component": "map .bss"
SEC("tc") int data_section(struct __sk_buff *skb) {
  global += skb->len + CHANGE;
  return 0;
}

// CHECK: "name": "ring_buffer",
// SAME: "same": 60, "different": 0}
// CHANGED: "first_difference": {"component": "map ring"
SEC("tc") int ring_buffer(struct __sk_buff *skb) {
  int value = skb->len + CHANGE;
  bpf_ringbuf_output(&ring, &value, sizeof(value), 0);
  return 0;
}

// The time goes into a map, which is left out; the result still counts.
// CHECK: "name": "time",
// SAME: "nondeterministic": ["map stamps"], "same": 60, "different": 0}
// CHANGED: "nondeterministic": ["map stamps"], "same": {{[0-9]+}}, "different": {{[1-9][0-9]*}}, "first_difference": {"component": "result"
SEC("tc") int time(struct __sk_buff *skb) {
  int key = 0;
  long now = bpf_ktime_get_ns();
  bpf_map_update_elem(&stamps, &key, &now, BPF_ANY);
  return skb->protocol + CHANGE;
}

// CHECK: "name": "chance",
// CHECK: "nondeterministic": ["result"], "same": 60, "different": 0}
SEC("tc") int chance(struct __sk_buff *skb) {
  return bpf_get_prandom_u32() % 2 + CHANGE;
}

// A privileged program may read stack that it never wrote.
// CHECK: "name": "uninitialised",
// CHECK: "nondeterministic": ["result"], "same": 60, "different": 0}
SEC("tc") __attribute__((naked)) int uninitialised(void) {
#ifdef SHAPE
  asm volatile("r0 = *(u32 *)(r10 - 100); exit;");
#else
  asm volatile("r0 = *(u32 *)(r10 - 200); exit;");
#endif
}

// CHECK: "name": "packet",
// SAME: "same": 60, "different": 0}
// CHANGED: "first_difference": {"component": "packet"
SEC("xdp") int packet(struct xdp_md *xdp) {
  char *data = (char *)(long)xdp->data;
  if (data + 12 > (char *)(long)xdp->data_end)
    return XDP_ABORTED;
  data[11] = 1 + CHANGE;
  return XDP_PASS;
}

// CHECK: "name": "no_runs",
// CHECK: "runs": {"unsupported": "programs of this type have no test runs",
SEC("kprobe") int no_runs(void *ctx) { return 0; }

char _license[] SEC("license") = "GPL";
