//===- Lower.cpp - prepatch lower ----------------------------------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Commands.h"
#include "Lowering/PassManager.h"
#include "Measure.h"
#include "Report/LoweringReport.h"
#include "Tune/Structure.h"
#include "Widening/DecisionsMap.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;

namespace prepatch {

/// Lives as long as the option that it describes.
static const std::string &passHelp() {
  static const std::string Help = [] {
    std::string Text =
        "Passes to run, in this order, or none (default: all but opt-in ones).";
    for (const PassInfo &P : allPasses())
      Text += "\n  " + P.Name.str() + ": " + P.Text.str() +
              (P.OptIn ? " (opt-in)" : "");
    return Text;
  }();
  return Help;
}

cl::SubCommand LowerCommand("lower", "Lower an object: fewer patches at load");

static cl::opt<std::string> Input(cl::Positional, cl::Required, cl::desc("IN"),
                                  cl::sub(LowerCommand), cl::cat(Category));
static cl::opt<std::string> Output("o", cl::Required, cl::desc("Output file"),
                                   cl::value_desc("file"),
                                   cl::sub(LowerCommand), cl::cat(Category));
static cl::opt<Goal> TheGoal(
    "goal", cl::desc("What to have less of:"), cl::init(Goal::Balanced),
    cl::values(
        clEnumValN(Goal::Patches, "patches",
                   "patches by the kernel, whatever they cost elsewhere"),
        clEnumValN(Goal::Load, "load", "load time"),
        clEnumValN(Goal::Balanced, "balanced",
                   "load time, but hot code is not slowed down (default)"),
        clEnumValN(Goal::Run, "run", "run time")),
    cl::sub(LowerCommand), cl::cat(Category));
static cl::opt<std::string> Passes("passes", cl::desc(passHelp()),
                                   cl::value_desc("a,b,..."),
                                   cl::sub(LowerCommand), cl::cat(Category));
static cl::opt<std::string>
    Profile("profile", cl::desc("Kernel profile: a built-in name or a file"),
            cl::value_desc("name"), cl::init(KernelProfile::DefaultName),
            cl::sub(LowerCommand), cl::cat(Category));
static cl::opt<std::string> ReportFile(
    "report",
    cl::desc("Write what was taken and refused, and why; JSON if the name "
             "ends in .json, - for text on standard output"),
    cl::value_desc("file"), cl::sub(LowerCommand), cl::cat(Category));
static cl::opt<std::string> DecisionsPath(
    "decisions",
    cl::desc("Replay the no-ops that this file of prepatch tune names, after "
             "the passes"),
    cl::value_desc("file"), cl::sub(LowerCommand), cl::cat(Category));
static cl::list<std::string> Decide(
    "decide", cl::Hidden, cl::CommaSeparated,
    cl::desc("For tests: write a decisions file for these no-ops in IN to OUT, "
             "or for all values at all joins, and stop"),
    cl::value_desc("FUNCTION+INSN:LOCATION:FORM|all"), cl::sub(LowerCommand),
    cl::cat(Category));
static cl::opt<bool>
    Measure("measure",
            cl::desc("Load the input once here to see how often the verifier "
                     "visits each instruction"),
            cl::sub(LowerCommand), cl::cat(Category));
static cl::opt<bool> PrintAfterAll("print-after-all",
                                   cl::desc("Print the program after each pass "
                                            "on standard error"),
                                   cl::sub(LowerCommand), cl::cat(Category));
static cl::opt<bool> VerifyEach("verify-each",
                                cl::desc("Check the representation after each "
                                         "pass"),
                                cl::sub(LowerCommand), cl::cat(Category));

static Error writeReport(ArrayRef<Decision> Decisions, const Object &Obj) {
  if (ReportFile.empty())
    return Error::success();
  bool Json = StringRef(ReportFile).ends_with(".json");
  return writeToOutput(ReportFile, [&](raw_ostream &OS) {
    LoweringSummary Summary{Decisions, Obj.FrozenReason, Obj.Notes, {}};
    for (const CodeSection &S : Obj.Prog.Sections)
      for (const Function &F : S.Functions)
        if (F.isOpaque())
          Summary.OpaqueFunctions.push_back({F.name(), F.opaqueReason()});
    writeLoweringReport(OS, Summary,
                        Json ? ReportFormat::Json : ReportFormat::Table);
    return Error::success();
  });
}

/// "F+12:r6:spill": what --decide takes.
static Expected<ChosenWidening> parseChoice(Program &P, StringRef Text) {
  SmallVector<StringRef, 3> Parts;
  Text.split(Parts, ':');
  ChosenWidening C{nullptr, 0, {}, Form::Spill};
  if (Parts.size() == 3) {
    auto [Name, Index] = Parts[0].rsplit('+');
    auto Where = parseLocation(Parts[1]);
    auto How = parseForm(Parts[2]);
    C.F = P.findFunction(Name);
    if (C.F && !Index.getAsInteger(10, C.Index) && Where && How) {
      C.Where = *Where;
      C.How = *How;
      return C;
    }
  }
  return createStringError("expected FUNCTION+INSN:LOCATION:FORM, found '" +
                           Text + "'");
}

/// Every scalar that is live at a join, by the best form for it.
static std::vector<ChosenWidening> allChoices(Object &Obj,
                                              const KernelProfile &Kernel) {
  std::vector<ChosenWidening> Chosen;
  Analyses A(Obj.Prog, Kernel);
  Widener W(Obj.Prog, A.Graph, A.Live, A.Kinds, A.Stack, Kernel);
  for (Function *F : A.Graph.functions()) {
    if (F->isOpaque() || !A.Kinds.isAnalysed(*F))
      continue;
    DecisionsMap Map(*F, Obj.Types ? &*Obj.Types : nullptr,
                     Obj.Elf.Endian == endianness::big);
    for (unsigned P = 0; P < Map.size(); ++P) {
      Insn &I = Map.insn(P);
      if (Map.role(P) != PlaceRole::Join || !A.Kinds.isReached(Map.block(P)))
        continue;
      RegState State = A.Kinds.stateBefore(Map.block(P), I);
      auto choose = [&](Location L, const RegValue &V) {
        auto Forms = W.formsFor(I, L);
        if (!V.isPointer() && !Forms.empty())
          Chosen.push_back(
              {F, I.originalIndex() - F->originalStart(), L, Forms.front()});
      };
      for (unsigned R = 0; R < RegFp; ++R)
        choose(Location::reg(R), State[R]);
      for (int16_t Off : Map.slots())
        if (!Map.valueAt(P, Location::slot(Off)).Uses.empty())
          choose(Location::slot(Off), State.slot(Off));
    }
  }
  return Chosen;
}

static Error writeChoices(Object &Obj, const KernelProfile &Kernel) {
  std::vector<ChosenWidening> Chosen;
  for (const std::string &Text : Decide) {
    if (Text == "all") {
      append_range(Chosen, allChoices(Obj, Kernel));
      continue;
    }
    auto C = parseChoice(Obj.Prog, Text);
    if (!C)
      return C.takeError();
    Chosen.push_back(*C);
  }
  return writeToOutput(Output, [&](raw_ostream &OS) {
    writeDecisions(OS, describeDecisions(Obj, Chosen));
    return Error::success();
  });
}

static Expected<DecisionsFile> readDecisions() {
  auto Buffer = MemoryBuffer::getFile(DecisionsPath, /*IsText=*/true);
  if (!Buffer)
    return createFileError(DecisionsPath, errorCodeToError(Buffer.getError()));
  return parseDecisions((*Buffer)->getBuffer(), DecisionsPath);
}

static void noteMisfit(LoweringContext &Ctx, const DecisionsFile &File,
                       const Replay::Misfit &M) {
  errs() << "note: " << File.Name << ':' << M.LineNo
         << ": no longer fits: " << M.What << " in " << M.Function << ": "
         << M.Reason << '\n';
  Decision &D = Ctx.Decisions.emplace_back();
  D.Pass = "decisions";
  D.Function = M.Function;
  D.Line = M.Place;
  D.What = M.What;
  D.Reason = "no longer fits: " + M.Reason;
}

/// Global functions and loops first: the no-ops were chosen with them there.
static Expected<bool> replayStructure(LoweringContext &Ctx,
                                      DecisionsFile &File) {
  auto R = replayStructure(File, Ctx.Obj, Ctx.analyses(), Ctx.Profile);
  if (!R)
    return R.takeError();
  for (const StructureReplay::Change &C : R->Made) {
    Decision &D = Ctx.Decisions.emplace_back();
    D.Pass = "decisions";
    D.Function = C.Function;
    D.Line = C.Place;
    D.What = C.What;
    D.Taken = true;
    D.Reason = C.Note.empty() ? "as written" : C.Note;
  }
  for (const Replay::Misfit &M : R->Misfits)
    noteMisfit(Ctx, File, M);
  if (R->changed())
    Ctx.invalidate();
  return R->changed();
}

/// Replays \p File on the program as the passes left it. Returns whether it
/// changed.
static Expected<bool> replay(LoweringContext &Ctx, DecisionsFile &File) {
  constexpr StringRef Name = "decisions";
  auto HasNewStructure = replayStructure(Ctx, File);
  if (!HasNewStructure)
    return HasNewStructure.takeError();
  Analyses &A = Ctx.analyses();
  Widener W(Ctx.Prog, A.Graph, A.Live, A.Kinds, A.Stack, Ctx.Profile);
  Replay R = resolveDecisions(File, Ctx.Obj, W, A.Kinds);
  bool Changed = applyReplay(R, W);
  for (const Replay::Applied &T : R.Take)
    Ctx.take(Name, *T.F, *T.At, toString(T.What),
             T.Note.empty() ? "as written" : T.Note, 0);
  for (const Replay::Misfit &M : R.Misfits)
    noteMisfit(Ctx, File, M);
  if (Changed)
    Ctx.invalidate();
  return Changed || *HasNewStructure;
}

static Expected<int> lower(const MemoryBuffer &Buffer) {
  auto ThePasses = parsePasses(Passes);
  if (!ThePasses)
    return ThePasses.takeError();
  auto Kernel = KernelProfile::open(Profile);
  if (!Kernel)
    return Kernel.takeError();
  std::optional<DecisionsFile> ToReplay;
  if (!DecisionsPath.empty()) {
    auto File = readDecisions();
    if (!File)
      return File.takeError();
    ToReplay = std::move(*File);
  }
  auto Obj = Object::read(Buffer.getMemBufferRef());
  if (!Obj)
    return createFileError(Input, Obj.takeError());
  if (!Decide.empty()) {
    if (Error E = writeChoices(**Obj, *Kernel))
      return std::move(E);
    return 0;
  }

  std::vector<Decision> Decisions;
  bool Changed = false;
  if ((*Obj)->isFrozen()) {
    errs() << "note: " << Input << ": left as it is: " << (*Obj)->FrozenReason
           << '\n';
  } else if (!ThePasses->empty() || ToReplay) {
    BumpPtrAllocator NameMemory;
    UniqueStringSaver Names(NameMemory);
    std::vector<VisitRecord> Visits;
    if (Measure) {
      auto Measured = measureVisits(Input, Names);
      if (!Measured)
        return Measured.takeError();
      Visits = std::move(*Measured);
    }
    LoweringContext Ctx(**Obj, *Kernel, TheGoal, Visits);
    auto Result = runPasses(Ctx, *ThePasses,
                            {VerifyEach, PrintAfterAll ? &errs() : nullptr});
    if (!Result)
      return createFileError(Input, Result.takeError());
    Changed = *Result;
    if (ToReplay) {
      auto Replayed = replay(Ctx, *ToReplay);
      if (!Replayed)
        return createFileError(Input, Replayed.takeError());
      Changed |= *Replayed;
    }
    Decisions = std::move(Ctx.Decisions);
  }
  if (Error E = writeToOutput(
          Output, [&](raw_ostream &OS) { return (*Obj)->write(OS, Changed); }))
    return createFileError(Output, std::move(E));
  for (const std::string &Note : (*Obj)->Notes)
    errs() << "note: " << Input << ": " << Note << '\n';
  if (Error E = writeReport(Decisions, **Obj))
    return createFileError(ReportFile, std::move(E));
  return 0;
}

Expected<int> runLower() {
  auto Buffer = MemoryBuffer::getFile(Input, /*IsText=*/false,
                                      /*RequiresNullTerminator=*/false);
  if (!Buffer)
    return createFileError(Input, errorCodeToError(Buffer.getError()));
  return lower(**Buffer);
}

} // namespace prepatch
