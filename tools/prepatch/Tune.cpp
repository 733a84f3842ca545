//===- Tune.cpp - prepatch tune ------------------------------------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Commands.h"
#include "Kload.h"
#include "Lowering/Pass.h"
#include "Report/Format.h"
#include "Tune/Tuner.h"
#include "TuneReport.h"
#include "Widening/Decisions.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FileUtilities.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Process.h"
#include "llvm/Support/Program.h"
#include "llvm/Support/Signals.h"
#include "llvm/Support/Threading.h"
#include "llvm/Support/raw_ostream.h"
#include <atomic>

using namespace llvm;

namespace prepatch {

cl::SubCommand TuneCommand("tune",
                           "Let the verifier explore less, by no-ops chosen "
                           "with the verifier in the loop");

static cl::opt<std::string> Input(cl::Positional, cl::Required, cl::desc("IN"),
                                  cl::sub(TuneCommand), cl::cat(Category));
static cl::opt<std::string> Output("o", cl::Required, cl::desc("Output file"),
                                   cl::value_desc("file"),
                                   cl::sub(TuneCommand), cl::cat(Category));
static cl::list<std::string>
    KernelNames("kernels",
                cl::desc("Kernels that shall load the result: running, 6.12, "
                         "6.1 or the path of an image. The first is searched "
                         "on. Default: running"),
                cl::value_desc("a,b,..."), cl::CommaSeparated,
                cl::sub(TuneCommand), cl::cat(Category));
static cl::opt<double> Budget("budget", cl::desc("Seconds to search in all"),
                              cl::value_desc("seconds"), cl::init(60),
                              cl::sub(TuneCommand), cl::cat(Category));
static cl::list<std::string> ProgramNames("prog",
                                          cl::desc("Only this program; may be "
                                                   "given more than once"),
                                          cl::value_desc("name"),
                                          cl::sub(TuneCommand),
                                          cl::cat(Category));
static cl::opt<std::string>
    DecisionsPath("decisions",
                  cl::desc("Write what was chosen, to be replayed by prepatch "
                           "lower --decisions without a kernel"),
                  cl::value_desc("file"), cl::sub(TuneCommand),
                  cl::cat(Category));
static cl::opt<std::string>
    ReportFile("report",
               cl::desc("Write what was found for each program; JSON if the "
                        "name ends in .json, - for text on standard output"),
               cl::value_desc("file"), cl::sub(TuneCommand), cl::cat(Category));
static cl::opt<unsigned> JobCount("jobs",
                                  cl::desc("Trial loads side by side. Default: "
                                           "one for each processor, at most 8"),
                                  cl::value_desc("n"), cl::init(0),
                                  cl::sub(TuneCommand), cl::cat(Category));
static cl::opt<std::string> KloadPath("kload", cl::desc("The loader"),
                                      cl::value_desc("path"),
                                      cl::sub(TuneCommand), cl::cat(Category));
static cl::opt<std::string> Profile(
    "profile", cl::desc("Kernel profile: a built-in name or a file"),
    cl::value_desc("name"), cl::init(KernelProfile::DefaultName),
    cl::sub(TuneCommand), cl::cat(Category));
static cl::opt<bool> Quiet("quiet", cl::desc("No progress on standard error"),
                           cl::sub(TuneCommand), cl::cat(Category));

static cl::opt<bool> Verbose("verbose",
                             cl::desc("Tell every step of the search on "
                                      "standard error"),
                             cl::sub(TuneCommand), cl::cat(Category));

static std::atomic<bool> Interrupted = false;

namespace {
/// One line that is written over and over on a terminal; one line a program
/// elsewhere.
class ProgressLine {
public:
  bool update(const TuneProgress &P) {
    if (!Quiet)
      print(P);
    return !Interrupted;
  }
  ~ProgressLine() {
    if (OnTerminal && !Shown.empty())
      errs() << "\r\033[K";
  }

private:
  void print(const TuneProgress &P) {
    bool IsNew = Last != P.Program;
    if (!OnTerminal && !IsNew)
      return;
    Last = P.Program.str();
    std::string Text =
        formatv("{0} of {1} programs; {2}: {3} instructions verified", P.Done,
                P.Total, P.Program, P.Before);
    if (OnTerminal)
      Text += formatv(", best so far {0}; {1} s left", P.Best,
                      unsigned(std::max(0.0, P.SecondsLeft)));
    if (Text == Shown)
      return;
    errs() << (OnTerminal ? "\r\033[K" : "") << Text
           << (OnTerminal ? "" : "\n");
    Shown = std::move(Text);
  }

