# RUN: %mc-bpf %s -o %t.o
# RUN: prepatch lower %t.o -o %t.out --passes=drop-dead --verify-each --report - | FileCheck %s --check-prefix=REPORT
# RUN: llvm-objdump -d --no-show-raw-insn %t.out | FileCheck %s
# RUN: llvm-objdump -d --no-show-raw-insn %t.o | FileCheck %s

# Check what must stay.

# REPORT:      drop-dead 0 2
# REPORT:      refused hidden_function+0 decided-branch {{.*}} other objects may call this function with other arguments
# REPORT-NEXT: refused may_goto_in_loop+1 nop-may-goto {{.*}} the verifier may need it to see that a loop ends
# REPORT-NOT:  took

	.text
# CHECK-LABEL: <hidden_function>:
# CHECK:       if r1 == 0x3 goto
	.globl	hidden_function
	.hidden	hidden_function
	.type	hidden_function,@function
hidden_function:
	if r1 == 3 goto .Lthree
	r0 = 1
	exit
.Lthree:
	r0 = 3
	exit
	.size	hidden_function, .-hidden_function

	.section xdp,"ax",@progbits
# Both ways are seen, so the kernel keeps it as well.
# CHECK-LABEL: <cond_to_next>:
# CHECK:       if r2 == 0x1 goto +0x0
	.globl	cond_to_next
	.type	cond_to_next,@function
cond_to_next:
	r2 = *(u32 *)(r1 + 16)
	r0 = 1
	if r2 == 1 goto .Lnext
.Lnext:
	exit
	.size	cond_to_next, .-cond_to_next

# A value that differs by way decides nothing.
# CHECK-LABEL: <two_values>:
# CHECK:       if r3 == 0x1 goto
	.globl	two_values
	.type	two_values,@function
two_values:
	r2 = *(u32 *)(r1 + 16)
	r3 = 1
	if r2 == 1 goto .Ljoin
	r3 = 2
.Ljoin:
	r0 = 1
	if r3 == 1 goto .Lout
	r0 = 2
.Lout:
	exit
	.size	two_values, .-two_values

# Only the may_goto tells the verifier that this loop ends.
# CHECK-LABEL: <may_goto_in_loop>:
# CHECK:       may_goto +0x0
	.globl	may_goto_in_loop
	.type	may_goto_in_loop,@function
may_goto_in_loop:
	r6 = r1
.Lagain:
	may_goto .Lbody
.Lbody:
	r2 = *(u32 *)(r6 + 16)
	if r2 != 1 goto .Lagain
	r0 = 1
	exit
	.size	may_goto_in_loop, .-may_goto_in_loop

	.globl	calls
	.type	calls,@function
calls:
	r1 = 3
	call hidden_function
	exit
	.size	calls, .-calls

	.section license,"aw",@progbits
	.asciz	"GPL"
