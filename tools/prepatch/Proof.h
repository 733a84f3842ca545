//===- Proof.h - prepatch compare --proof --------------------------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef PREPATCH_TOOLS_PROOF_H
#define PREPATCH_TOOLS_PROOF_H

#include "Report/Format.h"
#include "llvm/Support/Error.h"

namespace prepatch {

/// Checks that \p After is \p Before with no-ops put in, and may_goto that can
/// never jump, and prints what was found. Asks no kernel. The exit code is 0 if
/// so.
llvm::Expected<int> runProof(llvm::StringRef Before, llvm::StringRef After,
                             llvm::StringRef Profile, ReportFormat Format);

} // namespace prepatch

#endif
