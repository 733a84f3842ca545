//===- Tune.cpp - prepatch tune ------------------------------------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Commands.h"
#include "Report/Format.h"
#include "Tune/Levers.h"
#include "TuneKernels.h"
#include "TuneReport.h"
#include "llvm/ADT/ScopeExit.h"
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
                                   cl::value_desc("file"), cl::sub(TuneCommand),
                                   cl::cat(Category));
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
static cl::opt<std::string>
    Profile("profile", cl::desc("Kernel profile: a built-in name or a file"),
            cl::value_desc("name"), cl::init(KernelProfile::DefaultName),
            cl::sub(TuneCommand), cl::cat(Category));
static cl::opt<bool> NoGlobals("no-globals",
                               cl::desc("Leave static functions static"),
                               cl::sub(TuneCommand), cl::cat(Category));
static cl::opt<bool> AllowMayGoto(
    "allow-may-goto",
    cl::desc("Loops whose rounds are counted may get a may_goto, so that the "
             "verifier may forget their counters. Kernels from 6.9"),
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
    if (P.Total == 0)
      return show("looking for functions that may be global");
    std::string Text =
        formatv("{0} of {1} programs; {2}: {3} instructions verified", P.Done,
                P.Total, P.Program, P.Before);
    if (OnTerminal)
      Text += formatv(", best so far {0}; {1} s left", P.Best,
                      unsigned(std::max(0.0, P.SecondsLeft)));
    show(std::move(Text));
  }

  void show(std::string Text) {
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

static unsigned jobCount() {
  if (JobCount)
    return JobCount;
  return std::clamp(hardware_concurrency().compute_thread_count(), 1u, 8u);
}

static std::vector<ChosenWidening> chosenOf(const ObjectModel &Model,
                                            const Plan &All) {
  std::vector<ChosenWidening> Chosen;
  for (const Choice &C : All.choices())
    Chosen.push_back(
        {&Model.function(C.At.Fn), C.At.Index, C.What.Where, C.What.How});
  return Chosen;
}

/// No-ops are described in the object with the functions global and the
/// may_goto in it, and these in \p Original.
static DecisionsFile describeDecisionsOf(const Variant &Original,
                                         const Variant &Final,
                                         const TuneSummary &Summary) {
  Plan All = mergePlans(Summary.Programs);
  DecisionsFile File =
      describeDecisions(Final.object(), chosenOf(Final.model(), All));
  describeStructure(File, Original, Final.structure());
  File.Tool = "prepatch";
  File.Kernels = Summary.Kernels;
  for (const TunedProgram &T : Summary.Programs)
    if (Summary.isChanged(T))
      for (size_t K = 0; K != T.Kernels.size(); ++K)
        if (T.Kernels[K].After.Loads)
          File.Figures.push_back({T.Name, T.Kernels[K].Before.Verified,
                                  T.Kernels[K].After.Verified,
                                  Summary.Kernels[K]});
  return File;
}

static Error writeDecisionsFile(const DecisionsFile &File) {
  if (DecisionsPath.empty())
    return Error::success();
  Error E = writeToOutput(DecisionsPath, [&](raw_ostream &OS) {
    writeDecisions(OS, File);
    return Error::success();
  });
  return E ? createFileError(DecisionsPath, std::move(E)) : Error::success();
}

static Error writeReport(const TuneSummary &Summary) {
  if (ReportFile.empty())
    return Error::success();
  bool Json = StringRef(ReportFile).ends_with(".json");
  Error E = writeToOutput(ReportFile, [&](raw_ostream &OS) {
    writeTuneReport(OS, Summary, Json);
    return Error::success();
  });
  return E ? createFileError(ReportFile, std::move(E)) : Error::success();
}

/// Loads what was written: it must verify as the trials did.
static Error checkResult(const TuneKernels &Opener, StringRef Path,
                         ArrayRef<TunedProgram> Programs) {
  auto Kernels = Opener.open(Path, 1);
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
        return createStringError(
            formatv("program '{0}' verifies {1} instructions on kernel {2}, "
                    "not {3} as in its trial",
                    T.Name, R->Verified.value_or(0), (*Kernels)[K].Name,
                    Expected.Verified));
    }
  return Error::success();
}

/// Writes beside the output first, and gives it its name when it was checked.
static Error writeChecked(const TuneKernels &Opener, Object &Obj, bool Changed,
                          ArrayRef<TunedProgram> Programs) {
  if (!Changed)
    return writeToOutput(Output, [&](raw_ostream &OS) {
      return Obj.write(OS, /*Changed=*/false);
    });
  // What is no file gets the bytes when they were checked.
  const bool IsFile = Output != "-" && Output != "/dev/null";
  SmallString<256> Path(Output);
  if (IsFile)
    Path += ".tuning.o";
  else if (std::error_code EC =
               sys::fs::createTemporaryFile("prepatch", "tuning.o", Path))
    return createFileError("temporary file", EC);
  FileRemover Remove(Path);
  sys::RemoveFileOnSignal(Path);
  llvm::scope_exit Keep([&] { sys::DontRemoveFileOnSignal(Path); });
  if (Error E = writeToOutput(Path, [&](raw_ostream &OS) {
        return Obj.write(OS, /*Changed=*/true);
      }))
    return E;
  if (Error E = checkResult(Opener, Path, Programs))
    return E;
  if (!IsFile) {
    auto Checked = MemoryBuffer::getFile(Path, /*IsText=*/false,
                                         /*RequiresNullTerminator=*/false);
    if (!Checked)
      return createFileError(Path, Checked.getError());
    return writeToOutput(Output, [&](raw_ostream &OS) {
      OS << (*Checked)->getBuffer();
      return Error::success();
    });
  }
  if (std::error_code EC = sys::fs::rename(Path, Output))
    return createFileError(Output, EC);
  return Error::success();
}

