# RUN: %mc-bpf %s -o %t.o
# RUN: prepatch lower %t.o -o %t.out --passes=divide --verify-each --report - | FileCheck %s --check-prefix=REPORT
# RUN: llvm-objdump -d --no-show-raw-insn %t.out | FileCheck %s

# Check that divisions by registers that hold a known number become divisions by
# it, and that the number goes when nobody else wants it.

# REPORT: divide 13 0
# REPORT: took by_ten+2 division {{.*}} us the divisor is always 10: saves {{.*}} us of patching

	.section xdp,"ax",@progbits
	.globl	by_ten
	.type	by_ten,@function
# CHECK-LABEL: <by_ten>:
# CHECK-NEXT: {{[0-9]+}}: w0 = *(u32 *)(r1 + 0x10)
# CHECK-NEXT: {{[0-9]+}}: r0 /= 0xa
# CHECK-NEXT: {{[0-9]+}}: exit
by_ten:
	w0 = *(u32 *)(r1 + 16)
	r2 = 10
	r0 /= r2
	exit
	.size	by_ten, .-by_ten

# The second division keeps the number alive no longer than itself; the sum
# does.
	.globl	all_forms
	.type	all_forms,@function
# CHECK-LABEL: <all_forms>:
# CHECK-NEXT: {{[0-9]+}}: w0 = *(u32 *)(r1 + 0x10)
# CHECK-NEXT: {{[0-9]+}}: r2 = 0x7
# CHECK-NEXT: {{[0-9]+}}: r3 = -0x3
# CHECK-NEXT: {{[0-9]+}}: w0 /= 0x7
# CHECK-NEXT: {{[0-9]+}}: r0 %= 0x7
# CHECK-NEXT: {{[0-9]+}}: w0 %= 0x7
# CHECK-NEXT: {{[0-9]+}}: r0 s/= -0x3
# CHECK-NEXT: {{[0-9]+}}: w0 s/= -0x3
# CHECK-NEXT: {{[0-9]+}}: r0 s%= -0x3
# CHECK-NEXT: {{[0-9]+}}: w0 s%= 0x7
# CHECK-NEXT: {{[0-9]+}}: r0 += r2
# CHECK-NEXT: {{[0-9]+}}: r0 += r3
# CHECK-NEXT: {{[0-9]+}}: exit
all_forms:
	w0 = *(u32 *)(r1 + 16)
	r2 = 7
	r3 = -3
	w0 /= w2
	r0 %= r2
	w0 %= w2
	r0 s/= r3
	w0 s/= w3
	r0 s%= r3
	w0 s%= w2
	r0 += r2
	r0 += r3
	exit
	.size	all_forms, .-all_forms

	.globl	powers_of_two
	.type	powers_of_two,@function
# CHECK-LABEL: <powers_of_two>:
# CHECK-NEXT: {{[0-9]+}}: w0 = *(u32 *)(r1 + 0x10)
# CHECK-NEXT: {{[0-9]+}}: r0 >>= 0x3
# CHECK-NEXT: {{[0-9]+}}: w0 &= 0x7
# CHECK-NEXT: {{[0-9]+}}: r0 >>= 0x28
# CHECK-NEXT: {{[0-9]+}}: w0 >>= 0x1f
# CHECK-NEXT: {{[0-9]+}}: exit
powers_of_two:
	w0 = *(u32 *)(r1 + 16)
	r2 = 8
	r3 = 1099511627776 ll
	w4 = 0x80000000
	r0 /= r2
	w0 %= w2
	r0 /= r3
	w0 /= w4
	exit
	.size	powers_of_two, .-powers_of_two

# The number comes from another block, and over the stack.
	.globl	from_far
	.type	from_far,@function
# CHECK-LABEL: <from_far>:
# CHECK-NEXT: {{[0-9]+}}: w6 = *(u32 *)(r1 + 0x10)
# CHECK-NEXT: {{[0-9]+}}: r2 = 0x5
# CHECK-NEXT: {{[0-9]+}}: *(u64 *)(r10 - 0x8) = r2
# CHECK-NEXT: {{[0-9]+}}: call 0x5
# CHECK-NEXT: {{[0-9]+}}: if r6 == 0x1 goto
# CHECK-NEXT: {{[0-9]+}}: r3 = *(u64 *)(r10 - 0x8)
# CHECK-NEXT: {{[0-9]+}}: r0 /= 0x5
# CHECK-NEXT: {{[0-9]+}}: r0 = 0x1
# CHECK-NEXT: {{[0-9]+}}: exit
from_far:
	w6 = *(u32 *)(r1 + 16)
	r2 = 5
	*(u64 *)(r10 - 8) = r2
	call 5
	if r6 == 1 goto .Lend
	r3 = *(u64 *)(r10 - 8)
	r0 /= r3
.Lend:
	r0 = 1
	exit
	.size	from_far, .-from_far

	.section license,"aw",@progbits
	.asciz	"GPL"
