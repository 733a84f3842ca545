// RUN: %clang-bpf -mcpu=v3 -c %s -o %t.o
// RUN: prepatch lower %t.o -o %t.out --passes=outline-sites --goal=patches --verify-each --report - | FileCheck %s
// RUN: llvm-objdump -dr --no-show-raw-insn %t.out | FileCheck %s --check-prefix=CODE

// Check the three ways in which a key gets to a shared lookup: its value, where
// the stack slot serves for nothing else; a pointer; and constants as the
// verifier saw them before. outline-sites-kernel.test loads and runs this.

typedef unsigned int u32;
typedef unsigned long long u64;
struct xdp_md {
  u32 data, data_end, data_meta, ingress_ifindex, rx_queue_index;
};
#define SEC(N) __attribute__((section(N), used))
#define MAP(NAME, TYPE, KEY, VALUE, ENTRIES)                                   \
  struct {                                                                     \
    int (*type)[TYPE];                                                         \
    KEY *key;                                                                  \
    VALUE *value;                                                              \
    int (*max_entries)[ENTRIES];                                               \
  } NAME SEC(".maps")
static void *(*lookup)(void *, const void *) = (void *)1;
static long (*update)(void *, const void *, const void *, u64) = (void *)2;

struct wide {
  u64 a, b;
};
MAP(hash, 1, u32, u64, 64);
MAP(hash8, 1, u64, u64, 64);
MAP(wide_keys, 1, struct wide, u64, 64);
MAP(array, 2, u32, u64, 8);
MAP(lonely, 2, u32, u64, 8);
MAP(shared_slot, 1, u32, u64, 64);

// CHECK: outline-sites 12 {{[0-9]+}}

// CODE-LABEL: <prepatch_lookup_hash>:
// CODE-NEXT:  *(u32 *)(r10 - 0x8) = w1
// CODE-NEXT:  r2 = r10
// CODE-NEXT:  r2 += -0x8
// CODE-NEXT:  r1 = 0x0 ll
// CODE-NEXT:  R_BPF_64_64 hash
// CODE:       call 0x1
// CODE-NEXT:  exit

// The key is read where the store took it from.
// CODE-LABEL: <by_value>:
// CODE-NOT:   call 0x1
// CODE-NOT:   *(u32 *)(r10
// CODE:       call -0x1
// CODE-NEXT:  R_BPF_64_32 prepatch_lookup_hash
// CODE-NOT:   call 0x1
// CODE:       call -0x1
// CODE-NEXT:  R_BPF_64_32 prepatch_lookup_hash
// CHECK-DAG:  took by_value+{{.*}} map-lookup of 'hash' {{.*}} one of 2 in one static function, key by value
SEC("xdp") int by_value(struct xdp_md *ctx) {
  u32 key = ctx->ingress_ifindex & 63;
  u64 *v = lookup(&hash, &key), sum = 0;
  if (v)
    sum = *v;
  key = sum & 63;
  v = lookup(&hash, &key);
  if (v)
    *v += 1;
  return sum & 3;
}

// CODE-LABEL: <by_value_8>:
// CODE:       R_BPF_64_32 prepatch_lookup_hash8
// CHECK-DAG:  took by_value_8+{{.*}} map-lookup of 'hash8' {{.*}} one of 2 in one static function, key by value
SEC("xdp") int by_value_8(struct xdp_md *ctx) {
  u64 key = ctx->ingress_ifindex & 63;
  u64 *v = lookup(&hash8, &key), sum = 0;
  if (v)
    sum = *v;
  key = sum & 63;
  v = lookup(&hash8, &key);
  if (v)
    sum += *v;
  return sum & 3;
}

