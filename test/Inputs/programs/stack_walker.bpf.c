// CFLAGS: -mllvm -disable-block-placement
//===- stack_walker.bpf.c - Unrolled stack walker of a profiler -----------===//
//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: (Apache-2.0 WITH LLVM-exception) OR GPL-2.0
//
//===----------------------------------------------------------------------===//
//
// Samples the call stacks of "Lark", a scripting runtime that does not exist,
// whenever the scheduler leaves a task that runs it. A thread of Lark runs
// several fibers in turn; the program walks the stacks of four of them, by a
// body that is inlined four times, and that has MaxFrames frames unrolled, as
// profilers for kernels without loops are written. Each frame costs three hash
// lookups: the cache from code object to symbol, the symbol by its text, and
// the hits of the line. That makes this the sample with the most rewrites of
// map lookups by the kernel.
//
// Which fiber comes next stands in the map "walks". Each body looks up what it
// needs, so that only the context is alive between two of them.
//
// Block placement is off because it moves the rarer way of every frame to the
// end of the program, where no 16-bit jump arrives.
//
//===----------------------------------------------------------------------===//

#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

enum {
  MaxFrames = 36,
  NameLength = 48,
  FileLength = 80,
  LineSteps = 16,
};

enum lark_frame_kind { LARK_SCRIPT = 1, LARK_NATIVE = 2, LARK_ENTRY = 3 };

// How the runtime lays out its memory. All pointers are the user's.
struct lark_thread {
  __u64 fibers; // the first is the one that runs
  __u64 allocator;
  __u32 fiber_count;
  __u32 state;
};

struct lark_fiber {
  __u64 next;
  __u64 top_frame;
  __u32 number;
  __u32 state;
};

struct lark_frame {
  __u64 parent;
  __u64 code; // struct lark_code, or the address of a native function
  __u32 pc;
  __u16 kind;
  __u16 flags;
};

// One entry of a line table: the next Code bytes belong to the line that is
// Line further on than the previous one.
struct lark_line {
  __u8 code;
  __s8 line;
};

struct lark_code {
  __u64 name;
  __u64 module;
  __u64 file;
  __u32 first_line;
  __u32 serial;
  struct lark_line lines[LineSteps];
};

// What user space tells us about a process.
struct process {
  __u64 thread; // address of its struct lark_thread
  __u64 walked; // fibers, for user space to read
};

struct symbol {
  char name[NameLength];
  char module[NameLength];
  char file[FileLength];
  __u32 first_line;
  __u32 kind;
};

struct code_key {
  __u64 code;
  __u32 pid;
  __u32 serial;
};

struct line_key {
  __u32 symbol;
  __u32 line;
};

struct event_frame {
  __u32 symbol;
  __u32 line;
};

struct event {
  __u64 time;
  __u32 pid;
  __u32 tid;
  __u32 cpu;
  __u32 fiber;
  __u32 state;
  __u32 place; // in the list of fibers
  __u32 depth;
  __u32 misses;
  __u32 unreadable;
  __u32 complete;
  char command[16];
  struct event_frame frames[MaxFrames];
};

// How far the walk on this CPU has come.
struct walk {
  __u64 fiber; // the next one, 0 at the end
  __u32 fibers;
  __u32 last_symbol; // counts on from one walk to the next
  struct event event;
};

struct statistics {
  __u64 switches; // of any task
  __u64 samples;
  __u64 truncated;
  __u64 unreadable;
  __u64 lost;
};

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 1024);
  __type(key, __u32);
  __type(value, struct process);
} processes SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 16384);
  __type(key, struct code_key);
  __type(value, __u32);
} code_cache SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 16384);
  __type(key, struct symbol);
  __type(value, __u32);
} symbols SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 32768);
  __type(key, struct line_key);
  __type(value, __u64);
} line_hits SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, struct walk);
} walks SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, struct statistics);
} totals SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
  __uint(key_size, sizeof(__u32));
  __uint(value_size, sizeof(__u32));
} events SEC(".maps");

// Makes the compiler forget what it knows of a variable, and finish with
// memory before it goes on.
#define forget(Variable) asm volatile("" : "+r"(Variable)::"memory")

// Numbers are unique without atomics: the CPU is part of them. 0 is none.
static __always_inline __u32 new_symbol_id(struct walk *walk) {
  walk->last_symbol += 1;
  return bpf_get_smp_processor_id() << 22 | (walk->last_symbol & 0x3fffff);
}

// The number of a symbol, which gets one if it has none yet.
static __always_inline __u32 intern(struct symbol *sym, struct walk *walk) {
  __u32 id = 0;
  __u32 *known = bpf_map_lookup_elem(&symbols, sym);
  if (known)
    id = *known;
  forget(id);
  if (!id) {
    __u32 added = id = new_symbol_id(walk);
    walk->event.misses += 1;
    bpf_map_update_elem(&symbols, sym, &added, BPF_NOEXIST);
  }
  return id;
}

// The symbol of a frame that runs Lark code.
static __always_inline __u32 script_symbol(const struct lark_code *code,
                                           const struct code_key *key,
                                           struct walk *walk) {
  __u32 id = 0;
  __u32 *cached = bpf_map_lookup_elem(&code_cache, key);
  if (cached)
    id = *cached;
  forget(id);
  if (!id) {
    struct symbol on_stack, *sym = &on_stack;
    __builtin_memset(sym, 0, sizeof(*sym));
    // The compiler must not keep the addresses of the strings, which are the
    // same for all frames, while it walks: stack and registers are scarce.
    forget(sym);
    sym->kind = LARK_SCRIPT;
    sym->first_line = code->first_line;
    bpf_probe_read_user_str(sym->name, sizeof(sym->name), (void *)code->name);
    bpf_probe_read_user_str(sym->file, sizeof(sym->file), (void *)code->file);
    if (code->module)
      bpf_probe_read_user_str(sym->module, sizeof(sym->module),
                              (void *)code->module);
    __u32 found = id = intern(sym, walk);
    bpf_map_update_elem(&code_cache, key, &found, BPF_ANY);
  }
  return id;
}

