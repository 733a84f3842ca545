// What stands beside the code: source lines, CO-RE records, relocations, maps; a second run on a lowered object; linkage.
//
// RUN: %clang-bpf -c %s -o %t.o
// RUN: prepatch lower %t.o --passes=widen -o %t.widened.o
// RUN: prepatch compare --proof %t.o %t.widened.o | FileCheck %s
// CHECK: {{^}}function 'entry': {{[1-9][0-9]*}} no-ops ({{[0-9]+}} instructions), identical otherwise{{$}}
// CHECK: {{^}}note: debug sections were dropped{{$}}
// CHECK: {{^}}2 functions, 1 changed: {{[0-9]+}} no-ops, identical otherwise{{$}}
//
// RUN: prepatch lower %t.o -o %t.lowered.o
// RUN: prepatch lower %t.lowered.o --passes=widen -o %t.both.o
// RUN: prepatch compare --proof %t.lowered.o %t.both.o | FileCheck %s --check-prefix=LOWERED
// LOWERED: no-ops, identical otherwise
// RUN: prepatch lower %t.both.o --passes=widen -o %t.twice.o
// RUN: prepatch compare --proof %t.both.o %t.twice.o
// RUN: prepatch compare --proof %t.lowered.o %t.twice.o
//
// RUN: prepatch lower %t.widened.o --passes=globalize -o %t.global.o
// RUN: prepatch compare --proof %t.widened.o %t.global.o | FileCheck %s --check-prefix=GLOBAL
// GLOBAL: {{^}}function 'mix': made global, identical otherwise{{$}}
// GLOBAL: {{^}}note: the types of functions that were made global differ (.BTF){{$}}
//
// Tampered with: each byte of the widened object that counts.
// RUN: %python %S/Inputs/tamper.py prepatch %t.o %t.widened.o %t.bad.o

typedef unsigned int u32;
typedef unsigned long long u64;
#define SEC(NAME) __attribute__((section(NAME), used))

struct __attribute__((preserve_access_index)) task {
  int pid;
  int tgid;
};

struct {
  int (*type)[1];
  u32 *key;
  u64 *value;
  int (*max_entries)[4];
} totals SEC(".maps");

static void *(*lookup)(void *map, const void *key) = (void *)1;
static u32 (*random32)(void) = (void *)7;
static u64 (*current)(void) = (void *)35;
static long (*probe_read)(void *dst, u32 size, const void *src) = (void *)113;

static __attribute__((noinline)) u64 mix(u64 a, u64 b) {
  return a * 31 + (b ^ random32());
}

#define STEP(K)                                                                \
  if (random32() > K)                                                          \
    sum += K;                                                                  \
  else                                                                         \
    sum += 2 * K + 1;                                                          \
  asm volatile("" : "+r"(sum));

SEC("raw_tp/sys_enter") int entry(void *ctx) {
  u64 sum = 0;
  u32 key = 1;
  struct task *t = (struct task *)current();
  int pid = 0;
  probe_read(&pid, sizeof(pid), &t->tgid);
#pragma clang loop unroll(full)
  for (int i = 1; i <= 40; ++i) {
    STEP(i)
  }
  u64 *value = lookup(&totals, &key);
  if (value)
    *value = mix(sum, mix(pid, 3));
  return sum > 500 ? mix(sum, 7) > 3 : 0;
}

char _license[] SEC("license") = "GPL";
