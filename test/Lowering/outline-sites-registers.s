# RUN: %mc-bpf %s -o %t.o
# RUN: prepatch lower %t.o -o %t.out --passes=outline-sites --goal=patches --verify-each --report - | FileCheck %s --check-prefix=REPORT
# RUN: llvm-objdump -d --no-show-raw-insn %t.out | FileCheck %s

# Check how operands move, and that r3, in use over the divisions, waits on the
# stack.

# REPORT:      outline-sites 8 1
# REPORT-DAG:  refused context_in_use+0 context-read {{.*}} its program has no other such site
# REPORT:      took context+1 context-read of 4 bytes at 40 {{.*}} one of 2 in one static function
# REPORT:      took context+2 context-read of 4 bytes at 40
# REPORT:      took moves+2 division
# REPORT:      took moves+4 division
# REPORT:      took moves+6 division
# REPORT:      took moves+8 division

	.text
# CHECK-LABEL: <prepatch_read_40>:
# CHECK-NEXT: {{[0-9]+}}: w0 = *(u32 *)(r1 + 0x28)
# CHECK-NEXT: {{[0-9]+}}: exit
# CHECK-LABEL: <prepatch_udiv64>:
# CHECK-NEXT: {{[0-9]+}}: r1 /= r2
# CHECK-NEXT: {{[0-9]+}}: r0 = r1
# CHECK-NEXT: {{[0-9]+}}: exit
	.section tc,"ax",@progbits
	.globl	moves
	.type	moves,@function
# CHECK-LABEL: <moves>:
moves:
	r2 = *(u32 *)(r1 + 0)
	r1 = *(u32 *)(r1 + 8)
# Both in the other's place: over r0.
# CHECK: {{[0-9]+}}: r0 = r2
# CHECK-NEXT: {{[0-9]+}}: r2 = r1
# CHECK-NEXT: {{[0-9]+}}: r1 = r0
# CHECK-NEXT: {{[0-9]+}}: call
# CHECK-NEXT: {{[0-9]+}}: r2 = r0
	r2 /= r1
	r6 = r2
# CHECK-NEXT: {{[0-9]+}}: r6 = r2
# A number divided by itself.
# CHECK-NEXT: {{[0-9]+}}: r1 = r6
# CHECK-NEXT: {{[0-9]+}}: r2 = r6
# CHECK-NEXT: {{[0-9]+}}: call
# CHECK-NEXT: {{[0-9]+}}: r6 = r0
	r6 /= r6
	r1 = 5
# CHECK-NEXT: {{[0-9]+}}: r1 = 0x5
# CHECK-NEXT: {{[0-9]+}}: r2 = r1
# CHECK-NEXT: {{[0-9]+}}: r1 = r6
# CHECK-NEXT: {{[0-9]+}}: call
# CHECK-NEXT: {{[0-9]+}}: r6 = r0
	r6 /= r1
	r2 = 7
# CHECK-NEXT: {{[0-9]+}}: r2 = 0x7
# In place already but for the result.
# CHECK-NEXT: {{[0-9]+}}: r1 = r6
# CHECK-NEXT: {{[0-9]+}}: call
# CHECK-NEXT: {{[0-9]+}}: r6 = r0
	r6 /= r2
	r0 = r6
	exit
	.size	moves, .-moves

	.globl	in_use
	.type	in_use,@function
# CHECK-LABEL: <in_use>:
in_use:
	r2 = *(u32 *)(r1 + 0)
	r3 = *(u32 *)(r1 + 8)
# CHECK:      {{[0-9]+}}: *(u64 *)(r10 - 0x20) = r3
# CHECK-NEXT: {{[0-9]+}}: r1 = r2
# CHECK-NEXT: {{[0-9]+}}: r2 = r3
# CHECK-NEXT: {{[0-9]+}}: call
# CHECK-NEXT: {{[0-9]+}}: r2 = r0
# CHECK-NEXT: {{[0-9]+}}: r3 = *(u64 *)(r10 - 0x20)
	r2 /= r3
	r6 = r2
# CHECK:      {{[0-9]+}}: *(u64 *)(r10 - 0x20) = r3
# CHECK-NEXT: {{[0-9]+}}: r1 = r6
# CHECK-NEXT: {{[0-9]+}}: r2 = r3
# CHECK-NEXT: {{[0-9]+}}: call
# CHECK-NEXT: {{[0-9]+}}: r6 = r0
# CHECK-NEXT: {{[0-9]+}}: r3 = *(u64 *)(r10 - 0x20)
	r6 /= r3
	r0 = r6
	r0 += r3
	exit
	.size	in_use, .-in_use

	.globl	context
	.type	context,@function
# CHECK-LABEL: <context>:
# CHECK-NEXT: {{[0-9]+}}: r6 = r1
# CHECK-NEXT: {{[0-9]+}}: call
# CHECK-NEXT: {{[0-9]+}}: r7 = r0
# CHECK-NEXT: {{[0-9]+}}: r1 = r6
# CHECK-NEXT: {{[0-9]+}}: call
# CHECK-NEXT: {{[0-9]+}}: r0 += r7
context:
	r6 = r1
	w7 = *(u32 *)(r1 + 40)
	w0 = *(u32 *)(r6 + 40)
	r0 += r7
	exit
	.size	context, .-context

	.globl	context_in_use
	.type	context_in_use,@function
# CHECK-LABEL: <context_in_use>:
# CHECK-NEXT: {{[0-9]+}}: w2 = *(u32 *)(r1 + 0x28)
context_in_use:
	w2 = *(u32 *)(r1 + 40)
	w0 = *(u32 *)(r1 + 0)
	r0 += r2
	exit
	.size	context_in_use, .-context_in_use

	.section license,"aw",@progbits
	.asciz	"GPL"
