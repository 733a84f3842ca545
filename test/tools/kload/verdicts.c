// REQUIRES: bpf
// RUN: %clang-bpf -c %s -o %t.o
// RUN: prepatch-kload --repeat=3 %t.o > %t.json
// RUN: FileCheck %s --input-file %t.json
// RUN: %python -m json.tool %t.json > /dev/null

// Check that every program gets its own verdict: what cannot be loaded does not
// take the rest of the object with it, and has a reason.

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

// CHECK: "kernel": "{{[0-9]+\.[0-9]+}}

// CHECK:      "name": "good",
// CHECK-NEXT: "section": "tc",
// CHECK-NEXT: "type": "sched_cls",
// CHECK-NEXT: "verdict": "loaded",
// CHECK-NEXT: "insns": 2,
// CHECK-NEXT: "xlated_insns": 2,
// CHECK-NEXT: "jited_bytes": {{[0-9]+}},
// CHECK-NEXT: "verified_insns": 2,
// CHECK:      "verification_us": [{{[0-9]+, [0-9]+, [0-9]+}}],
// CHECK-NEXT: "load_us": [{{[0-9.]+, [0-9.]+, [0-9.]+}}],
// CHECK-NEXT: "functions": {{\[}}{"name": "good", "start": 0, "insns": 2}]
SEC("tc") int good(struct __sk_buff *skb) { return 0; }

// CHECK:      "name": "bad_access",
// CHECK:      "verdict": "refused",
// CHECK-NEXT: "reason": "R{{[0-9]}} invalid mem access 'scalar'",
// CHECK-NEXT: "errno": 13,
SEC("tc") int bad_access(struct __sk_buff *skb) {
  return *(int *)(long)skb->len;
}

// CHECK:      "name": "no_type",
// CHECK:      "verdict": "skipped",
// CHECK-NEXT: "reason": "section 'nothing/known' names no program type"
SEC("nothing/known") int no_type(void *ctx) { return 0; }

// CHECK:      "name": "no_target",
// CHECK:      "verdict": "skipped",
// CHECK-NEXT: "reason": "{{.*}}failed to find kernel BTF type ID of 'no_such_function'{{.*}}"
SEC("fentry/no_such_function") int no_target(void *ctx) { return 0; }

// CHECK:      "name": "replaces",
// CHECK:      "verdict": "skipped",
// CHECK-NEXT: "reason": "freplace program: there is no program to replace"
SEC("freplace/other") int replaces(void *ctx) { return 0; }

// A program that an application would have to ask for is loaded like any other.
// CHECK:      "name": "optional",
// CHECK:      "type": "xdp",
// CHECK:      "verdict": "loaded",
SEC("?xdp") int optional(struct xdp_md *ctx) { return XDP_PASS; }

// From before libbpf 1.0, which compares whole section names.
// CHECK:      "name": "legacy",
// CHECK:      "type": "sched_cls",
// CHECK:      "verdict": "loaded",
SEC("classifier/old") int legacy(struct __sk_buff *skb) { return 0; }

char _license[] SEC("license") = "GPL";
