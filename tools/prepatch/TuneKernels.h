//===- TuneKernels.h - Objects opened on the kernels to tune for ---------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef PREPATCH_TOOLS_TUNEKERNELS_H
#define PREPATCH_TOOLS_TUNEKERNELS_H

#include "Tune/OpenVariant.h"

namespace prepatch {

class TuneKernels {
public:
  /// \p Names as the user gave them; none stands for the running one. \p Kload
  /// is the loader, or empty for the one beside us. Temporary objects are
  /// written to \p Beside with something appended.
  TuneKernels(std::vector<std::string> Names, std::string Kload,
              std::string Beside);

  /// Opens \p Object on all kernels, with so many sessions on the first.
  llvm::Expected<std::vector<KernelSessions>> open(llvm::StringRef Object,
                                                   unsigned Sessions) const;
  /// Writes \p V to a file and opens that.
  llvm::Expected<OpenVariant> open(std::unique_ptr<Variant> V,
                                   unsigned Sessions);

private:
  llvm::Expected<std::vector<std::string>>
  serverCommand(llvm::StringRef Loader, llvm::StringRef Kernel,
                llvm::StringRef Object) const;

  std::vector<std::string> Names;
  std::string Kload, Beside;
  unsigned Written = 0;
};

} // namespace prepatch

#endif
