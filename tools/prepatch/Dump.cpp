//===- Dump.cpp - prepatch dump ------------------------------------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Commands.h"
#include "IR/Printer.h"
#include "Lowering/Pass.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;

namespace prepatch {

cl::SubCommand DumpCommand("dump",
                           "Show blocks, symbols, source lines and sites");

static cl::opt<std::string> Input(cl::Positional, cl::Required, cl::desc("IN"),
                                  cl::sub(DumpCommand), cl::cat(Category));
static cl::opt<std::string>
    Profile("profile", cl::desc("Kernel profile: a built-in name or a file"),
            cl::value_desc("name"), cl::init(KernelProfile::DefaultName),
            cl::sub(DumpCommand), cl::cat(Category));
static cl::opt<bool> NoSource("no-source", cl::desc("Leave source lines out"),
                              cl::sub(DumpCommand), cl::cat(Category));

static std::string remark(const PatchSite &S, const KernelProfile &Kernel,
                          const SiteCost &Cost) {
  std::string Text;
  raw_string_ostream OS(Text);
  OS << describeSite(S, Kernel) << format(" %+d, ", S.Grows)
     << format("%.2f us", Cost.total(S));
  return Text;
}

static void printTotals(raw_ostream &OS, const Analyses &A) {
  for (const LoadedProgram &L : A.Graph.loadedPrograms()) {
    PatchTotals T = A.Sites.totals(L);
    OS << "program " << L.Entry->name() << ": " << L.Slots << " instructions, "
       << T.GrowthSites << " growing rewrites (+" << T.Growth << "), "
       << T.Deletions << " deletions (-" << T.Removed << "), "
       << format("%.1f us of patching", A.Cost.program(L)) << '\n';
  }
}

static void dump(Object &Obj, const KernelProfile &Kernel) {
  raw_ostream &OS = outs();
  if (Obj.isFrozen())
    OS << "frozen: " << Obj.FrozenReason << '\n';
  for (const Map &M : Obj.Prog.Maps)
    OS << "map '" << M.Name << "': type " << M.Type << ", key " << M.KeySize
       << ", value " << M.ValueSize << ", entries " << M.MaxEntries << '\n';
  Analyses A(Obj.Prog, Kernel);
  DenseMap<const Insn *, std::string> Remarks;
  for (const PatchSite &S : A.Sites.all()) {
    std::string &Text = Remarks[S.I];
    Text += (Text.empty() ? "" : "; ") + remark(S, Kernel, A.Cost);
  }
  auto Source = [&](const LineRecord &L) { return Obj.describeLine(L); };
  auto Site = [&](const Insn &I) { return Remarks.lookup(&I); };
  PrintNotes Notes;
  if (!NoSource)
    Notes.SourceLine = Source;
  Notes.Remark = Site;
  print(OS, Obj.Prog, Notes);
  printTotals(OS, A);
}

Expected<int> runDump() {
  auto Buffer = MemoryBuffer::getFile(Input, /*IsText=*/false,
                                      /*RequiresNullTerminator=*/false);
  if (!Buffer)
    return createFileError(Input, errorCodeToError(Buffer.getError()));
  auto Kernel = KernelProfile::open(Profile);
  if (!Kernel)
    return Kernel.takeError();
  auto Obj = Object::read((*Buffer)->getMemBufferRef());
  if (!Obj)
    return createFileError(Input, Obj.takeError());
  dump(**Obj, *Kernel);
  return 0;
}

} // namespace prepatch
