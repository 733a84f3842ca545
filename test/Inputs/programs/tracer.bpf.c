//===- tracer.bpf.c - Scheduler and system call tracer --------------------===//
//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: (Apache-2.0 WITH LLVM-exception) OR GPL-2.0
//
//===----------------------------------------------------------------------===//
//
// Measures how long tasks wait for a CPU, run, and stay in system calls. Many
// small programs of several types share the maps, and each calls a good many
// helpers, among them those that the kernel replaces by instructions: the
// number of the CPU, the jiffies, the current task, lookups in every kind of
// hash and array. Averages divide by registers. Results depend on time.
//
//===----------------------------------------------------------------------===//

#include <linux/bpf.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

// What we need of the registers of x86-64, wherever the kernel keeps them. The
// headers for user space describe another layout to a BPF compiler.
struct pt_regs {
  unsigned long di;
  unsigned long si;
  unsigned long dx;
  unsigned long ip;
} __attribute__((preserve_access_index));

struct bpf_perf_event_data {
  struct pt_regs regs;
  __u64 sample_period;
} __attribute__((preserve_access_index));

struct mm_struct {
  unsigned long arg_start;
  unsigned long arg_end;
} __attribute__((preserve_access_index));

struct task_struct {
  struct mm_struct *mm;
  int pid;
  int tgid;
  struct task_struct *real_parent;
  unsigned long nvcsw;
  unsigned long nivcsw;
} __attribute__((preserve_access_index));

enum {
  Buckets = 32,
  SyscallArguments = 6,
  MaxTasks = 8192,
  Syscalls = 512,
  ExecArguments = 32,
  ArgumentLength = 64,
  Generations = 12,
  Vectors = 256,
};

enum event_kind {
  EVENT_WAKEUP = 1,
  EVENT_SWITCH = 2,
  EVENT_SLOW_CALL = 3,
  EVENT_FORK = 4,
  EVENT_EXIT = 5,
  EVENT_SAMPLE = 6,
  EVENT_ARGUMENT = 7,
  EVENT_ANCESTOR = 8,
};

// What one task is doing. Times are nanoseconds since boot.
struct task_state {
  __u64 woken;
  __u64 running;
  __u64 call_start;
  __u64 jiffies;
  __u64 arguments[SyscallArguments];
  __u32 call;
  __u32 cpu;
  __u32 migrations;
  __u32 switches;
};

struct call_totals {
  __u64 count;
  __u64 errors;
  __u64 time;
  __u64 longest;
  __u64 average;
  __u64 deviation;
};

struct histogram {
  __u64 bucket[Buckets];
  __u64 sum;
  __u64 count;
};

struct cpu_load {
  __u64 busy;
  __u64 idle;
  __u64 last_switch;
  __u64 last_jiffies;
  __u64 switches;
  __u64 load; // of 1024
};

struct record {
  __u64 time;
  __u64 duration;
  __u64 detail;
  __u64 task; // address, to tell reused ids apart
  __u32 kind;
  __u32 cpu;
  __u32 pid;
  __u32 tid;
  __u32 uid;
  __u32 gid;
  char command[16];
};

struct {
  __uint(type, BPF_MAP_TYPE_LRU_HASH);
  __uint(max_entries, MaxTasks);
  __type(key, __u32);
  __type(value, struct task_state);
} tasks SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_HASH);
  __uint(max_entries, 1024);
  __type(key, __u32);
  __type(value, struct call_totals);
} process_calls SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, Syscalls);
  __type(key, __u32);
  __type(value, struct call_totals);
} calls SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, 3); // waiting, running, in system calls
  __type(key, __u32);
  __type(value, struct histogram);
} histograms SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, struct cpu_load);
} loads SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_LRU_PERCPU_HASH);
  __uint(max_entries, 4096);
  __type(key, __u64);
  __type(value, __u64);
} hot_addresses SEC(".maps");

struct argument {
  char text[ArgumentLength];
};

// Texts that were sent already; user space keeps them.
struct {
  __uint(type, BPF_MAP_TYPE_LRU_HASH);
  __uint(max_entries, 4096);
  __type(key, struct argument);
  __type(value, __u64);
} known_arguments SEC(".maps");

struct argument_record {
  __u64 time;
  __u64 jiffies;
  __u64 number; // of the text
  __u32 kind;
  __u32 pid;
  __u32 cpu;
  __u32 index;
  __u32 length;
  __u32 fresh;
  struct argument argument;
};

struct vector {
  __u64 start;
  __u64 count;
  __u64 time;
  __u64 average;
};

struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, Vectors);
  __type(key, __u32);
  __type(value, struct vector);
} vectors SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_RINGBUF);
  __uint(max_entries, 1 << 18);
} records SEC(".maps");

