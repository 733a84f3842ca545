# RUN: %mc-bpf %s -o %t.o
# RUN: prepatch lower %t.o -o %t.out --passes=context-reuse --verify-each --report - | FileCheck %s --check-prefix=REPORT
# RUN: llvm-objdump -d --no-show-raw-insn %t.out | FileCheck %s

# Check that fields and helper results are taken from where they are held.

# REPORT:      context-reuse 11 0
# REPORT:      took other_register+2 context-read of 4 bytes at 40 {{.*}} us r6 holds it: saves {{.*}} us of patching
# REPORT-NEXT: took same_register+1 context-read of 4 bytes at 40 {{.*}} us r0 holds it
# REPORT-NEXT: took on_both_ways+5 context-read of 4 bytes at 40 {{.*}} us r2 holds it
# REPORT-NEXT: took over_copies+4 context-read of 4 bytes at 40 {{.*}} us r8 holds it
# REPORT-NEXT: took over_stack+4 context-read of 4 bytes at 40 {{.*}} us the stack at -8 holds it
# REPORT-NEXT: took over_helpers+9 context-read of 4 bytes at 40 {{.*}} us r7 holds it
# REPORT-NEXT: took over_helpers+10 context-read of 4 bytes at 40
# REPORT-NEXT: took over_harmless_call+4 context-read of 4 bytes at 40 {{.*}} us r7 holds it
# REPORT-NEXT: took of_helper+2 helper get_smp_processor_id {{.*}} us r0 holds it
# REPORT-NEXT: took of_helper+5 helper get_smp_processor_id {{.*}} us r6 holds it
# REPORT-NEXT: took in_loop+4 context-read of 4 bytes at 40 {{.*}} us r7 holds it

	.text
	.type	harmless,@function
harmless:
	r0 = r1
	r0 += 1
	exit
	.size	harmless, .-harmless

	.section tc,"ax",@progbits
	.globl	other_register
	.type	other_register,@function
# CHECK-LABEL: <other_register>:
# CHECK-NEXT: {{[0-9]+}}: w6 = *(u32 *)(r1 + 0x28)
# CHECK-NEXT: {{[0-9]+}}: w0 = *(u32 *)(r1 + 0x0)
# CHECK-NEXT: {{[0-9]+}}: r2 = r6
# CHECK-NEXT: {{[0-9]+}}: r0 += r2
# CHECK-NEXT: {{[0-9]+}}: exit
other_register:
	w6 = *(u32 *)(r1 + 40)
	w0 = *(u32 *)(r1 + 0)
	w2 = *(u32 *)(r1 + 40)
	r0 += r2
	exit
	.size	other_register, .-other_register

	.globl	same_register
	.type	same_register,@function
# CHECK-LABEL: <same_register>:
# CHECK-NEXT: {{[0-9]+}}: w0 = *(u32 *)(r1 + 0x28)
# CHECK-NEXT: {{[0-9]+}}: exit
same_register:
	w0 = *(u32 *)(r1 + 40)
	w0 = *(u32 *)(r1 + 40)
	exit
	.size	same_register, .-same_register

	.globl	on_both_ways
	.type	on_both_ways,@function
# CHECK-LABEL: <on_both_ways>:
# CHECK-NEXT: {{[0-9]+}}: w3 = *(u32 *)(r1 + 0x0)
# CHECK-NEXT: {{[0-9]+}}: if r3 == 0x1 goto +0x2
# CHECK-NEXT: {{[0-9]+}}: w2 = *(u32 *)(r1 + 0x28)
# CHECK-NEXT: {{[0-9]+}}: goto +0x1
# CHECK-NEXT: {{[0-9]+}}: w2 = *(u32 *)(r1 + 0x28)
# CHECK-NEXT: {{[0-9]+}}: r0 = r2
# CHECK-NEXT: {{[0-9]+}}: exit
on_both_ways:
	w3 = *(u32 *)(r1 + 0)
	if r3 == 1 goto .Lone
	w2 = *(u32 *)(r1 + 40)
	goto .Lboth
.Lone:
	w2 = *(u32 *)(r1 + 40)
.Lboth:
	w0 = *(u32 *)(r1 + 40)
	exit
	.size	on_both_ways, .-on_both_ways

	.globl	over_copies
	.type	over_copies,@function
