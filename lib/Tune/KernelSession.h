//===- KernelSession.h - Trial loads of one object into one kernel -------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The client of `prepatch-kload --serve OBJECT`, here or in a virtual machine:
// asks it to load programs of the object with code inserted, and to tell where
// the verifier went.
//
//   auto S = KernelSession::start({Kload, "--serve", "a.bpf.o"});
//   auto R = (*S)->tryLoad("classify", {}, 5000);
//
// A session has at most one request under way. send() and receive() are the
// two halves of tryLoad(), so that several sessions can work side by side:
// waitAny() says whose receive() will not wait.
//
// An error means that there is no answer: the loader is gone, does not answer,
// or answers nonsense; then the session has ended (isAlive()). Or that it did
// not understand the request; then the session goes on. That the kernel
// refuses a program is an answer.
//===----------------------------------------------------------------------===//
#ifndef PREPATCH_TUNE_KERNELSESSION_H
#define PREPATCH_TUNE_KERNELSESSION_H

#include "ISA/Encoding.h"
#include "Widening/Sequences.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/Support/Error.h"
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace prepatch {

class SessionChild;

/// A function of a program as loaded: the entry first, then the subprograms
/// that libbpf appends.
struct LoadedFunction {
  std::string Name;
  uint32_t Start; ///< flat index of its first instruction
  uint32_t Count; ///< slots
};

struct SessionProgram {
  std::string Name, Section, Type;
  std::string Error; ///< why it cannot be loaded at all
  uint32_t Insns = 0;
  std::vector<LoadedFunction> Functions;

  /// The function that holds flat index \p Index, or null.
  const LoadedFunction *functionAt(uint32_t Index) const;
};

/// Code to put before the instruction at a flat index of the unmodified
/// program; branches to the instruction go to the code.
struct Insertion {
  uint32_t At;
  llvm::SmallVector<RawInsn, 8> Code;
};

struct TrialResult {
  int Errno = 0; ///< 0: loaded
  bool Timeout = false;
  /// Processed instructions, also of refused programs if the kernel told.
  std::optional<uint64_t> Verified;
  std::optional<uint64_t> Visited; ///< distinct instructions, if known
  uint64_t States = 0;
  double VerificationUs = 0, LoadUs = 0; ///< medians, if repeated
  std::string Reason;                    ///< of the refusal

  bool loaded() const { return Errno == 0 && !Timeout; }
};

/// What a location held over all visits of a point.
struct PointLocation {
  Location Where;
  bool Scalar = false;  ///< at every visit, and initialised
  uint32_t Values = 0;  ///< distinct ones, at most 1000
  uint32_t Precise = 0; ///< times that the verifier asked for it exactly
  uint32_t Known = 0;   ///< visits at which it was one constant
  uint32_t Merge = 0;   ///< states that were equal, were it not for it
  uint64_t UMin = 0, UMax = UINT64_MAX; ///< over all visits
};

struct PointProfile {
  uint32_t At = 0; ///< flat index
  uint64_t Visits = 0;
  unsigned Frame = 0;  ///< call depth
  uint32_t States = 0; ///< distinct ones
  std::vector<PointLocation> Locations;
};

/// Indices are those of the unmodified program.
struct StateProfile {
  int Errno = 0;
  std::optional<uint64_t> Verified;
  bool Timeout = false;
  bool Truncated = false;       ///< the log ended before the load did
  uint64_t UnknownLines = 0;    ///< of the log, that were passed over
  double VerificationUs = 0;    ///< most of it spent on the log
  std::vector<uint32_t> Visits; ///< of each instruction
  std::vector<uint32_t> Safe;   ///< times that a path was cut there
  std::vector<PointProfile> Points;
  std::string Reason;
};

/// The path that a program was refused on.
struct FailingPath {
  int Errno = 0;
  std::string Reason;
  std::optional<uint64_t> Verified;
  /// Flat indices, oldest first; -1-K is an instruction of insertion K.
  std::vector<int32_t> Path;
  std::vector<std::string> Tail; ///< last lines of the log
};

class KernelSession {
public:
  /// \p Command is the argument vector, e.g. {kload, "--serve", "a.bpf.o"} or
  /// {"prepatch-vm", "6.1", "--", kload, ...}, which gets \p StartMs until it
  /// has opened the object.
  static llvm::Expected<std::unique_ptr<KernelSession>>
  start(std::vector<std::string> Command, unsigned StartMs = 300000);
  ~KernelSession();

  /// Release of the kernel, e.g. "6.18.44".
  const std::string &kernel() const { return Kernel; }
  llvm::ArrayRef<SessionProgram> programs() const { return Programs; }
  /// Null if there is none of that name.
  const SessionProgram *find(llvm::StringRef Program) const;

  /// Loads \p Program with \p Code inserted (by increasing place), \p Repeat
  /// times. Each load is given up after \p TimeoutMs.
  llvm::Expected<TrialResult> tryLoad(llvm::StringRef Program,
                                      llvm::ArrayRef<Insertion> Code,
                                      unsigned TimeoutMs, unsigned Repeat = 1);
  /// Loads it once with a log of all states; tells of them at \p Points.
  llvm::Expected<StateProfile> profile(llvm::StringRef Program,
                                       llvm::ArrayRef<Insertion> Code,
                                       llvm::ArrayRef<uint32_t> Points,
                                       unsigned TimeoutMs);
  /// Loads it once more to see on which path it is refused.
  llvm::Expected<FailingPath> trace(llvm::StringRef Program,
                                    llvm::ArrayRef<Insertion> Code,
                                    unsigned TimeoutMs);

  llvm::Error send(llvm::StringRef Program, llvm::ArrayRef<Insertion> Code,
                   unsigned TimeoutMs, unsigned Repeat = 1);
  llvm::Expected<TrialResult> receive();
  llvm::Error sendProfile(llvm::StringRef Program,
                          llvm::ArrayRef<Insertion> Code,
                          llvm::ArrayRef<uint32_t> Points, unsigned TimeoutMs);
  llvm::Expected<StateProfile> receiveProfile();
  llvm::Error sendTrace(llvm::StringRef Program, llvm::ArrayRef<Insertion> Code,
                        unsigned TimeoutMs);
  llvm::Expected<FailingPath> receiveTrace();

  /// Whether a request has been sent whose answer was not received.
  bool isBusy() const { return InFlight; }
  bool isAlive() const;
  /// Readable when something has come; for poll().
  int fd() const;
  /// Whether receive() will not wait: the answer is there, or will never come.
  bool isReady();

  /// Waits up to \p TimeoutMs until one of \p Sessions that are busy is ready,
  /// and returns its place in \p Sessions. None after the time, after a
  /// signal, or if none is busy. Null sessions are passed over.
  static std::optional<size_t> waitAny(llvm::ArrayRef<KernelSession *> Sessions,
                                       unsigned TimeoutMs);

private:
  KernelSession();
  llvm::Error request(llvm::StringRef Verb, llvm::StringRef Program,
                      llvm::ArrayRef<Insertion> Code, llvm::StringRef Options,
                      unsigned TimeoutMs, unsigned Loads);
  llvm::Expected<std::string> reply();
  template <typename T>
  llvm::Expected<T> receiveAs(llvm::Expected<T> (*Parse)(llvm::StringRef,
                                                         uint32_t));

  std::unique_ptr<SessionChild> Child;
  std::string Kernel;
  std::vector<SessionProgram> Programs;
  bool InFlight = false;
  uint32_t AskedInsns = 0; ///< slots of the program asked about
  std::chrono::steady_clock::time_point Deadline;
};

} // namespace prepatch

#endif
