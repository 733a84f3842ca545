# RUN: %mc-bpf %s -o %t.o
# RUN: prepatch lower %t.o -o %t.out --passes=context-width --goal=patches --verify-each --report - | FileCheck %s --check-prefix=REPORT
# RUN: llvm-objdump -d --no-show-raw-insn %t.out | FileCheck %s

# Check loads through a socket pointer, which the kernel patches like those of
# the context.

# REPORT: context-width 2 0
# REPORT: took through_socket+4 socket-read of 1 bytes at 26

	.section tc,"ax",@progbits
	.globl	through_socket
	.type	through_socket,@function
# CHECK-LABEL: <through_socket>:
# CHECK:       r1 = *(u64 *)(r1 + 0xa8)
# CHECK:       w6 = *(u32 *)(r1 + 0x18)
# CHECK-NEXT: {{[0-9]+}}: r6 >>= 0x10
# CHECK-NEXT: {{[0-9]+}}: r6 &= 0xff
# CHECK-NEXT: {{[0-9]+}}: w1 = *(u32 *)(r1 + 0x18)
# CHECK-NEXT: {{[0-9]+}}: r1 &= 0xffff
# CHECK-NEXT: {{[0-9]+}}: r0 = r1
through_socket:
	r1 = *(u64 *)(r1 + 168)
	if r1 != 0 goto .Lsome
	r0 = 0
	exit
.Lsome:
	r6 = *(u8 *)(r1 + 26)
	r1 = *(u16 *)(r1 + 24)
	r0 = r1
	r0 += r6
	exit
	.size	through_socket, .-through_socket

	.section license,"aw",@progbits
	.asciz	"GPL"
