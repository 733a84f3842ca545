// RUN: %clang-bpf -mcpu=v3 -c %s -o %t.o
// RUN: prepatch lower %t.o -o %t.out --passes=globalize --verify-each --report - | FileCheck %s
// RUN: cmp %t.o %t.out
// RUN: llvm-objcopy --redefine-sym numbers=looked_up %t.o %t.named
// RUN: prepatch lower %t.named -o %t.out --passes=globalize --report - | FileCheck %s --check-prefix=NAME
// RUN: llvm-strip -g %t.o -o %t.nobtf
// RUN: llvm-objcopy -R .BTF -R .BTF.ext %t.nobtf
// RUN: prepatch lower %t.nobtf -o %t.out --passes=globalize --report - | FileCheck %s --check-prefix=NOBTF

// Check what stays static, and why.

// CHECK-DAG: refused looked_up+{{.*}} its result is map_value(all)_or_null, not a number
// CHECK-DAG: refused called_back+{{.*}} its address is taken
// CHECK-DAG: refused third+{{.*}} r3 is read, but BTF names 1 arguments
// CHECK-DAG: refused hole+{{.*}} argument r2 is not read, and some caller does not set it
// CHECK-DAG: refused of_no_size+{{.*}} argument r1 is caller_stack{{.*}}, of a size that BTF does not tell
// CHECK-DAG: refused of_constants+{{.*}} argument r1 points to what may not be written
// CHECK-DAG: refused of_map+{{.*}} argument r1 is map{{.*}}, not a number, context or memory
// CHECK-DAG: refused throws+{{.*}} it throws exceptions
// CHECK-DAG: refused unused+{{.*}} nothing loads it
// CHECK-DAG: refused numbers+{{.*}} 1.0 visits a program, 4.0 are asked for
// NAME-DAG: refused looked_up+{{.*}} another symbol has its name
// NOBTF-DAG: refused third+{{.*}} BTF does not know it
#include <linux/bpf.h>

#define SEC(N) __attribute__((section(N), used))
#define noinline __attribute__((noinline))
typedef unsigned int u32;
typedef unsigned long long u64;

static void *(*lookup)(void *, const void *) = (void *)1;
static long (*loop)(u32, void *, void *, u64) = (void *)181;
extern void bpf_throw(u64 cookie) __attribute__((section(".ksyms")));
struct {
  int (*type)[BPF_MAP_TYPE_ARRAY];
  int (*max_entries)[4];
  u32 *key;
  u64 *value;
} all SEC(".maps"), others SEC(".maps");

static const volatile u64 table[4] = {3, 5, 7, 9};

static noinline u64 *looked_up(u32 key) { return lookup(&all, &key); }

static noinline u64 numbers(u64 n) { return n * n; }

static noinline long called_back(u32 i, void *ctx) { return i > 7; }

static noinline u64 third(u64 a) {
  u64 c;
  asm volatile("%0 = r3" : "=r"(c));
  return a + c;
}

static noinline u64 hole(u64 a, u64 b, u64 c) {
  asm volatile("%0 = r3" : "=r"(c));
  return a + c;
}

static noinline u64 of_no_size(void *p) { return *(u64 *)p; }

static noinline u64 of_constants(const volatile u64 *p) { return p[1]; }

static noinline u64 of_map(void *map) {
  u32 key = 0;
  return lookup(map, &key) != 0;
}

static noinline void throws(u64 n) {
  if (n == 12345)
    bpf_throw(n);
}

SEC("tc") int keep(struct __sk_buff *skb) {
  u64 n = skb->len, on_stack = n;
  u64 *v = looked_up(n & 3);
  if (v)
    n += *v;
  n += numbers(n);
  loop(8, called_back, 0, 0);
  asm volatile("r3 = 5" : : : "r3");
  n += third(n);
  asm volatile("r3 = 5" : : : "r3");
  n += hole(n, 1, 2);
  n += of_no_size(&on_stack);
  n += of_constants(table) + of_constants(table + 1);
  n += of_map(&all) + of_map(&others);
  throws(n);
  return n & 1;
}

__attribute__((used)) static noinline u64 unused(u64 n) { return n + 1; }
char _license[] SEC("license") = "GPL";
