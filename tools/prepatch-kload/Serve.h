//===- Serve.h - variants of programs, loaded on request ------------------===//
//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A search tries thousands of variants of a program. Here the object is opened
// once; each request then costs one load.
//
//===----------------------------------------------------------------------===//

#ifndef PREPATCH_KLOAD_SERVE_H
#define PREPATCH_KLOAD_SERVE_H

#include <string>

namespace prepatch {

/// Answers requests on standard input until it ends or says quit; the exit
/// code.
int serveObject(const std::string &Path);

} // namespace prepatch

#endif
