//===- Proof.cpp - prepatch compare --proof ------------------------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Proof.h"
#include "ProofLoops.h"
#include "Widening/Strip.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;

namespace prepatch {

static std::string counted(size_t N, StringRef What) {
  return std::to_string(N) + " " + What.str() + (N == 1 ? "" : "s");
}

static size_t countNoOps(const FunctionProof &F) {
  size_t N = 0;
  for (const StrippedNoOp &S : F.NoOps)
    N += S.Match.Where.size();
  return N;
}

static std::string describeLoops(size_t N) {
  return counted(N, "loop") + " got a may_goto that can never jump";
}

/// \p Rounds are those of all may_goto that were found, one after the other.
static void writeText(raw_ostream &OS, const Proof &P,
                      ArrayRef<uint64_t> Rounds) {
  size_t NoOps = 0, Loops = 0, Changed = 0;
  for (const FunctionProof &F : P.Functions) {
    size_t N = countNoOps(F);
    bool IsChanged = N || !F.MayGotos.empty() || F.BecameGlobal;
    if (P.holds() && IsChanged) {
      OS << "function '" << F.Name << "': ";
      if (N)
        OS << counted(N, "no-op") << " ("
           << counted(F.Instructions, "instruction") << "), ";
      if (!F.MayGotos.empty())
        OS << describeLoops(F.MayGotos.size()) << ", ";
      OS << (F.BecameGlobal ? "made global, " : "") << "identical otherwise\n";
      for (const StrippedMayGoto &M : F.MayGotos) {
        OS << "  may_goto before instruction " << M.Index;
        if (!M.Line.empty())
          OS << " (" << M.Line << ")";
        OS << ": at most " << Rounds.front() << " in one call\n";
        Rounds = Rounds.drop_front();
      }
    }
    NoOps += N;
    Loops += F.MayGotos.size();
    Changed += IsChanged;
  }
  for (const std::string &Note : P.Notes)
    OS << "note: " << Note << '\n';
  if (P.holds())
    OS << counted(P.Functions.size(), "function") << ", " << Changed
       << " changed: " << counted(NoOps, "no-op") << ", "
       << (Loops ? describeLoops(Loops) + ", " : "") << "identical otherwise\n";
}

static void writeJson(raw_ostream &OS, const Proof &P,
                      ArrayRef<uint64_t> Rounds) {
  json::OStream J(OS, 2);
  J.object([&] {
    J.attribute("holds", P.holds());
    J.attributeArray("functions", [&] {
      for (const FunctionProof &F : P.Functions)
        J.object([&] {
          J.attribute("name", F.Name);
          J.attribute("instructions", F.Instructions);
          J.attribute("made_global", F.BecameGlobal);
          J.attributeArray("no_ops", [&] {
            for (const StrippedNoOp &S : F.NoOps)
              for (Location L : S.Match.Where)
                J.object([&] {
                  J.attribute("before", S.Index);
                  J.attribute("location", toString(L));
                  J.attribute("form", formName(S.Match.How));
                });
          });
          J.attributeArray("may_gotos", [&] {
            for (const StrippedMayGoto &M : F.MayGotos) {
              J.object([&] {
                J.attribute("before", M.Index);
                J.attribute("line", M.Line);
                J.attribute("rounds", Rounds.front());
              });
              Rounds = Rounds.drop_front();
            }
          });
        });
    });
    J.attributeArray("notes", [&] {
      for (const std::string &Note : P.Notes)
        J.value(Note);
    });
    if (const auto &D = P.Difference)
      J.attributeObject("difference", [&] {
        J.attribute("function", D->Function);
        if (D->Index != Insn::NoIndex)
          J.attribute("instruction", D->Index);
        J.attribute("line", D->Line);
        J.attribute("what", D->What);
      });
  });
  OS << '\n';
}

static std::string describe(const ProofDifference &D) {
  std::string Text;
  if (!D.Function.empty())
    Text += "function '" + D.Function + "': ";
  if (D.Index != Insn::NoIndex)
    Text += "instruction " + std::to_string(D.Index) + ": ";
  Text += D.What;
  if (!D.Line.empty())
    Text += " (" + D.Line + ")";
  return Text;
}

/// \p Buffer gets what the object refers to.
static Expected<std::unique_ptr<Object>>
readObject(StringRef Path, std::unique_ptr<MemoryBuffer> &Buffer) {
  auto Read = MemoryBuffer::getFile(Path, /*IsText=*/false,
                                    /*RequiresNullTerminator=*/false);
  if (!Read)
    return createFileError(Path, errorCodeToError(Read.getError()));
  Buffer = std::move(*Read);
  auto Obj = Object::read(*Buffer);
  if (!Obj)
    return createFileError(Path, Obj.takeError());
  return std::move(*Obj);
}

Expected<int> runProof(StringRef Before, StringRef After, StringRef ProfileName,
                       ReportFormat Format) {
  if (Format == ReportFormat::Csv)
    return createStringError("--proof writes a table or json, not csv");
  Expected<KernelProfile> Profile = KernelProfile::open(ProfileName);
  if (!Profile)
    return Profile.takeError();
  std::unique_ptr<MemoryBuffer> BeforeBytes, AfterBytes;
  auto First = readObject(Before, BeforeBytes);
  if (!First)
    return First.takeError();
  auto Second = readObject(After, AfterBytes);
  if (!Second)
    return Second.takeError();
  // What may jump is a difference already, and there is nothing to compare.
  ProofLoops Loops = addProvenMayGotos(**First, **Second, *Profile);
  Proof MayJump;
  MayJump.Difference = std::move(Loops.Difference);
  Expected<Proof> Result = MayJump.holds()
                               ? proveNoOpsOnly(**First, **Second, *Profile)
                               : Expected<Proof>(std::move(MayJump));
  if (!Result)
    return createFileError(After, Result.takeError());
  if (Format == ReportFormat::Json)
    writeJson(outs(), *Result, Loops.Rounds);
  else
    writeText(outs(), *Result, Loops.Rounds);
  outs().flush();
  if (Result->holds())
    return 0;
  errs() << "error: " << After << ": " << describe(*Result->Difference) << '\n';
  return 1;
}

} // namespace prepatch
