// REQUIRES: bpf
// RUN: %clang-bpf -mcpu=v3 -c %s -o %t.o
// RUN: prepatch tune %t.o -o %t.1 --quiet --no-globals --budget=60 --jobs=1 --decisions=%t.dec --report=%t.json
// RUN: %python %S/Inputs/check-tune.py %t.json first=0.3 second= third= | FileCheck %s
// RUN: prepatch compare --proof %t.o %t.1 | FileCheck %s --check-prefix=PROOF --implicit-check-not=third
// RUN: prepatch compare %t.o %t.1 -n 1 --run=20 | FileCheck %s --check-prefix=SAME

// Again, and with two trial loads at a time: the same bytes.
// RUN: prepatch tune %t.o -o %t.2 --quiet --no-globals --budget=60 --jobs=1 && cmp %t.1 %t.2
// RUN: prepatch tune %t.o -o %t.3 --quiet --no-globals --budget=60 --jobs=2 && cmp %t.1 %t.3

// The decisions, without a kernel: the same bytes.
// RUN: prepatch lower %t.o -o %t.again --passes=none --decisions=%t.dec && cmp %t.1 %t.again

// What was tuned may be tuned once more: it is not worse, and does the same.
// RUN: prepatch tune %t.1 -o %t.twice --quiet --budget=20 --report=%t.twice.json
// RUN: %python %S/Inputs/check-tune.py %t.twice.json first= second= third=
// RUN: prepatch compare --proof %t.1 %t.twice | FileCheck %s --check-prefix=TWICE
// RUN: prepatch compare %t.o %t.twice -n 1 --run=20 | FileCheck %s --check-prefix=SAME

// Check that programs which share a static function get along: what one of them
// chose for it is good for the others too, or is taken back. There is a path for
// each set of branches taken; what is asked for at the end are the sums.

// CHECK: first on
// CHECK: second on
// CHECK: third on {{.*}}, 0 no-ops
// PROOF: function 'first': {{[0-9]+}} no-ops
// PROOF: identical otherwise{{$}}
// TWICE: identical otherwise{{$}}
// SAME: 3 programs: 3 same
static long (*random32)(void) = (void *)7;

#define STEP(N)                                                                \
  if (random32() & 1)                                                          \
    sum += N;                                                                  \
  else                                                                         \
    other ^= sum;

static __attribute__((noinline)) long mix(long sum, long other) {
  STEP(5) STEP(7) STEP(11) STEP(13)
  return sum > 50 ? sum : other;
}

__attribute__((section("tc"))) int first(void *context) {
  long sum = 1, other = 3;
  STEP(5) STEP(7) STEP(11) STEP(13) STEP(17)
  if (sum > 40)
    sum = 0;
  return sum + other + mix(sum, other);
}

__attribute__((section("tc"))) int second(void *context) {
  long sum = 4, other = 1;
  STEP(3) STEP(9)
  if (sum == 13)
    other = mix(other, 2);
  return sum > 20 ? sum - other : mix(1, sum);
}

__attribute__((section("tc"))) int third(void *context) { return 0; }
char _license[] __attribute__((section("license"))) = "GPL";
