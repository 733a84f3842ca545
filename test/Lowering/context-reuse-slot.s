# RUN: %mc-bpf %s -o %t.o
# RUN: prepatch lower %t.o -o %t.out --passes=context-reuse --goal=patches --verify-each
# RUN: llvm-objdump -d --no-show-raw-insn %t.out | FileCheck %s --implicit-check-not='call 0x8'

# Check that what no register can keep goes to a new slot of the stack, once, by
# the site that is passed on every way to the others.

	.section xdp,"ax",@progbits
	.globl	processor
	.type	processor,@function
# CHECK-LABEL: <processor>:
# CHECK:      call 0x8
# CHECK-NEXT: *(u64 *)(r10 - 0x8) = r0
# CHECK:      r0 = *(u64 *)(r10 - 0x8)
# CHECK:      r0 = *(u64 *)(r10 - 0x8)
# CHECK:      exit
processor:
	call 8
	r6 = 1
	r6 += r0
	call 5
	call 8
	r6 += r0
	call 5
	if r6 > 7 goto .Lout
	call 8
	r6 += r0
.Lout:
	r0 = r6
	exit
	.size	processor, .-processor

# Neither of the two comes before the other: both ask, and the third has it.
	.globl	two_ways
	.type	two_ways,@function
# CHECK-LABEL: <two_ways>:
# CHECK:      call 0x8
# CHECK-NEXT: r6 = r0
# CHECK:      call 0x8
# CHECK:      call 0x8
two_ways:
	w2 = *(u32 *)(r1 + 16)
	if r2 == 1 goto .Lother
	call 8
	r6 = r0
	call 5
	goto .Lmeet
.Lother:
	call 8
	r6 = r0
	r6 += 1
	call 5
.Lmeet:
	call 8
	r0 += r6
	exit
	.size	two_ways, .-two_ways
