//===- Kload.cpp - Running prepatch-kload --------------------------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The output goes through temporary files: a report can be larger than a pipe
// holds, and both streams are wanted.
//===----------------------------------------------------------------------===//

#include "Kload.h"
#include "Commands.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FileUtilities.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Program.h"

using namespace llvm;

namespace prepatch {

Expected<std::string> findKload(StringRef Given) {
  if (!Given.empty()) {
    if (!sys::fs::can_execute(Given))
      return createStringError("cannot run the loader '" + Given + "'");
    return Given.str();
  }
  SmallString<256> Beside(sys::path::parent_path(ExecutablePath));
  sys::path::append(Beside, "prepatch-kload");
  if (sys::fs::can_execute(Beside))
    return Beside.str().str();
  ErrorOr<std::string> OnPath = sys::findProgramByName("prepatch-kload");
  if (!OnPath)
    return createStringError("no prepatch-kload at '" + Beside.str() +
                             "' or on the PATH");
  return *OnPath;
}

static std::string readAll(StringRef Path) {
  auto Buffer = MemoryBuffer::getFile(Path, /*IsText=*/false,
                                      /*RequiresNullTerminator=*/false);
  return Buffer ? (*Buffer)->getBuffer().str() : std::string();
}

static Error failure(int Code, StringRef RunError, StringRef Said) {
  StringRef Line = Said.split('\n').first.trim();
  Line.consume_front("error: ");
  if (Code < 0)
    return createStringError("prepatch-kload did not finish: " + RunError);
  if (Line.empty())
    return createStringError("prepatch-kload ended with status " + Twine(Code));
  return createStringError(Line);
}

Expected<std::string> runKload(StringRef Program,
                               ArrayRef<std::string> Arguments) {
  SmallString<128> OutPath, ErrPath;
  if (std::error_code EC =
          sys::fs::createTemporaryFile("prepatch-kload", "json", OutPath))
    return createFileError("temporary file", EC);
  FileRemover RemoveOut(OutPath);
  if (std::error_code EC =
          sys::fs::createTemporaryFile("prepatch-kload", "err", ErrPath))
    return createFileError("temporary file", EC);
  FileRemover RemoveErr(ErrPath);

  std::vector<StringRef> Argv = {Program};
  Argv.insert(Argv.end(), Arguments.begin(), Arguments.end());
  std::optional<StringRef> Redirects[] = {StringRef(""), OutPath.str(),
                                          ErrPath.str()};
  std::string RunError;
  int Code =
      sys::ExecuteAndWait(Program, Argv, std::nullopt, Redirects,
                          /*SecondsToWait=*/0, /*MemoryLimit=*/0, &RunError);
  if (Code != 0)
    return failure(Code, RunError, readAll(ErrPath));
  return readAll(OutPath);
}

} // namespace prepatch
