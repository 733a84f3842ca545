// Check the explanation of real loads: a program whose copies of a loop body the
// verifier walks again and again because of what it knows of an offset, and one
// with a mistake.
//
// REQUIRES: bpf
// RUN: %clang-bpf -c %s -o %t.o
// RUN: prepatch explain %t.o copies --top=3 | FileCheck %s
// RUN: prepatch explain %t.o mistake | FileCheck %s --check-prefix=MISTAKE
// RUN: prepatch explain %t.o copies --format=json -o %t.json
// RUN: prepatch explain %t.o copies --format=html -o %t.html
// RUN: %python %S/Inputs/check-source.py %t.html %s
// RUN: %clang-bpf -DSMALL -c %s -o %t.small.o
// RUN: prepatch explain %t.small.o | FileCheck %s --check-prefix=SMALL

// CHECK:      program 'copies' (raw_tp/sys_enter): loaded: {{[0-9]+}} instructions, {{[0-9]+}} verified
// CHECK:      hot lines
// CHECK:      explain-kernel.c:[[# @LINE + 39]]
// CHECK:      merge points
// CHECK:      {{r[0-9]|fp-[0-9]+}}{{.*}} (offset, explain-kernel.c:{{[0-9]+}}) {{.*}}values from {{.*}} differ in it alone

// MISTAKE:      program 'mistake' (raw_tp/sys_exit): refused:
// MISTAKE:      refused: R{{[0-9]}} {{.+}}
// MISTAKE-NEXT:   it failed at explain-kernel.c:[[# @LINE + 47]] return bytes[8000 & context->args[0]];
// MISTAKE:        the end of the log:
// MISTAKE:          invalid access to map value

// SMALL:      program {{ *}}section
// SMALL-NEXT: copies {{.*}} loaded
// SMALL:      mistake {{.*}} refused
// SMALL:      program 'copies'
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#ifdef SMALL
#define COPIES 4
#else
#define COPIES 14
#endif

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, char[4096]);
} buffer SEC(".maps");

SEC("raw_tp/sys_enter") int copies(struct bpf_raw_tracepoint_args *context) {
  __u32 zero = 0, offset = 0;
  char *bytes = bpf_map_lookup_elem(&buffer, &zero);
  if (!bytes)
    return 0;
#pragma unroll
  for (int i = 0; i < COPIES; ++i) {
    if (offset > 4000)
      continue;
    long length = bpf_probe_read_kernel_str(bytes + offset, 64, (void *)context->args[0]);
    if (length > 3)
      offset += length & 63;
    else if (length > 1)
      offset += 1;
  }
  return offset;
}

SEC("raw_tp/sys_exit") int mistake(struct bpf_raw_tracepoint_args *context) {
  __u32 zero = 0;
  char *bytes = bpf_map_lookup_elem(&buffer, &zero);
  if (!bytes)
    return 1;
  return bytes[8000 & context->args[0]];
}

char _license[] SEC("license") = "GPL";
