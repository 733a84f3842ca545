// RUN: %clang-bpf -c %s -o %t.o
// RUN: prepatch lower %t.o -o %t.out --passes=divide,drop-dead --report - | FileCheck %s
// RUN: cmp %t.o %t.out

// Check that numbers that CO-RE fills in when the program is loaded, and
// variables that a loader sets before, are taken for unknown: the object holds
// some number for them, but not the one that counts.

// CHECK:      pass taken
// CHECK-NEXT: divide 0 3
// CHECK:      refused by_size{{.*}} the divisor is not a known constant
// CHECK:      refused by_size{{.*}} the divisor is not a known constant
// CHECK:      refused by_variable{{.*}} the divisor is not a known constant
// CHECK-NOT:  drop-dead

struct task_struct {
  int pid;
} __attribute__((preserve_access_index));

const volatile long long divisor = 7;

__attribute__((section("xdp"), used)) long long by_size(unsigned *ctx) {
  struct task_struct *task = 0;
  unsigned long long size = __builtin_preserve_field_info(task->pid, 1);
  unsigned long long exists = __builtin_preserve_field_info(task->pid, 2);
  asm volatile("" : "+r"(size));
  unsigned long long n = ctx[4];
  asm volatile("%0 /= %1" : "+r"(n) : "r"(size));
  // Always 1 here, perhaps 0 where it is loaded.
  if (exists)
    asm volatile("%0 %%= %1" : "+r"(n) : "r"(exists));
  return n;
}

__attribute__((section("xdp"), used)) long long by_variable(unsigned *ctx) {
  unsigned long long n = ctx[4];
  asm volatile("%0 /= %1" : "+r"(n) : "r"(divisor));
  return n;
}

char _license[] __attribute__((section("license"), used)) = "GPL";
