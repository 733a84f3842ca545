// REQUIRES: bpf
// RUN: %clang-bpf -c %s -o %t.o
// RUN: prepatch-kload --run=3 --timeout=6 %t.o > %t.json
// RUN: FileCheck %s --input-file %t.json
// RUN: %python -m json.tool %t.json > /dev/null

// Check that a program that kills the process that runs it, or never ends, is
// reported as such with what was found out before, and that those behind it have
// their turn.

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

// CHECK: "name": "kills",
// CHECK: "verdict": "loaded",
// CHECK: "failed": "crashed ({{.+}}) during runs"
SEC("raw_tp/sys_enter") int kills(void *ctx) {
  bpf_send_signal(9);
  return 0;
}

static long inner(__u32 index, void *context) { return 0; }

static long outer(__u32 index, void *context) {
  bpf_loop(1 << 23, inner, 0, 0);
  return 0;
}

// A few seconds, longer than the limit; bpf_loop() cannot be interrupted.
// CHECK: "name": "hangs",
// CHECK: "verdict": "loaded",
// CHECK: "failed": "timed out after 6 s{{.*}} during runs"
SEC("raw_tp/sys_enter") int hangs(void *ctx) {
  bpf_loop(200, outer, 0, 0);
  return 0;
}

// CHECK: "name": "lives",
// CHECK: "verdict": "loaded",
// CHECK: "runs": {"done": 3,
SEC("raw_tp/sys_enter") int lives(void *ctx) { return 0; }

char _license[] SEC("license") = "GPL";
