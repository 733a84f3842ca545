// RUN: %clang-bpf -mcpu=v3 -c %s -o %t.o
// RUN: prepatch lower %t.o -o %t.out --passes=outline-sites --goal=patches --report - | FileCheck %s --check-prefix=PATCHES
// RUN: prepatch lower %t.o -o %t.out --passes=outline-sites --goal=load --report - | FileCheck %s --check-prefix=LOAD
// RUN: cmp %t.o %t.out
// RUN: prepatch lower %t.o -o %t.out --passes=outline-sites --goal=balanced --report - | FileCheck %s --check-prefix=BALANCED
// RUN: cmp %t.o %t.out
// RUN: prepatch lower %t.o -o %t.out --passes=outline-sites --goal=run --report - | FileCheck %s --check-prefix=RUNTIME
// RUN: cmp %t.o %t.out

// Check what each goal makes of sites that cost little: two in straight code,
// two in a loop. Only a goal that does not weigh takes them; where nothing is
// taken the object stays as it was.

// PATCHES:      outline-sites 4 0
// PATCHES-DAG:  took straight+
// PATCHES-DAG:  took in_loop+
// LOAD:         outline-sites 0 4
// LOAD-DAG:     refused straight+{{.*}} 2 such sites: {{[0-9.]+}} us of patching saved, {{[0-9.]+}} us of verification added
// LOAD-DAG:     refused in_loop+{{.*}} 2 such sites: {{[0-9.]+}} us of patching saved, {{[0-9.]+}} us of verification added
// BALANCED:     outline-sites 0 4
// BALANCED-DAG: refused straight+{{.*}} 2 such sites: {{[0-9.]+}} us of patching saved, {{[0-9.]+}} us of verification added
// BALANCED-DAG: refused in_loop+{{.*}} in a loop or callback: a call would slow it down
// RUNTIME:      outline-sites 0 4
// RUNTIME-DAG:  refused straight+{{.*}} a call would slow it down
// RUNTIME-DAG:  refused in_loop+{{.*}} in a loop or callback: a call would slow it down

typedef unsigned int u32;
typedef unsigned long long u64;
#define SEC(N) __attribute__((section(N), used))
static void *(*lookup)(void *, const void *) = (void *)1;
static u32 (*prandom)(void) = (void *)7;
struct {
  int (*type)[1];
  u32 *key;
  u64 *value;
  int (*max_entries)[64];
} hash SEC(".maps");

SEC("xdp") int straight(void *ctx) {
  u32 key = prandom();
  u64 *v = lookup(&hash, &key), sum = 0;
  if (v)
    sum = *v;
  key = sum;
  v = lookup(&hash, &key);
  return v ? *v & 1 : 2;
}

SEC("xdp") int in_loop(void *ctx) {
  u64 sum = 0;
#pragma clang loop unroll(disable)
  for (int i = 0; i < 16; ++i) {
    u32 key = prandom();
    u64 *v = lookup(&hash, &key);
    if (v)
      sum += *v;
    key = sum;
    v = lookup(&hash, &key);
    if (v)
      sum ^= *v;
  }
  return sum & 1;
}

SEC("license") char _license[] = "GPL";
