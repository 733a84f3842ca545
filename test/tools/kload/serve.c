// REQUIRES: bpf
// RUN: %clang-bpf -c %s -o %t.o
// RUN: echo "try join timeout_ms=10000" > %t.in
// RUN: echo "try join timeout_ms=10000 repeat=3 at=5:b701000007000000 at=6:0500000000000000,0500000000000000" >> %t.in
// RUN: echo "profile join timeout_ms=10000 points=6,9" >> %t.in
// RUN: echo "try join timeout_ms=10000 at=6:af06000000000000,af06000000000000" >> %t.in
// RUN: echo "trace join timeout_ms=10000 at=6:af06000000000000,af06000000000000" >> %t.in
// RUN: echo "profile join timeout_ms=10000 points=6 at=6:af06000000000000,af06000000000000" >> %t.in
// RUN: echo "trace join timeout_ms=10000" >> %t.in
// RUN: echo "try long_walk timeout_ms=5" >> %t.in
// RUN: echo "profile long_walk timeout_ms=5 points=1" >> %t.in
// RUN: echo "trace long_walk timeout_ms=5" >> %t.in
// RUN: echo "try join timeout_ms=10000" >> %t.in
// RUN: echo "quit" >> %t.in
// RUN: echo "try join timeout_ms=10000" >> %t.in
// RUN: prepatch-kload --serve %t.o < %t.in > %t.out
// RUN: FileCheck %s --input-file %t.out
// RUN: %python -m json.tool --json-lines %t.out > /dev/null
// RUN: %python %S/Inputs/serve-everywhere.py prepatch-kload %t.o

// Check what --serve answers: variants of a program with code inserted, the
// states at a point, the path to a refusal, and loads that take too long. Then
// every instruction of every program gets a jump to itself in front.

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

// CHECK: {"kernel": "{{.*}}", "libbpf": "{{.*}}", "programs": [{"name": "join", "section": "socket", "type": "socket_filter", "insns": 13, "functions": [{"name": "join", "start": 0, "insns": 13}]}, {"name": "long_walk",
SEC("socket") __attribute__((naked)) int join(void) {
  asm volatile("call %[random];"     // 0
               "r8 = r0;"            // 1
               "r8 &= 1;"            // 2
               "r6 = 0;"             // 3
               "if r8 != 0 goto 1f;" // 4
               "r6 = 4;"             // 5
               "1: r7 = r6;"         // 6: two states meet
               "r1 = r10;"           // 7
               "r1 += -16;"          // 8
               "r1 += r7;"           // 9: which must be known
               "*(u32 *)(r1 +0) = r7;"
               "r0 = 0;"
               "exit;" ::[random] "i"(BPF_FUNC_get_prandom_u32));
}

// CHECK-NEXT: {"errno": 0, "verified": [[#VERIFIED:]], "states": {{[0-9]+}}, "verification_us": {{[0-9]+}}, "load_us": {{[0-9]+}}, "visited": null, "timeout": false, "reason": ""}
// Three more, two of them on both paths.
// CHECK-NEXT: {"errno": 0, "verified": [[#VERIFIED+5]],
// Both paths are walked to the end, with 0 and with 4.
// CHECK-NEXT: {"errno": 0, "verified": [[#VERIFIED]], "truncated": false, "verification_us": {{[0-9]+}}, "timeout": false, "reason": "", "unknown_lines": 0, "unknown": [], "visits": [1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2], "safe": [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], "points": [
// CHECK-SAME: {"at": 6, "visits": 2, "frame": 0, "states": 2, "locations": [
// CHECK-SAME: {"reg": 6, "scalar": true, "values": 2, "precise": {{[1-9][0-9]*}}, "known": 2, "umin": "0", "umax": "4", "merge": {{[01]}}}
// CHECK-SAME: {"at": 9, "visits": 2, "frame": 0, "states": 2, "locations": [
// CHECK-SAME: {"reg": 7, "scalar": true, "values": 2, "precise": {{[1-9][0-9]*}}, "known": 2, "umin": "0", "umax": "4", "merge": {{[01]}}}

// Forgotten: no longer good for an offset into the stack.
// CHECK-NEXT: {"errno": {{[1-9][0-9]*}}, "verified": {{[0-9]+}}, {{.*}} "timeout": false, "reason": "{{.*}}unbounded{{.*}}"}
// CHECK-NEXT: {"errno": {{[1-9][0-9]*}}, "timeout": false, "reason": "{{.*}}unbounded{{.*}}", "verified": {{[0-9]+}}, "path": [0, 1, 2, 3, 4, 5, -1, -1, 6, 7, 8, 9], "tail": [{{.*}}"{{.*}}unbounded{{.*}}"]}
// The refusal comes before the second path.
// CHECK-NEXT: {"errno": {{[1-9][0-9]*}}, {{.*}}"reason": "{{.*}}unbounded{{.*}}", {{.*}}"visits": [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0],
// CHECK-NEXT: {"errno": 0}

// CHECK-NEXT: {"errno": 11, {{.*}}"timeout": true, "reason": ""}
// CHECK-NEXT: {"errno": 11, {{.*}}"timeout": true, "reason": "",
// CHECK-NEXT: {"errno": 11, "timeout": true, "reason": "",
// CHECK-NEXT: {"errno": 0, "verified": [[#VERIFIED]], {{.*}}}
// CHECK-NOT: {{.}}
SEC("socket") __attribute__((naked)) int long_walk(void) {
  asm volatile("r6 = 0;"
               "1: r6 += 1;"
               "if r6 < 400000 goto 1b;"
               "r0 = 0;"
               "exit;");
}

static __attribute__((noinline)) int helper(int a) {
  asm volatile("" : "+r"(a));
  return a > 7 ? a * 3 : a + 1;
}

static long step(__u32 index, void *context) {
  *(__u32 *)context += helper(index);
  return 0;
}

SEC("tc") int calls(struct __sk_buff *skb) {
  __u32 sum = helper(skb->mark);
  bpf_loop(10, step, &sum, 0);
  for (int i = 0; i < 3; ++i)
    if (skb->cb[i] == sum)
      sum += helper(i);
  return sum & 1;
}

char _license[] SEC("license") = "GPL";
