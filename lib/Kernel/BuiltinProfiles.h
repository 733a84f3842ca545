//===- BuiltinProfiles.h - the profiles compiled into the library ---------===//
//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Internal to lib/Kernel. The definition is generated at build time from the
// files in profiles/ by EmbedProfiles.cmake.
//
//===----------------------------------------------------------------------===//

#ifndef PREPATCH_KERNEL_BUILTINPROFILES_H
#define PREPATCH_KERNEL_BUILTINPROFILES_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"

namespace prepatch {

struct BuiltinProfile {
  llvm::StringRef Name; ///< file name without ".json"
  llvm::StringRef Json;
};

llvm::ArrayRef<BuiltinProfile> builtinProfiles();

} // namespace prepatch

#endif // PREPATCH_KERNEL_BUILTINPROFILES_H
