//===- KernelSessionReplies.h - What --serve answers ---------------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef PREPATCH_TUNE_KERNELSESSIONREPLIES_H
#define PREPATCH_TUNE_KERNELSESSIONREPLIES_H

#include "Tune/KernelSession.h"

namespace prepatch {

/// The answer is {"error": ...}: the loader did not do what it was asked.
class RefusedRequest : public llvm::ErrorInfo<RefusedRequest> {
public:
  static char ID;
  explicit RefusedRequest(std::string Text) : Text(std::move(Text)) {}
  void log(llvm::raw_ostream &OS) const override { OS << Text; }
  std::error_code convertToErrorCode() const override;

private:
  std::string Text;
};

struct Greeting {
  std::string Kernel;
  std::vector<SessionProgram> Programs;
};

/// Each fails with a RefusedRequest, or with an error that names the member
/// that is not what it should be. \p Insns is the number of slots of the
/// program.
llvm::Expected<Greeting> parseGreeting(llvm::StringRef Line);
llvm::Expected<TrialResult> parseTrial(llvm::StringRef Line, uint32_t Insns);
llvm::Expected<StateProfile> parseProfile(llvm::StringRef Line, uint32_t Insns);
llvm::Expected<FailingPath> parseTrace(llvm::StringRef Line, uint32_t Insns);

} // namespace prepatch

#endif
