# RUN: %mc-bpf %s -o %t.o
# RUN: prepatch lower %t.o -o %t.out --passes=divide --verify-each --report - | FileCheck %s
# RUN: cmp %t.o %t.out

# Check which divisions stay, and why; and that those by immediates are nothing
# to report.

# CHECK:      divide 0 6
# CHECK:      refused hidden_function+0 division 0.0 us other objects may call this function with other arguments
# CHECK-NEXT: refused by_unknown+1 division 0.0 us the divisor is not a known constant
# CHECK-NEXT: refused by_one_of_two+5 division 0.0 us the divisor is not a known constant
# CHECK-NEXT: refused by_zero+3 division 0.0 us the divisor is 0
# CHECK-NEXT: refused by_zero+5 division 0.0 us the divisor is 0
# CHECK-NEXT: refused too_wide+3 division 0.0 us the divisor 4294967295 does not fit an immediate

	.text
	.globl	hidden_function
	.hidden	hidden_function
	.type	hidden_function,@function
hidden_function:
	r1 /= r2
	r0 = r1
	exit
	.size	hidden_function, .-hidden_function

	.section xdp,"ax",@progbits
	.globl	by_unknown
	.type	by_unknown,@function
by_unknown:
	w0 = *(u32 *)(r1 + 16)
	r0 /= r0
	r0 /= 3
	exit
	.size	by_unknown, .-by_unknown

	.globl	by_one_of_two
	.type	by_one_of_two,@function
by_one_of_two:
	w0 = *(u32 *)(r1 + 16)
	r2 = 3
	if r0 == 1 goto .Ljoin
	r2 = 5
	r0 = 100
.Ljoin:
	r0 /= r2
	exit
	.size	by_one_of_two, .-by_one_of_two

# The low half counts in 32 bits.
	.globl	by_zero
	.type	by_zero,@function
by_zero:
	w0 = *(u32 *)(r1 + 16)
	r2 = 4294967296 ll
	w0 %= w2
	r3 = 0
	r0 /= r3
	exit
	.size	by_zero, .-by_zero

	.globl	too_wide
	.type	too_wide,@function
too_wide:
	w0 = *(u32 *)(r1 + 16)
	r2 = 0xffffffff ll
	r0 %= r2
	exit
	.size	too_wide, .-too_wide

	.globl	calls
	.type	calls,@function
calls:
	r1 = 3
	r2 = 3
	call hidden_function
	exit
	.size	calls, .-calls

	.section license,"aw",@progbits
	.asciz	"GPL"
