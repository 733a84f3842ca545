# RUN: %mc-bpf %s -o %t.o
# RUN: prepatch lower %t.o -o %t.out --passes=context-width --goal=patches --report - | FileCheck %s --check-prefix=TAKEN
# RUN: prepatch lower %t.o -o %t.out --passes=context-width --goal=load --report - | FileCheck %s --check-prefix=LOAD
# RUN: prepatch lower %t.o -o %t.out --passes=context-width --goal=balanced --report - | FileCheck %s --check-prefix=BALANCED
# RUN: prepatch lower %t.o -o %t.out --passes=context-width --goal=run --report - | FileCheck %s --check-prefix=LOAD

# Check what each goal makes of a load in a loop, which costs more to verify
# than its patch, and of one that gains a little.

# TAKEN-DAG:    took in_loop+3 {{.*}} us saves
# TAKEN-DAG:    took little+0 {{.*}} us saves
# LOAD-DAG:     refused in_loop+3 {{.*}} the load would not get shorter
# LOAD-DAG:     took little+0 {{.*}} us saves
# BALANCED-DAG: refused in_loop+3 {{.*}} the load would not get shorter
# BALANCED-DAG: refused little+0 {{.*}} too close to call

	.section tc,"ax",@progbits
	.globl	in_loop
	.type	in_loop,@function
in_loop:
	r6 = r1
	r0 = 0
	r7 = 0
.Lround:
	r2 = *(u8 *)(r6 + 8)
	r0 += r2
	r7 += 1
	if r7 < 32 goto .Lround
	exit
	.size	in_loop, .-in_loop

	.globl	little
	.type	little,@function
little:
	r0 = *(u8 *)(r1 + 10)
	exit
	.size	little, .-little

	.section license,"aw",@progbits
	.asciz	"GPL"
