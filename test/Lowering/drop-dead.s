# RUN: %mc-bpf %s -o %t.o
# RUN: prepatch lower %t.o -o %t.out --passes=drop-dead --verify-each --report - | FileCheck %s --check-prefix=REPORT
# RUN: llvm-objdump -d --no-show-raw-insn %t.out | FileCheck %s

# Check that what nothing executes is deleted, and that each deletion is in the
# report.

# REPORT:      drop-dead 11 0
# REPORT:      took unreachable_block+2 unreachable {{.*}} us 3 instructions that nothing reaches
# REPORT-NEXT: took goto_next+4 unreachable
# REPORT-NEXT: took goto_next+1 nop-jump
# REPORT-NEXT: took goto_next+3 nop-jump
# REPORT-NEXT: took always_taken+1 decided-branch {{.*}} constants decide that it is always taken
# REPORT-NEXT: took always_taken+2 unreachable
# REPORT-NEXT: took always_taken+1 nop-jump
# REPORT-NEXT: took never_taken+1 decided-branch {{.*}} constants decide that it is never taken
# REPORT-NEXT: took never_taken+4 unreachable
# REPORT-NEXT: took empty_block+4 nop-jump
# REPORT-NEXT: took first_goes+0 nop-jump

	.section xdp,"ax",@progbits
	.globl	unreachable_block
	.type	unreachable_block,@function
# CHECK-LABEL: <unreachable_block>:
# CHECK-NEXT: {{[0-9]+}}: r0 = 0x2
# CHECK-NEXT: {{[0-9]+}}: exit
unreachable_block:
	r0 = 2
	exit
	r0 = 7
	r0 = 8
	exit
	.size	unreachable_block, .-unreachable_block

# The last goto +0 comes up only when the code that it jumps over is gone.
	.globl	goto_next
	.type	goto_next,@function
# CHECK-LABEL: <goto_next>:
# CHECK-NEXT: {{[0-9]+}}: r0 = 0x1
# CHECK-NEXT: {{[0-9]+}}: r0 += 0x1
# CHECK-NEXT: {{[0-9]+}}: exit
goto_next:
	r0 = 1
	goto .LNext
.LNext:
	r0 += 1
	goto .LLast
	r0 += 2
.LLast:
	exit
	.size	goto_next, .-goto_next

# Both kinds of dead code that a constant leaves behind: the branch itself and
# what it jumps over.
	.globl	always_taken
	.type	always_taken,@function
# CHECK-LABEL: <always_taken>:
# CHECK-NEXT: {{[0-9]+}}: r1 = 0x7
# CHECK-NEXT: {{[0-9]+}}: r0 = 0x2
# CHECK-NEXT: {{[0-9]+}}: exit
always_taken:
	r1 = 7
	if r1 == 7 goto .LSame
	r0 = 1
	exit
.LSame:
	r0 = 2
	exit
	.size	always_taken, .-always_taken

	.globl	never_taken
	.type	never_taken,@function
# CHECK-LABEL: <never_taken>:
# CHECK-NEXT: {{[0-9]+}}: r1 = 0x7
# CHECK-NEXT: {{[0-9]+}}: r0 = 0x1
# CHECK-NEXT: {{[0-9]+}}: exit
never_taken:
	r1 = 7
	if w1 s< 3 goto .LLess
	r0 = 1
	exit
.LLess:
	r0 = 2
	exit
	.size	never_taken, .-never_taken

# A block that becomes empty, with several ways into it.
	.globl	empty_block
	.type	empty_block,@function
# CHECK-LABEL: <empty_block>:
# CHECK-NEXT: {{[0-9]+}}: w2 = *(u32 *)(r1 + 0x10)
# CHECK-NEXT: {{[0-9]+}}: r0 = 0x1
# CHECK-NEXT: {{[0-9]+}}: if r2 == 0x1 goto +0x1
# CHECK-NEXT: {{[0-9]+}}: r0 = 0x3
# CHECK-NEXT: {{[0-9]+}}: exit
empty_block:
	r2 = *(u32 *)(r1 + 16)
	r0 = 1
	if r2 == 1 goto .LMiddle
	r0 = 3
.LMiddle:
	goto .LEnd
.LEnd:
	exit
	.size	empty_block, .-empty_block

# The first instruction of a function may go.
	.globl	first_goes
	.type	first_goes,@function
# CHECK-LABEL: <first_goes>:
# CHECK-NEXT: {{[0-9]+}}: r0 = 0x2
# CHECK-NEXT: {{[0-9]+}}: exit
first_goes:
	goto .LStart
.LStart:
	r0 = 2
	exit
	.size	first_goes, .-first_goes

	.section license,"aw",@progbits
	.asciz	"GPL"
