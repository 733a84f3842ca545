//===- Options.h - the command line of prepatch-kload ---------------------===//
//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What the user asked for, and the help text.
//
//===----------------------------------------------------------------------===//

#ifndef PREPATCH_KLOAD_OPTIONS_H
#define PREPATCH_KLOAD_OPTIONS_H

#include <cstdint>
#include <string>
#include <vector>

namespace prepatch {

struct KloadOptions {
  std::vector<std::string> Objects;
  unsigned Repeat = 1;
  unsigned Run = 0;
  unsigned RunRepeat = 0; ///< iterations of one timed test run; 0: none
  uint64_t Seed = 1;
  bool Visits = false;
  bool Rewrites = false;
  bool RewriteList = false;
  size_t LogMb = 256;
  std::vector<std::string> Programs; ///< empty: all
  unsigned TimeoutSeconds = 60;
  bool Log = false;
  bool Probe = false;
  bool Serve = false;
  bool Help = false;
};

/// False, and Error set, if the arguments make no sense.
bool parseOptions(int Count, char **Arguments, KloadOptions &Options,
                  std::string &Error);

extern const char *const KloadUsage;

} // namespace prepatch

#endif
