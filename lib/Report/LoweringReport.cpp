//===- LoweringReport.cpp - What the passes took and refused -------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One function for each format; all print the decisions in the order given.
//===----------------------------------------------------------------------===//

#include "Report/LoweringReport.h"
#include "Report/Table.h"
#include "llvm/ADT/MapVector.h"

using namespace llvm;

namespace prepatch {

namespace {
struct PassDecisions {
  unsigned Taken = 0, Refused = 0;
  double SavedUs = 0; ///< by what was taken
  std::vector<const Decision *> All;
};
} // namespace

/// In the order in which the passes come first.
static MapVector<StringRef, PassDecisions>
groupByPass(ArrayRef<Decision> Decisions) {
  MapVector<StringRef, PassDecisions> Groups;
  for (const Decision &D : Decisions) {
    PassDecisions &G = Groups[D.Pass];
    ++(D.Taken ? G.Taken : G.Refused);
    if (D.Taken)
      G.SavedUs += D.SavedUs;
    G.All.push_back(&D);
  }
  return Groups;
}

static std::string place(const Decision &D) {
  if (D.Index == Insn::NoIndex)
    return D.Function;
  return D.Function + "+" + std::to_string(D.Index);
}

/// Source text can be of any length, and the reason stands behind it.
static std::string shorten(StringRef Line) {
  constexpr size_t Limit = 72;
  if (Line.size() <= Limit)
    return Line.str();
  size_t Cut = Limit - 3;
  while ((Line[Cut] & 0xc0) == 0x80) // not inside a UTF-8 sequence
    --Cut;
  return Line.take_front(Cut).str() + "...";
}

static void writeText(raw_ostream &OS, ArrayRef<Decision> Decisions) {
  MapVector<StringRef, PassDecisions> Groups = groupByPass(Decisions);
  if (Groups.empty()) {
    OS << "no sites\n";
    return;
  }
  Table Counts({{"pass"},
                {"taken", Table::Right},
                {"refused", Table::Right},
                {"saved us", Table::Right}});
  for (const auto &[Pass, G] : Groups)
    Counts.addRow({Pass.str(), std::to_string(G.Taken),
                   std::to_string(G.Refused), formatFixed(G.SavedUs, 1)});
  Counts.print(OS);
  for (const auto &[Pass, G] : Groups) {
    OS << '\n' << Pass << ":\n";
    Table Sites({{""}, {""}, {""}, {""}, {"", Table::Right}, {""}});
    for (const Decision *D : G.All)
      Sites.addRow({D->Taken ? "took" : "refused", place(*D), shorten(D->Line), D->What,
                    formatFixed(D->SavedUs, 1) + " us", D->Reason});
    Sites.printRows(OS, 2);
  }
}

static void writeCsv(raw_ostream &OS, ArrayRef<Decision> Decisions) {
  Table T({{"pass"},
           {"function"},
           {"insn"},
           {"line"},
           {"what"},
           {"taken"},
           {"reason"},
           {"saved_us"}});
  for (const Decision &D : Decisions)
    T.addRow({D.Pass.str(), D.Function,
              D.Index == Insn::NoIndex ? "" : std::to_string(D.Index), D.Line,
              D.What, D.Taken ? "1" : "0", D.Reason,
              formatFixed(D.SavedUs, 2)});
  T.printCsv(OS);
}

/// Names come from the object and may be anything.
static std::string utf8(StringRef Text) {
  return json::isUTF8(Text) ? Text.str() : json::fixUTF8(Text);
}

static void writeJson(raw_ostream &OS, ArrayRef<Decision> Decisions) {
  json::OStream Json(OS, 1);
  Json.arrayBegin();
  for (const Decision &D : Decisions) {
    Json.objectBegin();
    Json.attribute("pass", D.Pass);
    Json.attribute("function", utf8(D.Function));
    writeCount(Json, "insn",
               D.Index == Insn::NoIndex ? std::nullopt
                                        : std::optional<int64_t>(D.Index));
    Json.attribute("line", utf8(D.Line));
    Json.attribute("what", utf8(D.What));
    Json.attribute("taken", D.Taken);
    Json.attribute("reason", utf8(D.Reason));
    writeFixed(Json, "saved_us", D.SavedUs, 2);
    Json.objectEnd();
  }
  Json.arrayEnd();
  OS << '\n';
}

std::vector<Decision> liftDecisions(const Object &Obj) {
  std::vector<Decision> Result;
  auto Refuse = [&](std::string Function, std::string What,
                    std::string Reason) {
    Decision &D = Result.emplace_back();
    D.Pass = "lift";
    D.Function = std::move(Function);
    D.What = std::move(What);
    D.Reason = std::move(Reason);
  };
  if (Obj.isFrozen())
    Refuse("", "object", Obj.FrozenReason);
  for (const CodeSection &Section : Obj.Prog.Sections)
    for (const Function &F : Section.Functions)
      if (F.isOpaque())
        Refuse(F.name(), "function", F.opaqueReason());
  return Result;
}

void writeLoweringReport(raw_ostream &OS, ArrayRef<Decision> Decisions,
                         ReportFormat Format) {
  switch (Format) {
  case ReportFormat::Table:
    return writeText(OS, Decisions);
  case ReportFormat::Csv:
    return writeCsv(OS, Decisions);
  case ReportFormat::Json:
    return writeJson(OS, Decisions);
  }
}

void writeLoweringReport(raw_ostream &OS, const LoweringContext &Ctx,
                         ReportFormat Format) {
  std::vector<Decision> All = liftDecisions(Ctx.Obj);
  All.insert(All.end(), Ctx.Decisions.begin(), Ctx.Decisions.end());
  writeLoweringReport(OS, All, Format);
}

} // namespace prepatch
