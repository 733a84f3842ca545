// RUN: %clang-bpf -mcpu=v3 -c %s -o %t.o
// RUN: prepatch lower %t.o -o %t.out --passes=outline-sites --goal=patches --verify-each --report - | FileCheck %s
// RUN: llvm-objdump -dr --no-show-raw-insn %t.out | FileCheck %s --check-prefix=CODE
// RUN: llvm-readelf -sW %t.out | FileCheck %s --check-prefix=SYMBOLS
// RUN: llvm-strip -g %t.o -o %t.nobtf
// RUN: llvm-objcopy -R .BTF -R .BTF.ext %t.nobtf
// RUN: prepatch lower %t.nobtf -o %t.out --passes=outline-sites --goal=patches --report - | FileCheck %s --check-prefix=STATIC

// Check that a function of numbers alone is global, so that the kernel verifies
// it once; only a program with BTF can have one. Its name is that of no other
// object, or the two could not be linked. What a 32-bit operation leaves
// in the upper half is said again by the caller.

// CHECK-DAG: took quotients+{{.*}} division {{.*}} one of 2 in one global function:
// CHECK-DAG: took jiffies+{{.*}} helper jiffies64 {{.*}} one of 2 in one global function:
// STATIC-DAG: took quotients+{{.*}} division {{.*}} one of 2 in one static function:
// STATIC-DAG: took jiffies+{{.*}} helper jiffies64 {{.*}} one of 2 in one static function:

// SYMBOLS-DAG: FUNC GLOBAL DEFAULT {{[0-9]+}} prepatch_udiv32_quotients
// SYMBOLS-DAG: FUNC GLOBAL DEFAULT {{[0-9]+}} prepatch_jiffies64_quotients

typedef unsigned int u32;
typedef unsigned long long u64;
#define SEC(N) __attribute__((section(N), used))
static u64 (*jiffies64)(void) = (void *)118;
// Leaves nothing in r0 to r5.
#define HIDE(X)                                                                \
  asm volatile("" : "+r"(X) : : "r0", "r1", "r2", "r3", "r4", "r5")
struct xdp_md {
  u32 data, data_end, data_meta, ingress_ifindex, rx_queue_index;
};

// CODE-LABEL: <quotients>:
// CODE:      R_BPF_64_32 prepatch_udiv32
// CODE-NEXT: w{{[0-9]}} = w0
// CODE:      R_BPF_64_32 prepatch_udiv32
// CODE-NEXT: w{{[0-9]}} = w0
SEC("xdp") int quotients(struct xdp_md *ctx) {
  u32 bytes = ctx->data_end - ctx->data;
  u32 by = 3;
  HIDE(by);
  u32 a = bytes / by;
  HIDE(by);
  return (a / by) & 3;
}

// CODE-LABEL: <jiffies>:
// CODE:      R_BPF_64_32 prepatch_jiffies64
SEC("xdp") int jiffies(struct xdp_md *ctx) {
  u64 then = jiffies64();
  return jiffies64() - then > 100000;
}

SEC("license") char _license[] = "GPL";
