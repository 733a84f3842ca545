//===- ExplanationWriter.cpp - An explanation as text or JSON ------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Report/Explanation.h"
#include "Report/Format.h"
#include "Report/Table.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/JSON.h"

using namespace llvm;

namespace prepatch {

template <typename T>
static ArrayRef<T> top(const std::vector<T> &All, unsigned Count) {
  return ArrayRef(All).take_front(Count ? Count : All.size());
}

template <typename T>
static void writeRest(raw_ostream &OS, const std::vector<T> &All,
                      unsigned Count, StringRef Noun) {
  if (size_t Shown = top(All, Count).size(); Shown < All.size())
    OS << "  ... and " << counted(All.size() - Shown, Noun) << " more\n";
}

static std::string percent(double Share) {
  return formatFixed(100 * Share, 1) + "%";
}

/// "foo.c:12  text", without the text if there is none.
static std::string withText(const SourcePlace &P) {
  StringRef Text = StringRef(P.Text).trim();
  return Text.empty() ? P.name() : (P.name() + "  " + Text).str();
}

static void writePrograms(raw_ostream &OS, const Explanation &E) {
  Table T({{"program"},
           {"section"},
           {"verdict"},
           {"insns", Table::Right},
           {"verified", Table::Right},
           {"visits each", Table::Right},
           {"verify ms", Table::Right},
           {"us/insn", Table::Right}});
  for (const LoadSummary &S : E.Programs) {
    bool Known = S.Verified && S.Insns;
    T.addRow({S.Name, S.Section, S.Verdict, utostr(S.Insns),
              S.Verified ? utostr(*S.Verified) : "-",
              Known ? formatFixed(double(*S.Verified) / S.Insns, 1) : "-",
              Known ? formatFixed(S.VerificationUs / 1e3, 2) : "-",
              Known ? formatFixed(S.usPerInsn(), 2) : "-"});
  }
  T.print(OS);
  OS << '\n';
}

static void writeRefusal(raw_ostream &OS, const ExplainedRefusal &R) {
  OS << "\nrefused: " << R.Reason << '\n';
  if (!R.Meaning.empty())
    OS << "  " << R.Meaning << '\n';
  if (R.At) {
    OS << (R.ForSize ? "  it gave up at  " : "  it failed at  ")
       << withText(*R.At) << '\n';
    if (!R.Instruction.empty())
      OS << "    in " << R.At->Function << ", instruction " << R.At->Index
         << ": " << R.Instruction << '\n';
  }
  if (!R.Path.empty()) {
    OS << "  the way to it, last lines:\n";
    Table T({{""}, {""}});
    for (const SourcePlace &P : R.Path)
      T.addRow({P.name(), StringRef(P.Text).trim().str()});
    T.printRows(OS, 4);
  }
  if (!R.Tail.empty()) {
    OS << "  the end of the log:\n";
    for (const std::string &Line : R.Tail)
      OS << "    " << Line << '\n';
  }
}

static void writeLines(raw_ostream &OS, const Explanation &E, unsigned Top) {
  if (E.Lines.empty())
    return;
  OS << "\nhot lines, by visits of their instructions:\n";
  Table T({{"visits", Table::Right},
           {"share", Table::Right},
           {"cost", Table::Right},
           {"insns", Table::Right},
           {"copies", Table::Right},
           {"line"},
           {"source"}});
  for (const ExplainedLine &L : top(E.Lines, Top))
    T.addRow({utostr(L.Visits), percent(E.share(L.Visits)), duration(L.CostUs),
              utostr(L.Insns), utostr(L.Copies), L.Where.name(),
              StringRef(L.Where.Text).trim().str()});
  T.print(OS, 2);
  writeRest(OS, E.Lines, Top, "line");
}

static void writeFunctions(raw_ostream &OS, const Explanation &E,
                           unsigned Top) {
  if (E.Functions.size() < 2)
    return;
  OS << "\nfunctions:\n";
  Table T({{"visits", Table::Right},
           {"share", Table::Right},
           {"cost", Table::Right},
           {"insns", Table::Right},
           {"entered", Table::Right},
           {"function"}});
  for (const ExplainedFunction &F : top(E.Functions, Top))
    T.addRow({utostr(F.Visits), percent(E.share(F.Visits)), duration(F.CostUs),
              utostr(F.Insns), utostr(F.Entered), F.Name});
  T.print(OS, 2);
  writeRest(OS, E.Functions, Top, "function");
}

/// Of a point, in text; those that merge most come first.
static constexpr unsigned MaxLocations = 6;

static void writePoints(raw_ostream &OS, const Explanation &E, unsigned Top) {
  if (E.LinePoints.empty())
    return;
  OS << "\nmerge points, where knowledge keeps states apart:\n";
  for (const ExplainedPoint &P : top(E.LinePoints, Top)) {
    OS << "  " << withText(P.Where) << '\n'
       << "    " << P.Where.Function << '+' << P.Where.Index;
    if (P.Copies > 1)
      OS << " and "
         << (P.Copies == 2 ? "1 copy" : utostr(P.Copies - 1) + " copies");
    OS << ": " << counted(P.Visits, "visit") << " in "
       << counted(P.States, "state");
    if (P.Ways > 1)
      OS << ", " << (P.Copies > 1 ? "up to " : "") << P.Ways << " ways meet";
    if (P.Cut)
      OS << ", " << counted(P.Cut, "path") << " cut";
    OS << "; " << duration(P.CostUs) << " up to the next joins\n";
    Table T({{""}, {""}});
    for (const ExplainedLocation &L : top(P.Locations, Top ? MaxLocations : 0))
      T.addRow({L.name(), describe(P, L)});
    T.printRows(OS, 6);
  }
  writeRest(OS, E.LinePoints, Top, "line");
}

static void writeText(raw_ostream &OS, const Explanation &E, unsigned Top) {
  OS << E.Object << ", kernel " << E.Kernel << '\n';
  if (!E.Programs.empty()) {
    OS << '\n';
    writePrograms(OS, E);
  }
  const LoadSummary &S = E.Program;
  OS << "program '" << S.Name << "' (" << S.Section << "): " << S.Verdict
     << ": " << describe(S) << '\n';
  for (const std::string &Note : E.Notes)
    OS << "note: " << Note << '\n';
  if (E.Refused)
    writeRefusal(OS, *E.Refused);
  writeLines(OS, E, Top);
  writeFunctions(OS, E, Top);
  writePoints(OS, E, Top);
}

static void writeSummary(json::OStream &Json, const LoadSummary &S) {
  Json.attribute("name", S.Name);
  Json.attribute("section", S.Section);
  Json.attribute("type", S.Type);
  Json.attribute("verdict", S.Verdict);
  Json.attribute("reason", json::fixUTF8(S.Reason));
  Json.attribute("insns", S.Insns);
  writeCount(Json, "verified_insns",
             S.Verified ? std::optional<int64_t>(*S.Verified) : std::nullopt);
  Json.attribute("states", int64_t(S.States));
  writeFixed(Json, "verification_us",
             S.Verified ? std::optional(S.VerificationUs) : std::nullopt, 1);
}

static void writePlace(json::OStream &Json, const SourcePlace &P) {
  if (P.File.empty()) {
    Json.attribute("file", nullptr);
    Json.attribute("line", nullptr);
  } else {
    Json.attribute("file", json::fixUTF8(P.File));
    Json.attribute("line", P.Line);
  }
  Json.attribute("text", json::fixUTF8(StringRef(P.Text).trim()));
  Json.attribute("function", json::fixUTF8(P.Function));
  Json.attribute("index", P.Index);
}

static void writeLocation(json::OStream &Json, const ExplainedPoint &P,
                          const ExplainedLocation &L) {
  Json.object([&] {
    Json.attribute("location", L.Where);
    Json.attribute("variable", json::fixUTF8(L.Variable));
    if (L.Written)
      Json.attributeObject("written", [&] { writePlace(Json, *L.Written); });
    Json.attribute("scalar", L.Scalar);
    Json.attribute("values", L.Values);
    Json.attribute("precise", L.Precise);
    Json.attribute("known", L.Known);
    Json.attribute("umin", utostr(L.UMin));
    Json.attribute("umax", utostr(L.UMax));
    Json.attribute("merge", L.Merge);
    Json.attribute("keeps_apart", L.keepsApart());
    if (L.keepsApart())
      Json.attribute("hint", json::fixUTF8(L.name() + ": " + describe(P, L)));
  });
}

static void writePoint(json::OStream &Json, const ExplainedPoint &P) {
  Json.object([&] {
    writePlace(Json, P.Where);
    Json.attribute("visits", int64_t(P.Visits));
    Json.attribute("states", P.States);
    Json.attribute("cut", int64_t(P.Cut));
    Json.attribute("ways", P.Ways);
    Json.attribute("copies", P.Copies);
    writeFixed(Json, "cost_us", P.CostUs, 1);
    Json.attributeArray("locations", [&] {
      for (const ExplainedLocation &L : P.Locations)
        writeLocation(Json, P, L);
    });
  });
}

static void writeRefusal(json::OStream &Json, const ExplainedRefusal &R) {
  Json.attribute("reason", json::fixUTF8(R.Reason));
  Json.attribute("meaning", R.Meaning);
  Json.attribute("for_size", R.ForSize);
  if (R.At)
    Json.attributeObject("at", [&] {
      writePlace(Json, *R.At);
      Json.attribute("instruction", R.Instruction);
    });
  Json.attributeArray("path", [&] {
    for (const SourcePlace &P : R.Path)
      Json.object([&] { writePlace(Json, P); });
  });
  Json.attributeArray("log_tail", [&] {
    for (const std::string &Line : R.Tail)
      Json.value(json::fixUTF8(Line));
  });
}

static void writeJson(raw_ostream &OS, const Explanation &E, unsigned Top) {
  json::OStream Json(OS, 1);
  Json.object([&] {
    Json.attribute("object", json::fixUTF8(E.Object));
    Json.attribute("kernel", E.Kernel);
    if (!E.Programs.empty())
      Json.attributeArray("programs", [&] {
        for (const LoadSummary &S : E.Programs)
          Json.object([&] { writeSummary(Json, S); });
      });
    Json.attributeObject("program", [&] { writeSummary(Json, E.Program); });
    Json.attributeArray("notes", [&] {
      for (const std::string &Note : E.Notes)
        Json.value(json::fixUTF8(Note));
    });
    if (E.Refused)
      Json.attributeObject("refused", [&] { writeRefusal(Json, *E.Refused); });
    Json.attribute("visits", int64_t(E.Visits));
    Json.attribute("partial", E.Partial);
    Json.attributeArray("lines", [&] {
      for (const ExplainedLine &L : top(E.Lines, Top))
        Json.object([&] {
          writePlace(Json, L.Where);
          Json.attribute("visits", int64_t(L.Visits));
          writeFixed(Json, "share", E.share(L.Visits), 6);
          writeFixed(Json, "cost_us", L.CostUs, 1);
          Json.attribute("insns", L.Insns);
          Json.attribute("copies", L.Copies);
          Json.attribute("most_visits", L.MostVisits);
        });
    });
    Json.attributeArray("functions", [&] {
      for (const ExplainedFunction &F : E.Functions)
        Json.object([&] {
          Json.attribute("name", json::fixUTF8(F.Name));
          Json.attribute("insns", F.Insns);
          Json.attribute("visits", int64_t(F.Visits));
          Json.attribute("entered", int64_t(F.Entered));
          writeFixed(Json, "cost_us", F.CostUs, 1);
        });
    });
    Json.attributeArray("points", [&] {
      for (const ExplainedPoint &P : top(E.Points, Top))
        writePoint(Json, P);
    });
    Json.attributeArray("line_points", [&] {
      for (const ExplainedPoint &P : top(E.LinePoints, Top))
        writePoint(Json, P);
    });
  });
  OS << '\n';
}

void writeExplanation(raw_ostream &OS, const Explanation &E,
                      ExplanationFormat Format, unsigned Top) {
  switch (Format) {
  case ExplanationFormat::Text:
    return writeText(OS, E, Top);
  case ExplanationFormat::Json:
    return writeJson(OS, E, Top);
  case ExplanationFormat::Html:
    return writeExplanationPage(OS, E, Top);
  }
}

} // namespace prepatch
