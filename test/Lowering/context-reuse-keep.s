# RUN: %mc-bpf %s -o %t.o
# RUN: prepatch lower %t.o -o %t.out --passes=context-reuse --goal=patches --verify-each --report - | FileCheck %s --implicit-check-not=took

# Check all that ends what a register holds. The stack can still keep it where
# nothing changes the field itself.

# CHECK: took register_overwritten+2 {{.*}} the stack at -8 holds it
# CHECK: took loop_changes_it+3 {{.*}} the stack at -8 holds it
# CHECK: took slot_overwritten+5 {{.*}} the stack at -24 holds it

	.text
	.type	pulls_data,@function
pulls_data:
	r2 = 0
	call 39
	exit
	.size	pulls_data, .-pulls_data

	.type	writes_mark,@function
writes_mark:
	r2 = 1
	*(u32 *)(r1 + 8) = r2
	r0 = 0
	exit
	.size	writes_mark, .-writes_mark

	.section tc,"ax",@progbits
	.globl	register_overwritten
	.type	register_overwritten,@function
register_overwritten:
	w2 = *(u32 *)(r1 + 40)
	r2 += 1
	w0 = *(u32 *)(r1 + 40)
	r0 += r2
	exit
	.size	register_overwritten, .-register_overwritten

	.globl	one_way_only
	.type	one_way_only,@function
one_way_only:
	w3 = *(u32 *)(r1 + 0)
	w2 = 1
	if r3 == 1 goto .Lboth
	w2 = *(u32 *)(r1 + 40)
.Lboth:
	w0 = *(u32 *)(r1 + 40)
	r0 += r2
	exit
	.size	one_way_only, .-one_way_only

# Another register on each way.
	.globl	other_registers
	.type	other_registers,@function
other_registers:
	w4 = *(u32 *)(r1 + 0)
	r2 = 0
	r3 = 0
	if r4 == 1 goto .Lother
	w2 = *(u32 *)(r1 + 40)
	goto .Lmeet
.Lother:
	w3 = *(u32 *)(r1 + 40)
.Lmeet:
	w0 = *(u32 *)(r1 + 40)
	r0 += r2
	r0 += r3
	exit
	.size	other_registers, .-other_registers

	.globl	loop_changes_it
	.type	loop_changes_it,@function
loop_changes_it:
	w2 = *(u32 *)(r1 + 40)
	r0 = 0
	r3 = 0
.Lround:
	w4 = *(u32 *)(r1 + 40)
	r0 += r4
	r2 += 1
	w4 = 0
	r3 += 1
	if r3 < 8 goto .Lround
	r0 += r2
	exit
	.size	loop_changes_it, .-loop_changes_it

# A helper that may change the packet, and the length with it.
	.globl	helper_changes
	.type	helper_changes,@function
helper_changes:
	r6 = r1
	w7 = *(u32 *)(r6 + 40)
	r2 = 0
	call 39
	w0 = *(u32 *)(r6 + 40)
	r0 += r7
	exit
	.size	helper_changes, .-helper_changes

	.globl	callee_changes
	.type	callee_changes,@function
callee_changes:
	r6 = r1
	w7 = *(u32 *)(r6 + 40)
	call pulls_data
	w0 = *(u32 *)(r6 + 40)
	r0 += r7
	exit
	.size	callee_changes, .-callee_changes

	.globl	callee_writes
	.type	callee_writes,@function
callee_writes:
	r6 = r1
	w7 = *(u32 *)(r6 + 40)
	call writes_mark
	w0 = *(u32 *)(r6 + 40)
	r0 += r7
	exit
	.size	callee_writes, .-callee_writes

	.globl	context_written
	.type	context_written,@function
context_written:
	w2 = *(u32 *)(r1 + 40)
	w3 = 1
	*(u32 *)(r1 + 8) = r3
	w0 = *(u32 *)(r1 + 40)
	r0 += r2
	exit
	.size	context_written, .-context_written

# A slot that is written in part, or that a helper may write.
	.globl	slot_overwritten
	.type	slot_overwritten,@function
slot_overwritten:
	r6 = r1
	w2 = *(u32 *)(r6 + 40)
	*(u64 *)(r10 - 8) = r2
	*(u8 *)(r10 - 5) = 1
	w2 = 0
	w0 = *(u32 *)(r6 + 40)
	*(u64 *)(r10 - 16) = r0
	r1 = r6
	r2 = 0
	r3 = r10
	r3 += -16
	r4 = 8
	call 26
	w0 = *(u32 *)(r6 + 40)
	exit
	.size	slot_overwritten, .-slot_overwritten

# Nothing says that a clock stands still.
	.globl	clock
	.type	clock,@function
clock:
	call 118
	r6 = r0
	call 118
	r0 -= r6
	exit
	.size	clock, .-clock

# The same field in other widths is something else: 16 bits of a register that
# is read in full.
	.globl	other_width
	.type	other_width,@function
other_width:
	w2 = *(u32 *)(r1 + 40)
	r3 = *(u16 *)(r1 + 40)
	r0 = *(s16 *)(r1 + 40)
	r0 += r2
	r0 += r3
	exit
	.size	other_width, .-other_width

# Packet pointers are left alone.
	.section sk_skb/stream_verdict,"ax",@progbits
	.globl	packet_pointer
	.type	packet_pointer,@function
packet_pointer:
	w2 = *(u32 *)(r1 + 80)
	w3 = *(u32 *)(r1 + 80)
	w0 = 1
	exit
	.size	packet_pointer, .-packet_pointer

	.section license,"aw",@progbits
	.asciz	"GPL"
