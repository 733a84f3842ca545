// RUN: %clang-bpf -c %s -o %t.o
// RUN: prepatch lower %t.o -o %t.out --passes=context-width --goal=patches --report - | FileCheck %s
// RUN: llvm-objdump -d --no-show-raw-insn %t.out | FileCheck %s --check-prefix=CODE

// Check that a load whose offset CO-RE sets is not moved.

// CHECK: context-width 0 1
// CHECK: refused relocated+0 {{.*}}:[[#@LINE+11]]:{{.*}} context-read of 1 bytes at 8 {{.*}} CO-RE sets its offset when the program is loaded

// CODE-LABEL: <relocated>:
// CODE-NEXT:  0: w0 = *(u8 *)(r1 + 0x8)

struct __sk_buff {
  unsigned len, pkt_type;
  unsigned char mark;
} __attribute__((preserve_access_index));

__attribute__((section("tc"), used)) int relocated(struct __sk_buff *skb) {
  return skb->mark;
}

char _license[] __attribute__((section("license"), used)) = "GPL";