// Tasks above this many nanoseconds are reported one by one.
const volatile __u64 slow_call = 10000000;
const volatile __u64 slow_wakeup = 2000000;

__u64 lost = 0;

static __always_inline __u32 floor_log2(__u64 value) {
  __u32 log = 0;
  if (value >> 32) {
    value >>= 32;
    log += 32;
  }
  if (value >> 16) {
    value >>= 16;
    log += 16;
  }
  if (value >> 8) {
    value >>= 8;
    log += 8;
  }
  if (value >> 4) {
    value >>= 4;
    log += 4;
  }
  if (value >> 2) {
    value >>= 2;
    log += 2;
  }
  return log + (value >> 1);
}

static __always_inline void observe(__u32 which, __u64 duration) {
  struct histogram *h = bpf_map_lookup_elem(&histograms, &which);
  if (!h)
    return;
  // Below a microsecond is noise.
  __u32 slot = floor_log2(duration >> 10);
  if (slot >= Buckets)
    slot = Buckets - 1;
  h->bucket[slot] += 1;
  h->sum += duration;
  h->count += 1;
}

static __always_inline struct task_state *current_state(__u32 tid) {
  struct task_state *state = bpf_map_lookup_elem(&tasks, &tid);
  if (state)
    return state;
  struct task_state fresh = {};
  fresh.cpu = bpf_get_smp_processor_id();
  fresh.jiffies = bpf_jiffies64();
  bpf_map_update_elem(&tasks, &tid, &fresh, BPF_NOEXIST);
  return bpf_map_lookup_elem(&tasks, &tid);
}

static __always_inline void report(__u32 kind, __u64 duration, __u64 detail) {
  struct record *record = bpf_ringbuf_reserve(&records, sizeof(*record), 0);
  if (!record) {
    __sync_fetch_and_add(&lost, 1);
    return;
  }
  __u64 task = bpf_get_current_pid_tgid();
  __u64 user = bpf_get_current_uid_gid();
  record->time = bpf_ktime_get_ns();
  record->duration = duration;
  record->detail = detail;
  record->task = bpf_get_current_task();
  record->kind = kind;
  record->cpu = bpf_get_smp_processor_id();
  record->pid = task >> 32;
  record->tid = task;
  record->uid = user;
  record->gid = user >> 32;
  bpf_get_current_comm(record->command, sizeof(record->command));
  bpf_ringbuf_submit(record, 0);
}

// Keeps a mean and the mean distance from it, weighted by what came before.
static __always_inline void add_call(struct call_totals *totals, __u64 duration,
                                     __s64 result) {
  totals->count += 1;
  totals->time += duration;
  if (result < 0)
    totals->errors += 1;
  if (duration > totals->longest)
    totals->longest = duration;
  __u64 mean = totals->time / totals->count;
  __u64 distance = duration > mean ? duration - mean : mean - duration;
  __u64 window = totals->count < 64 ? totals->count : 64;
  totals->deviation = (totals->deviation * (window - 1) + distance) / window;
  totals->average = mean;
}

SEC("raw_tp/sys_enter")
int enter_call(struct bpf_raw_tracepoint_args *ctx) {
  __u32 tid = bpf_get_current_pid_tgid();
  struct task_state *state = current_state(tid);
  if (!state)
    return 0;
  state->call = ctx->args[1];
  state->jiffies = bpf_jiffies64();
  // The registers may be gone by the time of the exit.
  struct pt_regs *regs = (void *)ctx->args[0];
  state->arguments[0] = BPF_CORE_READ(regs, di);
  state->arguments[1] = BPF_CORE_READ(regs, si);
  state->arguments[2] = BPF_CORE_READ(regs, dx);
  state->call_start = bpf_ktime_get_ns();
  return 0;
}

SEC("raw_tp/sys_exit")
int exit_call(struct bpf_raw_tracepoint_args *ctx) {
  __u64 now = bpf_ktime_get_ns();
  __u64 id = bpf_get_current_pid_tgid();
  __u32 tid = id;
  __u32 pid = id >> 32;
  __s64 result = ctx->args[1];
  struct task_state *state = bpf_map_lookup_elem(&tasks, &tid);
  if (!state || !state->call_start)
    return 0;
  __u64 duration = now - state->call_start;
  state->call_start = 0;

  __u32 number = state->call;
  struct call_totals *totals = bpf_map_lookup_elem(&calls, &number);
  if (totals)
    add_call(totals, duration, result);

  struct call_totals *own = bpf_map_lookup_elem(&process_calls, &pid);
  if (own) {
    add_call(own, duration, result);
  } else {
    struct call_totals first = {.count = 1, .time = duration};
    bpf_map_update_elem(&process_calls, &pid, &first, BPF_ANY);
  }
  observe(2, duration);

  // More than a tick: no need to compare with a clock that drifts.
  if (duration > slow_call || bpf_jiffies64() - state->jiffies > 2)
    report(EVENT_SLOW_CALL, duration,
           (__u64)number << 32 | (state->arguments[0] & 0xffffffff));
  return 0;
}

