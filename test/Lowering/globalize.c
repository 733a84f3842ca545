// RUN: %clang-bpf -mcpu=v3 -c %s -o %t.o
// RUN: prepatch lower %t.o -o %t.out --passes=globalize --verify-each --report - | FileCheck %s
// RUN: llvm-readelf -sSW %t.out | FileCheck %s --check-prefix=SYMBOLS
// RUN: llvm-objdump -dr --no-show-raw-insn %t.out | FileCheck %s --check-prefix=CODE
// RUN: prepatch lower %t.o -o %t.default --goal=load --report - | FileCheck %s --check-prefix=DEFAULT

// Check that functions which the verifier visits often become global: in the
// symbol table, where local symbols stand before them, and in BTF, with the
// arguments that the code has. (What BTF says then is checked in
// globalize-btf.test, what the kernel says in globalize-kernel.test.)

// CHECK-DAG: took numbers+0{{.*}} function 'numbers' {{.*}} verified once instead of 6.0 times a program, 1 argument fewer than in the source{{$}}
// CHECK-DAG: took record+0{{.*}} function 'record' {{.*}} verified once instead of 6.0 times a program, r0 = 0 as nobody looks at its result{{$}}
// CHECK-DAG: took marks+0{{.*}} function 'marks' {{.*}} verified once instead of 6.0 times a program{{$}}
// CHECK-DAG: took sums+0{{.*}} function 'sums' {{.*}} argument types as the code has them
// CHECK-DAG: refused once+0{{.*}} 1.0 visits a program, 4.0 are asked for
// It runs by name only.
// DEFAULT-NOT: {{^}}globalize

// SYMBOLS: .symtab {{.*}} [[FIRST:[0-9]+]]  8
// SYMBOLS-DAG: FUNC LOCAL DEFAULT {{[0-9]+}} once
// SYMBOLS: FUNC GLOBAL DEFAULT {{[0-9]+}} numbers
// SYMBOLS: FUNC GLOBAL DEFAULT {{[0-9]+}} marks
// SYMBOLS: FUNC GLOBAL DEFAULT {{[0-9]+}} sums
// SYMBOLS: FUNC GLOBAL DEFAULT {{[0-9]+}} record
#include <linux/bpf.h>

#define SEC(N) __attribute__((section(N), used))
#define noinline __attribute__((noinline))
typedef unsigned int u32;
typedef unsigned long long u64;

struct totals {
  u64 bytes, packets;
  u32 marked, kind;
};

static void *(*lookup)(void *, const void *) = (void *)1;
struct {
  int (*type)[BPF_MAP_TYPE_ARRAY];
  int (*max_entries)[4];
  u32 *key;
  struct totals *value;
} all SEC(".maps");

// The compiler takes `unused` away: what BTF calls the third argument is in r2.
static noinline int numbers(u32 n, u32 unused, u64 bits) {
  u32 s = n;
#pragma clang loop unroll(full)
  for (int i = 0; i < 12; i++)
    if (bits & (1ull << (i * 3)))
      s = s * 3 + i;
  return s;
}

// The context is the second argument.
static noinline int marks(u32 n, struct __sk_buff *skb) {
  if (skb->mark > n)
    n += skb->mark;
  if (skb->priority & 1)
    n *= 3;
  return n;
}

// A kernel address is a number to the verifier.
static noinline u64 sums(struct totals *t, u64 n) {
  if ((u64)t > n)
    n += (u64)t;
  if (n & 8)
    n ^= (u64)t * 5;
  return n;
}

// Memory of a known size, and no result.
// CODE-LABEL: <record>:
// CODE:     r0 = 0x0
// CODE-NEXT: exit
static noinline void record(struct totals *t, u32 bytes) {
  t->bytes += bytes;
  if (bytes > 100)
    t->packets++;
  if (bytes & 1)
    t->marked++;
}

static noinline int once(u32 n) {
  if (n > 8)
    n *= 9;
  return n;
}

SEC("tc") int many(struct __sk_buff *skb) {
  u32 n = once(skb->len), key = n & 3;
  struct totals *t = lookup(&all, &key);
  if (!t)
    return 0;
  u64 address = ((u64)skb->hash << 32) | skb->tc_index;
#pragma clang loop unroll(full)
  for (int i = 0; i < 6; i++) {
    n += numbers(n, i, skb->cb[i % 5]);
    n += marks(i, skb);
    n += sums((void *)address, n);
    record(t, n);
  }
  return n & 1;
}
char _license[] SEC("license") = "GPL";
