# RUN: %mc-bpf %s -o %t.o
# RUN: prepatch lower %t.o -o %t.out --passes=may-goto --verify-each --report - | FileCheck %s
# RUN: llvm-objdump -d --no-show-raw-insn %t.out | FileCheck %s --check-prefix=CODE

# Check which loops count, and that a may_goto stands before the branch that ends
# them and leads where it does. Where it is not proved that none of them ever
# jumps, nothing changes.

.section tc,"ax",@progbits

.macro FUNCTION name
.globl \name
.type \name, @function
\name:
.endm
.macro END name
  r0 = 0
  exit
.size \name, . - \name
.endm

# CHECK-DAG: took up+{{.*}} loop of 100 rounds by r1 0.0 us at most 100 in one call
# CODE-LABEL: <up>:
# CODE-NEXT: r1 = 0x0
# CODE-NEXT: r1 += 0x1
# CODE-NEXT: may_goto +0x1
# CODE-NEXT: if r1 != 0x64 goto -0x3
# CODE-NEXT: r0 = 0x0
FUNCTION up
  r1 = 0
.Lup_head:
  r1 += 1
  if r1 != 100 goto .Lup_head
END up

# The test stands at the head, the way out is taken, and it is done once more.
# CHECK-DAG: took at_head+{{.*}} loop of 101 rounds by r6 0.0 us at most 101 in one call
# CODE-LABEL: <at_head>:
# CODE: may_goto +0x3
# CODE-NEXT: if r6 s>= 0x64 goto +0x2
FUNCTION at_head
  r6 = 0
.Lat_head_head:
  if r6 s>= 100 goto .Lat_head_done
  r6 += 1
  goto .Lat_head_head
.Lat_head_done:
END at_head

# It goes around once more for the numbers between, and 32 bits wrap.
# CHECK-DAG: took wraps+{{.*}} loop of 31 rounds by r2
FUNCTION wraps
  w2 = -0x100
.Lwraps_head:
  w2 += 0x10
  if w2 != 0xf0 goto .Lwraps_head
END wraps

# Added in a copy that is shifted back and forth, compared by a register.
# CHECK-DAG: took shifted+{{.*}} loop of 64 rounds by r3
FUNCTION shifted
  r3 = 0
.Lshifted_head:
  r4 = r3
  r4 += 1
  r5 = r4
  r5 <<= 32
  r5 >>= 32
  r3 = r4
  r1 = 64
  if r5 != r1 goto .Lshifted_head
END shifted

# The bound is any number up to 63; the test is turned around.
# CHECK-DAG: took masked+{{.*}} loop of 63 rounds by r6
FUNCTION masked
  r7 = *(u32 *)(r1 + 0)
  r7 &= 63
  r6 = 0
.Lmasked_head:
  r6 += 1
  if r7 > r6 goto .Lmasked_head
END masked

# The way into the loop bounds it.
# CHECK-DAG: took guarded+{{.*}} loop of 501 rounds by r6
FUNCTION guarded
  r7 = *(u32 *)(r1 + 0)
  if r7 > 500 goto .Lguarded_done
  r6 = 0
.Lguarded_head:
  if r6 >= r7 goto .Lguarded_done
  r6 += 1
  goto .Lguarded_head
.Lguarded_done:
END guarded

# Forgotten by a pair of xors, which changes nothing.
# CHECK-DAG: took forgotten+{{.*}} loop of 100 rounds by r6
FUNCTION forgotten
  r7 = *(u32 *)(r1 + 0)
  r6 = 0
.Lforgotten_head:
  r6 ^= r7
  r6 ^= r7
  r6 += 1
  if r6 != 100 goto .Lforgotten_head
END forgotten

# Two starts: the longer way counts.
# CHECK-DAG: took two_starts+{{.*}} loop of 90 rounds by r6
FUNCTION two_starts
  r7 = *(u32 *)(r1 + 0)
  if r7 == 7 goto .Ltwo_starts_other
  r6 = 50
  goto .Ltwo_starts_head
.Ltwo_starts_other:
  r6 = 10
.Ltwo_starts_head:
  r6 += 1
  if r6 < 100 goto .Ltwo_starts_head
END two_starts

# CHECK-DAG: took slot+{{.*}} loop of 40 rounds by fp-16
FUNCTION slot
  r1 = 0
  *(u64 *)(r10 - 16) = r1
.Lslot_head:
  r1 = r10
  r1 += -8
  r2 = 8
  r3 = 0
  call 4
  r1 = *(u64 *)(r10 - 16)
  r1 += 1
  *(u64 *)(r10 - 16) = r1
  if r1 < 40 goto .Lslot_head
END slot

# The helper writes from fp-16 on.
# CHECK-DAG: refused slot_written+{{.*}} loop 0.0 us no exit that every round passes counts up to a known number
FUNCTION slot_written
  r1 = 0
  *(u64 *)(r10 - 16) = r1
.Lslot_written_head:
  r1 = r10
  r1 += -16
  r2 = 16
  r3 = 0
  call 4
  r1 = *(u64 *)(r10 - 16)
  r1 += 1
  *(u64 *)(r10 - 16) = r1
  if r1 < 40 goto .Lslot_written_head
END slot_written

# CHECK-DAG: refused third_xor+{{.*}} no exit that every round passes
FUNCTION third_xor
  r7 = *(u32 *)(r1 + 0)
  r6 = 0
.Lthird_xor_head:
  r6 ^= r7
  r6 ^= r7
  r6 ^= r7
  r6 += 1
  if r6 != 100 goto .Lthird_xor_head
END third_xor

# Passes the number by: 2^64 rounds.
# CHECK-DAG: refused passes_by+{{.*}} no exit that every round passes
FUNCTION passes_by
  r6 = 0
