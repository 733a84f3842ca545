# RUN: %mc-bpf %s -o %t.o
# RUN: prepatch lower %t.o -o %t.out --passes=outline-sites --goal=patches --verify-each
# RUN: llvm-objdump -dr --no-show-raw-insn %t.out | FileCheck %s
# RUN: prepatch lower %t.o -o %t.load --passes=outline-sites --goal=load --report - | FileCheck %s --check-prefix=LOAD

# Check that registers in use wait on the stack where patches are all that
# counts, and only registers that are written on every way.

# LOAD-NOT: took
# LOAD: refused {{.*}} context-read of 4 bytes at 40 {{.*}} r0 to r5 are in use

	.section tc,"ax",@progbits
	.globl	keeps_context
	.type	keeps_context,@function
# CHECK-LABEL: <keeps_context>:
# CHECK:      w3 = 0x7
# CHECK-NEXT: *(u64 *)(r10 - 0x10) = r1
# CHECK-NEXT: *(u64 *)(r10 - 0x20) = r3
# CHECK-NEXT: call -0x1
# CHECK-NEXT: R_BPF_64_32 prepatch_read_40
# CHECK-NEXT: r2 = r0
# CHECK-NEXT: r1 = *(u64 *)(r10 - 0x10)
# CHECK-NEXT: r3 = *(u64 *)(r10 - 0x20)
# CHECK-NEXT: *(u64 *)(r10 - 0x18) = r2
# CHECK-NEXT: *(u64 *)(r10 - 0x20) = r3
# CHECK-NEXT: call -0x1
# CHECK-NEXT: R_BPF_64_32 prepatch_read_40
# CHECK-NEXT: r2 = *(u64 *)(r10 - 0x18)
# CHECK-NEXT: r3 = *(u64 *)(r10 - 0x20)
# CHECK-NEXT: r0 += r2
keeps_context:
	w3 = 7
	w2 = *(u32 *)(r1 + 40)
	w0 = *(u32 *)(r1 + 40)
	r0 += r2
	r0 += r3
	exit
	.size	keeps_context, .-keeps_context

# r4 is read only where it was written: on the other way it must not be saved.
	.globl	half_written
	.type	half_written,@function
# CHECK-LABEL: <half_written>:
# CHECK:      w2 = *(u32 *)(r1 + 0x28)
# CHECK:      w0 = *(u32 *)(r1 + 0x28)
half_written:
	w5 = *(u32 *)(r1 + 0)
	if r5 == 1 goto .Lskip
	w4 = 3
.Lskip:
	w2 = *(u32 *)(r1 + 40)
	w0 = *(u32 *)(r1 + 40)
	r0 += r2
	if r5 == 1 goto .Lout
	r0 += r4
.Lout:
	exit
	.size	half_written, .-half_written
