//===- KernelReport.h - What prepatch-kload says -------------------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The JSON that prepatch-kload prints, as structures. What it did not measure,
// or could not, is absent.
//===----------------------------------------------------------------------===//
#ifndef PREPATCH_REPORT_KERNELREPORT_H
#define PREPATCH_REPORT_KERNELREPORT_H

#include "llvm/Support/JSON.h"
#include <optional>
#include <string>
#include <vector>

namespace prepatch {

/// What the kernel rewrote in one program.
struct RewriteReport {
  std::string Error;                 ///< why nothing is known
  std::optional<int64_t> Growths;    ///< instructions that grew
  std::optional<int64_t> GrownInsns; ///< instructions that they grew by
  std::optional<int64_t> Deletions;  ///< runs of deleted instructions
  std::optional<int64_t> DeletedInsns;
};

/// Where a test run after first differed from the one before.
struct RunDifference {
  std::string Component; ///< "result", "packet", "map NAME"...
  int64_t Run = 0;
  std::string Input, Before, After;
};

/// Test runs on random inputs.
struct RunReport {
  std::string Unsupported; ///< why there were none
  int64_t Done = 0;
  int64_t Failed = 0; ///< that the kernel refused
  std::string FirstError;
  /// What differs between two instances of the same object.
  std::vector<std::string> Nondeterministic;
  /// Set if they were compared with those of the first object.
  std::optional<int64_t> Same, Different;
  std::optional<RunDifference> FirstDifference;
};

struct ProgramReport {
  std::string Name, Section, Type;
  std::string Verdict; ///< "loaded", "refused", "skipped"; empty if none came
  std::string Reason;  ///< of a refusal
  std::string Failed;  ///< how and when the loader itself died over it
  std::optional<int64_t> Insns, XlatedInsns, VerifiedInsns;
  std::vector<double> VerificationUs, LoadUs;
  std::optional<RewriteReport> Rewrites;
  std::optional<RunReport> Runs;
  std::vector<double> RunNs;

  bool isLoaded() const { return Verdict == "loaded"; }
};

struct ObjectReport {
  std::string Path;
  std::string Error; ///< why it could not be opened or prepared
  std::vector<ProgramReport> Programs;
};

struct KernelReport {
  std::string Kernel; ///< its release
  std::vector<ObjectReport> Objects;
};

/// An error names the member that is not what it should be.
llvm::Expected<KernelReport> parseKernelReport(llvm::StringRef Text);

} // namespace prepatch

#endif
