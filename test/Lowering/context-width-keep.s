# RUN: %mc-bpf %s -o %t.o
# RUN: prepatch lower %t.o -o %t.out --passes=context-width --verify-each --report - | FileCheck %s --check-prefix=REPORT
# RUN: cmp %t.o %t.out

# Check what stays a narrow load: with the reason where another form exists,
# without a word where the kernel patches nothing.

# REPORT:      context-width 0 3
# REPORT:      refused two_types+0 context-read of 1 bytes at 38 {{.*}} programs that share the function differ in the field in program 'of_sk_lookup'
# REPORT-NEXT: refused still_grows+0 context-read of 1 bytes at 40 {{.*}} us the load would not get shorter: saves 0.00 us of patching, adds 0.21 us over 1 visits
# REPORT-NEXT: refused in_loop+3 context-read of 1 bytes at 8 {{.*}} us the load would not get shorter: saves {{.*}} over 32 visits

	.section tc,"ax",@progbits
# protocol has 16 bits in the kernel: its halves are loaded in place, and the
# kernel loads the low one for the high one.
	.globl	in_place
	.type	in_place,@function
in_place:
	r0 = *(u16 *)(r1 + 16)
	r2 = *(u16 *)(r1 + 18)
	r2 = *(u8 *)(r1 + 50)
	exit
	.size	in_place, .-in_place

# ifindex is a patch at any width.
	.globl	still_grows
	.type	still_grows,@function
still_grows:
	r0 = *(u8 *)(r1 + 40)
	exit
	.size	still_grows, .-still_grows

# One patch against 32 rounds of verifying the mask.
	.globl	in_loop
	.type	in_loop,@function
in_loop:
	r6 = r1
	r0 = 0
	r7 = 0
.Lround:
	r2 = *(u8 *)(r6 + 8)
	r0 += r2
	r7 += 1
	if r7 < 32 goto .Lround
	exit
	.size	in_loop, .-in_loop

	.globl	of_tc
	.type	of_tc,@function
of_tc:
	call two_types
	exit
	.size	of_tc, .-of_tc

	.section sk_lookup,"ax",@progbits
	.globl	of_sk_lookup
	.type	of_sk_lookup,@function
of_sk_lookup:
	call two_types
	r0 = 1
	exit
	.size	of_sk_lookup, .-of_sk_lookup

	.text
	.type	two_types,@function
two_types:
	r0 = *(u8 *)(r1 + 38)
	exit
	.size	two_types, .-two_types

	.section license,"aw",@progbits
	.asciz	"GPL"