.Lpasses_by_head:
  r6 += 2
  if r6 != 101 goto .Lpasses_by_head
END passes_by

# Of "is not" a larger bound says nothing.
# CHECK-DAG: refused not_below+{{.*}} no exit that every round passes
FUNCTION not_below
  r7 = *(u32 *)(r1 + 0)
  r7 &= 63
  r6 = 0
.Lnot_below_head:
  r6 += 1
  if r7 != r6 goto .Lnot_below_head
END not_below

# The bound changes in the loop.
# CHECK-DAG: refused moving_bound+{{.*}} no exit that every round passes
FUNCTION moving_bound
  r7 = *(u32 *)(r1 + 0)
  r7 &= 63
  r6 = 0
.Lmoving_bound_head:
  r6 += 1
  r7 += 1
  if r7 > r6 goto .Lmoving_bound_head
END moving_bound

# The bound may be negative as the 32 bits that are compared.
# CHECK-DAG: refused large_bound+{{.*}} no exit that every round passes
FUNCTION large_bound
  r7 = *(u32 *)(r1 + 0)
  r6 = 0
.Llarge_bound_head:
  r6 += 1
  if r7 > r6 goto .Llarge_bound_head
END large_bound

# CHECK-DAG: refused unknown_start+{{.*}} no exit that every round passes
FUNCTION unknown_start
  r6 = *(u32 *)(r1 + 0)
.Lunknown_start_head:
  r6 += 1
  if r6 < 100 goto .Lunknown_start_head
END unknown_start

# One way around does not pass the test, or does not count.
# CHECK-DAG: refused around+{{.*}} no exit that every round passes
FUNCTION around
  r7 = r1
  r6 = 0
.Laround_head:
  r6 += 1
  r1 = *(u32 *)(r7 + 0)
  if r1 == 7 goto .Laround_head
  if r6 < 100 goto .Laround_head
END around
# CHECK-DAG: refused sometimes+{{.*}} no exit that every round passes
FUNCTION sometimes
  r7 = r1
  r6 = 0
.Lsometimes_head:
  r1 = *(u32 *)(r7 + 0)
  if r1 == 7 goto .Lsometimes_test
  r6 += 1
.Lsometimes_test:
  if r6 < 100 goto .Lsometimes_head
END sometimes

# CHECK-DAG: refused in_endless+{{.*}} loop of 100 rounds by r6 0.0 us a loop around it has no known end
FUNCTION in_endless
  r7 = r1
.Lin_endless_outer:
  r6 = 0
.Lin_endless_head:
  r6 += 1
  if r6 != 100 goto .Lin_endless_head
  r1 = *(u32 *)(r7 + 0)
  if r1 == 7 goto .Lin_endless_outer
END in_endless

# CHECK-DAG: refused product+{{.*}} loop of 400 rounds by r6 0.0 us 160000 rounds in one call, more than 131069
# CHECK-DAG: took product+{{.*}} loop of 400 rounds by r7 0.0 us at most 400 in one call
FUNCTION product
  r7 = 0
.Lproduct_outer:
  r6 = 0
.Lproduct_head:
  r6 += 1
  if r6 != 400 goto .Lproduct_head
  r7 += 1
  if r7 != 400 goto .Lproduct_outer
END product

# The inner loop ends at the counter of the outer one, which is at most 200.
# CHECK-DAG: took triangle+{{.*}} loop of 200 rounds by r6 0.0 us at most 40000 in one call
# CHECK-DAG: took triangle+{{.*}} loop of 200 rounds by r7 0.0 us at most 200 in one call
FUNCTION triangle
  r7 = 0
.Ltriangle_outer:
  r7 += 1
  r6 = 0
.Ltriangle_head:
  r6 += 1
  if r6 < r7 goto .Ltriangle_head
  if r7 != 200 goto .Ltriangle_outer
END triangle

# CHECK-DAG: took sum+{{.*}} loop of 100000 rounds by r6 0.0 us at most 100000 in one call
# CHECK-DAG: refused sum+{{.*}} loop of 90000 rounds by r7 0.0 us with the loops before it 190000 rounds in one call, more than 131069
FUNCTION sum
  r6 = 0
.Lsum_first:
  r6 += 1
  if r6 != 100000 goto .Lsum_first
  r7 = 0
.Lsum_second:
  r7 += 1
  if r7 != 90000 goto .Lsum_second
END sum

# CHECK-DAG: refused has_one+{{.*}} the function has a may_goto already
FUNCTION has_one
  r6 = 0
.Lhas_one_head:
  may_goto .Lhas_one_done
  r6 += 1
  if r6 != 100 goto .Lhas_one_head
.Lhas_one_done:
END has_one

# CHECK-DAG: refused full_stack+{{.*}} no room on the stack for the count
FUNCTION full_stack
  r6 = 0
  *(u64 *)(r10 - 512) = r6
.Lfull_stack_head:
  r6 += 1
  if r6 != 100 goto .Lfull_stack_head
END full_stack

# CHECK-DAG: refused few+{{.*}} few rounds
FUNCTION few
  r6 = 0
.Lfew_head:
  r6 += 1
  if r6 != 4 goto .Lfew_head
END few

# The loop never ends here: the verifier would read r0, which is not written.
# CHECK-DAG: refused unwritten+{{.*}} a register that is read behind it may not be written yet
FUNCTION unwritten
  r6 = 0
.Lunwritten_head:
  r6 += 1
  if r6 > 100 goto .Lunwritten_done
  call 7
  goto .Lunwritten_head
.Lunwritten_done:
  exit
.size unwritten, . - unwritten
