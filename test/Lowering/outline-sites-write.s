# RUN: %mc-bpf %s -o %t.o
# RUN: prepatch lower %t.o -o %t.out --passes=outline-sites --goal=patches --verify-each
# RUN: llvm-objdump -dr --no-show-raw-insn %t.out | FileCheck %s

# Check that writes of one context field share a function that is given the
# context and the value, and that writes of another number share nothing with
# them.

# CHECK-LABEL: <prepatch_write_4>:
# CHECK-NEXT: *(u32 *)(r1 + 0x4) = w2
# CHECK-NEXT: r0 = 0x0
# CHECK-NEXT: exit
	.section "cgroup/connect4","ax",@progbits
	.globl	redirect
	.type	redirect,@function
# CHECK-LABEL: <redirect>:
# CHECK:      r1 = r6
# CHECK-NEXT: r2 = r7
# CHECK-NEXT: call -0x1
# CHECK-NEXT: R_BPF_64_32 prepatch_write_4
# CHECK-NEXT: r1 = r6
# CHECK-NEXT: r2 = r8
# CHECK-NEXT: call -0x1
# CHECK-NEXT: R_BPF_64_32 prepatch_write_4
# CHECK-NEXT: *(u32 *)(r6 + 0x4) = 0x7
redirect:
	r6 = r1
	w7 = 1
	w8 = 2
	*(u32 *)(r6 + 4) = w7
	*(u32 *)(r6 + 4) = w8
	*(u32 *)(r6 + 4) = 7
	r0 = 1
	exit
	.size	redirect, .-redirect
