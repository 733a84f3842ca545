# RUN: llvm-mc -triple bpfeb -mcpu=v4 -filetype=obj %s -o %t.o
# RUN: prepatch lower %t.o -o %t.out --passes=context-width --goal=patches --report - | FileCheck %s
# RUN: cmp %t.o %t.out

# Check that nothing is concluded about big-endian machines from the profile of
# a little-endian one: the low byte is the last one there.

# CHECK: context-width 0 1
# CHECK: refused low_byte+0 context-read of 1 bytes at 11 {{.*}} the object has another byte order than the profile

	.section tc,"ax",@progbits
	.globl	low_byte
	.type	low_byte,@function
low_byte:
	r0 = *(u8 *)(r1 + 11)
	exit
	.size	low_byte, .-low_byte

	.section license,"aw",@progbits
	.asciz	"GPL"
