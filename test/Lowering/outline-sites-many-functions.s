# RUN: %mc-bpf %s -o %t.o
# RUN: prepatch lower %t.o -o %t.out --passes=outline-sites --goal=patches --verify-each --report - | FileCheck %s

# Check that no program gets more than the 256 functions that the verifier
# accepts (add_subprog): one has 255 and gets one more, for divisions only; the
# other has 256 already. outline-sites-kernel.test loads both.

# CHECK:     outline-sites 2 6
# CHECK-DAG: took has_255+{{.*}} division {{.*}} one of 2 in one static function
# CHECK-DAG: took has_255+{{.*}} division {{.*}} one of 2 in one static function
# CHECK-DAG: refused has_255+{{.*}} division {{.*}} its program has as many functions as the kernel allows
# CHECK-DAG: refused has_255+{{.*}} division {{.*}} its program has as many functions as the kernel allows
# CHECK-DAG: refused has_256+{{.*}} division {{.*}} its program has as many functions as the kernel allows
# CHECK-DAG: refused has_256+{{.*}} division {{.*}} its program has as many functions as the kernel allows

	.altmacro
	.macro function number
	.type	f_\number,@function
f_\number:
	r0 = \number
	exit
	.size	f_\number, .-f_\number
	.endm
	.macro call_it number
	call f_\number
	.endm

	.text
	.set i, 0
	.rept 255
	function %i
	.set i, i + 1
	.endr

	.section xdp,"ax",@progbits
	.globl	has_255
	.type	has_255,@function
has_255:
	w6 = *(u32 *)(r1 + 16)
	r7 = 3
	.set i, 0
	.rept 254
	call_it %i
	.set i, i + 1
	.endr
	r6 /= r7
	r6 /= r7
	w6 %= w7
	w6 %= w7
	r0 = r6
	r0 &= 1
	exit
	.size	has_255, .-has_255

	.globl	has_256
	.type	has_256,@function
has_256:
	w6 = *(u32 *)(r1 + 16)
	r7 = 3
	.set i, 0
	.rept 255
	call_it %i
	.set i, i + 1
	.endr
	r6 /= r7
	r6 /= r7
	r0 = r6
	r0 &= 1
	exit
	.size	has_256, .-has_256

	.section license,"aw",@progbits
	.asciz	"GPL"
