# RUN: %mc-bpf %s -o %t.o
# RUN: prepatch lower %t.o -o %t.out --passes=context-reuse --verify-each --report - | FileCheck %s --check-prefix=REPORT
# RUN: llvm-objdump -d --no-show-raw-insn %t.out | FileCheck %s

# Check that the spills and fills around a call go with it: they are there for
# kernels that do not know that the call keeps the registers.

# REPORT: took around+7 helper get_smp_processor_id {{.*}} us r6 holds it

	.section tc,"ax",@progbits
	.globl	around
	.type	around,@function
# CHECK-LABEL: <around>:
# CHECK-NEXT: {{[0-9]+}}: *(u64 *)(r10 - 0x8) = r1
# CHECK-NEXT: {{[0-9]+}}: call 0x8
# CHECK-NEXT: {{[0-9]+}}: r1 = *(u64 *)(r10 - 0x8)
# CHECK-NEXT: {{[0-9]+}}: r6 = r0
# CHECK-NEXT: {{[0-9]+}}: r0 = 0x0
# CHECK-NEXT: {{[0-9]+}}: r7 = 0x1
# CHECK-NEXT: {{[0-9]+}}: r0 = r6
# CHECK-NEXT: {{[0-9]+}}: w1 = *(u32 *)(r1 + 0x0)
# CHECK-NEXT: {{[0-9]+}}: r0 ^= r6
# CHECK-NEXT: {{[0-9]+}}: r0 += r7
# CHECK-NEXT: {{[0-9]+}}: exit
around:
	*(u64 *)(r10 - 8) = r1
	call 8
	r1 = *(u64 *)(r10 - 8)
	r6 = r0
	r0 = 0
	r7 = 1
	*(u64 *)(r10 - 8) = r1
	call 8
	r1 = *(u64 *)(r10 - 8)
	w1 = *(u32 *)(r1 + 0)
	r0 ^= r6
	r0 += r7
	exit
	.size	around, .-around

	.section license,"aw",@progbits
	.asciz	"GPL"
