//===- ExplanationPage.cpp - An explanation as one page of HTML ----------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The page is one file without scripts and without anything from elsewhere, so
// that it can be mailed and opened from a disk. All text of an object is
// hostile until it is escaped.
//===----------------------------------------------------------------------===//

#include "Report/Explanation.h"
#include "Report/Format.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/JSON.h"
#include <cmath>

using namespace llvm;

namespace prepatch {

static constexpr StringLiteral Style = R"css(
:root{--fg:#1b1f24;--dim:#667080;--bg:#fff;--box:#f4f6f8;--rule:#dfe3e8;--hot:214 66 22;--mark:#7a3cc4;--bad:#b3261e}
@media (prefers-color-scheme:dark){:root{--fg:#e4e7eb;--dim:#98a2b0;--bg:#14171b;--box:#1d2127;--rule:#323842;--hot:240 96 44;--mark:#bd93f9;--bad:#ff8a80}}
*{box-sizing:border-box}
body{margin:0 auto;padding:1.5rem;max-width:90rem;color:var(--fg);background:var(--bg);font:15px/1.45 system-ui,sans-serif}
h1{font-size:1.5rem;margin:0}
h2{font-size:1.15rem;margin:2.2rem 0 .3rem}
h3{font-size:.95rem;margin:1.4rem 0 .4rem;font-weight:600;overflow-wrap:anywhere}
p{margin:.3rem 0}
.dim{color:var(--dim)}
code,pre,.src,td.code{font-family:ui-monospace,"DejaVu Sans Mono",Menlo,monospace;font-size:13px}
a{color:inherit}
.tiles{display:flex;flex-wrap:wrap;gap:.6rem;margin:1rem 0}
.tile{background:var(--box);border-radius:8px;padding:.5rem .9rem}
.tile b{display:block;font-size:1.3rem;font-variant-numeric:tabular-nums}
.note,.refused{background:var(--box);border-left:4px solid var(--dim);padding:.5rem .9rem;margin:.6rem 0}
.refused{border-color:var(--bad)}
.refused pre{margin:.3rem 0;overflow-x:auto}
.wide{overflow-x:auto}
table{border-collapse:collapse;width:100%}
th{text-align:left;font-weight:600;color:var(--dim);font-size:.85rem}
th,td{padding:.15rem .6rem;vertical-align:top}
.list td{border-top:1px solid var(--rule)}
.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
.bar{display:block;height:.5rem;min-width:1px;border-radius:3px;margin-top:.4rem;background:rgb(var(--hot))}
td.share{width:9rem}
td.code{white-space:pre;tab-size:4}
.src{border:1px solid var(--rule);border-radius:8px;overflow-x:auto}
.src td{padding:0 .6rem}
.src tr{background:rgb(var(--hot)/calc(var(--heat,0)*55%))}
.src tr:target{outline:2px solid var(--mark);outline-offset:-2px}
.src .n{color:var(--dim);border-right:1px solid var(--rule);width:1%}
.src .v{color:var(--fg)}
.src .gap td{color:var(--dim);background:var(--box);font-size:12px}
.mark{color:var(--mark);text-decoration:none}
.point{border-top:1px solid var(--rule);padding:.5rem 0}
.point:target{outline:2px solid var(--mark);outline-offset:3px}
.point table{width:auto}
.where{font-weight:600}
)css";

/// \p Text for element content and quoted attributes.
static std::string escape(StringRef Text) {
  std::string Valid = json::fixUTF8(Text);
  std::string Result;
  Result.reserve(Valid.size());
  for (char C : Valid)
    switch (C) {
    case '&':
      Result += "&amp;";
      break;
    case '<':
      Result += "&lt;";
      break;
    case '>':
      Result += "&gt;";
      break;
    case '"':
      Result += "&quot;";
      break;
    case '\'':
      Result += "&#39;";
      break;
    default:
      // Control characters have no place in HTML, not even escaped.
      Result += uint8_t(C) < 0x20 && C != '\t' ? ' ' : C;
    }
  return Result;
}

/// 1234567 as 1 234 567, with narrow no-break spaces.
static std::string grouped(uint64_t Value) {
  std::string Digits = utostr(Value), Result;
  for (size_t I = 0; I < Digits.size(); ++I) {
    if (I && (Digits.size() - I) % 3 == 0)
      Result += "\u202f";
    Result += Digits[I];
  }
  return Result;
}

namespace {
class Page {
public:
  Page(raw_ostream &OS, const Explanation &E, unsigned Top)
      : OS(OS), E(E),
        Points(ArrayRef(E.Points).take_front(Top ? Top : E.Points.size())),
        Lines(ArrayRef(E.Lines).take_front(Top ? Top : E.Lines.size())) {}
  void write();

private:
  /// The lines of a file, or the instructions of a function without lines.
  struct Group {
    std::string Title;
    std::map<uint32_t, const ExplainedLine *> Lines;
    uint64_t Visits = 0;
  };
  void group();
  std::string anchor(const SourcePlace &P) const;
  std::string link(const SourcePlace &P) const;
  void writeTiles();
  void writeRefusal(const ExplainedRefusal &R);
  void writePrograms();
  void writeLines();
  void writePoint(const ExplainedPoint &P, size_t Number);
  void writePoints();
  void writeFunctions();
  void writeSource(const Group &G);
  void writeRow(const Group &G, uint32_t Number, const ExplainedLine *L,
                StringRef Text);

  raw_ostream &OS;
  const Explanation &E;
  ArrayRef<ExplainedPoint> Points;
  ArrayRef<ExplainedLine> Lines;
  std::vector<Group> Groups; ///< most visited first
  std::map<std::string, size_t> GroupOf;
  std::map<std::string, std::vector<size_t>> PointsAt; ///< by anchor
};
} // namespace

static std::string groupKey(const SourcePlace &P) {
  return P.File.empty() ? " " + P.Function : P.File;
}

static uint32_t numberIn(const SourcePlace &P) {
  return P.File.empty() ? P.Index : P.Line;
}

void Page::group() {
  std::map<std::string, Group> ByKey;
  for (const ExplainedLine &L : E.Lines) {
    Group &G = ByKey[groupKey(L.Where)];
    G.Title = L.Where.File.empty() ? L.Where.Function + " (no line info)"
                                   : L.Where.File;
    G.Lines[numberIn(L.Where)] = &L;
    G.Visits += L.Visits;
  }
  std::vector<std::pair<std::string, Group>> Sorted(ByKey.begin(), ByKey.end());
  stable_sort(Sorted, [](const auto &A, const auto &B) {
    return A.second.Visits > B.second.Visits;
  });
  for (auto &[Key, G] : Sorted) {
    GroupOf[Key] = Groups.size();
    Groups.push_back(std::move(G));
  }
  for (size_t I = 0; I < Points.size(); ++I)
    PointsAt[anchor(Points[I].Where)].push_back(I);
}

std::string Page::anchor(const SourcePlace &P) const {
  auto It = GroupOf.find(groupKey(P));
  if (It == GroupOf.end() || !Groups[It->second].Lines.count(numberIn(P)))
    return "";
  return "s" + utostr(It->second) + "-" + utostr(numberIn(P));
}

std::string Page::link(const SourcePlace &P) const {
  std::string To = anchor(P);
  std::string Name = escape(P.name());
  return To.empty() ? Name : "<a href=\"#" + To + "\">" + Name + "</a>";
}

void Page::writeTiles() {
  const LoadSummary &S = E.Program;
  auto Tile = [&](const std::string &Value, StringRef Label) {
    OS << "<div class=\"tile\"><b>" << Value << "</b>" << Label << "</div>\n";
  };
  OS << "<div class=\"tiles\">\n";
  if (S.VerificationUs > 0)
    Tile(duration(S.VerificationUs), "verification");
  if (S.Verified) {
    Tile(grouped(*S.Verified), "instructions verified");
    if (S.Insns)
      Tile(formatFixed(double(*S.Verified) / S.Insns, 1), "visits each");
    if (S.VerificationUs > 0)
      Tile(formatFixed(S.usPerInsn(), 2) + " us", "for each verified");
  }
  Tile(grouped(S.Insns), "instructions");
  if (S.States)
    Tile(grouped(S.States), "states");
  OS << "</div>\n";
}

void Page::writeRefusal(const ExplainedRefusal &R) {
  OS << "<div class=\"refused\"><p><b>Refused:</b> " << escape(R.Reason)
     << "</p>\n";
  if (!R.Meaning.empty())
    OS << "<p>" << escape(R.Meaning) << "</p>\n";
  if (R.At) {
    OS << "<p>" << (R.ForSize ? "It gave up at " : "It failed at ")
       << link(*R.At) << ": <code>" << escape(StringRef(R.At->Text).trim())
       << "</code></p>\n";
    if (!R.Instruction.empty())
      OS << "<p class=\"dim\">in " << escape(R.At->Function) << ", instruction "
         << R.At->Index << ": <code>" << escape(R.Instruction)
         << "</code></p>\n";
  }
  if (!R.Path.empty()) {
    OS << "<p>The way to it, last lines:</p>\n<table>\n";
    for (const SourcePlace &P : R.Path)
      OS << "<tr><td>" << link(P) << "</td><td class=\"code\">"
         << escape(StringRef(P.Text).trim()) << "</td></tr>\n";
    OS << "</table>\n";
  }
  if (!R.Tail.empty()) {
    OS << "<details><summary>The end of the log</summary>\n<pre>";
    for (const std::string &Line : R.Tail)
      OS << escape(Line) << '\n';
    OS << "</pre></details>\n";
  }
  OS << "</div>\n";
}

void Page::writePrograms() {
  if (E.Programs.size() < 2)
    return;
  OS << "<h2>All programs</h2>\n<div class=\"wide\"><table class=\"list\">\n"
        "<tr><th>program</th><th>section</th><th>verdict</th>"
        "<th class=\"n\">instructions</th><th class=\"n\">verified</th>"
        "<th class=\"n\">verification</th></tr>\n";
  for (const LoadSummary &S : E.Programs)
    OS << "<tr><td>" << escape(S.Name) << "</td><td>" << escape(S.Section)
       << "</td><td>" << S.Verdict << "</td><td class=\"n\">"
       << grouped(S.Insns) << "</td><td class=\"n\">"
       << (S.Verified ? grouped(*S.Verified) : "-") << "</td><td class=\"n\">"
       << (S.Verified ? duration(S.VerificationUs) : "-") << "</td></tr>\n";
  OS << "</table></div>\n";
}

void Page::writeLines() {
  if (Lines.empty())
    return;
  OS << "<h2>Hot lines</h2>\n<p class=\"dim\">By visits of all their "
        "instructions; copies are the places where the compiler put the "
        "line.</p>\n<div class=\"wide\"><table class=\"list\">\n"
        "<tr><th>share</th><th class=\"n\">visits</th><th class=\"n\">cost</th>"
        "<th class=\"n\">instructions</th><th class=\"n\">copies</th>"
        "<th>line</th><th>source</th></tr>\n";
  for (const ExplainedLine &L : Lines) {
    double Percent = 100 * E.share(L.Visits);
    double Width =
        100 * double(L.Visits) / double(std::max<uint64_t>(1, Lines[0].Visits));
    OS << "<tr><td class=\"share\">" << formatFixed(Percent, 1)
       << " %<span class=\"bar\" style=\"width:" << formatFixed(Width, 1)
       << "%\"></span></td><td class=\"n\">" << grouped(L.Visits)
       << "</td><td class=\"n\">" << duration(L.CostUs)
       << "</td><td class=\"n\">" << grouped(L.Insns) << "</td><td class=\"n\">"
       << grouped(L.Copies) << "</td><td>" << link(L.Where)
       << "</td><td class=\"code\">" << escape(StringRef(L.Where.Text).trim())
       << "</td></tr>\n";
  }
  OS << "</table></div>\n";
}

void Page::writePoint(const ExplainedPoint &P, size_t Number) {
  OS << "<div class=\"point\" id=\"p" << Number << "\"><span class=\"mark\">"
     << "\u25c6</span> <span class=\"where\">" << link(P.Where)
     << "</span> <code>" << escape(StringRef(P.Where.Text).trim())
     << "</code>\n<p class=\"dim\">" << escape(P.Where.Function) << "+"
     << P.Where.Index;
  if (P.Copies > 1)
    OS << " and " << P.Copies - 1 << (P.Copies == 2 ? " copy" : " copies");
  OS << ": " << grouped(P.Visits) << (P.Visits == 1 ? " visit" : " visits")
     << " in " << grouped(P.States) << (P.States == 1 ? " state" : " states");
  if (P.Ways > 1)
    OS << ", " << (P.Copies > 1 ? "up to " : "") << P.Ways << " ways meet";
  if (P.Cut)
    OS << ", " << grouped(P.Cut) << " paths cut";
  OS << "; " << duration(P.CostUs) << " up to the next joins</p>\n<table>\n";
  for (const ExplainedLocation &L : P.Locations) {
    OS << "<tr><td><code>" << L.Where << "</code>";
    if (!L.Variable.empty())
      OS << " <b>" << escape(L.Variable) << "</b>";
    if (L.Written)
      OS << " <span class=\"dim\">of " << link(*L.Written) << "</span>";
    OS << "</td><td>" << escape(describe(P, L)) << "</td></tr>\n";
  }
  OS << "</table></div>\n";
}

void Page::writePoints() {
  if (Lines.empty())
    return;
  OS << "<h2>Merge points</h2>\n";
  if (Points.empty()) {
    OS << "<p class=\"dim\">No place was found where what the verifier knows "
          "of scalars keeps states apart.</p>\n";
    return;
  }
  OS << "<p class=\"dim\">Where ways meet or a branch goes to, the most "
        "expensive first: what the verifier must know exactly there, and knows "
        "differently from way to way. States that differ in nothing else would "
        "be one if it forgot that.</p>\n";
  for (size_t I = 0; I < Points.size(); ++I)
    writePoint(Points[I], I);
  if (Points.size() < E.LinePoints.size())
    OS << "<p class=\"dim\">and "
       << counted(E.LinePoints.size() - Points.size(), "line") << " more</p>\n";
}

void Page::writeFunctions() {
  if (E.Functions.size() < 2)
    return;
  OS << "<h2>Functions</h2>\n<div class=\"wide\"><table class=\"list\">\n"
        "<tr><th>function</th><th class=\"n\">visits</th>"
        "<th class=\"n\">share</th><th class=\"n\">cost</th>"
        "<th class=\"n\">instructions</th><th class=\"n\">entered</th></tr>\n";
  for (const ExplainedFunction &F : E.Functions)
    OS << "<tr><td><code>" << escape(F.Name) << "</code></td><td class=\"n\">"
       << grouped(F.Visits) << "</td><td class=\"n\">"
       << formatFixed(100 * E.share(F.Visits), 1) << " %</td><td class=\"n\">"
       << duration(F.CostUs) << "</td><td class=\"n\">" << grouped(F.Insns)
       << "</td><td class=\"n\">" << grouped(F.Entered) << "</td></tr>\n";
  OS << "</table></div>\n";
}

void Page::writeRow(const Group &G, uint32_t Number, const ExplainedLine *L,
                    StringRef Text) {
  size_t GroupNumber = size_t(&G - Groups.data());
  if (!L) {
    OS << "<tr><td class=\"n\">" << Number
       << "</td><td class=\"n\"></td><td class=\"n\"></td><td class=\"code\">"
       << escape(Text) << "</td></tr>\n";
    return;
  }
  double Heat = std::sqrt(double(L->Visits) /
                          double(std::max<uint64_t>(1, E.Lines[0].Visits)));
  std::string Anchor = "s" + utostr(GroupNumber) + "-" + utostr(Number);
  OS << "<tr id=\"" << Anchor << "\" style=\"--heat:" << formatFixed(Heat, 3)
     << "\" title=\"" << counted(L->Insns, "instruction") << " in " << L->Copies
     << (L->Copies == 1 ? " copy" : " copies") << ", the most visited one "
     << L->MostVisits << " times, " << formatFixed(100 * E.share(L->Visits), 2)
     << " % of all visits\">"
     << "<td class=\"n\">" << Number << "</td><td class=\"n v\">"
     << grouped(L->Visits) << "</td><td class=\"n\">" << duration(L->CostUs)
     << "</td><td class=\"code\">" << escape(Text);
  if (auto It = PointsAt.find(Anchor); It != PointsAt.end())
    for (size_t P : It->second)
      OS << " <a class=\"mark\" href=\"#p" << P << "\" title=\"merge point, "
         << counted(Points[P].States, "state") << "\">\u25c6</a>";
  OS << "</td></tr>\n";
}

void Page::writeSource(const Group &G) {
  // Lines of a whole file are shown this far around those that were visited.
  constexpr uint32_t Around = 12;
  OS << "<h3>" << escape(G.Title) << " <span class=\"dim\">"
     << formatFixed(100 * E.share(G.Visits), 1)
     << " % of the visits</span></h3>\n<div class=\"src\"><table>\n";
  auto Whole = E.Sources.find(G.Title);
  uint32_t Next = 1; ///< line that was not written yet
  auto Fill = [&](uint32_t End) {
    if (Whole == E.Sources.end()) {
      Next = End;
      return;
    }
    uint32_t Count = uint32_t(Whole->second.size());
    uint32_t GapBegin = Next > 1 ? std::min(End, Next + Around) : 1;
    uint32_t GapEnd =
        End > Count ? End : std::max(GapBegin, End - std::min(End, Around));
    if (GapEnd - GapBegin < Around)
      GapBegin = GapEnd = Next;
    for (uint32_t N = Next; N < End; ++N) {
      if (N < GapBegin || N >= GapEnd) {
        writeRow(G, N, nullptr, Whole->second[N - 1]);
        continue;
      }
      OS << "<tr class=\"gap\"><td class=\"n\"></td><td class=\"n\"></td>"
            "<td class=\"n\"></td><td>"
         << counted(GapEnd - N, "line") << " without visits</td></tr>\n";
      N = GapEnd - 1;
    }
    Next = End;
  };
  for (const auto &[Number, L] : G.Lines) {
    Fill(Number);
    writeRow(G, Number, L, L->Where.Text);
    Next = Number + 1;
  }
  if (Whole != E.Sources.end())
    Fill(uint32_t(Whole->second.size()) + 1);
  OS << "</table></div>\n";
}

void Page::write() {
  group();
  const LoadSummary &S = E.Program;
  OS << "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta "
        "charset=\"utf-8\">\n"
        "<meta name=\"viewport\" content=\"width=device-width\">\n"
        "<meta name=\"color-scheme\" content=\"light dark\">\n<title>"
     << escape(S.Name) << ": where the verifier spends itself</title>\n<style>"
     << Style << "</style>\n</head>\n<body>\n<h1>" << escape(S.Name)
     << "</h1>\n<p class=\"dim\">" << escape(S.Section) << " of "
     << escape(E.Object) << ", kernel " << escape(E.Kernel) << ": " << S.Verdict
     << "</p>\n";
  if (E.Refused)
    writeRefusal(*E.Refused);
  writeTiles();
  for (const std::string &Note : E.Notes)
    OS << "<p class=\"note\">" << escape(Note) << "</p>\n";
  writeLines();
  writePoints();
  writeFunctions();
  if (!Groups.empty())
    OS << "<h2>Source</h2>\n<p class=\"dim\">Line, visits, cost; the redder, "
          "the more visits; <span class=\"mark\">\u25c6</span> is a merge "
          "point.</p>\n";
  for (const Group &G : Groups)
    writeSource(G);
  writePrograms();
  OS << "</body>\n</html>\n";
}

void writeExplanationPage(raw_ostream &OS, const Explanation &E, unsigned Top) {
  Page(OS, E, Top).write();
}

} // namespace prepatch
