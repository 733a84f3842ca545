//===- Options.cpp - the command line of prepatch-kload -------------------===//
//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Options are --name or --name=value; everything else is an object.
//
//===----------------------------------------------------------------------===//

#include "Options.h"

#include <cerrno>
#include <cstdlib>
#include <string_view>

using namespace prepatch;

const char *const prepatch::KloadUsage =
    R"(usage: prepatch-kload [options] OBJECT...
       prepatch-kload --serve OBJECT
       prepatch-kload --probe

Loads every program of the objects into the running kernel, measures, and prints
JSON. Nothing is attached and nothing stays loaded. With several objects the
programs of the same name and section are loaded in turns and compared.

  --repeat=N        load each program N times (default 1)
  --run=K           K test runs on random inputs and map contents (default 0)
  --run-repeat=N    time test runs of N iterations, as run_ns (default 0: off)
  --seed=S          seed of the random inputs (default 1)
  --visits          count how often the verifier visits each instruction
  --log-mb=N        room for the log that --visits reads (default 256)
  --rewrites[=list] count the kernel's rewrites [and list them]
  --prog=NAME       only this program; may be given more than once
  --timeout=S       seconds for one program (default 60)
  --log             the end of the verifier's log of refused programs
  --serve           load variants of OBJECT's programs on request: commands on
                    standard input, answers on standard output
  --probe           say whether bpf() works here, and stop
)";

/// A decimal number up to Limit; false if Text is anything else.
static bool parseNumber(std::string_view Text, uint64_t Limit,
                        uint64_t &Value) {
  std::string Digits(Text);
  if (Digits.empty() || Digits[0] < '0' || Digits[0] > '9')
    return false;
  char *End = nullptr;
  errno = 0;
  Value = strtoull(Digits.c_str(), &End, 10);
  return errno == 0 && *End == '\0' && Value <= Limit;
}

namespace {
struct NumberOption {
  const char *Name;
  uint64_t Limit;
  void (*Store)(KloadOptions &, uint64_t);
};
} // namespace

static const NumberOption NumberOptions[] = {
    {"--repeat", 100000,
     [](KloadOptions &O, uint64_t V) { O.Repeat = unsigned(V); }},
    {"--run", 10000000,
     [](KloadOptions &O, uint64_t V) { O.Run = unsigned(V); }},
    {"--run-repeat", 100000000,
     [](KloadOptions &O, uint64_t V) { O.RunRepeat = unsigned(V); }},
    {"--seed", UINT64_MAX, [](KloadOptions &O, uint64_t V) { O.Seed = V; }},
    {"--log-mb", 1024,
     [](KloadOptions &O, uint64_t V) { O.LogMb = V ? size_t(V) : 1; }},
    {"--timeout", 1000000,
     [](KloadOptions &O, uint64_t V) { O.TimeoutSeconds = unsigned(V); }},
};

/// 1: taken; 0: not a number option; -1: bad value, Error set.
static int takeNumberOption(std::string_view Name, std::string_view Value,
                            bool HasValue, KloadOptions &Options,
                            std::string &Error) {
  for (const NumberOption &O : NumberOptions) {
    if (Name != O.Name)
      continue;
    uint64_t Number;
    if (!HasValue || !parseNumber(Value, O.Limit, Number)) {
      Error = std::string(O.Name) + ": expected a number up to " +
              std::to_string(O.Limit) + ", found '" + std::string(Value) + "'";
      return -1;
    }
    O.Store(Options, Number);
    return 1;
  }
  return 0;
}

bool prepatch::parseOptions(int Count, char **Arguments, KloadOptions &Options,
                            std::string &Error) {
  bool Ended = false;
  for (int I = 1; I < Count; ++I) {
    std::string_view Argument = Arguments[I];
    if (Ended || Argument.empty() || Argument[0] != '-') {
      Options.Objects.emplace_back(Argument);
      continue;
    }
    size_t Equal = Argument.find('=');
    bool HasValue = Equal != std::string_view::npos;
    std::string_view Name = Argument.substr(0, Equal);
    std::string_view Value = HasValue ? Argument.substr(Equal + 1) : "";
    int Taken = takeNumberOption(Name, Value, HasValue, Options, Error);
    if (Taken < 0)
      return false;
    if (Taken)
      continue;
    if (Argument == "--")
      Ended = true;
    else if (Argument == "--visits")
      Options.Visits = true;
    else if (Argument == "--rewrites")
      Options.Rewrites = true;
    else if (Argument == "--rewrites=list")
      Options.Rewrites = Options.RewriteList = true;
    else if (Name == "--prog" && HasValue)
      Options.Programs.emplace_back(Value);
    else if (Argument == "--log")
      Options.Log = true;
    else if (Argument == "--probe")
      Options.Probe = true;
    else if (Argument == "--serve")
      Options.Serve = true;
    else if (Argument == "--help" || Argument == "-h")
      Options.Help = true;
    else {
      Error = "unknown option '" + std::string(Argument) + "'";
      return false;
    }
  }
  if (Options.Objects.empty() && !Options.Probe && !Options.Help) {
    Error = "no object given";
    return false;
  }
  if (Options.Serve && Options.Objects.size() != 1) {
    Error = "--serve: expected one object, found " +
            std::to_string(Options.Objects.size());
    return false;
  }
  return true;
}
