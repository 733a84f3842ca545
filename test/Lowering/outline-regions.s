# RUN: %mc-bpf %s -o %t.o
# RUN: prepatch lower %t.o -o %t.out --passes=outline-regions --goal=patches --verify-each --report - | FileCheck %s --check-prefix=REPORT
# RUN: llvm-objdump -dr --no-show-raw-insn %t.out | FileCheck %s
# RUN: prepatch lower %t.o -o %t.out --passes=outline-regions --goal=run --report - | FileCheck %s --check-prefix=RUNTIME
# RUN: cmp %t.o %t.out

# Check that stretches between which only the context, constants and addresses
# in the frame are alive become functions, like ones one function, and that each
# finds what it needs computed again. outline-regions-kernel.test runs this.

# REPORT: outline-regions 3 0
# REPORT: took copies+0 function of {{[0-9]+}} instructions {{.*}} us 8 stretches in 2 functions: {{[0-9.]+}} us of live-stack runs and {{[0-9.]+}} us of patching saved, {{[0-9.]+}} us added
# REPORT: took two_kinds+0 {{.*}} 8 stretches in 3 functions:
# REPORT: took with_exit+0 {{.*}} 5 stretches in 2 functions:
# RUNTIME: outline-regions 0 3
# RUNTIME: refused copies+0 {{.*}} calls would slow it down

# What all bodies share: r6 the context, r8 a number, r9 an address in the
# frame, and a number in a slot.
	.macro begin
	r6 = r1
	r8 = 7
	r9 = r10
	r9 += -24
	r1 = 5
	*(u64 *)(r10 - 16) = r1
	.endm

# 640 instructions that change the packet and the mark, over the stack.
	.macro body factor
	w1 = *(u32 *)(r6 + 76)
	w2 = *(u32 *)(r6 + 80)
	r3 = r1
	r3 += 16
	if r3 > r2 goto skip_\@
	r4 = *(u64 *)(r1 + 0)
	.rept 310
	r4 *= \factor
	r4 += r8
	.endr
	r5 = *(u64 *)(r10 - 16)
	r4 += r5
	*(u64 *)(r9 + 0) = r4
	r5 = *(u64 *)(r1 + 8)
	r4 = *(u64 *)(r10 - 24)
	r5 ^= r4
	*(u64 *)(r1 + 8) = r4
	*(u64 *)(r1 + 0) = r5
skip_\@:
	w2 = *(u32 *)(r6 + 40)
	w3 = *(u32 *)(r6 + 8)
	w3 *= 3
	w3 += w2
	if w3 == 11 goto end_\@
	*(u32 *)(r6 + 8) = w3
end_\@:
	.endm

	.macro finish
	r0 = *(u64 *)(r10 - 16)
	r0 += r8
	w0 &= 1
	exit
	.endm

	.text
# The first part holds what the program begins with.
# CHECK-LABEL: <copies_part_0>:
# CHECK-NEXT: {{[0-9]+}}: r6 = r1
# CHECK-NEXT: {{[0-9]+}}: r8 = 0x7
# CHECK:      {{[0-9]+}}: *(u64 *)(r1 + 0x0) = r5
# CHECK-NEXT: {{[0-9]+}}: r0 = 0x0
# CHECK-NEXT: {{[0-9]+}}: exit
# CHECK-EMPTY:
# CHECK-LABEL: <copies_part_1>:
# CHECK-NEXT: {{[0-9]+}}: r0 = 0x5
# CHECK-NEXT: {{[0-9]+}}: *(u64 *)(r10 - 0x10) = r0
# CHECK-NEXT: {{[0-9]+}}: r6 = r1
# CHECK-NEXT: {{[0-9]+}}: r8 = 0x7
# CHECK-NEXT: {{[0-9]+}}: r9 = r10
# CHECK-NEXT: {{[0-9]+}}: r9 += -0x18
# CHECK-NEXT: {{[0-9]+}}: w2 = *(u32 *)(r6 + 0x28)
# CHECK:      {{[0-9]+}}: if r3 > r2 goto +0x275
# CHECK:      {{[0-9]+}}: *(u64 *)(r1 + 0x0) = r5
# CHECK-NEXT: {{[0-9]+}}: r0 = 0x0
# CHECK-NEXT: {{[0-9]+}}: exit
# CHECK-EMPTY:
# CHECK-LABEL: <two_kinds_part_0>:
# CHECK-LABEL: <two_kinds_part_1>:
# CHECK-LABEL: <two_kinds_part_2>:
# CHECK-LABEL: <with_exit_part_0>:
# CHECK-LABEL: <with_exit_part_1>:

	.section tc,"ax",@progbits
# CHECK-LABEL: <copies>:
# CHECK-NEXT: {{[0-9]+}}: r6 = r1
# CHECK-NEXT: {{[0-9]+}}: call -0x1
# CHECK-NEXT: R_BPF_64_32 copies_part_0
# CHECK-NEXT: {{[0-9]+}}: r1 = r6
# CHECK-NEXT: {{[0-9]+}}: call -0x1
# CHECK-NEXT: R_BPF_64_32 copies_part_1
# CHECK-COUNT-6: R_BPF_64_32 copies_part_1
# CHECK-NEXT: {{[0-9]+}}: r0 = 0x5
# CHECK-NEXT: {{[0-9]+}}: *(u64 *)(r10 - 0x10) = r0
# CHECK-NEXT: {{[0-9]+}}: r8 = 0x7
# CHECK-EMPTY:
# CHECK-NEXT: <skip_8>:
# CHECK-NEXT: {{[0-9]+}}: w2 = *(u32 *)(r6 + 0x28)
# CHECK-LABEL: <end_8>:
# CHECK-NEXT: {{[0-9]+}}: r0 = *(u64 *)(r10 - 0x10)
# CHECK-NEXT: {{[0-9]+}}: r0 += r8
# CHECK-NEXT: {{[0-9]+}}: w0 &= 0x1
# CHECK-NEXT: {{[0-9]+}}: exit
	.globl	copies
	.type	copies,@function
copies:
	begin
	.rept 8
	body 3
	.endr
	finish
	.size	copies, .-copies

# CHECK-LABEL: <two_kinds>:
# CHECK: R_BPF_64_32 two_kinds_part_0
# CHECK: R_BPF_64_32 two_kinds_part_1
# CHECK: R_BPF_64_32 two_kinds_part_2
# CHECK: R_BPF_64_32 two_kinds_part_1
# CHECK: R_BPF_64_32 two_kinds_part_2
	.globl	two_kinds
	.type	two_kinds,@function
two_kinds:
	begin
	.rept 4
	body 3
	body 5
	.endr
	finish
	.size	two_kinds, .-two_kinds

# What is behind an exit stays.
# CHECK-LABEL: <with_exit>:
# CHECK-COUNT-5: R_BPF_64_32 with_exit_part_
# CHECK-NOT: R_BPF
	.globl	with_exit
	.type	with_exit,@function
with_exit:
	begin
	.rept 5
	body 3
	.endr
	w1 = *(u32 *)(r6 + 0)
	if w1 > 100 goto on
	r0 = 1
	exit
on:
	.rept 3
	body 3
	.endr
	finish
	.size	with_exit, .-with_exit

	.section license,"aw",@progbits
	.asciz	"GPL"
