//===- BpfSyscall.cpp - the one door to bpf() -----------------------------===//
//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The wrapper around syscall() that the linker puts in libbpf's way. Calls that
// would attach, link or pin anything are refused here whoever makes them.
//
//===----------------------------------------------------------------------===//

#include "BpfSyscall.h"

#include <cctype>
#include <cerrno>
#include <cstdarg>
#include <cstring>
#include <sys/syscall.h>
#include <unistd.h>

using namespace prepatch;

// The C callbacks of libbpf and the linker's wrapper carry no context.
static BpfCallHook *ActiveHook = nullptr;

extern "C" long __real_syscall(long Number, ...);

/// The calls that would outlive the process or change what the system runs.
static bool isForbidden(int Cmd) {
  switch (Cmd) {
  case BPF_OBJ_PIN:
  case BPF_PROG_ATTACH:
  case BPF_LINK_CREATE:
  case BPF_LINK_UPDATE:
  case BPF_RAW_TRACEPOINT_OPEN:
    return true;
  default:
    return false;
  }
}

extern "C" long __wrap_syscall(long Number, ...) {
  va_list Args;
  va_start(Args, Number);
  long A[6];
  for (long &Arg : A)
    Arg = va_arg(Args, long);
  va_end(Args);

  if (Number == __NR_bpf) {
    int Cmd = static_cast<int>(A[0]);
    long Result = 0;
    if (isForbidden(Cmd)) {
      errno = EPERM;
      return -1;
    }
    if (ActiveHook && ActiveHook->onCall(Cmd, reinterpret_cast<void *>(A[1]),
                                         static_cast<unsigned>(A[2]), Result)) {
      if (Result >= 0)
        return Result;
      errno = static_cast<int>(-Result);
      return -1;
    }
  }
  return __real_syscall(Number, A[0], A[1], A[2], A[3], A[4], A[5]);
}

ScopedBpfHook::ScopedBpfHook(BpfCallHook &Hook) { ActiveHook = &Hook; }
ScopedBpfHook::~ScopedBpfHook() { ActiveHook = nullptr; }

long prepatch::bpfCall(int Cmd, void *Attr, unsigned Size) {
  long Result = __real_syscall(__NR_bpf, static_cast<long>(Cmd), Attr,
                               static_cast<unsigned long>(Size));
  return Result < 0 ? -errno : Result;
}

OwnedFd &OwnedFd::operator=(OwnedFd &&Other) noexcept {
  if (this != &Other) {
    reset();
    Fd = Other.release();
  }
  return *this;
}

int OwnedFd::release() {
  int Result = Fd;
  Fd = -1;
  return Result;
}

void OwnedFd::reset() {
  if (Fd >= 0)
    close(Fd);
  Fd = -1;
}

int prepatch::loadTrivialProgram() {
  bpf_insn Insns[2] = {};
  Insns[0].code = BPF_ALU64 | BPF_MOV | BPF_K;
  Insns[1].code = BPF_JMP | BPF_EXIT;
  bpf_attr Attr;
  memset(&Attr, 0, sizeof(Attr));
  Attr.prog_type = BPF_PROG_TYPE_SOCKET_FILTER;
  Attr.insns = toU64(Insns);
  Attr.insn_cnt = 2;
  Attr.license = toU64("GPL");
  return static_cast<int>(bpfCall(BPF_PROG_LOAD, &Attr, sizeof(Attr)));
}

std::string prepatch::errnoText(int Errno) {
  // The kernel's own ENOTSUPP never should reach user space, but bpf() returns
  // it and the C library has no text for it.
  if (Errno == 524)
    return "operation not supported (ENOTSUPP)";
  std::string Text = strerror(Errno);
  if (!Text.empty())
    Text[0] = static_cast<char>(tolower(static_cast<unsigned char>(Text[0])));
  if (const char *Name = strerrorname_np(Errno))
    Text += std::string(" (") + Name + ")";
  return Text;
}
