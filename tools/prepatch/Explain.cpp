//===- Explain.cpp - prepatch explain ------------------------------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Loads programs and tells where the verifier spent itself, in terms of source
// lines. A program that is refused is explained as far as the verifier came.
//===----------------------------------------------------------------------===//

#include "Tune/Explain.h"
#include "Commands.h"
#include "Kload.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"

using namespace llvm;

namespace prepatch {

cl::SubCommand ExplainCommand("explain",
                              "Show where the verifier spends itself");

static cl::opt<std::string> Input(cl::Positional, cl::Required,
                                  cl::desc("OBJECT"), cl::sub(ExplainCommand),
                                  cl::cat(Category));
static cl::opt<std::string> Program(cl::Positional, cl::Optional,
                                    cl::desc("[PROGRAM]"),
                                    cl::sub(ExplainCommand), cl::cat(Category));
static cl::opt<std::string> Output("o",
                                   cl::desc("Output file (default: standard "
                                            "output)"),
                                   cl::value_desc("file"), cl::init("-"),
                                   cl::sub(ExplainCommand), cl::cat(Category));
static cl::opt<ExplanationFormat> Format(
    "format", cl::desc("Form of the explanation:"),
    cl::init(ExplanationFormat::Text),
    cl::values(clEnumValN(ExplanationFormat::Text, "text", "text (default)"),
               clEnumValN(ExplanationFormat::Json, "json", "JSON"),
               clEnumValN(ExplanationFormat::Html, "html",
                          "a page with the annotated source")),
    cl::sub(ExplainCommand), cl::cat(Category));
static cl::opt<int> Top("top",
                        cl::desc("Lines and merge points to show; 0 for all "
                                 "(default: 15; all in JSON)"),
                        cl::value_desc("number"), cl::init(-1),
                        cl::sub(ExplainCommand), cl::cat(Category));
static cl::opt<unsigned> Timeout("timeout",
                                 cl::desc("Seconds for one load (default 60)"),
                                 cl::value_desc("seconds"), cl::init(60),
                                 cl::sub(ExplainCommand), cl::cat(Category));
static cl::opt<std::string> Kload("kload", cl::desc("Path of prepatch-kload"),
                                  cl::value_desc("path"),
                                  cl::sub(ExplainCommand), cl::cat(Category));

static Expected<LoadSummary> load(KernelSession &S, const SessionProgram &P,
                                  unsigned Repeat) {
  if (!P.Error.empty())
    return summarize(P, nullptr);
  Expected<TrialResult> Trial = S.tryLoad(P.Name, {}, Timeout * 1000, Repeat);
  if (!Trial)
    return Trial.takeError();
  return summarize(P, &*Trial);
}

static Error unknownProgram(const KernelSession &S) {
  std::vector<std::string> Names;
  for (const SessionProgram &P : S.programs())
    Names.push_back(P.Name);
  return createStringError("no program '" + Program + "'; it has " +
                           (Names.empty() ? "none" : join(Names, ", ")));
}

/// Loads the program that was asked for, or all of them to find the heaviest.
static Expected<const SessionProgram *> choose(KernelSession &S,
                                               Explanation &E) {
  if (!Program.empty()) {
    const SessionProgram *P = S.find(Program);
    if (!P)
      return unknownProgram(S);
    return P;
  }
  if (S.programs().empty())
    return createStringError("it has no programs");
  for (const SessionProgram &P : S.programs()) {
    Expected<LoadSummary> Summary = load(S, P, 1);
    if (!Summary)
      return Summary.takeError();
    E.Programs.push_back(std::move(*Summary));
  }
  stable_sort(E.Programs, [](const LoadSummary &A, const LoadSummary &B) {
    return A.VerificationUs > B.VerificationUs;
  });
  return S.find(E.Programs.front().Name);
}

static Error explain(KernelSession &S, const Object &Obj,
                     const SessionProgram &P, Explanation &E) {
  Expected<LoadSummary> Summary =
      E.Programs.empty() ? load(S, P, 1) : E.Programs.front();
  // Times of short loads vary; those of long ones are long.
  if (Summary && Summary->Verdict == "loaded" && Summary->VerificationUs < 1e5)
    Summary = load(S, P, 5);
  if (!Summary)
    return Summary.takeError();
  E.Program = std::move(*Summary);
  if (!P.Error.empty()) {
    E.Refused.emplace();
    E.Refused->Reason = P.Error;
    return Error::success();
  }
  CallGraph Graph(const_cast<Object &>(Obj).Prog);
  ProgramSource Source(Obj, Graph, P);
  if (E.Program.Verdict == "refused") {
    Expected<FailingPath> Failure = S.trace(P.Name, {}, Timeout * 1000);
    if (!Failure)
      return Failure.takeError();
    if (Failure->Reason.empty())
      Failure->Reason = E.Program.Reason;
    E.Refused = explainRefusal(Source, *Failure);
  } else if (E.Program.Verdict == "interrupted") {
    E.Notes.push_back("the load took longer than " + std::to_string(Timeout) +
                      " s and was interrupted; see --timeout");
  }
  Expected<StateProfile> Profile =
      S.profile(P.Name, {}, Source.points(), Timeout * 1000);
  if (!Profile)
    return Profile.takeError();
  addProfile(E, Source, *Profile);
  return Error::success();
}

Expected<int> runExplain() {
  auto Buffer = MemoryBuffer::getFile(Input, /*IsText=*/false,
                                      /*RequiresNullTerminator=*/false);
  if (!Buffer)
    return createFileError(Input, errorCodeToError(Buffer.getError()));
  auto Obj = Object::read((*Buffer)->getMemBufferRef());
  if (!Obj)
    return createFileError(Input, Obj.takeError());
  Expected<std::string> Loader = findKload(Kload);
  if (!Loader)
    return Loader.takeError();
  auto Session = KernelSession::start({*Loader, "--serve", Input});
  if (!Session)
    return createFileError(Input, Session.takeError());

  Explanation E;
  E.Object = Input;
  E.Kernel = (*Session)->kernel();
  auto Chosen = choose(**Session, E);
  if (!Chosen)
    return createFileError(Input, Chosen.takeError());
  if (Error Failure = explain(**Session, **Obj, **Chosen, E))
    return createFileError(Input, std::move(Failure));
  if (Format == ExplanationFormat::Html)
    readSources(E);
  unsigned Shown = Top >= 0                            ? unsigned(Top)
                   : Format == ExplanationFormat::Json ? 0
                                                       : 15;
  if (Error Failure = writeToOutput(Output, [&](raw_ostream &OS) {
        writeExplanation(OS, E, Format, Shown);
        return Error::success();
      }))
    return createFileError(Output, std::move(Failure));
  return 0;
}

} // namespace prepatch
