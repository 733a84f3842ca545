// RUN: %clang-bpf -c %s -o %t.o
// RUN: prepatch lower %t.o -o %t.out --passes=outline-sites --goal=patches --verify-each --report - | FileCheck %s
// RUN: prepatch dump %t.out | FileCheck %s --check-prefix=DUMP

// Check that a field which CO-RE relocates keeps its record where it is read
// now, and shares nothing with the same offset without a record.

// CHECK:      outline-sites 4 0
// CHECK-DAG:  took relocated+{{.*}} context-read of 4 bytes at 40 {{.*}} one of 2 in one static function
// CHECK-DAG:  took plain+{{.*}} context-read of 4 bytes at 40 {{.*}} one of 2 in one static function

// DUMP: {{.*}}prepatch_read_40
// DUMP: {{.*}}prepatch_read_40_1

struct __sk_buff {
  unsigned len, pkt_type, mark, queue_mapping, protocol, vlan_present, vlan_tci,
      vlan_proto, priority, ingress_ifindex, ifindex;
} __attribute__((preserve_access_index));
struct fixed {
  unsigned fields[11];
};
#define SEC(N) __attribute__((section(N), used))

SEC("tc") int relocated(volatile struct __sk_buff *skb) {
  unsigned a = skb->ifindex;
  asm volatile("" ::: "r0", "r1", "r2", "r3", "r4", "r5");
  return a + skb->ifindex;
}
SEC("tc") int plain(volatile struct fixed *skb) {
  unsigned a = skb->fields[10];
  asm volatile("" ::: "r0", "r1", "r2", "r3", "r4", "r5");
  return a + skb->fields[10];
}

SEC("license") char _license[] = "GPL";
