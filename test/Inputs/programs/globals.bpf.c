//===- globals.bpf.c - Global data, kernel configuration, CO-RE -----------===//
//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: (Apache-2.0 WITH LLVM-exception) OR GPL-2.0
//
//===----------------------------------------------------------------------===//
//
// A task inspector: constants in .rodata that switch code off at load, counters
// in .data, .bss and a section of its own, variables of the kernel's
// configuration, kernel symbols, and CO-RE records of every kind: offsets,
// existence, sizes, bit fields, enumerators, types. The kernel's structs are
// declared as far as we read them.
//
//===----------------------------------------------------------------------===//

#include <linux/bpf.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#pragma clang attribute push(__attribute__((preserve_access_index)),           \
                             apply_to = record)

struct cred {
  struct {
    __u32 val;
  } uid;
};

struct nsproxy {
  struct pid_namespace *pid_ns_for_children;
};

struct pid_namespace {
  unsigned int level;
};

struct mm_struct {
  unsigned long total_vm;
  unsigned long start_code;
  unsigned long end_code;
};

struct task_struct {
  int pid;
  int tgid;
  int exit_code;
  unsigned int flags;
  unsigned int __state;
  unsigned int policy;
  int prio;
  int static_prio;
  unsigned in_execve : 1;
  unsigned sched_reset_on_fork : 1;
  unsigned long nvcsw;
  unsigned long nivcsw;
  __u64 start_time;
  __u64 utime;
  __u64 stime;
  struct task_struct *real_parent;
  struct task_struct *group_leader;
  struct cred *cred;
  struct nsproxy *nsproxy;
  struct mm_struct *mm;
  char comm[16];
};

// As older kernels have it.
struct task_struct___old {
  volatile long state;
};

struct not_in_any_kernel {
  int field;
};

#pragma clang attribute pop

enum { MaxAncestors = 12, SlotCount = 64, CommandLength = 16 };

// The kernel's configuration. What is unknown is zero.
extern int LINUX_KERNEL_VERSION __kconfig;
extern unsigned long CONFIG_HZ __kconfig __weak;
extern _Bool CONFIG_BPF_JIT __kconfig __weak;
extern enum libbpf_tristate CONFIG_NET_CLS_BPF __kconfig __weak;
extern char CONFIG_DEFAULT_HOSTNAME[64] __kconfig __weak;
extern int CONFIG_NOT_IN_ANY_KERNEL __kconfig __weak;

// Kernel symbols: an address without a type, and one that does not exist.
extern const void init_task __ksym __weak;
extern const void no_such_symbol __ksym __weak;

struct limits {
  __u32 ancestors;
  __u32 priority;
  __u64 ticks;
  char prefix[8];
};

// .rodata: set before the load, constant for the verifier afterwards.
const volatile struct limits limits = {
    .ancestors = 8, .priority = 110, .ticks = 500, .prefix = "kw"};
const volatile __u32 wanted_pid = 0;
const volatile _Bool follow_parents = 1;
const volatile _Bool count_namespaces = 0;
const volatile __u64 weights[8] = {1, 1, 2, 3, 5, 8, 13, 21};

// .data
__u64 threshold = 1 << 16;
__s32 bias[4] = {-3, 0, 5, 9};
struct limits adaptive = {.ancestors = 4, .priority = 120};

// .bss
__u64 seen;
__u64 kernel_threads;
__u64 deepest;
__u64 by_state[SlotCount];
char last_command[CommandLength];

// A section of its own.
__u64 errors[4] SEC(".data.errors");
const volatile char banner[] SEC(".rodata.text") = "prepatch sample";

struct profile {
  __u64 tasks;
  __u64 switches;
  __u64 time;
  __u64 pages;
  __u32 uid;
  __u32 depth;
  __u32 kind;
  __u32 features;
  char command[CommandLength];
};

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 4096);
  __type(key, __u32);
  __type(value, struct profile);
} profiles SEC(".maps");

static __always_inline __u64 state_of(struct task_struct *task) {
  if (bpf_core_field_exists(task->__state))
    return BPF_CORE_READ(task, __state);
  struct task_struct___old *old = (void *)task;
  return BPF_CORE_READ(old, state);
}

