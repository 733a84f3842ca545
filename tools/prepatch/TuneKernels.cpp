//===- TuneKernels.cpp - Objects opened on the kernels to tune for -------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "TuneKernels.h"
#include "Commands.h"
#include "Kload.h"
#include "Report/Format.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Signals.h"

using namespace llvm;

namespace prepatch {

TuneKernels::TuneKernels(std::vector<std::string> TheNames, std::string Kload,
                         std::string Beside)
    : Names(std::move(TheNames)), Kload(std::move(Kload)),
      Beside(std::move(Beside)) {
  if (Names.empty())
    Names.push_back("running");
}

/// The command that serves trial loads of \p Object under \p Kernel.
Expected<std::vector<std::string>>
TuneKernels::serverCommand(StringRef Loader, StringRef Kernel,
                           StringRef Object) const {
  std::vector<std::string> Command;
  if (Kernel != "running") {
    SmallString<256> Runner(sys::path::parent_path(ExecutablePath));
    sys::path::append(Runner, "prepatch-vm");
    if (!sys::fs::can_execute(Runner))
      return createStringError("no prepatch-vm at '" + Runner.str().str() +
                               "' to run kernel " + Kernel);
    Command = {Runner.str().str(), Kernel.str(), "--"};
  }
  Command.insert(Command.end(), {Loader.str(), "--serve", Object.str()});
  return Command;
}

Expected<std::vector<KernelSessions>>
TuneKernels::open(StringRef Object, unsigned Sessions) const {
  auto Loader = findKload(Kload);
  if (!Loader)
    return Loader.takeError();
  SmallString<256> Path(Object);
  if (std::error_code EC = sys::fs::make_absolute(Path))
    return createFileError(Object, EC);
  std::vector<KernelSessions> Kernels;
  for (const std::string &Name : Names) {
    auto Command = serverCommand(*Loader, Name, Path);
    if (!Command)
      return Command.takeError();
    KernelSessions K;
    K.Name = Name;
    // The first kernel is searched on, the others only asked.
    unsigned Count = Kernels.empty() ? Sessions : 1;
    for (unsigned I = 0; I != Count; ++I) {
      auto S = KernelSession::start(*Command);
      if (!S)
        return createFileError("kernel " + Name, S.takeError());
      K.Sessions.push_back(std::move(*S));
    }
    Kernels.push_back(std::move(K));
  }
  return Kernels;
}

namespace {
/// A file that is gone when nobody needs it, also if we are killed by a signal.
class TemporaryFile {
public:
  explicit TemporaryFile(std::string Path) : Path(std::move(Path)) {
    sys::RemoveFileOnSignal(this->Path);
  }
  ~TemporaryFile() {
    sys::fs::remove(Path);
    sys::DontRemoveFileOnSignal(Path);
  }

private:
  std::string Path;
};
} // namespace

Expected<OpenVariant> TuneKernels::open(std::unique_ptr<Variant> V,
                                        unsigned Sessions) {
  OpenVariant Result;
  Result.V = std::move(V);
  std::string Path = Beside + ".variant" + std::to_string(Written++) + ".o";
  Result.File = std::make_shared<TemporaryFile>(Path);
  if (Error E = writeToOutput(Path, [&](raw_ostream &OS) {
        OS << Result.V->bytes();
        return Error::success();
      }))
    return createFileError(Path, std::move(E));
  auto Kernels = open(Path, Sessions);
  if (!Kernels)
    return Kernels.takeError();
  Result.Kernels = std::move(*Kernels);
  return std::move(Result);
}

} // namespace prepatch
