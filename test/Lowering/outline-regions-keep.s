# RUN: %mc-bpf %s -o %t.o
# RUN: prepatch lower %t.o -o %t.out --passes=outline-regions --goal=patches --verify-each --report - | FileCheck %s
# RUN: cmp %t.o %t.out

# Check what keeps a large program in one piece: each would be cut into eight
# stretches if it were not for one thing. Small programs are not looked at.

# CHECK:      outline-regions 0 11
# CHECK-DAG:  refused register_lives+0 {{.*}} no stretch of it stands for itself
# CHECK-DAG:  refused slot_lives+0 {{.*}} no stretch of it stands for itself
# CHECK-DAG:  refused byte_lives+0 {{.*}} no stretch of it stands for itself
# CHECK-DAG:  refused read_by_helper+0 {{.*}} no stretch of it stands for itself
# CHECK-DAG:  refused read_as_number+0 {{.*}} no stretch of it stands for itself
# CHECK-DAG:  refused read_through_table+0 {{.*}} no stretch of it stands for itself
# CHECK-DAG:  refused read_by_callee+0 {{.*}} no stretch of it stands for itself
# CHECK-DAG:  refused jumped_over+0 {{.*}} only one stretch of it stands for itself
# CHECK-DAG:  refused exits_early+0 {{.*}} no stretch of it stands for itself
# CHECK-DAG:  refused tail_calls+0 {{.*}} program 'tail_calls' has tail calls
# CHECK-DAG:  refused full_frame+0 {{.*}} no room on the stack for one more frame
# CHECK-NOT:  small

	.macro function name
	.globl	\name
	.type	\name,@function
\name:
	r6 = r1
	.endm

# Changes the mark, over 620 instructions.
	.macro body
	w3 = *(u32 *)(r6 + 8)
	.rept 310
	r3 *= 3
	r3 += 7
	.endr
	w2 = *(u32 *)(r6 + 40)
	w3 += w2
	if w3 == 11 goto end_\@
	*(u32 *)(r6 + 8) = w3
end_\@:
	.endm
	.macro bodies
	.rept 8
	body
	.endr
	.endm
	.macro finish
	r0 = 0
	exit
	.endm

	.section tc,"ax",@progbits
# Control: the same without anything in the way is cut (outline-regions.s).
	function register_lives
	w7 = *(u32 *)(r6 + 0)
	bodies
	w0 = w7
	exit
	.size	register_lives, .-register_lives

	function slot_lives
	w1 = *(u32 *)(r6 + 0)
	*(u64 *)(r10 - 8) = r1
	bodies
	r0 = *(u64 *)(r10 - 8)
	exit
	.size	slot_lives, .-slot_lives

# A constant, but for one byte.
	function byte_lives
	r1 = 0
	*(u64 *)(r10 - 8) = r1
	w1 = *(u32 *)(r6 + 0)
	*(u8 *)(r10 - 3) = w1
	bodies
	w0 = *(u8 *)(r10 - 3)
	exit
	.size	byte_lives, .-byte_lives

# bpf_skb_store_bytes reads what the program wrote before the first stretch.
	function read_by_helper
	w1 = *(u32 *)(r6 + 0)
	*(u64 *)(r10 - 8) = r1
	bodies
	r1 = r6
	r2 = 0
	r3 = r10
	r3 += -8
	r4 = 8
	r5 = 0
	call 9
	finish
	.size	read_by_helper, .-read_by_helper

# So does bpf_probe_read_kernel, through a number that is an address.
	function read_as_number
	w1 = *(u32 *)(r6 + 0)
	*(u64 *)(r10 - 8) = r1
	bodies
	r1 = r10
	r1 += -16
	r2 = 8
	r3 = r10
	r3 += -8
	call 113
	r0 = *(u64 *)(r10 - 16)
	exit
	.size	read_as_number, .-read_as_number

# bpf_snprintf gets a table of addresses: "%s".
	function read_through_table
	w1 = *(u32 *)(r6 + 0)
	*(u64 *)(r10 - 8) = r1
	bodies
	r1 = r10
	r1 += -8
	*(u64 *)(r10 - 16) = r1
	r1 = r10
	r1 += -32
	r2 = 16
	r3 = 0
	r4 = r10
	r4 += -16
	r5 = 8
	call 165
	r0 = *(u64 *)(r10 - 32)
	exit
	.size	read_through_table, .-read_through_table

	function read_by_callee
	w1 = *(u32 *)(r6 + 0)
	*(u64 *)(r10 - 8) = r1
	bodies
	r1 = r10
	r1 += -8
	call callee
	exit
	.size	read_by_callee, .-read_by_callee

	function jumped_over
	w1 = *(u32 *)(r6 + 0)
	if w1 == 60 goto behind
	bodies
behind:
	finish
	.size	jumped_over, .-jumped_over

	function exits_early
	w1 = *(u32 *)(r6 + 0)
	if w1 != 60 goto on
	r0 = 1
	exit
on:
	bodies
	finish
	.size	exits_early, .-exits_early

	function tail_calls
	bodies
	r1 = r6
	r2 = 0 ll
	r3 = 0
	call 12
	finish
	.size	tail_calls, .-tail_calls

# The part would need as many bytes as are left, and the rest a frame.
	function full_frame
	r1 = 0
	*(u64 *)(r10 - 512) = r1
	bodies
	r0 = *(u64 *)(r10 - 512)
	exit
	.size	full_frame, .-full_frame

	function small
	body
	body
	finish
	.size	small, .-small

	.text
	.type	callee,@function
callee:
	r0 = *(u64 *)(r1 + 0)
	exit
	.size	callee, .-callee

	.section license,"aw",@progbits
	.asciz	"GPL"
