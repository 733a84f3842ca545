# REQUIRES: bpf
# RUN: mkdir -p %t/bin && ln -sf prepatch %t/bin/prepatch
# RUN: ln -sf prepatch-kload %t/bin/prepatch-kload
# RUN: cp %S/Inputs/build.ninja %t
# RUN: %mc-bpf %s -o %t/narrow.o
# RUN: env PREPATCH_BUILD_DIR=%t %script demo %t/narrow.o | FileCheck %s

# Check that the demo shows what the kernel made of both, where it can be asked.

# CHECK-NOT: predicted
# CHECK:     narrow.o: {{[0-9]+}} bytes, lowered: {{[0-9]+}} bytes
# CHECK:     context-width 1 0
# CHECK:     program verdict insns xlated growing grown by deletions verified verify us load us
# CHECK:     narrow before loaded 3002 3004 1 2 0 3002
# CHECK:     after loaded 3004 3004 0 0 0 3004
# CHECK:     1 program: 1 same

	.section tc,"ax",@progbits
	.globl	narrow
	.type	narrow,@function
narrow:
	r0 = *(u8 *)(r1 + 9)
	.rept	3000
	r0 += 1
	.endr
	exit
	.size	narrow, .-narrow

	.section license,"aw",@progbits
	.asciz	"GPL"
