// Lookups in several maps share one function that takes the map: the verifier
// sees two maps at its call, and the kernel does not patch it at all.
//
// RUN: %clang-bpf -c %s -o %t.o
// RUN: prepatch lower %t.o -o %t.out --passes=outline-sites --goal=patches --verify-each
// RUN: llvm-objdump -dr --no-show-raw-insn %t.out | FileCheck %s --implicit-check-not='call 0x1{{$}}'
//
// CHECK-LABEL: <prepatch_lookup>:
// CHECK-NEXT: call 0x1
// CHECK-NEXT: exit
// CHECK-LABEL: <two_maps>:
// CHECK: R_BPF_64_64 numbers
// CHECK: R_BPF_64_32 prepatch_lookup{{$}}
// CHECK: R_BPF_64_64 names
// CHECK: R_BPF_64_32 prepatch_lookup{{$}}

#define SEC(name) __attribute__((section(name), used))

struct map {
  int (*type)[2]; // array
  int (*max_entries)[4];
  unsigned *key;
  long *value;
};
struct map numbers SEC(".maps");
struct hash {
  int (*type)[1];
  int (*max_entries)[4];
  unsigned *key;
  long *value;
};
struct hash names SEC(".maps");

static long *(*lookup)(void *map, const void *key) = (void *)1;

SEC("tc") int two_maps(void *ctx) {
  unsigned key = 1;
  long *number = lookup(&numbers, &key), *name;
  if (!number)
    return 0;
  key = *number;
  name = lookup(&names, &key);
  return name ? *name : 1;
}

char _license[] SEC("license") = "GPL";
