// REQUIRES: bpf
// RUN: %clang-bpf -mcpu=v3 -c %s -o %t.o
// RUN: prepatch tune %t.o -o %t.plain --quiet --budget=20 --report - | FileCheck %s --check-prefix=PLAIN
// RUN: prepatch tune %t.o -o %t.out --quiet --budget=40 --allow-may-goto --decisions=%t.dec --report - | FileCheck %s
// RUN: prepatch compare %t.o %t.out -n 1 --run=50 | FileCheck %s --check-prefix=SAME
// RUN: llvm-objdump -d %t.out | FileCheck %s --check-prefix=CODE
// RUN: FileCheck %s --check-prefix=DECISIONS --input-file=%t.dec

// What tune decided is had again without a kernel, byte for byte.
// RUN: prepatch lower %t.o -o %t.again --passes=none --decisions=%t.dec
// RUN: cmp %t.out %t.again

// On a kernel without it nothing of the function is replayed: its loop would
// seem endless.
// RUN: sed 's/"mayGoto":true/"mayGoto":false/' %S/../../../lib/Kernel/profiles/linux-6.18-x86_64.json > %t.json
// RUN: prepatch lower %t.o -o %t.old --passes=none --decisions=%t.dec --profile=%t.json 2>&1 | FileCheck %s --check-prefix=OLD
// RUN: cmp %t.o %t.old

// Check that the counter of a loop is forgotten where the user allows a
// may_goto, that a loop which is cheap as it is has none, and that the report
// says which program needs it.

// PLAIN-NOT: may_goto
// CHECK: {{^}}rounds {{.*}} {{[0-9][0-9][0-9][0-9]+ +[0-9][0-9]?[0-9]? }}
// CHECK-NEXT: has loops with a may_goto
// CHECK-NOT: has loops
// CHECK: {{^}}may_goto: function 'rounds', instruction {{[0-9]+}}, tune-may-goto.c:[[# @LINE + 28]]:
// CHECK-NOT: {{^}}may_goto
// SAME: 2 same
// CODE: <rounds>:
// CODE: may_goto
// CODE-NOT: may_goto
// DECISIONS: {{^}}function rounds
// DECISIONS-NEXT: {{^}}at tune-may-goto.c:[[# @LINE + 21]]:
// DECISIONS-NEXT: {{^}} may-goto
// DECISIONS: forget
// OLD: no longer fits: may-goto in rounds: the kernel has no may_goto
// OLD: no longer fits: forget {{.*}} in rounds: a may-goto of the function does not fit
#include <linux/bpf.h>

#define SEC(N) __attribute__((section(N), used))
#define ROLLED _Pragma("clang loop unroll(disable)")
typedef unsigned long long u64;

SEC("tc") int few(struct __sk_buff *skb) {
  u64 s = skb->len;
  ROLLED for (u64 i = 0; i < 10; i++)
    s = s * 31 ^ skb->mark;
  return s;
}

SEC("tc") int rounds(struct __sk_buff *skb) {
  u64 s = skb->len;
  ROLLED for (u64 i = 0; i < 500; i++) {
    if (skb->mark & s)
      s += i;
    else
      s ^= 7 * i;
  }
  return s;
}
char _license[] SEC("license") = "GPL";
