//===- Deadline.h - the end of a load's time ------------------------------===//
//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// do_check() (all kernels from 4.x on) looks for a pending signal at every
// instruction and gives up with EAGAIN. A timer's signal therefore ends a load
// that takes too long, and nothing else has to be done about it.
//
//===----------------------------------------------------------------------===//

#ifndef PREPATCH_LOAD_DEADLINE_H
#define PREPATCH_LOAD_DEADLINE_H

#include <cstdint>

namespace prepatch {

/// Sends SIGALRM to the process from Milliseconds on, again and again, until it
/// is destroyed; 0: never. One at a time. Other threads must block the signal.
class Deadline {
public:
  explicit Deadline(uint64_t Milliseconds);
  ~Deadline();
  Deadline(const Deadline &) = delete;
  Deadline &operator=(const Deadline &) = delete;

  /// The signal came: an EAGAIN or EINTR is its work.
  bool expired() const;
};

} // namespace prepatch

#endif
