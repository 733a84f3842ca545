//===- Kload.h - Running prepatch-kload ----------------------------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Loading is done by a process of its own: it may crash or hang on what it is
// given, and it links statically.
//===----------------------------------------------------------------------===//
#ifndef PREPATCH_TOOLS_KLOAD_H
#define PREPATCH_TOOLS_KLOAD_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/Support/Error.h"
#include <string>

namespace prepatch {

/// Path of prepatch-kload: \p Given if it is not empty, else the one beside
/// this executable, else the one on the PATH.
llvm::Expected<std::string> findKload(llvm::StringRef Given);

/// Runs \p Program with \p Arguments and returns what it prints on standard
/// output. If it fails, the error is what it says on standard error.
llvm::Expected<std::string> runKload(llvm::StringRef Program,
                                     llvm::ArrayRef<std::string> Arguments);

} // namespace prepatch

#endif
