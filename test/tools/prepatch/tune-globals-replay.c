// RUN: %clang-bpf -mcpu=v3 -c %s -o %t.o
// RUN: sed -n 's,^// DEC: ,,p' %s > %t.dec
// RUN: prepatch lower %t.o -o %t.out --passes=none --verify-each --decisions=%t.dec --report - 2> %t.err | FileCheck %s
// RUN: FileCheck %s --check-prefix=NOTE --input-file=%t.err
// RUN: llvm-readelf -sW %t.out | FileCheck %s --check-prefix=SYMBOLS
// RUN: prepatch lower %t.out -o %t.twice --passes=none --decisions=%t.dec 2> %t.err
// RUN: FileCheck %s --check-prefix=NOTE --input-file=%t.err
// RUN: cmp %t.out %t.twice
// RUN: cp %t.dec %t.bad
// RUN: echo "global" >> %t.bad
// RUN: not prepatch lower %t.o -o %t.out --decisions=%t.bad 2>&1 | FileCheck %s --check-prefix=BAD

// Check that decisions make functions global without a kernel, and say of which
// functions that can no longer be.

// DEC: prepatch-decisions 1
// DEC: global sum
// DEC: global gone
// DEC: global result

// CHECK: took sum {{.*}}global {{.*}}as written
// NOTE: .dec:3: no longer fits: global in gone: there is no function of that name
// NOTE: .dec:4: no longer fits: global in result: its result is
// NOTE-NOT: no longer
// SYMBOLS-DAG: FUNC GLOBAL DEFAULT {{.*}} sum
// SYMBOLS-DAG: FUNC LOCAL DEFAULT {{.*}} result
// BAD: .bad:5: expected a name after 'global', found end of line
#include <linux/bpf.h>

#define SEC(N) __attribute__((section(N), used))
#define noinline __attribute__((noinline))

static noinline int sum(int a, int b) { return a * b + (a ^ b); }

static noinline void *result(struct __sk_buff *skb) {
  return (void *)(long)skb->data;
}

SEC("tc") int program(struct __sk_buff *skb) {
  char *data = result(skb);
  int s = sum(skb->len, 3);
  if (data + 1 <= (char *)(long)skb->data_end)
    s += *data;
  return s + sum(skb->mark, s);
}
char _license[] SEC("license") = "GPL";