# CHECK-LABEL: <over_copies>:
# CHECK:      r2 = 0x0
# CHECK-NEXT: {{[0-9]+}}: r0 = r8
# CHECK-NEXT: {{[0-9]+}}: exit
over_copies:
	w2 = *(u32 *)(r1 + 40)
	r3 = r2
	w8 = w3
	r2 = 0
	w0 = *(u32 *)(r1 + 40)
	exit
	.size	over_copies, .-over_copies

	.globl	over_stack
	.type	over_stack,@function
# CHECK-LABEL: <over_stack>:
# CHECK:      r2 = 0x2
# CHECK-NEXT: {{[0-9]+}}: r0 = *(u64 *)(r10 - 0x8)
# CHECK-NEXT: {{[0-9]+}}: exit
over_stack:
	w2 = *(u32 *)(r1 + 40)
	*(u64 *)(r10 - 8) = r2
	*(u64 *)(r10 - 16) = r1
	r2 = 2
	w0 = *(u32 *)(r1 + 40)
	exit
	.size	over_stack, .-over_stack

# Clocks and packet reads leave the fields alone.
	.globl	over_helpers
	.type	over_helpers,@function
# CHECK-LABEL: <over_helpers>:
# CHECK:      call 0x5
# CHECK-NEXT: {{[0-9]+}}: r1 = r6
# CHECK-NEXT: {{[0-9]+}}: r2 = 0x0
# CHECK-NEXT: {{[0-9]+}}: r3 = r10
# CHECK-NEXT: {{[0-9]+}}: r3 += -0x8
# CHECK-NEXT: {{[0-9]+}}: r4 = 0x8
# CHECK-NEXT: {{[0-9]+}}: call 0x1a
# CHECK-NEXT: {{[0-9]+}}: r0 = r7
# CHECK-NEXT: {{[0-9]+}}: r1 = r7
over_helpers:
	r6 = r1
	w7 = *(u32 *)(r6 + 40)
	call 5
	r1 = r6
	r2 = 0
	r3 = r10
	r3 += -8
	r4 = 8
	call 26
	w0 = *(u32 *)(r6 + 40)
	w1 = *(u32 *)(r6 + 40)
	r0 += r1
	exit
	.size	over_helpers, .-over_helpers

	.globl	over_harmless_call
	.type	over_harmless_call,@function
# CHECK-LABEL: <over_harmless_call>:
# CHECK:      call
# CHECK-NEXT: {{[0-9]+}}: r1 = r7
over_harmless_call:
	r6 = r1
	w7 = *(u32 *)(r6 + 40)
	r1 = 4
	call harmless
	w1 = *(u32 *)(r6 + 40)
	r0 += r1
	exit
	.size	over_harmless_call, .-over_harmless_call

	.globl	of_helper
	.type	of_helper,@function
# CHECK-LABEL: <of_helper>:
# CHECK-NEXT: {{[0-9]+}}: call 0x8
# CHECK-NEXT: {{[0-9]+}}: r6 = r0
# CHECK-NEXT: {{[0-9]+}}: r7 = r0
# CHECK-NEXT: {{[0-9]+}}: call 0x5
# CHECK-NEXT: {{[0-9]+}}: r0 = r6
# CHECK-NEXT: {{[0-9]+}}: r0 ^= r7
# CHECK-NEXT: {{[0-9]+}}: exit
of_helper:
	call 8
	r6 = r0
	call 8
	r7 = r0
	call 5
	call 8
	r0 ^= r7
	exit
	.size	of_helper, .-of_helper

	.globl	in_loop
	.type	in_loop,@function
# CHECK-LABEL: <in_loop>:
# CHECK-NEXT: {{[0-9]+}}: r6 = r1
# CHECK-NEXT: {{[0-9]+}}: w7 = *(u32 *)(r6 + 0x28)
# CHECK-NEXT: {{[0-9]+}}: r0 = 0x0
# CHECK-NEXT: {{[0-9]+}}: r8 = 0x0
# CHECK-NEXT: {{[0-9]+}}: r2 = r7
# CHECK-NEXT: {{[0-9]+}}: r0 += r2
in_loop:
	r6 = r1
	w7 = *(u32 *)(r6 + 40)
	r0 = 0
	r8 = 0
.Lround:
	w2 = *(u32 *)(r6 + 40)
	r0 += r2
	r8 += 1
	if r8 < 8 goto .Lround
	exit
	.size	in_loop, .-in_loop

	.section license,"aw",@progbits
	.asciz	"GPL"
