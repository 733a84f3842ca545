// Check that decisions are found again after the program was compiled anew:
// from other source lines, with other code before, for another cpu, without
// variable names, without line info, and with another function gone.

// RUN: %clang-bpf -mcpu=v3 -c %s -o %t.o
// RUN: prepatch lower %t.o -o %t.dec --decide=all
// RUN: FileCheck %s --check-prefix=TEXT --input-file=%t.dec

// TEXT: prepatch-decisions 1
// TEXT: function carry
// TEXT-NEXT: at decisions-replay.c:[[#]]:{{[0-9]+}} "STEP(1)" join=1/1 block={{[0-9]+/[0-9]+}} code={{[0-9a-f]+$}}
// TEXT-NEXT: forget r{{[0-9]}} by spill def={{.*}}add@[[#]]:{{[0-9a-f]+}}{{.*}} use={{.*}}add@[[#]]:{{[0-9a-f]+}}{{.*}} var=total
// TEXT-NEXT: forget r{{[0-9]}} by spill def=mov@[[#]]:{{[0-9a-f]+}} use={{[a-z]+}}@[[#]]:{{[0-9a-f]+}} var=mark
// TEXT-NEXT: at decisions-replay.c:[[#]]:{{[0-9]+}} "STEP(2)" join=1/1

// The same object, twice, and once more on what came out.
// RUN: prepatch lower %t.o -o %t.1 --passes=none --decisions=%t.dec --report=%t.report 2> %t.err
// RUN: FileCheck %s --check-prefix=FITS --allow-empty --input-file=%t.err
// RUN: FileCheck %s --check-prefix=REPORT --input-file=%t.report
// RUN: prepatch lower %t.o -o %t.2 --passes=none --decisions=%t.dec
// RUN: cmp %t.1 %t.2
// RUN: prepatch lower %t.1 -o %t.3 --passes=none --decisions=%t.dec
// RUN: cmp %t.1 %t.3
// RUN: prepatch compare --proof %t.o %t.1

// FITS-NOT: no longer fits
// REPORT: decisions {{[1-9][0-9]*}} 0 0.0
// REPORT: took carry+{{[0-9]+}} {{.*}}forget r{{[0-9]}} by spill {{.*}} as written

// Lines moved, and an unused function is gone.
// RUN: sed -e '1i int added;' -e 's/^  \(STEP(3)\)/\n\n\t\1/' %s > %t.shifted.c
// RUN: rm -rf %t.dir && mkdir %t.dir && cp %t.shifted.c %t.dir/decisions-replay.c
// RUN: %clang-bpf -mcpu=v3 -DALONE -c %t.dir/decisions-replay.c -o %t.shifted.o
// RUN: prepatch lower %t.shifted.o -o %t.4 --passes=none --decisions=%t.dec --report=- 2>&1 | FileCheck %s --check-prefix=MOVED

// MOVED-NOT: took
// MOVED: decisions {{[1-9][0-9]*}} {{[1-9][0-9]*}} 0.0
// MOVED: refused tail {{.*}} no longer fits: there is no function of that name

// A value more is carried and registers are taken, so that others change; and
// one block begins with another line.
// RUN: %clang-bpf -mcpu=v3 -DCARRY -c %s -o %t.carry.o
// RUN: prepatch lower %t.carry.o -o %t.5 --passes=none --decisions=%t.dec --report=- 2> %t.err | FileCheck %s --check-prefix=CARRY
// RUN: FileCheck %s --check-prefix=FITS --allow-empty --input-file=%t.err
// CARRY: STEP(1) {{.*}} r{{[0-9]}} instead of r{{[0-9]}}
// CARRY: cb[0] = more; {{.*}} another line begins the block now

// For another cpu: all that is total or mark.
// RUN: %clang-bpf -mcpu=v2 -c %s -o %t.v2.o
// RUN: prepatch lower %t.v2.o -o %t.6 --passes=none --decisions=%t.dec 2>&1 | FileCheck %s --check-prefix=FITS --allow-empty
// RUN: %clang-bpf -mcpu=v4 -c %s -o %t.v4.o
// RUN: prepatch lower %t.v4.o -o %t.7 --passes=none --decisions=%t.dec 2>&1 | FileCheck %s --check-prefix=FITS --allow-empty
// RUN: %clang-bpf -O1 -mcpu=v3 -c %s -o %t.O1.o
// RUN: prepatch lower %t.O1.o -o %t.8 --passes=none --decisions=%t.dec 2>&1 | FileCheck %s --check-prefix=FITS --allow-empty

