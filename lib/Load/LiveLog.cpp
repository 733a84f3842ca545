//===- LiveLog.cpp - a verifier log, read while it is written -------------===//
//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// bpf_verifier_vlog() (6.1 to 6.18) appends each piece with a NUL behind it, to
// a buffer that was all NUL: the text ends at the first one. The only byte that
// the kernel takes back at level 2 is the newline behind an instruction, when
// print_insn_state() goes on in the same line. So the last line is not read
// before another one follows it.
//
//===----------------------------------------------------------------------===//

#include "LiveLog.h"

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <sys/mman.h>
#include <sys/utsname.h>
#include <time.h>

using namespace prepatch;

bool prepatch::kernelRotatesLog() {
  utsname Name;
  unsigned Major = 0, Minor = 0;
  if (uname(&Name) != 0 || sscanf(Name.release, "%u.%u", &Major, &Minor) != 2)
    return false;
  return Major > 6 || (Major == 6 && Minor >= 4);
}

uint32_t LiveLog::levelBits() {
  static constexpr uint32_t Fixed = 8; // BPF_LOG_FIXED
  return kernelRotatesLog() ? Fixed : 0;
}

/// What stays for tail(), and how much is worth a system call.
static constexpr size_t KeptBytes = 64u << 10, FreeStep = 4u << 20;

LiveLog::LiveLog(size_t Size, Sink Consumer)
    : Buffer(std::min(Size, MaxSize)), Consume(std::move(Consumer)) {
  // Signals are for the thread that is inside the kernel.
  sigset_t All, Before;
  sigfillset(&All);
  pthread_sigmask(SIG_SETMASK, &All, &Before);
  Reader = std::thread([this] { follow(); });
  pthread_sigmask(SIG_SETMASK, &Before, nullptr);
}

LiveLog::~LiveLog() { finish(); }

void LiveLog::finish() {
  Stop.store(true, std::memory_order_release);
  if (Reader.joinable())
    Reader.join();
}

std::string_view LiveLog::tail() const {
  size_t Start = std::max(Freed, Seen > KeptBytes ? Seen - KeptBytes : 0);
  return {data() + Start, Seen - Start};
}

/// Reads what there is; false if there was little.
bool LiveLog::advance(bool Last) {
  std::atomic_thread_fence(std::memory_order_acquire);
  size_t Before = Seen;
  const void *End = memchr(data() + Seen, '\0', size() - Seen);
  Seen = End ? static_cast<size_t>(static_cast<const char *>(End) - data())
             : size();
  std::string_view Text(data() + Done, Seen - Done);
  if (!Last) {
    size_t Newline = Text.rfind('\n');
    Text = Text.substr(0, Newline == std::string_view::npos ? 0 : Newline);
  }
  if (!Text.empty())
    Done += Consume(Text);
  size_t Keep = (Done > KeptBytes ? Done - KeptBytes : 0) / FreeStep * FreeStep;
  if (Keep > Freed) {
    madvise(data() + Freed, Keep - Freed, MADV_DONTNEED);
    Freed = Keep;
  }
  static constexpr size_t Little = 64u << 10;
  return Seen - Before >= Little;
}

void LiveLog::follow() {
  if (!data())
    return;
  bool Last = false;
  while (!Last) {
    Last = Stop.load(std::memory_order_acquire);
    if (!advance(Last) && !Last) {
      timespec Nap = {0, 500000};
      nanosleep(&Nap, nullptr);
    }
  }
}
