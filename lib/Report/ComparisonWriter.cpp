//===- ComparisonWriter.cpp - A comparison as text, CSV or JSON ----------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One list of figures serves all three formats.
//===----------------------------------------------------------------------===//

#include "Report/Comparison.h"
#include "Report/Table.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;

namespace prepatch {

namespace {
/// A figure: its column in text, its name in CSV and JSON, and where it is.
struct Figure {
  StringRef Title, Key;
  std::optional<int64_t> ProgramFigures::*Count = nullptr;
  std::optional<double> ProgramFigures::*Time = nullptr;
};
} // namespace

static const Figure Figures[] = {
    {"insns", "insns", &ProgramFigures::Insns, nullptr},
    {"xlated", "xlated_insns", &ProgramFigures::XlatedInsns, nullptr},
    {"growing", "growths", &ProgramFigures::Growths, nullptr},
    {"grown by", "grown_insns", &ProgramFigures::GrownInsns, nullptr},
    {"deletions", "deletions", &ProgramFigures::Deletions, nullptr},
    {"verified", "verified_insns", &ProgramFigures::VerifiedInsns, nullptr},
    {"verify us", "verification_us", nullptr, &ProgramFigures::VerificationUs},
    {"load us", "load_us", nullptr, &ProgramFigures::LoadUs},
};

static std::string textOf(const Figure &F, const ProgramFigures &P) {
  return F.Count ? formatCount(P.*F.Count) : formatFixed(P.*F.Time, 1);
}

static std::optional<double> ratioOf(const Figure &F,
                                     const ProgramFigures &Before,
                                     const ProgramFigures &After) {
  return F.Count ? ratio(Before.*F.Count, After.*F.Count)
                 : ratio(Before.*F.Time, After.*F.Time);
}

static void addLine(Table &T, std::string Program, std::string Which,
                    std::string Verdict,
                    function_ref<std::string(const Figure &)> Cell) {
  std::vector<std::string> Cells = {std::move(Program), std::move(Which),
                                    std::move(Verdict)};
  for (const Figure &F : Figures)
    Cells.push_back(Cell(F));
  T.addRow(std::move(Cells));
}

static void addPair(Table &T, std::string Title, std::string Subtitle,
                    const ProgramComparison &Verdicts,
                    const ProgramFigures &Before, const ProgramFigures &After,
                    std::string Outcome) {
  addLine(T, std::move(Title), "before", Verdicts.VerdictBefore,
          [&](const Figure &F) { return textOf(F, Before); });
  addLine(T, std::move(Subtitle), "after", Verdicts.VerdictAfter,
          [&](const Figure &F) { return textOf(F, After); });
  // What the verifier did until it refused says nothing.
  bool Both = Verdicts.VerdictBefore == Verdicts.VerdictAfter;
  addLine(T, "", "ratio", std::move(Outcome), [&](const Figure &F) {
    return Both ? formatFixed(ratioOf(F, Before, After), 3) : "-";
  });
}

static void writeSummary(raw_ostream &OS, const ObjectComparison &C) {
  OS << C.Programs.size()
     << (C.Programs.size() == 1 ? " program:" : " programs:");
  const char *Comma = " ";
  for (unsigned I = 0; I <= unsigned(Judgement::Unknown); ++I) {
    size_t Count = C.count(Judgement(I));
    if (!Count)
      continue;
    OS << Comma << Count << ' ' << judgementName(Judgement(I));
    Comma = ", ";
  }
  OS << '\n';
}

static void writeRemarks(raw_ostream &OS, const ObjectComparison &C) {
  for (const ProgramComparison &P : C.Programs) {
    if (P.FailedInputs)
      OS << P.Name << ": the kernel refused " << P.FailedInputs << " of "
         << P.Inputs << " inputs, before and after\n";
    if (!P.Nondeterministic.empty())
      OS << P.Name << ": differs from itself, so not compared: "
         << join(P.Nondeterministic, ", ") << '\n';
    if (!P.Reason.empty())
      OS << P.Name << ": " << judgementName(P.Result) << ": " << P.Reason
         << '\n';
  }
}

static std::string outcome(const ProgramComparison &P) {
  std::string Text = judgementName(P.Result).str();
  if (P.Result == Judgement::Same)
    Text += " on " + std::to_string(P.Inputs) + " inputs";
  return Text;
}

static void writeText(raw_ostream &OS, const ObjectComparison &C) {
  OS << "before: " << C.PathBefore << "\nafter:  " << C.PathAfter
     << "\nkernel: " << C.Kernel << ", medians of interleaved loads\n\n";
  std::vector<Table::Column> Columns = {{"program"}, {""}, {"verdict"}};
  for (const Figure &F : Figures)
    Columns.push_back({F.Title.str(), Table::Right});
  Table T(std::move(Columns));
  for (const ProgramComparison &P : C.Programs) {
    if (!T.empty())
      T.addRule();
    addPair(T, P.Name, "  " + P.Type, P, P.Before, P.After, outcome(P));
  }
  size_t Both = count_if(
      C.Programs, [](const ProgramComparison &P) { return P.loadsInBoth(); });
  if (Both > 1) {
    T.addRule();
    ProgramComparison NoVerdict;
    addPair(T, "total of", "  " + std::to_string(Both) + " programs", NoVerdict,
            C.TotalBefore, C.TotalAfter, "");
    addLine(T, "", "geomean", "", [&](const Figure &F) -> std::string {
      if (F.Time == &ProgramFigures::VerificationUs)
        return formatFixed(C.VerificationRatio, 3);
      if (F.Time == &ProgramFigures::LoadUs)
        return formatFixed(C.LoadRatio, 3);
      return "";
    });
  }
  T.print(OS);
  OS << '\n';
  writeSummary(OS, C);
  writeRemarks(OS, C);
}

static void writeCsv(raw_ostream &OS, const ObjectComparison &C) {
  std::vector<Table::Column> Columns = {
      {"program"},          {"section"},   {"type"},   {"verdict_before"},
      {"verdict_after"},    {"judgement"}, {"inputs"}, {"failed_inputs"},
      {"nondeterministic"}, {"load_runs"}};
  for (const Figure &F : Figures) {
    Columns.push_back({F.Key.str() + "_before"});
    Columns.push_back({F.Key.str() + "_after"});
  }
  Columns.push_back({"verification_ratio"});
  Columns.push_back({"load_ratio"});
  Columns.push_back({"reason"});
  Table T(std::move(Columns));
  auto Plain = [](std::string Text) { return Text == "-" ? "" : Text; };
  for (const ProgramComparison &P : C.Programs) {
    std::vector<std::string> Row = {P.Name,
                                    P.Section,
                                    P.Type,
                                    Plain(P.VerdictBefore),
                                    Plain(P.VerdictAfter),
                                    judgementName(P.Result).str(),
                                    std::to_string(P.Inputs),
                                    std::to_string(P.FailedInputs),
                                    join(P.Nondeterministic, "; "),
                                    std::to_string(P.LoadRuns)};
    for (const Figure &F : Figures) {
      Row.push_back(Plain(textOf(F, P.Before)));
      Row.push_back(Plain(textOf(F, P.After)));
    }
    Row.push_back(Plain(formatFixed(
        ratio(P.Before.VerificationUs, P.After.VerificationUs), 4)));
    Row.push_back(
        Plain(formatFixed(ratio(P.Before.LoadUs, P.After.LoadUs), 4)));
    Row.push_back(P.Reason);
    T.addRow(std::move(Row));
  }
  T.printCsv(OS);
}

static void writeFigures(json::OStream &Json, StringRef Key,
                         const ProgramFigures &P) {
  Json.attributeObject(Key, [&] {
    for (const Figure &F : Figures) {
      if (F.Count)
        writeCount(Json, F.Key, P.*F.Count);
      else
        writeFixed(Json, F.Key, P.*F.Time, 2);
    }
  });
}

static void writeProgram(json::OStream &Json, const ProgramComparison &P) {
  Json.objectBegin();
  Json.attribute("program", P.Name);
  Json.attribute("section", P.Section);
  Json.attribute("type", P.Type);
  Json.attribute("judgement", judgementName(P.Result));
  Json.attribute("problem", isProblem(P.Result));
  Json.attribute("reason", P.Reason);
  Json.attribute("verdict_before", P.VerdictBefore);
  Json.attribute("verdict_after", P.VerdictAfter);
  writeFigures(Json, "before", P.Before);
  writeFigures(Json, "after", P.After);
  writeFixed(Json, "verification_ratio",
             ratio(P.Before.VerificationUs, P.After.VerificationUs), 4);
  writeFixed(Json, "load_ratio", ratio(P.Before.LoadUs, P.After.LoadUs), 4);
  Json.attribute("load_runs", int64_t(P.LoadRuns));
  Json.attribute("inputs", P.Inputs);
  Json.attribute("failed_inputs", P.FailedInputs);
  Json.attributeArray("nondeterministic", [&] {
    for (const std::string &Component : P.Nondeterministic)
      Json.value(Component);
  });
  Json.objectEnd();
}

static void writeJson(raw_ostream &OS, const ObjectComparison &C) {
  json::OStream Json(OS, 1);
  Json.objectBegin();
  Json.attribute("kernel", C.Kernel);
  Json.attribute("before", C.PathBefore);
  Json.attribute("after", C.PathAfter);
  Json.attribute("ok", !C.hasProblems());
  Json.attributeArray("programs", [&] {
    for (const ProgramComparison &P : C.Programs)
      writeProgram(Json, P);
  });
  Json.attributeObject("total", [&] {
    writeFigures(Json, "before", C.TotalBefore);
    writeFigures(Json, "after", C.TotalAfter);
    writeFixed(Json, "verification_ratio_geomean", C.VerificationRatio, 4);
    writeFixed(Json, "load_ratio_geomean", C.LoadRatio, 4);
  });
  Json.objectEnd();
  OS << '\n';
}

void writeComparison(raw_ostream &OS, const ObjectComparison &C,
                     ReportFormat Format) {
  switch (Format) {
  case ReportFormat::Table:
    return writeText(OS, C);
  case ReportFormat::Csv:
    return writeCsv(OS, C);
  case ReportFormat::Json:
    return writeJson(OS, C);
  }
}

} // namespace prepatch