// Without .debug_info, then without BTF: places are found by block and code.
// RUN: llvm-strip -g -o %t.nodebug.o %t.o
// RUN: prepatch lower %t.nodebug.o -o %t.9 --passes=none --decisions=%t.dec 2>&1 | FileCheck %s --check-prefix=FITS --allow-empty
// RUN: llvm-objcopy --remove-section=.BTF --remove-section=.BTF.ext --remove-section=.rel.BTF --remove-section=.rel.BTF.ext %t.nodebug.o %t.nobtf.o
// RUN: prepatch lower %t.nobtf.o -o %t.10 --passes=none --decisions=%t.dec 2>&1 | FileCheck %s --check-prefix=FITS --allow-empty
// RUN: llvm-objdump -d --no-show-raw-insn %t.9 | sed 1,3d > %t.9.s
// RUN: llvm-objdump -d --no-show-raw-insn %t.10 | sed 1,3d > %t.10.s
// RUN: diff %t.9.s %t.10.s
// Made without BTF, for an object without and one with it.
// RUN: prepatch lower %t.nobtf.o -o %t.nobtf.dec --decide=all
// RUN: FileCheck %s --check-prefix=BLOCKS --input-file=%t.nobtf.dec
// RUN: prepatch lower %t.nobtf.o -o %t.11 --passes=none --decisions=%t.nobtf.dec 2>&1 | FileCheck %s --check-prefix=FITS --allow-empty
// RUN: cmp %t.10 %t.11
// RUN: prepatch lower %t.nodebug.o -o %t.12 --passes=none --decisions=%t.nobtf.dec 2>&1 | FileCheck %s --check-prefix=FITS --allow-empty
// RUN: cmp %t.9 %t.12

// BLOCKS: function carry
// BLOCKS-NEXT: at block={{[0-9]+/[0-9]+}} join code={{[0-9a-f]+$}}
// BLOCKS-NEXT: forget r{{[0-9]}} by spill def={{[a-z,]+}} use={{[a-z,]+$}}

// What was decided on the output of lower fits lower itself.
// RUN: prepatch lower %t.o -o %t.low.o
// RUN: prepatch lower %t.low.o -o %t.low.dec --decide=all
// RUN: prepatch lower %t.low.o -o %t.13 --passes=none --decisions=%t.low.dec 2>&1 | FileCheck %s --check-prefix=FITS --allow-empty
// RUN: prepatch lower %t.o -o %t.14 --decisions=%t.low.dec 2>&1 | FileCheck %s --check-prefix=FITS --allow-empty
// RUN: cmp %t.13 %t.14

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#ifdef CARRY
#define TAKEN "r1", "r2"
#else
#define TAKEN "cc"
#endif

#define STEP(Bit)                                                              \
  if (mark & (1ull << Bit)) {                                                  \
    total += 1ull << Bit;                                                      \
    asm volatile("" : "+r"(total) : : TAKEN);                                  \
  }

SEC("tc")
int carry(struct __sk_buff *skb) {
  __u64 total = 1;
  __u64 mark = bpf_get_prandom_u32();
#ifdef CARRY
  __u64 more;
  asm volatile("%0 = 7" : "=r"(more));
#endif
  asm volatile("" : "+r"(total));

  // The steps.
  STEP(0)
  STEP(1)
  STEP(2)
#ifdef CARRY
  skb->cb[0] = more;
#endif
  STEP(3)
  STEP(4)
  STEP(5)
  return total > 40;
}

#ifndef ALONE
SEC("tc")
int tail(struct __sk_buff *skb) {
  __u64 size = skb->len;
  if (bpf_get_prandom_u32() & 1)
    size += 7;
  asm volatile("" : "+r"(size));
  return size > 100;
}
#endif

char _license[] SEC("license") = "GPL";
