// REQUIRES: bpf
// RUN: %clang-bpf -mcpu=v3 -c %s -o %t.o
// RUN: prepatch tune %t.o -o %t.out --quiet --budget=60 --report=%t.json --decisions=%t.dec
// RUN: %python %S/Inputs/check-tune.py %t.json one=0.5 held=0.5 plain=0.5
// RUN: prepatch compare --proof %t.o %t.out | FileCheck %s
// RUN: prepatch compare %t.o %t.out -n 1 --run=50 | FileCheck %s --check-prefix=SAME
// RUN: prepatch lower %t.o -o %t.again --passes=none --decisions=%t.dec && cmp %t.out %t.again

// Check that a number which is an offset into the stack keeps its bound; also
// where the exit that guards have would be refused: in a program that may only
// return 1, and in one that holds a record of a ring buffer there.

// CHECK: 3 functions, 3 changed: {{[0-9]+}} no-ops, identical otherwise{{$}}
// SAME: 2 same
#include <linux/bpf.h>
static long (*random32)(void) = (void *)7;
typedef unsigned long long u64;
static void *(*reserve)(void *, u64, u64) = (void *)131;
static void (*discard)(void *, u64) = (void *)133;
struct {
  int (*type)[BPF_MAP_TYPE_RINGBUF];
  int (*max_entries)[4096];
} rb __attribute__((section(".maps")));
#define STEP                                                                   \
  if (random32() & 1)                                                          \
    n += 4;                                                                    \
  else {                                                                       \
    m ^= n;                                                                    \
    n += random32() & 1;                                                       \
  }
__attribute__((section("cgroup/recvmsg4"))) int one(void *ctx) {
  char buf[40] = {};
  long n = 0, m = 1;
  STEP STEP STEP STEP STEP STEP STEP STEP
  volatile char *p = buf;
  p[n] = 1;
  p[n] = 2;
  return p[n] ? 1 : 1 + 0 * m;
}
__attribute__((section("tc"))) int held(void *ctx) {
  char buf[40] = {};
  long n = 0, m = 1;
  char *r = reserve(&rb, 40, 0);
  if (!r)
    return 0;
  STEP STEP STEP STEP STEP STEP STEP STEP
  volatile char *p = buf;
  p[n] = 2;
  r[n] = 1;
  discard(r, 0);
  return p[n] + m;
}
__attribute__((section("tc"))) int plain(void *ctx) {
  char buf[40] = {};
  long n = 0, m = 1;
  STEP STEP STEP STEP STEP STEP STEP STEP
  volatile char *p = buf;
  p[n] = 1;
  p[n] = 2;
  return p[n] + m;
}
char _license[] __attribute__((section("license"))) = "GPL";