// CODE-LABEL: <by_pointer>:
// CODE:       R_BPF_64_32 prepatch_lookup_wide_keys
// CHECK-DAG:  took by_pointer+{{.*}} map-lookup of 'wide_keys' {{.*}} one of 2 in one static function:
SEC("xdp") int by_pointer(struct xdp_md *ctx) {
  struct wide key = {ctx->ingress_ifindex, 0};
  u64 *v = lookup(&wide_keys, &key), sum = 0;
  if (v)
    sum = *v;
  else
    update(&wide_keys, &key, &sum, 0);
  key.b = sum & 1;
  v = lookup(&wide_keys, &key);
  if (v)
    *v += 1;
  return sum & 3;
}

// Two bodies: the verifier knows that lookups of the aligned constants succeed,
// and must not learn it of the others.
// CODE-LABEL: <constants>:
// CHECK-DAG:  took constants+{{.*}} map-lookup of 'array' {{.*}} one of 2 in one static function, key by value
SEC("xdp") int constants(struct xdp_md *ctx) {
  u64 sum = 0, *v;
  asm volatile("*(u32 *)(r10 - 4) = %[three]\n"
               "r2 = r10\n"
               "r2 += -4\n"
               "r1 = %[array] ll\n"
               "call 1\n"
               "%[v] = r0\n"
               : [v] "=r"(v)
               : [array] "i"(&array), [three] "r"(3)
               : "r0", "r1", "r2", "r3", "r4", "r5", "memory");
  if (v)
    sum += *v;
  asm volatile("*(u32 *)(r10 - 4) = %[five]\n"
               "r2 = r10\n"
               "r2 += -4\n"
               "r1 = %[array] ll\n"
               "call 1\n"
               "%[v] = r0\n"
               : [v] "=r"(v)
               : [array] "i"(&array), [five] "r"(5)
               : "r0", "r1", "r2", "r3", "r4", "r5", "memory");
  if (v)
    sum += *v;
  // No check: only accepted because the keys are known to be there.
  asm volatile("*(u32 *)(r10 - 8) = %[four]\n"
               "r2 = r10\n"
               "r2 += -8\n"
               "r1 = %[array] ll\n"
               "call 1\n"
               "%[v] = r0\n"
               : [v] "=r"(v)
               : [array] "i"(&array), [four] "r"(4)
               : "r0", "r1", "r2", "r3", "r4", "r5", "memory");
  sum += *v;
  asm volatile("*(u32 *)(r10 - 8) = %[six]\n"
               "r2 = r10\n"
               "r2 += -8\n"
               "r1 = %[array] ll\n"
               "call 1\n"
               "%[v] = r0\n"
               : [v] "=r"(v)
               : [array] "i"(&array), [six] "r"(6)
               : "r0", "r1", "r2", "r3", "r4", "r5", "memory");
  *v += 1;
  return sum & 3;
}

// The slot of the key is that of an update, too: the key stays where it is.
// CODE-LABEL: <slot_is_read>:
// CODE:       R_BPF_64_32 prepatch_lookup_shared_slot
// CHECK-DAG:  took slot_is_read+{{.*}} map-lookup of 'shared_slot' {{.*}} one of 2 in one static function:
SEC("xdp") int slot_is_read(struct xdp_md *ctx) {
  u32 key = ctx->ingress_ifindex & 63;
  u64 one = 1, *v = lookup(&shared_slot, &key);
  if (!v)
    return update(&shared_slot, &key, &one, 0) ? 1 : 2;
  key ^= 1;
  v = lookup(&shared_slot, &key);
  return v ? *v & 3 : 1;
}

// CHECK-DAG:  refused alone_1+{{.*}} map-lookup of 'lonely' {{.*}} its program has no other such site
// CHECK-DAG:  refused alone_2+{{.*}} map-lookup of 'lonely' {{.*}} its program has no other such site
SEC("xdp") int alone_1(struct xdp_md *ctx) {
  u32 key = ctx->ingress_ifindex;
  u64 *v = lookup(&lonely, &key);
  return v ? *v & 3 : 1;
}
SEC("xdp") int alone_2(struct xdp_md *ctx) {
  u32 key = ctx->rx_queue_index;
  u64 *v = lookup(&lonely, &key);
  return v ? *v & 3 : 1;
}

SEC("license") char _license[] = "GPL";
