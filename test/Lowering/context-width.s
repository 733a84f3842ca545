# RUN: %mc-bpf %s -o %t.o
# RUN: prepatch lower %t.o -o %t.out --passes=context-width --goal=patches --verify-each --report - | FileCheck %s --check-prefix=REPORT
# RUN: llvm-objdump -d --no-show-raw-insn %t.out | FileCheck %s

# Check that loads of a part of a context field become loads of the field with
# a shift and a mask, in all widths, and sign extensions moves.

# REPORT:      context-width 9 0
# REPORT:      took narrow+0 context-read of 2 bytes at 8 {{.*}} over 2 visits
# REPORT-NEXT: took byte_at_start+0 context-read of 1 bytes at 8 {{.*}} us saves {{.*}} us of patching, adds {{.*}} us over {{.*}} visits

	.text
	.type	narrow,@function
# CHECK-LABEL: <narrow>:
# CHECK-NEXT: {{[0-9]+}}: w0 = *(u32 *)(r1 + 0x8)
# CHECK-NEXT: {{[0-9]+}}: r0 &= 0xffff
# CHECK-NEXT: {{[0-9]+}}: exit
narrow:
	r0 = *(u16 *)(r1 + 8)
	exit
	.size	narrow, .-narrow

	.section tc,"ax",@progbits
	.globl	byte_at_start
	.type	byte_at_start,@function
# CHECK-LABEL: <byte_at_start>:
# CHECK-NEXT: {{[0-9]+}}: w0 = *(u32 *)(r1 + 0x8)
# CHECK-NEXT: {{[0-9]+}}: r0 &= 0xff
# CHECK-NEXT: {{[0-9]+}}: exit
byte_at_start:
	r0 = *(u8 *)(r1 + 8)
	exit
	.size	byte_at_start, .-byte_at_start

	.globl	byte_inside
	.type	byte_inside,@function
# CHECK-LABEL: <byte_inside>:
# CHECK-NEXT: {{[0-9]+}}: w0 = *(u32 *)(r1 + 0x8)
# CHECK-NEXT: {{[0-9]+}}: r0 >>= 0x10
# CHECK-NEXT: {{[0-9]+}}: r0 &= 0xff
# CHECK-NEXT: {{[0-9]+}}: exit
byte_inside:
	r0 = *(u8 *)(r1 + 10)
	exit
	.size	byte_inside, .-byte_inside

# The shift has brought in zeros: nothing to mask.
	.globl	byte_at_end
	.type	byte_at_end,@function
# CHECK-LABEL: <byte_at_end>:
# CHECK-NEXT: {{[0-9]+}}: w0 = *(u32 *)(r1 + 0x8)
# CHECK-NEXT: {{[0-9]+}}: r0 >>= 0x18
# CHECK-NEXT: {{[0-9]+}}: exit
byte_at_end:
	r0 = *(u8 *)(r1 + 11)
	exit
	.size	byte_at_end, .-byte_at_end

	.globl	half_inside
	.type	half_inside,@function
# CHECK-LABEL: <half_inside>:
# CHECK-NEXT: {{[0-9]+}}: w0 = *(u32 *)(r1 + 0x8)
# CHECK-NEXT: {{[0-9]+}}: r0 >>= 0x10
# CHECK-NEXT: {{[0-9]+}}: exit
half_inside:
	r0 = *(u16 *)(r1 + 10)
	exit
	.size	half_inside, .-half_inside

# The register of the context itself may be the destination.
	.globl	into_context_register
	.type	into_context_register,@function
# CHECK-LABEL: <into_context_register>:
# CHECK-NEXT: {{[0-9]+}}: w1 = *(u32 *)(r1 + 0x8)
# CHECK-NEXT: {{[0-9]+}}: r1 >>= 0x8
# CHECK-NEXT: {{[0-9]+}}: r1 &= 0xff
# CHECK-NEXT: {{[0-9]+}}: r0 = r1
# CHECK-NEXT: {{[0-9]+}}: exit
into_context_register:
	r1 = *(u8 *)(r1 + 9)
	r0 = r1
	exit
	.size	into_context_register, .-into_context_register

	.globl	signed_byte
	.type	signed_byte,@function
# CHECK-LABEL: <signed_byte>:
# CHECK-NEXT: {{[0-9]+}}: w0 = *(u32 *)(r1 + 0x8)
# CHECK-NEXT: {{[0-9]+}}: r0 >>= 0x8
# CHECK-NEXT: {{[0-9]+}}: r0 = (s8)r0
# CHECK-NEXT: {{[0-9]+}}: exit
signed_byte:
	r0 = *(s8 *)(r1 + 9)
	exit
	.size	signed_byte, .-signed_byte

	.globl	signed_word
	.type	signed_word,@function
# CHECK-LABEL: <signed_word>:
# CHECK-NEXT: {{[0-9]+}}: w0 = *(u32 *)(r1 + 0x8)
# CHECK-NEXT: {{[0-9]+}}: r0 = (s32)r0
# CHECK-NEXT: {{[0-9]+}}: exit
signed_word:
	r0 = *(s32 *)(r1 + 8)
	exit
	.size	signed_word, .-signed_word

# Jumps to the load come to its replacement, jumps behind it do not.
	.globl	jumped_to
	.type	jumped_to,@function
# CHECK-LABEL: <jumped_to>:
# CHECK-NEXT: {{[0-9]+}}: w2 = *(u32 *)(r1 + 0x0)
# CHECK-NEXT: {{[0-9]+}}: w0 = 0x1
# CHECK-NEXT: {{[0-9]+}}: if w2 == 0x5 goto +0x2
# CHECK-NEXT: {{[0-9]+}}: if w2 == 0x6 goto +0x4
# CHECK-NEXT: {{[0-9]+}}: w2 = *(u32 *)(r1 + 0x10)
# CHECK-NEXT: {{[0-9]+}}: w0 = *(u32 *)(r1 + 0x8)
# CHECK-NEXT: {{[0-9]+}}: r0 >>= 0x8
# CHECK-NEXT: {{[0-9]+}}: r0 &= 0xff
# CHECK-NEXT: {{[0-9]+}}: exit
jumped_to:
	w2 = *(u32 *)(r1 + 0)
	w0 = 1
	if w2 == 5 goto .Lload
	if w2 == 6 goto .Lbehind
	w2 = *(u32 *)(r1 + 16)
.Lload:
	r0 = *(u8 *)(r1 + 9)
.Lbehind:
	exit
	.size	jumped_to, .-jumped_to

# A function that two programs of one type share.
	.globl	shared_by_two
	.type	shared_by_two,@function
shared_by_two:
	call narrow
	exit
	.size	shared_by_two, .-shared_by_two
	.globl	shared_too
	.type	shared_too,@function
shared_too:
	call narrow
	exit
	.size	shared_too, .-shared_too

	.section license,"aw",@progbits
	.asciz	"GPL"
