//===- Request.h - what a client of --serve asks for ----------------------===//
//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One line of words. docs/command-line.md describes them.
//
//===----------------------------------------------------------------------===//

#ifndef PREPATCH_KLOAD_REQUEST_H
#define PREPATCH_KLOAD_REQUEST_H

#include "Load/Insertions.h"

#include <string_view>

namespace prepatch {

struct ServeRequest {
  enum KindT { Try, Profile, Trace, Quit } Kind = Try;
  std::string Program;
  uint64_t TimeoutMs = 0;
  unsigned Repeat = 1;
  std::vector<uint32_t> Points;
  std::vector<Insertion> Insertions;
};

/// False, and Error set, if Line is no request. What depends on the program is
/// not checked here.
bool parseRequest(std::string_view Line, ServeRequest &Request,
                  std::string &Error);

} // namespace prepatch

#endif
