//===- KernelSessionChild.h - A process that answers line by line --------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A child that reads requests, one line each, and writes one line for each.
// Whatever it does, the caller gets its line or an error: it may die, hang,
// or never end its line. Its standard error is kept for the error's text.
//===----------------------------------------------------------------------===//
#ifndef PREPATCH_TUNE_KERNELSESSIONCHILD_H
#define PREPATCH_TUNE_KERNELSESSIONCHILD_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/Support/Error.h"
#include <chrono>
#include <memory>
#include <string>
#include <vector>

namespace prepatch {

class SessionChild {
public:
  using Clock = std::chrono::steady_clock;

  /// Runs \p Command, searched on the PATH, in a process group of its own: an
  /// interrupt typed at the terminal is for us alone.
  static llvm::Expected<std::unique_ptr<SessionChild>>
  spawn(const std::vector<std::string> &Command);
  /// Asks the child to end by closing its input, kills it (and what it has
  /// started) if it does not within two seconds. Never leaves a zombie.
  ~SessionChild();
  SessionChild(const SessionChild &) = delete;
  SessionChild &operator=(const SessionChild &) = delete;

  /// Sends \p Line, which ends in a line end.
  llvm::Error write(llvm::StringRef Line, Clock::time_point Deadline);
  /// Waits for a line; without its line end.
  llvm::Expected<std::string> readLine(Clock::time_point Deadline);

  /// Takes in what has come, without waiting. True if readLine() has its
  /// answer, which may be an error.
  bool poll();
  /// Readable when poll() may have become true.
  int fd() const { return FromChild; }
  bool isAlive() const { return Failure.empty(); }

  /// Ends the child at once; everything fails with \p Why from then on.
  llvm::Error fail(const llvm::Twine &Why);

private:
  SessionChild() = default;
  bool takeIn();
  bool reap(bool Wait);
  llvm::Error died();
  std::string lastWords() const;

  int ToChild = -1, FromChild = -1, Said = -1;
  int Pid = -1;
  int Status = 0;
  std::string Pending; ///< read, but not asked for yet
  size_t Scanned = 0;  ///< bytes of Pending known to hold no line end
  bool AtEnd = false;
  bool Torn = false; ///< ended in the middle of a request
  std::string Failure;
};

} // namespace prepatch

#endif