// Climbs towards the first process.
static __always_inline __u32 depth_of(struct task_struct *task) {
  __u32 depth = 0;
  if (!follow_parents)
    return 0;
#pragma clang loop unroll(full)
  for (int i = 0; i < MaxAncestors; ++i) {
    if (i >= limits.ancestors)
      break;
    struct task_struct *parent = BPF_CORE_READ(task, real_parent);
    if (!parent || parent == task)
      break;
    if (BPF_CORE_READ(parent, pid) == 0)
      break;
    task = parent;
    depth += 1;
  }
  return depth;
}

static __always_inline __u32 features(void) {
  __u32 bits = 0;
  if (bpf_core_type_exists(struct not_in_any_kernel))
    bits |= 1 << 0;
  if (bpf_core_field_exists(struct task_struct, in_execve))
    bits |= 1 << 1;
  if (bpf_core_enum_value_exists(enum bpf_map_type, BPF_MAP_TYPE_RINGBUF))
    bits |= 1 << 2;
  if (LINUX_KERNEL_VERSION >= 0x060c00)
    bits |= 1 << 3;
  if (CONFIG_BPF_JIT)
    bits |= 1 << 4;
  if (CONFIG_NET_CLS_BPF == TRI_YES)
    bits |= 1 << 5;
  if (CONFIG_NOT_IN_ANY_KERNEL)
    bits |= 1 << 6;
  if (CONFIG_DEFAULT_HOSTNAME[0] == '(')
    bits |= 1 << 7;
  if (&init_task)
    bits |= 1 << 8;
  if (&no_such_symbol)
    bits |= 1 << 9;
  bits |= bpf_core_field_size(struct task_struct, comm) << 16;
  bits |= bpf_core_enum_value(enum bpf_map_type, BPF_MAP_TYPE_RINGBUF) << 24;
  return bits;
}

static __always_inline __u64 ticks(__u64 time) {
  __u64 hz = CONFIG_HZ ? CONFIG_HZ : 250;
  return time / (1000000000 / hz);
}

static __always_inline int is_wanted(const char *command) {
#pragma clang loop unroll(full)
  for (int i = 0; i < sizeof(limits.prefix); ++i) {
    if (!limits.prefix[i])
      return 1;
    if (limits.prefix[i] != command[i])
      return 0;
  }
  return 1;
}

SEC("raw_tp/sched_switch")
int inspect(struct bpf_raw_tracepoint_args *ctx) {
  struct task_struct *task = (void *)bpf_get_current_task();
  __u32 pid = BPF_CORE_READ(task, pid);
  __sync_fetch_and_add(&seen, 1);
  if (wanted_pid && wanted_pid != pid)
    return 0;
  if (!BPF_CORE_READ(task, mm)) {
    kernel_threads += 1;
    return 0;
  }

  struct profile fresh = {};
  struct profile *p = bpf_map_lookup_elem(&profiles, &pid);
  if (!p) {
    fresh.uid = BPF_CORE_READ(task, cred, uid.val);
    fresh.features = features();
    if (count_namespaces)
      fresh.kind = BPF_CORE_READ(task, nsproxy, pid_ns_for_children, level);
    BPF_CORE_READ_INTO(&fresh.command, task, comm);
    if (bpf_map_update_elem(&profiles, &pid, &fresh, BPF_NOEXIST))
      errors[0] += 1;
    p = bpf_map_lookup_elem(&profiles, &pid);
    if (!p)
      return 0;
  }

  p->tasks += 1;
  p->switches = BPF_CORE_READ(task, nvcsw) + BPF_CORE_READ(task, nivcsw);
  p->time = ticks(BPF_CORE_READ(task, utime) + BPF_CORE_READ(task, stime));
  p->pages = BPF_CORE_READ(task, mm, total_vm);
  p->depth = depth_of(task);
  if (p->depth > deepest)
    deepest = p->depth;

  __u64 state = state_of(task);
  by_state[(state ^ weights[state & 7]) % SlotCount] += 1;
  if (BPF_CORE_READ_BITFIELD_PROBED(task, sched_reset_on_fork))
    errors[1] += 1;
  __s32 prio = BPF_CORE_READ(task, prio) + bias[pid & 3];
  if (prio > limits.priority && p->time > limits.ticks)
    adaptive.ticks += p->pages > threshold ? 2 : 1;
  if (is_wanted(p->command))
    __builtin_memcpy(last_command, p->command, sizeof(last_command));
  if (banner[0] != 'p')
    errors[2] += 1;
  return 0;
}

char _license[] SEC("license") = "GPL";
