//===- BpfSyscall.h - the one door to bpf() -------------------------------===//
//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// libbpf issues every bpf() call through the C library's syscall(). The tool is
// linked with -Wl,--wrap=syscall, so each of them comes by here first and a
// hook can copy, change or answer it. That is how a load is captured once and
// then replayed and timed as often as wanted without libbpf's own work around
// it.
//
//===----------------------------------------------------------------------===//

#ifndef PREPATCH_LOAD_BPFSYSCALL_H
#define PREPATCH_LOAD_BPFSYSCALL_H

#include <cstddef>
#include <cstdint>
#include <linux/bpf.h>
#include <string>

namespace prepatch {

/// Sees the bpf() calls of libbpf before the kernel does.
class BpfCallHook {
public:
  virtual ~BpfCallHook() = default;

  /// Returns true if the call was answered here; Result is then the value of
  /// the system call, a negative errno on failure.
  virtual bool onCall(int Cmd, void *Attr, unsigned Size, long &Result) = 0;
};

/// Installs Hook for the calls that libbpf makes while this object lives. Only
/// one at a time; calls through bpfCall() are never hooked.
class ScopedBpfHook {
public:
  explicit ScopedBpfHook(BpfCallHook &Hook);
  ~ScopedBpfHook();
  ScopedBpfHook(const ScopedBpfHook &) = delete;
  ScopedBpfHook &operator=(const ScopedBpfHook &) = delete;
};

/// The system call itself: a value or a negative errno.
long bpfCall(int Cmd, void *Attr, unsigned Size);

/// Owns a file descriptor.
class OwnedFd {
public:
  OwnedFd() = default;
  explicit OwnedFd(int Fd) : Fd(Fd) {}
  OwnedFd(OwnedFd &&Other) noexcept : Fd(Other.release()) {}
  OwnedFd &operator=(OwnedFd &&Other) noexcept;
  ~OwnedFd() { reset(); }

  int get() const { return Fd; }
  explicit operator bool() const { return Fd >= 0; }
  int release();
  void reset();

private:
  int Fd = -1;
};

/// Loads "return 0" as a socket filter: a descriptor or a negative errno. The
/// cheapest program there is; a stand-in, and the probe for permission.
int loadTrivialProgram();

/// Kernel pointers travel as 64-bit integers in union bpf_attr.
inline uint64_t toU64(const void *Pointer) {
  return reinterpret_cast<uintptr_t>(Pointer);
}

/// "operation not permitted (EPERM)" and the like, for reasons in reports.
std::string errnoText(int Errno);

} // namespace prepatch

#endif
