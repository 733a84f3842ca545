// REQUIRES: bpf
// RUN: %clang-bpf -mcpu=v3 -c %s -o %t.o
// RUN: prepatch lower %t.o -o %t.out --passes=may-goto --verify-each --report - | FileCheck %s
// RUN: prepatch compare %t.o %t.out -n 1 --run=50 | FileCheck %s --check-prefix=KERNEL

// Check with the kernel that loops with a may_goto are verified in a few rounds
// once nothing known of their counters is carried on (constant, variable), and
// that programs do the same.

// CHECK-DAG: took constant+{{.*}} loop of 500 rounds by r{{[0-9]}} 0.0 us at most 500 in one call
// CHECK-DAG: took narrow+{{.*}} loop of 50 rounds by r{{[0-9]}} 0.0 us at most 50 in one call
// CHECK-DAG: took variable+{{.*}} loop of 255 rounds by r{{[0-9]}} 0.0 us at most 255 in one call
// CHECK-DAG: took nested+{{.*}} loop of 100 rounds by r{{[0-9]}} 0.0 us at most 100 in one call
// CHECK-DAG: took nested+{{.*}} loop of 50 rounds by r{{[0-9]}} 0.0 us at most 5000 in one call
// CHECK-DAG: took spilled+{{.*}} loop of 100 rounds by fp-8 0.0 us at most 100 in one call

// Verified instructions are the last but three and two numbers.
// KERNEL: constant before refused
// KERNEL-NEXT: after loaded {{[0-9]+}} {{[0-9]+}} {{[0-9]+}} {{[0-9]+}} {{[0-9]+}} {{[0-9][0-9]}} {{[0-9.]+ [0-9.]+$}}
// KERNEL: variable before loaded {{[0-9]+}} {{[0-9]+}} 0 0 0 {{[0-9][0-9][0-9][0-9]}} {{[0-9.]+ [0-9.]+$}}
// KERNEL-NEXT: after loaded {{[0-9]+}} {{[0-9]+}} {{[0-9]+}} {{[0-9]+}} {{[0-9]+}} 1{{[0-9][0-9]}} {{[0-9.]+ [0-9.]+$}}
// KERNEL: 5 programs: 4 same, 1 loads now
#include <linux/bpf.h>

#define SEC(N) __attribute__((section(N), used))
typedef unsigned int u32;
typedef unsigned long long u64;
#define ROLLED _Pragma("clang loop unroll(disable)")
// What makes the verifier forget X, with something that it does not know.
#define FORGET(X, Y) asm volatile("%0 ^= %1; %0 ^= %1" : "+r"(X) : "r"(Y))
// What the compiler may not look through.
#define OPAQUE(X) asm volatile("" : "+r"(X))

// Refused as it is: its counter is forgotten.
SEC("tc") int constant(struct __sk_buff *skb) {
  u64 s = skb->len, y = skb->hash;
  ROLLED for (u64 i = 0; i < 500; i++) {
    FORGET(i, y);
    FORGET(s, y);
    if (skb->mark & s)
      s += i;
    else
      s ^= 7 * i;
  }
  return s;
}

// Counts down, in 32 bits.
SEC("tc") int narrow(struct __sk_buff *skb) {
  u32 s = skb->len;
  ROLLED for (u32 i = 100; i != 0; i -= 2) {
    if (skb->mark & s)
      s += i;
    else
      s ^= 7 * i;
    OPAQUE(s);
  }
  return s;
}

// The verifier asks for the exact counter where it knows the end, else not.
SEC("tc") int variable(struct __sk_buff *skb) {
  u64 s = skb->len, n = skb->len & 255;
  ROLLED for (u64 i = 0; i < n; i++) {
    if (skb->mark & s)
      s += i;
    else
      s ^= 7 * i;
  }
  return s;
}

SEC("tc") int nested(struct __sk_buff *skb) {
  u64 s = skb->len;
  ROLLED for (u64 i = 0; i < 100; i++) {
    ROLLED for (u64 j = 0; j < 50; j++) {
      if (skb->mark & s)
        s += i;
      else
        s ^= 7 * j;
      OPAQUE(s);
    }
  }
  return s;
}

SEC("tc") int spilled(struct __sk_buff *skb) {
  u64 s = skb->len;
  ROLLED for (volatile u64 i = 0; i < 100; i++) {
    if (skb->mark & s)
      s += i;
    else
      s ^= 7 * i;
  }
  return s;
}
char _license[] SEC("license") = "GPL";
