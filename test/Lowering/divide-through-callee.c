// A callee may write to a slot below the struct that it was given, through a
// pointer in it: the slot is not 5 any more when it divides.
//
// RUN: %clang-bpf -c %s -o %t.o
// RUN: prepatch lower %t.o -o %t.out --goal=patches --passes=divide --report - | FileCheck %s
//
// CHECK: refused{{ +}}nested
// CHECK-SAME: the divisor is not a known constant

static long (*bpf_loop)(unsigned nr, void *cb, void *ctx,
                        unsigned long long flags) = (void *)181;

struct box {
  long *p;
};

static __attribute__((noinline)) int set(unsigned i, struct box *b) {
  *b->p = 7;
  return 0;
}

__attribute__((section("tc"), used)) long nested(void *ctx) {
  struct box box;
  long *slot, divisor, n = 100;
  asm volatile("*(u64 *)(r10 - 128) = 5" ::: "memory");
  asm volatile("%0 = r10; %0 += -128" : "=r"(slot));
  box.p = slot;
  bpf_loop(3, set, &box, 0);
  asm volatile("%0 = *(u64 *)(r10 - 128)" : "=r"(divisor)::"memory");
  asm volatile("%0 /= %1" : "+r"(n) : "r"(divisor));
  return n;
}

char _license[] __attribute__((section("license"), used)) = "GPL";
