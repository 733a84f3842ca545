//===- Compare.cpp - prepatch compare ------------------------------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Asks prepatch-kload to load two objects in turns and tells what changed. The
// exit code is 0 only if all that loaded before loads after and did the same.
//===----------------------------------------------------------------------===//

#include "Commands.h"
#include "Kernel/KernelProfile.h"
#include "Kload.h"
#include "Proof.h"
#include "Report/Comparison.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;

namespace prepatch {

cl::SubCommand CompareCommand("compare",
                              "Load two objects here and compare them");

static cl::opt<std::string> Before(cl::Positional, cl::Required,
                                   cl::desc("BEFORE"), cl::sub(CompareCommand),
                                   cl::cat(Category));
static cl::opt<std::string> After(cl::Positional, cl::Required,
                                  cl::desc("AFTER"), cl::sub(CompareCommand),
                                  cl::cat(Category));
static cl::opt<unsigned> Repeat("n",
                                cl::desc("Loads of each program (default 11)"),
                                cl::value_desc("runs"), cl::init(11),
                                cl::sub(CompareCommand), cl::cat(Category));
static cl::opt<unsigned>
    Inputs("run",
           cl::desc("Random inputs for test runs; 0 for none (default 100)"),
           cl::value_desc("inputs"), cl::init(100), cl::sub(CompareCommand),
           cl::cat(Category));
static cl::opt<uint64_t> Seed("seed",
                              cl::desc("Seed of the inputs (default 1)"),
                              cl::value_desc("number"), cl::init(1),
                              cl::sub(CompareCommand), cl::cat(Category));
static cl::opt<double> RecheckSlower(
    "recheck-slower",
    cl::desc("Load programs again, 101 times, whose median load time grew by "
             "more than this factor"),
    cl::value_desc("factor"), cl::init(0), cl::sub(CompareCommand),
    cl::cat(Category));
static cl::opt<ReportFormat> Format(
    "format", cl::desc("Form of the result:"), cl::init(ReportFormat::Table),
    cl::values(clEnumValN(ReportFormat::Table, "table", "text (default)"),
               clEnumValN(ReportFormat::Csv, "csv", "a line for each program"),
               clEnumValN(ReportFormat::Json, "json", "JSON")),
    cl::sub(CompareCommand), cl::cat(Category));
static cl::opt<bool> ProofOnly(
    "proof",
    cl::desc("Load nothing: check that AFTER is BEFORE with known no-ops put "
             "in (prepatch tune), bit for bit"),
    cl::sub(CompareCommand), cl::cat(Category));
static cl::opt<std::string>
    Profile("profile",
            cl::desc("Kernel profile for --proof: a built-in name or a file"),
            cl::value_desc("name"), cl::init(KernelProfile::DefaultName),
            cl::sub(CompareCommand), cl::cat(Category));
static cl::opt<std::string> Kload("kload", cl::desc("Path of prepatch-kload"),
                                  cl::value_desc("path"),
                                  cl::sub(CompareCommand), cl::cat(Category));

static Expected<KernelReport> load(StringRef Loader,
                                   std::vector<std::string> Arguments) {
  Arguments.push_back("--");
  Arguments.push_back(Before);
  Arguments.push_back(After);
  Expected<std::string> Text = runKload(Loader, Arguments);
  if (!Text)
    return Text.takeError();
  Expected<KernelReport> Report = parseKernelReport(*Text);
  if (!Report)
    return createStringError("prepatch-kload: malformed output: " +
                             toString(Report.takeError()));
  return Report;
}

/// Measures again, longer, what looks slower after than before: with few runs
/// one disturbance of the machine decides.
static Error recheck(StringRef Loader, KernelReport &Report,
                     const ObjectComparison &C) {
  std::vector<std::string> Arguments = {"--repeat=101"};
  for (const ProgramComparison &P : C.Programs) {
    std::optional<double> R = ratio(P.Before.LoadUs, P.After.LoadUs);
    if (P.loadsInBoth() && R && *R > RecheckSlower)
      Arguments.push_back("--prog=" + P.Name);
  }
  if (Arguments.size() == 1)
    return Error::success();
  Expected<KernelReport> Again = load(Loader, std::move(Arguments));
  if (!Again)
    return Again.takeError();
  replaceTimes(Report, *Again);
  return Error::success();
}

Expected<int> runCompare() {
  if (ProofOnly)
    return runProof(Before, After, Profile, Format);
  Expected<std::string> Loader = findKload(Kload);
  if (!Loader)
    return Loader.takeError();
  Expected<KernelReport> Report =
      load(*Loader, {"--repeat=" + std::to_string(Repeat), "--rewrites",
                     "--run=" + std::to_string(Inputs),
                     "--seed=" + std::to_string(Seed)});
  if (!Report)
    return Report.takeError();
  Expected<ObjectComparison> C = compareObjects(*Report, Inputs != 0);
  if (!C)
    return C.takeError();
  if (RecheckSlower > 0) {
    if (Error E = recheck(*Loader, *Report, *C))
      return std::move(E);
    C = compareObjects(*Report, Inputs != 0);
    if (!C)
      return C.takeError();
  }
  writeComparison(outs(), *C, Format);
  outs().flush();
  for (const ProgramComparison &P : C->Programs)
    if (isProblem(P.Result))
      errs() << "error: " << After << ": " << describeProblem(P) << '\n';
  return C->hasProblems() ? 1 : 0;
}

} // namespace prepatch
