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

static void writeText(raw_ostream &OS, const LoweringSummary &Summary) {
  if (!Summary.FrozenReason.empty())
    OS << "left as it is: " << Summary.FrozenReason << '\n';
  for (const LoweringSummary::OpaqueFunction &F : Summary.OpaqueFunctions)
    OS << "function " << F.Name << " left as it is: " << F.Reason << '\n';
  for (const std::string &Note : Summary.Notes)
    OS << "note: " << Note << '\n';
  MapVector<StringRef, PassDecisions> Groups = groupByPass(Summary.Decisions);
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
      Sites.addRow({D->Taken ? "took" : "refused", place(*D), shorten(D->Line),
                    D->What, formatFixed(D->SavedUs, 1) + " us", D->Reason});
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

static void writeSite(json::OStream &Json, const Decision &D) {
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

static void writeJson(raw_ostream &OS, const LoweringSummary &Summary) {
  json::OStream Json(OS, 1);
  Json.objectBegin();
  if (Summary.FrozenReason.empty())
    Json.attribute("frozen", nullptr);
  else
    Json.attribute("frozen", utf8(Summary.FrozenReason));
  Json.attributeArray("notes", [&] {
    for (const std::string &Note : Summary.Notes)
      Json.value(utf8(Note));
  });
  Json.attributeArray("opaque", [&] {
    for (const LoweringSummary::OpaqueFunction &F : Summary.OpaqueFunctions)
      Json.object([&] {
        Json.attribute("function", utf8(F.Name));
        Json.attribute("reason", utf8(F.Reason));
      });
  });
  Json.attributeArray("passes", [&] {
    for (const auto &[Pass, G] : groupByPass(Summary.Decisions))
      Json.object([&, &Pass = Pass, &G = G] {
        Json.attribute("pass", Pass);
        Json.attribute("taken", G.Taken);
        Json.attribute("refused", G.Refused);
        writeFixed(Json, "saved_us", G.SavedUs, 2);
      });
  });
  Json.attributeArray("sites", [&] {
    for (const Decision &D : Summary.Decisions)
      writeSite(Json, D);
  });
  Json.objectEnd();
  OS << '\n';
}

void writeLoweringReport(raw_ostream &OS, const LoweringSummary &Summary,
                         ReportFormat Format) {
  switch (Format) {
  case ReportFormat::Table:
    return writeText(OS, Summary);
  case ReportFormat::Csv:
    return writeCsv(OS, Summary.Decisions);
  case ReportFormat::Json:
    return writeJson(OS, Summary);
  }
}

} // namespace prepatch
