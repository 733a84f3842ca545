//===- main.cpp - prepatch-kload ------------------------------------------===//
//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The kernel side of prepatch alone: loads the programs of BPF objects into the
// running kernel, measures and runs them, and prints JSON.
//
//===----------------------------------------------------------------------===//

#include "Load/BpfSyscall.h"
#include "Load/JsonWriter.h"
#include "Options.h"
#include "Serve.h"
#include "Supervisor.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <sys/resource.h>
#include <unistd.h>

using namespace prepatch;

static std::string probeKernel() {
  rlimit Unlimited = {RLIM_INFINITY, RLIM_INFINITY};
  setrlimit(RLIMIT_MEMLOCK, &Unlimited);
  int Fd = loadTrivialProgram();
  if (Fd < 0)
    return errnoText(-Fd);
  close(Fd);
  return {};
}

int main(int Count, char **Arguments) {
  KloadOptions Options;
  std::string Error;
  if (!parseOptions(Count, Arguments, Options, Error)) {
    fprintf(stderr, "error: %s\n%s", Error.c_str(), KloadUsage);
    return 2;
  }
  if (Options.Help) {
    fputs(KloadUsage, stdout);
    return 0;
  }
  std::string Reason = probeKernel();
  if (Options.Probe) {
    if (Reason.empty())
      puts("{\"bpf\": true}");
    else
      printf("{\"bpf\": false, \"reason\": %s}\n", quoteJson(Reason).c_str());
    return Reason.empty() ? 0 : 1;
  }
  if (!Reason.empty() && Options.Serve) {
    printf("{\"error\": %s}\n",
           quoteJson("this kernel loads no programs: " + Reason).c_str());
    return 1;
  }
  if (!Reason.empty()) {
    fprintf(stderr, "error: this kernel loads no programs: %s\n",
            Reason.c_str());
    return 1;
  }
  if (Options.Serve)
    return serveObject(Options.Objects[0]);
  for (const std::string &Object : Options.Objects) {
    if (access(Object.c_str(), R_OK) == 0)
      continue;
    fprintf(stderr, "error: %s: %s\n", Object.c_str(),
            errnoText(errno).c_str());
    return 1;
  }
  superviseLoads(Options);
  return 0;
}