SEC("raw_tp/sched_wakeup")
int wake_task(struct bpf_raw_tracepoint_args *ctx) {
  __u32 tid = bpf_get_current_pid_tgid();
  struct task_state *state = current_state(tid);
  if (!state)
    return 0;
  state->woken = bpf_ktime_get_ns();
  __u32 cpu = bpf_get_smp_processor_id();
  if (state->cpu != cpu) {
    state->migrations += 1;
    state->cpu = cpu;
  }
  if (state->migrations && state->switches / state->migrations < 2)
    report(EVENT_WAKEUP, state->woken - state->running, ctx->args[0]);
  return 0;
}

SEC("raw_tp/sched_switch")
int switch_task(struct bpf_raw_tracepoint_args *ctx) {
  __u64 now = bpf_ktime_get_ns();
  __u64 jiffies = bpf_jiffies64();
  __u32 zero = 0;
  __u32 tid = bpf_get_current_pid_tgid();
  struct cpu_load *load = bpf_map_lookup_elem(&loads, &zero);
  if (!load)
    return 0;

  __u64 since = load->last_switch ? now - load->last_switch : 0;
  if (tid)
    load->busy += since;
  else
    load->idle += since;
  load->switches += 1;
  load->last_switch = now;
  __u64 total = load->busy + load->idle;
  if (jiffies != load->last_jiffies && total) {
    load->load = (load->busy << 10) / total;
    load->last_jiffies = jiffies;
    // An eighth of the past stays in.
    load->busy -= load->busy / 8;
    load->idle -= load->idle / 8;
  }

  struct task_state *state = current_state(tid);
  if (!state)
    return 0;
  state->switches += 1;
  if (state->running) {
    observe(1, now - state->running);
    state->running = 0;
  }
  if (state->woken) {
    __u64 waited = now - state->woken;
    observe(0, waited);
    if (waited > slow_wakeup)
      report(EVENT_SWITCH, waited, bpf_get_smp_processor_id());
    state->woken = 0;
  }
  state->running = now;
  return 0;
}

// The layout is the event's, see format in tracefs.
struct fork_event {
  __u64 common;
  char parent_command[16];
  __s32 parent;
  char child_command[16];
  __s32 child;
};

SEC("tp/sched/sched_process_fork")
int fork_task(struct fork_event *event) {
  __u32 child = event->child;
  struct task_state fresh = {};
  fresh.cpu = bpf_get_smp_processor_id();
  fresh.jiffies = bpf_jiffies64();
  fresh.running = bpf_ktime_get_ns();
  bpf_map_update_elem(&tasks, &child, &fresh, BPF_ANY);
  report(EVENT_FORK, 0, (__u64)event->parent << 32 | child);
  return 0;
}

SEC("tp/sched/sched_process_exit")
int exit_task(void *event) {
  __u64 id = bpf_get_current_pid_tgid();
  __u32 tid = id;
  __u32 pid = id >> 32;
  struct task_state *state = bpf_map_lookup_elem(&tasks, &tid);
  __u64 lived = state ? bpf_jiffies64() - state->jiffies : 0;
  bpf_map_delete_elem(&tasks, &tid);
  if (tid == pid)
    bpf_map_delete_elem(&process_calls, &pid);
  report(EVENT_EXIT, lived, bpf_get_current_ancestor_cgroup_id(1));
  return 0;
}

// Sends one argument; its text only if nobody has seen it. Returns the length
// with the final zero, or what went wrong.
static __always_inline long send_argument(__u32 index, __u64 at, __u32 pid) {
  struct argument argument;
  __builtin_memset(&argument, 0, sizeof(argument));
  long length =
      bpf_probe_read_user_str(argument.text, sizeof(argument), (void *)at);
  if (length <= 0)
    return length;

  __u64 *known = bpf_map_lookup_elem(&known_arguments, &argument);
  __u64 number = known ? *known : 0;
  if (!known) {
    number = (__u64)bpf_get_smp_processor_id() << 48 |
             (bpf_ktime_get_ns() & 0xffffffffffff);
    bpf_map_update_elem(&known_arguments, &argument, &number, BPF_ANY);
  }
  struct argument_record *record =
      bpf_ringbuf_reserve(&records, sizeof(*record), 0);
  if (!record) {
    __sync_fetch_and_add(&lost, 1);
    return length;
  }
  record->time = bpf_ktime_get_ns();
  record->jiffies = bpf_jiffies64();
  record->number = number;
  record->kind = EVENT_ARGUMENT;
  record->pid = pid;
  record->cpu = bpf_get_smp_processor_id();
  record->index = index;
  record->length = length;
  record->fresh = !known;
  record->argument = argument;
  bpf_ringbuf_submit(record, 0);
  return length;
}