/// "function 'walk', instruction 17, loop.bpf.c:12:3: text".
static std::string describeLoop(const Variant &V, CodePlace At) {
  std::string Text = "function '" + V.model().function(At.Fn).name() +
                     "', instruction " + std::to_string(At.Index);
  const Insn *I = V.model().find(At);
  const LineRecord *Line = I ? I->line() : nullptr;
  return Line ? Text + ", " + V.object().describeLine(*Line) : Text;
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

/// The search; fills in \p Summary.
static Expected<LeverResult> search(TuneKernels &Opener, MemoryBufferRef Buffer,
                                    OpenVariant &Original,
                                    const KernelProfile &Kernel) {
  ProgressLine Progress;
  LeverOptions Options;
  Options.Globals = !NoGlobals;
  Options.MayGoto = AllowMayGoto;
  Options.Sessions = jobCount();
  Options.Tune.BudgetSeconds = Budget;
  Options.Tune.Programs = ProgramNames;
  Options.Tune.OnProgress = [&](const TuneProgress &P) {
    return Progress.update(P);
  };
  if (Verbose)
    Options.Tune.Log = [](const std::string &Text) { errs() << Text << '\n'; };
  bool Tags = all_of(Original.Kernels, [](const KernelSessions &K) {
    return isAtLeast(K.Sessions[0]->kernel(), 6, 8);
  });
  auto Open = [&](const Structure &What,
                  unsigned Sessions) -> Expected<OpenVariant> {
    auto V = Variant::make(Buffer, What, Kernel, Tags);
    if (!V)
      return V.takeError();
    return Opener.open(std::move(*V), Sessions);
  };
  sys::SetInterruptFunction([] { Interrupted = true; });
  auto Result = Levers(Original, Kernel, Open, std::move(Options)).run();
  sys::SetInterruptFunction(nullptr);
  return Result;
}

/// The object as it is, with sessions of all kernels that have it open.
static Expected<OpenVariant> openOriginal(TuneKernels &Opener,
                                          MemoryBufferRef Buffer,
                                          const KernelProfile &Kernel) {
  OpenVariant Original;
  auto V = Variant::make(Buffer, {}, Kernel, /*ArgumentTags=*/true);
  if (!V)
    return V.takeError();
  Original.V = std::move(*V);
  auto Kernels = Opener.open(Input, jobCount());
  if (!Kernels)
    return Kernels.takeError();
  Original.Kernels = std::move(*Kernels);
  for (const std::string &Name : ProgramNames)
    if (!Original.Kernels[0].Sessions[0]->find(Name))
      return createStringError("no program '" + Name + "' in it");
  return Original;
}

static TuneSummary summarize(const OpenVariant &Original, LeverResult &Tuned) {
  TuneSummary Summary;
  for (const KernelSessions &K : Original.Kernels)
    Summary.Kernels.push_back(K.Sessions[0]->kernel());
  Summary.Programs = std::move(Tuned.Programs);
  Summary.WithGlobals = std::move(Tuned.WithGlobals);
  Summary.WithMayGoto = std::move(Tuned.WithMayGoto);
  const Structure &Changes = Tuned.Final->structure();
  for (uint32_t Fn : Changes.Globals)
    Summary.Globals.push_back(Original.V->model().function(Fn).name());
  for (CodePlace At : Changes.Loops)
    Summary.Loops.push_back(describeLoop(*Original.V, At));
  return Summary;
}

static Expected<int> tune(const MemoryBuffer &Buffer) {
  auto Kernel = KernelProfile::open(Profile);
  if (!Kernel)
    return Kernel.takeError();
  TuneKernels Opener(KernelNames, KloadPath, Output);
  auto Obj = Object::read(Buffer.getMemBufferRef());
  if (!Obj)
    return createFileError(Input, Obj.takeError());
  if ((*Obj)->isFrozen()) {
    errs() << "note: " << Input << ": left as it is: " << (*Obj)->FrozenReason
           << '\n';
    if (Error E = writeChecked(Opener, **Obj, false, {}))
      return createFileError(Output, std::move(E));
    return 0;
  }
  auto Original = openOriginal(Opener, Buffer.getMemBufferRef(), *Kernel);
  if (!Original)
    return createFileError(Input, Original.takeError());
  auto Tuned = search(Opener, Buffer.getMemBufferRef(), *Original, *Kernel);
  if (!Tuned)
    return createFileError(Input, Tuned.takeError());
  TuneSummary Summary = summarize(*Original, *Tuned);
  Original->Kernels.clear();

  const Variant &Final = *Tuned->Final;
  Plan All = mergePlans(Summary.Programs);
  bool Changed = !All.empty() || !Final.structure().empty();
  // They describe the object before the no-ops are in it.
  DecisionsFile Decisions;
  if (!DecisionsPath.empty())
    Decisions = describeDecisionsOf(*Original->V, Final, Summary);
  insertPlan(Final.model(), All);
  if (Error E = writeChecked(Opener, Final.object(), Changed, Summary.Programs))
    return createFileError(Output, std::move(E));
  append_range(Tuned->Notes, Final.object().Notes);
  for (const std::string &Note : Tuned->Notes)
    errs() << "note: " << Input << ": " << Note << '\n';
  if (Error E = writeDecisionsFile(Decisions))
    return E;
  if (Error E = writeReport(Summary))
    return E;
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
