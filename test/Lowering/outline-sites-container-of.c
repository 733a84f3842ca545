// RUN: %clang-bpf -mcpu=v3 -c %s -o %t.o
// RUN: prepatch lower %t.o -o %t.out --passes=outline-sites --goal=patches --verify-each --report - | FileCheck %s --implicit-check-not="key by value"

// Check that a key stays in memory where code gets at it from its neighbour: a
// function by a pointer to that, a callback likewise. outline-sites-kernel.test
// runs this.

// CHECK: outline-sites 4 2

typedef unsigned int u32;
typedef unsigned long long u64;
#define SEC(N) __attribute__((section(N), used))
#define NOINLINE static __attribute__((noinline))
static void *(*lookup)(void *, const void *) = (void *)1;
static long (*loop)(u32, void *, void *, u64) = (void *)181;
struct xdp_md {
  u32 data, data_end;
};
struct object {
  u32 key, member;
};
struct {
  int (*type)[1];
  u32 *key;
  u64 *value;
  int (*max_entries)[64];
} hash SEC(".maps");

static struct object *objectOf(u32 *member) { return (void *)(member - 1); }

NOINLINE u32 get(u32 *member) { return objectOf(member)->key; }
SEC("xdp") int in_function(struct xdp_md *ctx) {
  struct object o = {ctx->data_end - ctx->data, 3};
  u64 *v = lookup(&hash, &o.key), sum = v ? *v : 0;
  sum += get(&o.member);
  o.key = sum & 15;
  v = lookup(&hash, &o.key);
  sum += v ? *v : 0;
  return (sum + get(&o.member)) & 1023;
}

NOINLINE long callback(u32 i, u32 *member) {
  *member += objectOf(member)->key;
  return 0;
}
SEC("xdp") int in_callback(struct xdp_md *ctx) {
  struct object o = {ctx->data_end - ctx->data, 3};
  u64 *v = lookup(&hash, &o.key), sum = v ? *v : 0;
  loop(2, callback, &o.member, 0);
  o.key = sum & 15;
  v = lookup(&hash, &o.key);
  sum += v ? *v : 0;
  loop(2, callback, &o.member, 0);
  return (sum + o.member) & 1023;
}

SEC("license") char _license[] = "GPL";
