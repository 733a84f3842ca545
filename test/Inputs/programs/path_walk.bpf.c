//===- path_walk.bpf.c - Paths of the programs that start -----------------===//
//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: (Apache-2.0 WITH LLVM-exception) OR GPL-2.0
//
//===----------------------------------------------------------------------===//
//
// A file monitor: whenever a task executes a program it notes the path of the
// task's working directory, as the kernel's tree of names has it. Steps go from
// a name to its parent, over mount points, and are unrolled, as programs for
// kernels without loops have them. Each appends a name of variable length to
// a buffer and changes what is carried to the next: offset, lengths, flags. The
// verifier sees each step with every way through all the steps before.
//
//===----------------------------------------------------------------------===//

#include <linux/bpf.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#pragma clang attribute push(__attribute__((preserve_access_index)),           \
                             apply_to = record)

struct qstr {
  union {
    struct {
      __u32 hash;
      __u32 len;
    };
    __u64 hash_len;
  };
  const unsigned char *name;
};

struct dentry {
  unsigned int d_flags;
  struct dentry *d_parent;
  struct qstr d_name;
};

struct vfsmount {
  struct dentry *mnt_root;
  int mnt_flags;
};

struct mount {
  struct mount *mnt_parent;
  struct dentry *mnt_mountpoint;
  struct vfsmount mnt;
};

struct path {
  struct vfsmount *mnt;
  struct dentry *dentry;
};

struct fs_struct {
  struct path root;
  struct path pwd;
};

struct task_struct {
  int tgid;
  struct fs_struct *fs;
};

#pragma clang attribute pop

enum {
  MaxSteps = 20,
  NameLength = 256, // with the zero at its end
  PathLength = 4096,
};

enum path_flag {
  PATH_COMPLETE = 1 << 0,  // it begins at the root of the task
  PATH_TRUNCATED = 1 << 1, // a name has not fitted
  PATH_UNREADABLE = 1 << 2,
  PATH_HIDDEN = 1 << 3, // a name begins with a dot
};

// What user space gets: the names, the last one first, each with a zero.
struct path_event {
  __u32 tgid;
  __u32 flags;
  __u32 names;
  __u32 mounts;
  __u32 length;
  __u32 reserved;
  char command[16];
  char text[PathLength + NameLength];
};

struct totals {
  __u64 paths;
  __u64 names;
  __u64 bytes;
  __u64 truncated;
  __u64 unreadable;
  __u64 lost;
};

struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, struct path_event);
} scratch SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, struct totals);
} totals SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
  __uint(key_size, sizeof(__u32));
  __uint(value_size, sizeof(__u32));
} events SEC(".maps");

// Where the walk is, and what it has seen.
struct walk {
  struct dentry *at;
  struct mount *mount;
  struct dentry *mount_root;
  struct dentry *end;
  __u64 offset;
  __u32 flags;
  __u32 names;
  __u32 mounts;
};

static __always_inline struct mount *mount_of(struct vfsmount *mnt) {
  return (void *)mnt - bpf_core_field_offset(struct mount, mnt);
}

// Makes the compiler forget what it knows of a variable.
#define forget(Variable) asm volatile("" : "+r"(Variable))

// Appends a name. Returns false if the walk cannot go on.
static __always_inline _Bool append_name(struct walk *walk,
                                         struct path_event *event) {
  struct dentry *at = walk->at;
  const unsigned char *name = BPF_CORE_READ(at, d_name.name);
  if (walk->offset >= PathLength) {
    walk->flags |= PATH_TRUNCATED;
    return 0;
  }
  // Older kernels have to see the bound in the register that is added.
  __u64 offset = walk->offset;
  forget(offset);
  char *text = event->text + (offset & (PathLength - 1));
  long length = bpf_probe_read_kernel_str(text, NameLength, name);
  if (length <= 0) {
    walk->flags |= PATH_UNREADABLE;
    return 0;
  }
  if (length > 1 && text[0] == '.')
    walk->flags |= PATH_HIDDEN;
  walk->offset += length;
  walk->names += 1;
  return 1;
}

// Goes from a name to its parent. Returns false at the end.
static __always_inline _Bool step(struct walk *walk, struct path_event *event) {
  struct dentry *at = walk->at;
  struct dentry *parent = BPF_CORE_READ(at, d_parent);
  if (at == walk->end) {
    walk->flags |= PATH_COMPLETE;
    return 0;
  }
  if (at == walk->mount_root) {
    struct mount *mount = walk->mount;
    struct mount *below = BPF_CORE_READ(mount, mnt_parent);
    if (below == mount) {
      walk->flags |= PATH_COMPLETE;
      return 0;
    }
    walk->at = BPF_CORE_READ(mount, mnt_mountpoint);
    walk->mount = below;
    walk->mount_root = BPF_CORE_READ(below, mnt.mnt_root);
    walk->mounts += 1;
    return 1;
  }
  if (!parent || parent == at) {
    walk->flags |= PATH_UNREADABLE;
    return 0;
  }
  if (!append_name(walk, event))
    return 0;
  walk->at = parent;
  return 1;
}

SEC("raw_tp/sched_process_exec")
int note_directory(struct bpf_raw_tracepoint_args *ctx) {
  __u32 zero = 0;
  struct path_event *event = bpf_map_lookup_elem(&scratch, &zero);
  struct totals *sum = bpf_map_lookup_elem(&totals, &zero);
  if (!event || !sum)
    return 0;

  struct task_struct *task = (void *)bpf_get_current_task();
  struct fs_struct *fs = BPF_CORE_READ(task, fs);
  struct vfsmount *mnt = BPF_CORE_READ(fs, pwd.mnt);
  struct walk walk = {
      .at = BPF_CORE_READ(fs, pwd.dentry),
      .mount = mount_of(mnt),
      .mount_root = BPF_CORE_READ(mnt, mnt_root),
      .end = BPF_CORE_READ(fs, root.dentry),
  };

#pragma clang loop unroll(full)
  for (int i = 0; i < MaxSteps; ++i)
    if (!step(&walk, event))
      break;

  event->tgid = BPF_CORE_READ(task, tgid);
  event->flags = walk.flags;
  event->names = walk.names;
  event->mounts = walk.mounts;
  event->length = walk.offset;
  bpf_get_current_comm(event->command, sizeof(event->command));

  sum->paths += 1;
  sum->names += walk.names;
  sum->bytes += walk.offset;
  if (walk.flags & PATH_TRUNCATED)
    sum->truncated += 1;
  if (walk.flags & PATH_UNREADABLE)
    sum->unreadable += 1;

  __u64 size = walk.offset;
  if (size > PathLength)
    size = PathLength;
  size += __builtin_offsetof(struct path_event, text);
  if (bpf_perf_event_output(ctx, &events, BPF_F_CURRENT_CPU, event, size))
    sum->lost += 1;
  return 0;
}

char _license[] SEC("license") = "GPL";
