//===- argument_loops.bpf.c - Command lines of programs that start --------===//
//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: (Apache-2.0 WITH LLVM-exception) OR GPL-2.0
//
//===----------------------------------------------------------------------===//
//
// A tracer of executed programs: notes the arguments of each, as the new
// program will see them. Three loops are nested: over arguments, unrolled; over
// the names of options whose values are secret, which stays a loop; and over
// the characters of a name, without branches. Of an argument that begins with
// such a name only the name is kept, so that the next one is written a known
// distance further on, and otherwise a distance in a range: the offset differs
// on every way through the arguments.
//
//===----------------------------------------------------------------------===//

#include <linux/bpf.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#pragma clang attribute push(__attribute__((preserve_access_index)),           \
                             apply_to = record)

struct mm_struct {
  unsigned long arg_start;
  unsigned long arg_end;
};

struct task_struct {
  int tgid;
  struct mm_struct *mm;
};

#pragma clang attribute pop

enum {
  MaxArguments = 14,
  ArgumentLength = 128, // with the zero at its end
  Names = 4,            // of options with secrets
  NameLength = 8,
  TextLength = 2048,
};

enum command_flag {
  COMMAND_COMPLETE = 1 << 0,
  COMMAND_TRUNCATED = 1 << 1, // not all arguments have fitted
  COMMAND_UNREADABLE = 1 << 2,
  COMMAND_LONG = 1 << 3, // part of an argument is missing
};

struct command {
  __u32 tgid;
  __u32 flags;
  __u32 arguments;
  __u32 options;
  __u32 secrets;
  __u32 length;
  char text[TextLength + ArgumentLength];
};

// The text of a name, with zeros in the mask where anything goes.
struct name {
  char text[NameLength];
  __u8 mask[NameLength];
};

struct secrets {
  struct name names[Names];
};

struct totals {
  __u64 commands;
  __u64 arguments;
  __u64 secrets;
  __u64 truncated;
  __u64 lost;
};

struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, struct command);
} scratch SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, struct secrets);
} secrets SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, struct totals);
} totals SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_RINGBUF);
  __uint(max_entries, 1 << 18);
} commands SEC(".maps");

struct reader {
  __u64 source; // in the program's memory
  __u64 end;
  __u64 offset; // in the text
  __u32 flags;
  __u32 arguments;
  __u32 options;
  __u32 secrets;
};

// Whether a text begins with one of the names.
static __always_inline _Bool is_secret(const char *text,
                                       const struct secrets *secrets) {
#pragma clang loop unroll(disable)
  for (int i = 0; i < Names; ++i) {
    const struct name *name = &secrets->names[i];
    __u8 differ = !name->mask[0];
#pragma clang loop unroll(full)
    for (int j = 0; j < NameLength; ++j)
      differ |= (text[j] ^ name->text[j]) & name->mask[j];
    if (!differ)
      return 1;
  }
  return 0;
}

// Makes the compiler forget what it knows of a variable.
#define forget(Variable) asm volatile("" : "+r"(Variable))

// Reads the next argument. Returns false behind the last one.
static __always_inline _Bool read_argument(struct reader *in,
                                           const struct secrets *secrets,
                                           struct command *out) {
  if (in->source >= in->end) {
    in->flags |= COMMAND_COMPLETE;
    return 0;
  }
  if (in->offset >= TextLength) {
    in->flags |= COMMAND_TRUNCATED;
    return 0;
  }
  // Older kernels have to see the bound in the register that is added.
  __u64 offset = in->offset;
  forget(offset);
  char *text = out->text + (offset & (TextLength - 1));
  long length =
      bpf_probe_read_user_str(text, ArgumentLength, (void *)in->source);
  if (length <= 0) {
    in->flags |= COMMAND_UNREADABLE;
    return 0;
  }
  in->source += length;
  in->arguments += 1;
  if (length == ArgumentLength)
    in->flags |= COMMAND_LONG;
  if (text[0] == '-') {
    in->options += 1;
    if (is_secret(text, secrets)) {
      in->secrets += 1;
      length = NameLength;
    }
  }
  in->offset += length;
  return 1;
}

SEC("raw_tp/sched_process_exec")
int note_command(struct bpf_raw_tracepoint_args *ctx) {
  __u32 zero = 0;
  struct command *command = bpf_map_lookup_elem(&scratch, &zero);
  struct secrets *hidden = bpf_map_lookup_elem(&secrets, &zero);
  struct totals *sum = bpf_map_lookup_elem(&totals, &zero);
  struct task_struct *task = (void *)bpf_get_current_task();
  struct mm_struct *mm = BPF_CORE_READ(task, mm);
  if (!command || !hidden || !sum || !mm)
    return 0;

  struct reader in = {
      .source = BPF_CORE_READ(mm, arg_start),
      .end = BPF_CORE_READ(mm, arg_end),
  };
#pragma clang loop unroll(full)
  for (int i = 0; i < MaxArguments; ++i)
    if (!read_argument(&in, hidden, command))
      break;

  command->tgid = BPF_CORE_READ(task, tgid);
  command->flags = in.flags;
  command->arguments = in.arguments;
  command->options = in.options;
  command->secrets = in.secrets;
  command->length = in.offset;

  sum->commands += 1;
  sum->arguments += in.arguments;
  sum->secrets += in.secrets;
  if (in.flags & COMMAND_TRUNCATED)
    sum->truncated += 1;
  __u64 size = in.offset;
  if (size > TextLength)
    size = TextLength;
  size += __builtin_offsetof(struct command, text);
  if (bpf_ringbuf_output(&commands, command, size, 0))
    sum->lost += 1;
  return 0;
}

char _license[] SEC("license") = "GPL";