  const bool OnTerminal = sys::Process::StandardErrIsDisplayed();
  std::string Last, Shown;
};
} // namespace

/// The command that serves trial loads of \p Object under \p Kernel.
static Expected<std::vector<std::string>>
serverCommand(StringRef Kload, StringRef Kernel, StringRef Object) {
  std::vector<std::string> Command;
  if (Kernel != "running") {
    SmallString<256> Runner(sys::path::parent_path(ExecutablePath));
    sys::path::append(Runner, "prepatch-vm");
    if (!sys::fs::can_execute(Runner))
      return createStringError("no prepatch-vm at '" + Runner.str().str() +
                               "' to run kernel " + Kernel);
    Command = {Runner.str().str(), Kernel.str(), "--"};
  }
  Command.insert(Command.end(), {Kload.str(), "--serve", Object.str()});
  return Command;
}

static Expected<std::vector<KernelSessions>> openSessions(StringRef Object,
                                                          unsigned PerKernel) {
  auto Kload = findKload(KloadPath);
  if (!Kload)
    return Kload.takeError();
  SmallString<256> Path(Object);
  if (std::error_code EC = sys::fs::make_absolute(Path))
    return createFileError(Object, EC);
  std::vector<std::string> Names = KernelNames;
  if (Names.empty())
    Names.push_back("running");
  std::vector<KernelSessions> Kernels;
  for (const std::string &Name : Names) {
    auto Command = serverCommand(*Kload, Name, Path);
    if (!Command)
      return Command.takeError();
    KernelSessions K;
    K.Name = Name;
    // The first kernel is searched on, the others only asked.
    unsigned Count = Kernels.empty() ? PerKernel : 1;
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

static unsigned jobCount() {
  if (JobCount)
    return JobCount;
  return std::clamp(hardware_concurrency().compute_thread_count(), 1u, 8u);
}

static std::vector<ChosenWidening> chosenOf(const ObjectModel &Model,
                                            const Plan &All) {
  std::vector<ChosenWidening> Chosen;
  for (const Choice &C : All.choices())
    Chosen.push_back({&Model.function(C.At.Fn), C.At.Index, C.What.Where,
                      C.What.How});
  return Chosen;
}

static Error writeDecisionsFile(const Object &Obj, const ObjectModel &Model,
                                const TuneSummary &Summary) {
  if (DecisionsPath.empty())
    return Error::success();
  Plan All = mergePlans(Summary.Programs);
  DecisionsFile File = describeDecisions(Obj, chosenOf(Model, All));
  File.Tool = "prepatch";
  File.Kernels = Summary.Kernels;
  for (const TunedProgram &T : Summary.Programs)
    if (!T.Chosen.empty())
      for (size_t K = 0; K != T.Kernels.size(); ++K)
        if (T.Kernels[K].After.Loads)
          File.Figures.push_back({T.Name, T.Kernels[K].Before.Verified,
                                  T.Kernels[K].After.Verified,
                                  Summary.Kernels[K]});
  return writeToOutput(DecisionsPath, [&](raw_ostream &OS) {
    writeDecisions(OS, File);
    return Error::success();
  });
}

/// Loads what was written: it must verify as the trials did.
static Error checkResult(StringRef Path, ArrayRef<TunedProgram> Programs) {
  auto Kernels = openSessions(Path, 1);
  if (!Kernels)
    return Kernels.takeError();
  for (const TunedProgram &T : Programs)
    for (size_t K = 0; K != Kernels->size(); ++K) {
      const Outcome &Expected = T.Kernels[K].After;
      if (!Expected.Loads)
        continue;
      auto R = (*Kernels)[K].Sessions[0]->tryLoad(T.Name, {}, 120000);
      if (!R)
        return R.takeError();
      if (!R->loaded())
        return createStringError("program '" + T.Name +
                                 "' is refused by kernel " +
                                 (*Kernels)[K].Name + ": " + R->Reason);
      if (R->Verified != Expected.Verified)
        return createStringError(formatv(
            "program '{0}' verifies {1} instructions on kernel {2}, "
            "not {3} as in its trial",
            T.Name, R->Verified.value_or(0), (*Kernels)[K].Name,
            Expected.Verified));
    }
  return Error::success();
}

/// Writes beside the output first, and gives it its name when it was checked.
static Error writeChecked(Object &Obj, bool Changed,
                          ArrayRef<TunedProgram> Programs) {
  if (!Changed)
    return writeToOutput(Output, [&](raw_ostream &OS) {
      return Obj.write(OS, /*Changed=*/false);
    });
  SmallString<256> Path(Output);
  Path += ".tuning.o";
  FileRemover Remove(Path);
  if (Error E = writeToOutput(Path, [&](raw_ostream &OS) {
        return Obj.write(OS, /*Changed=*/true);
      }))
    return E;
  if (Error E = checkResult(Path, Programs))
    return E;
  if (std::error_code EC = sys::fs::rename(Path, Output))
    return createFileError(Output, EC);
  return Error::success();
}

static void insertPlan(const ObjectModel &Model, const Plan &All) {
  ArrayRef<Choice> Choices = All.choices();
  struct Edit {
    Insn *At;
    SmallVector<RawInsn, 8> Code;
  };
  // All code is made before any is inserted: it depends on what is dead in
  // the program as the analyses saw it.
  std::vector<Edit> Edits;
  while (!Choices.empty()) {
    CodePlace At = Choices.front().At;
    SmallVector<Widening, 8> What;
    for (; !Choices.empty() && Choices.front().At == At;
         Choices = Choices.drop_front())
      What.push_back(Choices.front().What);
    Insn *I = Model.find(At);
    Edits.push_back({I, Model.widener().code(*I, What)});
  }
  for (const Edit &E : Edits)
    Model.widener().insert(*E.At, E.Code);
}

static Expected<int> tune(const MemoryBuffer &Buffer) {
  auto Kernel = KernelProfile::open(Profile);
  if (!Kernel)
    return Kernel.takeError();
  auto Obj = Object::read(Buffer.getMemBufferRef());
  if (!Obj)
    return createFileError(Input, Obj.takeError());
  TuneSummary Summary;
  bool Changed = false;
  if ((*Obj)->isFrozen()) {
    errs() << "note: " << Input << ": left as it is: " << (*Obj)->FrozenReason
           << '\n';
    if (Error E = writeChecked(**Obj, false, {}))
      return createFileError(Output, std::move(E));
    return 0;
  }
  Analyses Known((*Obj)->Prog, *Kernel);
  Widener TheWidener((*Obj)->Prog, Known.Graph, Known.Live, Known.Kinds,
                     Known.Stack, *Kernel);
  ObjectModel Model((*Obj)->Prog, TheWidener);
  {
    auto Kernels = openSessions(Input, jobCount());
    if (!Kernels)
      return createFileError(Input, Kernels.takeError());
    for (const KernelSessions &K : *Kernels)
      Summary.Kernels.push_back(K.Sessions[0]->kernel());
    ProgressLine Progress;
    TuneOptions Options;
    Options.BudgetSeconds = Budget;
    Options.Programs = ProgramNames;
    Options.OnProgress = [&](const TuneProgress &P) {
      return Progress.update(P);
    };
    if (Verbose)
      Options.Log = [](const std::string &Text) { errs() << Text << '\n'; };
    for (const std::string &Name : ProgramNames)
      if (!Kernels->front().Sessions[0]->find(Name))
        return createFileError(
            Input, createStringError("no program '" + Name + "' in it"));
    sys::SetInterruptFunction([] { Interrupted = true; });
    auto Tuned = Tuner(Model, *Kernels, Options).run();
    sys::SetInterruptFunction(nullptr);
    if (!Tuned)
      return createFileError(Input, Tuned.takeError());
    Summary.Programs = std::move(*Tuned);
  }
  Plan All = mergePlans(Summary.Programs);
  Changed = !All.empty();
  // Decisions describe the object as it was read.
  if (Error E = writeDecisionsFile(**Obj, Model, Summary))
    return createFileError(DecisionsPath, std::move(E));
  insertPlan(Model, All);
  if (Error E = writeChecked(**Obj, Changed, Summary.Programs))
    return createFileError(Output, std::move(E));
  for (const std::string &Note : (*Obj)->Notes)
    errs() << "note: " << Input << ": " << Note << '\n';
  if (!ReportFile.empty()) {
    bool Json = StringRef(ReportFile).ends_with(".json");
    if (Error E = writeToOutput(ReportFile, [&](raw_ostream &OS) {
          writeTuneReport(OS, Summary, Json);
          return Error::success();
        }))
      return createFileError(ReportFile, std::move(E));
  }
  return 0;
}

Expected<int> runTune() {
  auto Buffer = MemoryBuffer::getFile(Input, /*IsText=*/false,
                                      /*RequiresNullTerminator=*/false);
  if (!Buffer)
    return createFileError(Input, errorCodeToError(Buffer.getError()));
  return tune(**Buffer);
}

} // namespace prepatch