// The line that a position in the code belongs to.
static __always_inline __u32 find_line(const struct lark_code *code, __u32 pc) {
  __u32 line = code->first_line;
  __u32 end = 0;
#pragma clang loop unroll(full)
  for (int i = 0; i < LineSteps; ++i) {
    // Steps beyond the position count nothing. A mask instead of a branch:
    // the verifier would follow both ways of each step. The compiler must not
    // see through it, nor load all the steps first and spill them.
    __u64 inside = (__s64)((__u64)end - (__u64)pc - 1) >> 63;
    forget(inside);
    line += code->lines[i].line & inside;
    end += code->lines[i].code;
    forget(line);
  }
  return line;
}

static __always_inline void count_line(__u32 symbol, __u32 line) {
  struct line_key key = {.symbol = symbol, .line = line};
  __u64 count = 0;
  __u64 *hits = bpf_map_lookup_elem(&line_hits, &key);
  if (hits)
    count = __sync_fetch_and_add(hits, 1);
  forget(count);
  if (!count) {
    __u64 first = 1;
    bpf_map_update_elem(&line_hits, &key, &first, BPF_NOEXIST);
  }
}

// Records one frame and returns its parent, 0 at the end of the stack.
static __always_inline __u64 walk_frame(__u64 at, struct event_frame *out,
                                        struct walk *walk) {
  struct lark_frame frame;
  __u64 failed = bpf_probe_read_user(&frame, sizeof(frame), (void *)at);
  forget(failed);
  if (failed) {
    walk->event.unreadable += 1;
    frame.parent = 0;
    frame.kind = 0;
  }
  // User space names native functions; the address is enough.
  out->symbol = frame.code;
  out->line = frame.kind << 24;
  if (frame.kind == LARK_SCRIPT) {
    struct lark_code code;
    failed = bpf_probe_read_user(&code, sizeof(code), (void *)frame.code);
    if (!failed) {
      struct code_key key = {
          .code = frame.code, .pid = walk->event.pid, .serial = code.serial};
      out->symbol = script_symbol(&code, &key, walk);
      out->line = find_line(&code, frame.pc);
      count_line(out->symbol, out->line);
    }
  }
  walk->event.depth += 1;
  walk->event.complete = !frame.parent;
  return frame.parent;
}

// Starts a walk at the fiber that the current thread runs, if it runs any.
static __always_inline void find_fibers(void) {
  __u32 zero = 0;
  __u32 pid = bpf_get_current_pid_tgid() >> 32;

  struct statistics *stats = bpf_map_lookup_elem(&totals, &zero);
  struct walk *walk = bpf_map_lookup_elem(&walks, &zero);
  if (!stats || !walk)
    return;
  stats->switches += 1;
  walk->fiber = 0;
  walk->fibers = 0;
  struct process *process = bpf_map_lookup_elem(&processes, &pid);
  if (!process)
    return;
  struct lark_thread thread;
  if (bpf_probe_read_user(&thread, sizeof(thread), (void *)process->thread))
    stats->unreadable += 1;
  else
    walk->fiber = thread.fibers;
}

// Walks the stack of the next fiber and sends it to user space.
static __always_inline void walk_fiber(void *ctx) {
  __u32 zero = 0;
  __u64 task = bpf_get_current_pid_tgid();
  __u32 pid = task >> 32;

  struct walk *walk = bpf_map_lookup_elem(&walks, &zero);
  struct statistics *stats = bpf_map_lookup_elem(&totals, &zero);
  struct process *process = bpf_map_lookup_elem(&processes, &pid);
  if (!walk || !walk->fiber || !stats || !process)
    return;
  process->walked += 1;

  struct lark_fiber fiber;
  __u64 failed =
      bpf_probe_read_user(&fiber, sizeof(fiber), (void *)walk->fiber);
  if (failed)
    __builtin_memset(&fiber, 0, sizeof(fiber));
  struct event *event = &walk->event;
  event->time = bpf_ktime_get_ns();
  event->pid = pid;
  event->tid = task;
  event->cpu = bpf_get_smp_processor_id();
  event->fiber = fiber.number;
  event->state = fiber.state;
  event->place = walk->fibers;
  event->depth = 0;
  event->misses = 0;
  event->unreadable = !!failed;
  event->complete = !fiber.top_frame;
  bpf_get_current_comm(event->command, sizeof(event->command));
  walk->fiber = fiber.next;
  walk->fibers += 1;

  __u64 at = fiber.top_frame;
#pragma clang loop unroll(full)
  for (int i = 0; i < MaxFrames; ++i) {
    forget(at);
    if (!at)
      break;
    at = walk_frame(at, &event->frames[i], walk);
  }

  stats->samples += 1;
  stats->truncated += !event->complete;
  stats->unreadable += event->unreadable;
  if (bpf_perf_event_output(ctx, &events, BPF_F_CURRENT_CPU, event,
                            sizeof(*event)))
    stats->lost += 1;
}

SEC("raw_tp/sched_switch")
int walk_lark_stacks(struct bpf_raw_tracepoint_args *ctx) {
  find_fibers();
  walk_fiber(ctx);
  walk_fiber(ctx);
  walk_fiber(ctx);
  walk_fiber(ctx);
  return 0;
}

char _license[] SEC("license") = "GPL";
