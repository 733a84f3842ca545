# Forty steps that each add one of two numbers to r6, which a comparison at the end looks at; in r7 a flag that
# nothing but a store needs. r8 indexes memory, r9 counts a loop.
#
# RUN: %mc-bpf %s -o %t.o
# RUN: prepatch lower %t.o --passes=widen -o %t.out.o --report - | FileCheck %s --check-prefix=REPORT
# RUN: prepatch dump %t.out.o | FileCheck %s
# RUN: prepatch compare --proof %t.o %t.out.o | FileCheck %s --check-prefix=PROOF
# RUN: prepatch lower %t.o --goal=run --passes=widen -o %t.run.o --report - | FileCheck %s --check-prefix=EXEC
# RUN: cmp %t.o %t.run.o
# Opt-in, and not for small functions.
# RUN: prepatch lower %t.o -o %t.all.o --report - | FileCheck %s --check-prefix=NOT --implicit-check-not=widen
# NOT: {{^}}no sites{{$}}

# REPORT: {{^}}widen {{ *}}35 {{ *}}1 {{ *}}0.0
# REPORT: {{^}}  refused  p+6 {{ *}}r8 where ways meet {{.*}} an access may need its bounds
# REPORT: {{^}}  took     p+13 {{ *}}r6 where ways meet {{.*}} spill: it differs between the ways, and 42 branches lie behind
# REPORT-NOT: took {{.*}}r7
# REPORT-NOT: took {{.*}}r8
# REPORT-NOT: took {{.*}}r9
# REPORT-NOT: small

# The branch leads to the no-op.
# CHECK-LABEL: function p
# CHECK:      if r0 s> 5 goto bb[[#TAKEN:]]
# CHECK:      goto bb[[#MEET:]]
# CHECK:      bb[[#TAKEN]]:
# CHECK:      bb[[#MEET]]:
# CHECK-NEXT: *(u64 *)(r10 -16) = r6
# CHECK-NEXT: *(u8 *)(r10 -16) = w6
# CHECK-NEXT: r6 = *(u64 *)(r10 -16)

# PROOF: {{^}}function 'p': {{[0-9]+}} no-ops ({{[0-9]+}} instructions), identical otherwise
# PROOF: {{^}}2 functions, 1 changed

# EXEC: refused p+{{[0-9]+}} {{ *}}r6 where ways meet {{.*}} the program would execute more

.macro step k
  call 7
  if r0 s> 5 goto .Lalpha\@
  r6 += \k
  r7 = 1
  goto .Lmeet\@
.Lalpha\@:
  r6 += \k + 1
  r7 = 2
.Lmeet\@:
.endm

.section "tc","ax",@progbits
.globl p
.type p,@function
p:
  r6 = 0
  r7 = 0
  r8 = 0
  call 7
  if r0 == 0 goto start
  r8 = 4
start:
.rept 40
  step 3
.endr
  *(u64 *)(r10 - 8) = r7
  r1 = r10
  r1 += -8
  r1 += r8
  r2 = *(u8 *)(r1 + 0)
  r9 = 0
  call 7
  if r0 == 0 goto loop
  r9 = 1
loop:
  r9 += 1
  if r9 < 5 goto loop
  r0 = 0
  if r6 > 100 goto out
  r0 = 1
out:
  exit
.size p, .-p

.section "xdp","ax",@progbits
.globl small
.type small,@function
small:
  r6 = 0
.rept 4
  step 3
.endr
  r0 = 0
  if r6 > 100 goto small_out
  r0 = 1
small_out:
  exit
.size small, .-small

.section license,"aw",@progbits
.asciz "GPL"
