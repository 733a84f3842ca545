// RUN: %clang-bpf -mcpu=v3 -c %s -o %t.o
// RUN: prepatch lower %t.o -o %t.out --passes=outline-sites --goal=patches --verify-each --report - | FileCheck %s --implicit-check-not=took
// RUN: llvm-objdump -d --no-show-raw-insn %t.out | FileCheck %s --check-prefix=CODE --implicit-check-not="<prepatch_"

// Check the reasons for which sites stay, each with two sites that would be
// worth sharing. Goal patches weighs nothing, so only the reasons count.

typedef unsigned int u32;
typedef unsigned long long u64;
struct xdp_md {
  u32 data, data_end, data_meta, ingress_ifindex, rx_queue_index;
};
#define SEC(N) __attribute__((section(N), used))
#define NOINLINE static __attribute__((noinline))
#define MAP(NAME, TYPE, KEY, VALUE, ENTRIES)                                   \
  struct {                                                                     \
    int (*type)[TYPE];                                                         \
    KEY *key;                                                                  \
    VALUE *value;                                                              \
    int (*max_entries)[ENTRIES];                                               \
  } NAME SEC(".maps")
static void *(*lookup)(void *, const void *) = (void *)1;
static long (*tail_call)(void *, void *, u32) = (void *)12;
static long (*skb_load)(void *, u32, void *, u32) = (void *)26;
static long (*spin_lock)(void *) = (void *)93;
static long (*spin_unlock)(void *) = (void *)94;
static long (*loop)(u32, void *, void *, u64) = (void *)181;
struct bpf_spin_lock {
  u32 val;
};
struct locked {
  struct bpf_spin_lock lock;
  u32 count;
};
struct inner {
  int (*type)[2];
  u32 *key;
  u64 *value;
  int (*max_entries)[4];
} inner_a SEC(".maps");
struct {
  int (*type)[12];
  int (*max_entries)[4];
  u32 *key;
  struct inner *values[];
} outer SEC(".maps") = {.values = {[0] = &inner_a, [2] = &inner_a}};
MAP(hash, 1, u32, u64, 64);
MAP(array, 2, u32, u64, 8);
MAP(locks, 2, u32, struct locked, 8);
struct {
  int (*type)[3];
  int (*key_size)[4];
  int (*value_size)[4];
  int (*max_entries)[4];
} programs SEC(".maps");

// CODE: <prepatch_lookup>:
// The inner map is known by the pointer found in the outer one only, so the
// function that they share takes the map.
// CHECK-DAG: took map_in_map+{{.*}} map-lookup of 'outer'
// CHECK-DAG: took map_in_map+{{.*}} map-lookup of 'outer'
// CHECK-DAG: took map_in_map+{{.*}} map-lookup of 'outer.inner'
// CHECK-DAG: took map_in_map+{{.*}} map-lookup of 'outer.inner'
SEC("xdp") int map_in_map(struct xdp_md *ctx) {
  u32 key = ctx->ingress_ifindex & 3;
  void *map = lookup(&outer, &key);
  u64 *v, sum = 0;
  if (map && (v = lookup(map, &key)))
    sum += *v += 1;
  key ^= 2;
  map = lookup(&outer, &key);
  if (map && (v = lookup(map, &key)))
    sum += *v;
  return sum & 3;
}

NOINLINE u64 two_lookups(u32 key) {
  u64 *v = lookup(&hash, &key), sum = 0;
  if (v)
    sum = *v;
  key ^= 1;
  if ((v = lookup(&hash, &key)))
    sum += *v;
  return sum;
}

// CHECK-DAG: refused two_lookups+{{.*}} map-lookup of 'hash' 0.0 us program 'with_tail_call' has tail calls
// CHECK-DAG: refused two_lookups+{{.*}} map-lookup of 'hash' 0.0 us program 'with_tail_call' has tail calls
SEC("xdp") int with_tail_call(struct xdp_md *ctx) {
  u64 sum = two_lookups(ctx->data_end - ctx->data);
  tail_call(ctx, &programs, 0);
  return sum & 3;
}
SEC("xdp") int without_tail_call(struct xdp_md *ctx) {
  return two_lookups(ctx->data_end - ctx->data) & 3;
}

// CHECK-DAG: refused with_lock+{{.*}} map-lookup of 'locks' 0.0 us program 'with_lock' holds locks
// CHECK-DAG: refused with_lock+{{.*}} map-lookup of 'locks' 0.0 us program 'with_lock' holds locks
SEC("xdp") int with_lock(struct xdp_md *ctx) {
  u32 key = 0;
  struct locked *v = lookup(&locks, &key);
  if (!v)
    return 1;
  spin_lock(&v->lock);
  v->count++;
  spin_unlock(&v->lock);
  key = 1;
  v = lookup(&locks, &key);
  return v ? v->count & 1 : 1;
}

// 512 bytes of stack are in use: the callee has no frame.
// CHECK-DAG: refused full_stack+{{.*}} map-lookup of 'hash' 0.0 us no room on the stack for one more frame
// CHECK-DAG: refused full_stack+{{.*}} map-lookup of 'hash' 0.0 us no room on the stack for one more frame
SEC("tc") int full_stack(void *ctx) {
  char buffer[496];
  if (skb_load(ctx, 0, buffer, sizeof(buffer)))
    return 0;
  u32 key = buffer[3];
  u64 *v = lookup(&hash, &key), sum = 0;
  if (v)
    sum = *v;
  key = buffer[490];
  if ((v = lookup(&hash, &key)))
    sum += *v;
  return sum & 1;
}

// Eight frames are in use.
NOINLINE u64 frame8(u64 x) {
  u32 key = x;
  u64 *v = lookup(&array, &key), sum = x;
  if (v)
    sum = *v;
  key = sum + 1;
  if ((v = lookup(&array, &key)))
    sum += *v;
  return sum;
}
#define FRAME(N, M)                                                            \
  NOINLINE u64 frame##N(u64 x) { return frame##M(x + N) + 1; }
FRAME(7, 8)
FRAME(6, 7)
FRAME(5, 6)
FRAME(4, 5)
FRAME(3, 4)
FRAME(2, 3)
// CHECK-DAG: refused frame8+{{.*}} map-lookup of 'array' 0.0 us no room on the stack for one more frame
// CHECK-DAG: refused frame8+{{.*}} map-lookup of 'array' 0.0 us no room on the stack for one more frame
SEC("xdp") int frame1(struct xdp_md *ctx) {
  return frame2(ctx->data_end - ctx->data) & 3;
}

// CHECK-DAG: refused nobody_knows+{{.*}} map-lookup of 'hash' 0.0 us program 'nobody_knows' is of a type that its section does not tell
// CHECK-DAG: refused nobody_knows+{{.*}} map-lookup of 'hash' 0.0 us program 'nobody_knows' is of a type that its section does not tell
SEC("my_section") int nobody_knows(void *ctx) {
  u32 key = 1;
  u64 *v = lookup(&hash, &key), sum = 0;
  if (v)
    sum = *v;
  key = 2;
  if ((v = lookup(&hash, &key)))
    sum += *v;
  return sum;
}

// One of two maps, by the way that led there: the kernel calls the helper, and
// there is nothing to report.
SEC("xdp") int either_map(struct xdp_md *ctx) {
  u32 key = ctx->ingress_ifindex & 7;
  void *map = key & 1 ? (void *)&hash : (void *)&array;
  asm volatile("" : "+r"(map));
  u64 *v = lookup(map, &key);
  return v ? *v & 3 : 1;
}

SEC("license") char _license[] = "GPL";
