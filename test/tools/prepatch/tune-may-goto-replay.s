# RUN: %mc-bpf %s -o %t.o
# RUN: sed -n 's,^# DEC: ,,p' %s > %t.dec
# RUN: prepatch lower %t.o -o %t.out --passes=none --verify-each --decisions=%t.dec --report - 2> %t.err | FileCheck %s
# RUN: FileCheck %s --check-prefix=NOTE --input-file=%t.err
# RUN: llvm-objdump -d --no-show-raw-insn %t.out | FileCheck %s --check-prefix=CODE
# RUN: prepatch lower %t.out -o %t.twice --passes=none --decisions=%t.dec 2> %t.err
# RUN: cmp %t.out %t.twice

# Check that decisions put a may_goto into a loop before its no-ops, and that
# where it can no longer be, no no-op of the function is taken either.

# DEC: prepatch-decisions 1
# DEC: function counted
# DEC: at block=2/3 join code=00000000
# DEC:   may-goto
# DEC: at block=2/4 join code=00000000
# DEC:   forget r6 by spill def=mov,add use=add
# DEC: function endless
# DEC: at block=2/3 join code=00000000
# DEC:   may-goto
# DEC:   forget r6 by spill def=mov,add use=add

# CHECK: took counted may-goto
# CHECK: took counted+2 forget r6 by spill
# NOTE: .dec:8: no longer fits: may-goto in endless:
# NOTE: .dec:10: no longer fits: forget r6 by spill in endless: a may-goto of the function does not fit
# CODE-LABEL: <counted>:
# CODE: may_goto
# CODE-LABEL: <endless>:
# CODE-NOT: may_goto
# CODE-NOT: r10

.section tc,"ax",@progbits
.globl counted
.type counted, @function
counted:
  r6 = 0
  r7 = *(u32 *)(r1 + 0)
.Lhead:
  r6 += 1
  r7 += r6
  if r6 != 100 goto .Lhead
  r0 = r7
  exit
.size counted, . - counted

.globl endless
.type endless, @function
endless:
  r6 = *(u32 *)(r1 + 4)
  r7 = *(u32 *)(r1 + 0)
.Lagain:
  r6 += 1
  r7 += r6
  if r6 != r7 goto .Lagain
  r0 = r7
  exit
.size endless, . - endless
