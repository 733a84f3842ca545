// REQUIRES: bpf
// RUN: %clang-bpf -c %s -o %t.o
// RUN: prepatch-kload --run=80 --run-repeat=10 %t.o | FileCheck %s
// RUN: prepatch-kload --run=80 --seed=7 %t.o > %t.7a
// RUN: prepatch-kload --run=80 --seed=7 %t.o > %t.7b
// RUN: grep digest %t.7a > %t.da
// RUN: grep digest %t.7b > %t.db
// RUN: diff %t.da %t.db

// Check that every program type that has test runs gets inputs that the kernel
// takes and that make a difference, and that a seed fixes everything.

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

// Each program must return both 0 and 1, and no run may fail.

// CHECK: "name": "tc_mark",
// CHECK: "runs": {"done": 80, "failed": 0, {{.*}}"results": {{\[\[}}0, {{[0-9]+}}], [1, {{[0-9]+}}]]
// CHECK-NEXT: "run_ns": [{{([0-9]+, ){14}[0-9]+}}]
SEC("tc") int tc_mark(struct __sk_buff *skb) { return skb->mark > 3; }

// CHECK: "name": "tc_packet",
// CHECK: "runs": {"done": 80, "failed": 0, {{.*}}"results": {{\[\[}}0, {{[0-9]+}}], [1, {{[0-9]+}}]]
SEC("tc") int tc_packet(struct __sk_buff *skb) {
  unsigned char *data = (unsigned char *)(long)skb->data;
  if (data + 40 > (unsigned char *)(long)skb->data_end)
    return 0;
  return data[12] == 8 && data[23] == 6;
}

// CHECK: "name": "xdp_meta",
// CHECK: "runs": {"done": 80, "failed": 0, {{.*}}"results": {{\[\[}}0, {{[0-9]+}}], [1, {{[0-9]+}}]]
SEC("xdp") int xdp_meta(struct xdp_md *xdp) {
  return xdp->data_meta != xdp->data && xdp->ingress_ifindex == 1;
}

// CHECK: "name": "lookup",
// CHECK: "runs": {"done": 80, "failed": 0, {{.*}}"results": {{\[\[}}0, {{[0-9]+}}], [1, {{[0-9]+}}]]
SEC("sk_lookup") int lookup(struct bpf_sk_lookup *ctx) {
  return ctx->local_port == 80 || ctx->family == 10;
}

// CHECK: "name": "raw",
// CHECK: "runs": {"done": 80, "failed": 0, {{.*}}"results": {{\[\[}}0, {{[0-9]+}}], [1, {{[0-9]+}}]]
SEC("raw_tp/sys_enter") int raw(struct bpf_raw_tracepoint_args *ctx) {
  return ctx->args[1] < 256;
}

// CHECK: "name": "call",
// CHECK: "runs": {"done": 80, "failed": 0, {{.*}}"results": {{\[\[}}0, {{[0-9]+}}], [1, {{[0-9]+}}]]
SEC("syscall") int call(int *ctx) { return ctx[3] > 5; }

// CHECK: "name": "dissect",
// CHECK: "runs": {"done": 80, "failed": 0,
SEC("flow_dissector") int dissect(struct __sk_buff *skb) {
  return skb->flow_keys->flags & 1;
}

// CHECK: "name": "cgroup",
// CHECK: "runs": {"done": 80, "failed": 0, {{.*}}"results": {{\[\[}}0, {{[0-9]+}}], [1, {{[0-9]+}}]]
SEC("cgroup_skb/egress") int cgroup(struct __sk_buff *skb) {
  return skb->priority > 2;
}

// CHECK: "name": "lwt",
// CHECK: "runs": {"done": 80, "failed": 0,
SEC("lwt_xmit") int lwt(struct __sk_buff *skb) { return skb->len & 1; }

char _license[] SEC("license") = "GPL";
