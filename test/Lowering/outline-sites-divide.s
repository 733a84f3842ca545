# RUN: %mc-bpf %s -o %t.o
# RUN: prepatch lower %t.o -o %t.out --passes=outline-sites --goal=patches --verify-each --report - | FileCheck %s --check-prefix=REPORT
# RUN: llvm-objdump -d --no-show-raw-insn %t.out | FileCheck %s

# Every division by a register, of every form, in every pair of registers. What
# comes out is checked by outline-sites-kernel.test: each program takes two
# numbers from the packet, the divisor -4 to 3, and writes a hash of all results
# into it.

# REPORT: outline-sites 800 0
# REPORT: took udiv64+{{.*}} division {{.*}} one of 100 in one static function:

# CHECK-LABEL: <prepatch_udiv32>:
# CHECK-NEXT: {{[0-9]+}}: w1 /= w2
# CHECK-NEXT: {{[0-9]+}}: r0 = r1
# CHECK-NEXT: {{[0-9]+}}: exit
# CHECK-LABEL: <prepatch_sdiv32>:
# CHECK-NEXT: {{[0-9]+}}: w1 s/= w2
# CHECK-LABEL: <prepatch_udiv64>:
# CHECK-NEXT: {{[0-9]+}}: r1 /= r2
# CHECK-NEXT: {{[0-9]+}}: r0 = r1
# CHECK-NEXT: {{[0-9]+}}: exit
# CHECK-LABEL: <prepatch_sdiv64>:
# CHECK-NEXT: {{[0-9]+}}: r1 s/= r2
# CHECK-LABEL: <prepatch_umod32>:
# CHECK-NEXT: {{[0-9]+}}: w1 %= w2
# CHECK-LABEL: <prepatch_smod32>:
# CHECK-NEXT: {{[0-9]+}}: w1 s%= w2
# CHECK-LABEL: <prepatch_umod64>:
# CHECK-NEXT: {{[0-9]+}}: r1 %= r2
# CHECK-LABEL: <prepatch_smod64>:
# CHECK-NEXT: {{[0-9]+}}: r1 s%= r2
# CHECK-LABEL: <udiv64>:
# CHECK-NOT: /=
# CHECK-LABEL: <umod64>:
# CHECK-NOT: %=
# CHECK-LABEL: <smod64>:
# CHECK-NOT: %=

	.macro operands
	r2 = *(u32 *)(r1 + 4)
	r1 = *(u32 *)(r1 + 0)
	r3 = r1
	r3 += 16
	if r3 > r2 goto out_\@
	r2 = *(u64 *)(r1 + 0)
	*(u64 *)(r10 - 8) = r2
	r2 = *(s8 *)(r1 + 8)
	r2 s>>= 5
	*(u64 *)(r10 - 16) = r2
	*(u64 *)(r10 - 32) = r1
	r2 = 0
	*(u64 *)(r10 - 24) = r2
	goto go_\@
out_\@:
	r0 = 1
	exit
go_\@:
	.endm

# Hashes \d into [r10 - 24], over a register that is not \d.
	.macro collect d, t
	r\t = *(u64 *)(r10 - 24)
	r\t *= 31
	r\t += r\d
	*(u64 *)(r10 - 24) = r\t
	.endm

	.macro divide p, op, d, s
	r\d = *(u64 *)(r10 - 8)
	r\s = *(u64 *)(r10 - 16)
	\p\d \op \p\s
	.if \d == 1
	collect \d, 2
	.else
	collect \d, 1
	.endif
	.endm

	.macro program name, p, op
	.globl	\name
	.type	\name,@function
\name:
	operands
	.irp d,0,1,2,3,4,5,6,7,8,9
	.irp s,0,1,2,3,4,5,6,7,8,9
	divide \p, "\op", \d, \s
	.endr
	.endr
	r1 = *(u64 *)(r10 - 32)
	r2 = *(u64 *)(r10 - 24)
	*(u64 *)(r1 + 0) = r2
	r0 = 2
	exit
	.size	\name, .-\name
	.endm

	.section xdp,"ax",@progbits
	program udiv64, r, "/="
	program udiv32, w, "/="
	program umod64, r, "%="
	program umod32, w, "%="
	program sdiv64, r, "s/="
	program sdiv32, w, "s/="
	program smod64, r, "s%="
	program smod32, w, "s%="

	.section license,"aw",@progbits
	.asciz	"GPL"
