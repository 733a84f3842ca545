//===- LiveLog.h - a verifier log, read while it is written ---------------===//
//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The level-2 log of a long walk has hundreds of megabytes, and the kernel only
// takes a buffer for all of it. The buffer here is as large as the kernel
// allows, but a thread reads along and gives the memory behind it back.
//
//===----------------------------------------------------------------------===//

#ifndef PREPATCH_LOAD_LIVELOG_H
#define PREPATCH_LOAD_LIVELOG_H

#include "Measure.h"

#include <atomic>
#include <functional>
#include <thread>

namespace prepatch {

/// The kernel keeps the end of a log that does not fit, and knows the bit
/// BPF_LOG_FIXED to keep the start instead: 6.4 and later.
bool kernelRotatesLog();

/// One log, from the start of one load to its end. The kernel must keep the
/// start of a log that does not fit: see levelBits().
class LiveLog {
public:
  /// Gets text in order, and returns how much of it, from its start, it has
  /// done with; the rest comes again. Runs on another thread until finish().
  using Sink = std::function<size_t(std::string_view)>;

  LiveLog(size_t Size, Sink Consume);
  ~LiveLog();

  char *data() const { return Buffer.data(); }
  uint32_t size() const { return Buffer.size(); }

  /// Call when the load has returned: the rest is read, and the thread ends.
  void finish();
  /// The last bytes of the log, some tens of thousands; after finish().
  std::string_view tail() const;

  /// What the log level needs so that the start is kept.
  static uint32_t levelBits();
  /// The largest buffer that all kernels take.
  static constexpr size_t MaxSize = (size_t(1) << 30) - 4096;

private:
  void follow();
  bool advance(bool Last);

  LogBuffer Buffer;
  Sink Consume;
  /// Behind Done all is read, behind Freed the memory is gone; Seen is where
  /// the text ended when it was last looked at.
  size_t Freed = 0, Done = 0, Seen = 0;
  std::atomic<bool> Stop = false;
  std::thread Reader;
};

} // namespace prepatch

#endif