// The arguments of a new program lie one behind the other.
SEC("raw_tp/sched_process_exec")
int execute(struct bpf_raw_tracepoint_args *ctx) {
  __u32 pid = bpf_get_current_pid_tgid() >> 32;
  struct task_struct *task = (void *)bpf_get_current_task();
  __u64 at = BPF_CORE_READ(task, mm, arg_start);
  __u64 end = BPF_CORE_READ(task, mm, arg_end);
#pragma clang loop unroll(full)
  for (int i = 0; i < ExecArguments; ++i) {
    if (at < end) {
      long length = send_argument(i, at, pid);
      at = length > 0 ? at + length : end;
    }
  }
  return 0;
}

// Who started a task that is about to be killed, up to the first process.
SEC("raw_tp/signal_deliver")
int deliver_signal(struct bpf_raw_tracepoint_args *ctx) {
  __u32 signal = ctx->args[0];
  if (signal != 6 && signal != 9 && signal != 11 && signal != 15)
    return 0;
  struct task_struct *task = (void *)bpf_get_current_task();
#pragma clang loop unroll(full)
  for (int i = 0; i < Generations; ++i) {
    __u32 tid = BPF_CORE_READ(task, pid);
    if (!tid)
      break;
    struct task_state *state = bpf_map_lookup_elem(&tasks, &tid);
    __u64 age = state ? bpf_jiffies64() - state->jiffies : 0;
    __u64 switches = BPF_CORE_READ(task, nvcsw) + BPF_CORE_READ(task, nivcsw);
    if (switches)
      age /= switches;
    report(EVENT_ANCESTOR, age, (__u64)signal << 32 | tid);
    task = BPF_CORE_READ(task, real_parent);
  }
  return 0;
}

static __always_inline int begin(__u32 vector) {
  struct vector *v = bpf_map_lookup_elem(&vectors, &vector);
  if (v)
    v->start = bpf_ktime_get_ns();
  return 0;
}

static __always_inline int end(__u32 vector) {
  struct vector *v = bpf_map_lookup_elem(&vectors, &vector);
  if (!v || !v->start)
    return 0;
  v->time += bpf_ktime_get_ns() - v->start;
  v->start = 0;
  v->count += 1;
  v->average = v->time / v->count;
  return 0;
}

// Interrupts take the lower half of the table, deferred work the upper.
SEC("raw_tp/irq_handler_entry")
int enter_irq(struct bpf_raw_tracepoint_args *ctx) {
  return begin(ctx->args[0] & (Vectors / 2 - 1));
}

SEC("raw_tp/irq_handler_exit")
int exit_irq(struct bpf_raw_tracepoint_args *ctx) {
  return end(ctx->args[0] & (Vectors / 2 - 1));
}

SEC("raw_tp/softirq_entry")
int enter_softirq(struct bpf_raw_tracepoint_args *ctx) {
  return begin(Vectors / 2 | (ctx->args[0] & (Vectors / 2 - 1)));
}

SEC("raw_tp/softirq_exit")
int exit_softirq(struct bpf_raw_tracepoint_args *ctx) {
  return end(Vectors / 2 | (ctx->args[0] & (Vectors / 2 - 1)));
}

SEC("kprobe/vfs_read")
int read_file(struct pt_regs *regs) {
  __u32 tid = bpf_get_current_pid_tgid();
  struct task_state *state = bpf_map_lookup_elem(&tasks, &tid);
  if (!state)
    return 0;
  state->arguments[3] = regs->di;
  state->arguments[4] = regs->dx;
  state->arguments[5] = bpf_get_func_ip(regs);
  return 0;
}

SEC("perf_event")
int sample(struct bpf_perf_event_data *ctx) {
  __u64 where = ctx->regs.ip & ~0xfffull;
  __u64 period = ctx->sample_period;
  if (!period)
    period = 1;
  __u64 *weight = bpf_map_lookup_elem(&hot_addresses, &where);
  if (weight) {
    *weight += 1000000 / period;
    if (*weight % (period | 1) == 0)
      report(EVENT_SAMPLE, *weight, where);
    return 0;
  }
  __u64 first = 1;
  bpf_map_update_elem(&hot_addresses, &where, &first, BPF_ANY);
  return 0;
}

char _license[] SEC("license") = "GPL";
