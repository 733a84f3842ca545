// REQUIRES: bpf
// RUN: %clang-bpf -mcpu=v3 -c %s -o %t.o
// RUN: prepatch-kload --rewrites=list --visits %t.o | FileCheck %s
// RUN: %clang-bpf -mcpu=v3 -g0 -DNO_MAPS -c %s -o %t.nobtf.o
// RUN: prepatch-kload --rewrites=list %t.nobtf.o | FileCheck %s --check-prefix=NOBTF

// Check that the rewrites of programs with known growth are counted exactly,
// with the object's BTF and without any. The second run has no BTF at all, so
// that the kernel is given one that is made up for the purpose.

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#ifndef NO_MAPS
struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 8);
  __type(key, int);
  __type(value, int);
} hash SEC(".maps");
#endif

// r0 = skb->ifindex grows by one each time.
// CHECK-LABEL: "name": "two_reads",
// CHECK: "insns": 4,
// CHECK-NEXT: "xlated_insns": 6,
// CHECK: "rewrites": {"growths": 2, "grown_insns": 2, "deletions": 0, "deleted_insns": 0, "deletion_steps": 0, "grown": {{\[\[}}0, 2], [1, 2]], "deleted": []}
// NOBTF-LABEL: "name": "two_reads",
// NOBTF: "rewrites": {"growths": 2, "grown_insns": 2, "deletions": 0, "deleted_insns": 0, "grown": {{\[\[}}0, 2], [1, 2]], "deleted": []}
SEC("tc") __attribute__((naked)) int two_reads(void) {
  asm volatile("r0 = *(u32 *)(r1 + 40);"
               "r2 = *(u32 *)(r1 + 40);"
               "r0 += r2;"
               "exit;");
}

// Two slots of an ld_imm64 in front; the branch is never taken, so that the run
// of two behind it is cut out, and then the branch itself as a no-op.
// CHECK-LABEL: "name": "dead",
// CHECK: "rewrites": {"growths": 1, "grown_insns": 1, "deletions": 1, "deleted_insns": 4, "deletion_steps": 2, "grown": {{\[\[}}3, 2]], "deleted": [4, 5, 7]}
// NOBTF-LABEL: "name": "dead",
// NOBTF: "deleted": [4, 5, 7]}
SEC("tc") __attribute__((naked)) int dead(void) {
  asm volatile("r2 = 0x123456789 ll;"
               "r3 = 0;"
               "r0 = *(u32 *)(r1 + 40);"
               "if r3 == 0 goto +3;"
               "r4 = 0x123456789 ll;"
               "r0 = 1;"
               "exit;");
}

#ifndef NO_MAPS
// A hash lookup grows by two. The sum of visits is what the kernel says.
// CHECK-LABEL: "name": "lookup",
// CHECK: "verified_insns": [[#VERIFIED:]],
// CHECK: "visits": {"sum": [[#VERIFIED]], "processed": [[#VERIFIED]], "truncated": false
// CHECK: "rewrites": {"growths": 1, "grown_insns": 2,
SEC("tc") int lookup(struct __sk_buff *skb) {
  int key = 0;
  int *value = bpf_map_lookup_elem(&hash, &key);
  return value ? *value : 0;
}

// A direct packet write makes the kernel put ten instructions in front.
// CHECK-LABEL: "name": "prologue",
// CHECK: "rewrites": {"growths": 1, "grown_insns": 10, {{.*}}"grown": {{\[\[}}0, 11]]
SEC("tc") int prologue(struct __sk_buff *skb) {
  char *data = (char *)(long)skb->data;
  if (data + 20 > (char *)(long)skb->data_end)
    return 0;
  data[3] = 1;
  return 0;
}

static long callback(__u32 index, void *context) { return 0; }

// bpf_loop() becomes 19 instructions, in the program itself.
// CHECK-LABEL: "name": "loop",
// CHECK: "functions": {{\[}}{"name": "loop", "start": 0, "insns": {{[0-9]+}}}, {"name": "callback", "start": {{[0-9]+}}, "insns": 2}]
// CHECK: "rewrites": {"growths": 1, "grown_insns": 18,
SEC("tc") int loop(struct __sk_buff *skb) {
  return bpf_loop(10, callback, 0, 0);
}

extern void bpf_throw(__u64 cookie) __ksym;

// The hidden subprogram behind a program that throws is not growth.
// CHECK-LABEL: "name": "throws",
// CHECK: "rewrites": {"growths": 0, "grown_insns": 0, "deletions": 0, "deleted_insns": 0, "deletion_steps": 0, "appended": 2,
SEC("tc") int throws(struct __sk_buff *skb) {
  if (skb->len == 1)
    bpf_throw(0);
  return 0;
}
#endif

char _license[] SEC("license") = "GPL";
