//===- Explanation.cpp - Where the verifier spends itself ----------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The words that the three formats share.
//===----------------------------------------------------------------------===//

#include "Report/Explanation.h"
#include "Report/Format.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"

using namespace llvm;

namespace prepatch {

std::string SourcePlace::name() const {
  if (File.empty())
    return Function + "+" + utostr(Index);
  return (sys::path::filename(File) + ":" + Twine(Line)).str();
}

std::string ExplainedLocation::name() const {
  std::string Inner = Variable;
  if (Written)
    Inner += (Inner.empty() ? "" : ", ") + Written->name();
  return Inner.empty() ? Where : Where + " (" + Inner + ")";
}

std::string counted(uint64_t Count, StringRef Noun) {
  return (Twine(Count) + " " + Noun + (Count == 1 ? "" : "s")).str();
}

std::string duration(double Us) {
  if (Us < 1000)
    return formatFixed(Us, Us < 10 ? 1 : 0) + " us";
  if (Us < 1e6)
    return formatFixed(Us / 1e3, Us < 1e5 ? 1 : 0) + " ms";
  return formatFixed(Us / 1e6, 2) + " s";
}

std::string describe(const ExplainedPoint &P, const ExplainedLocation &L) {
  std::string Text = counted(L.Values, "value");
  if (P.Copies > 1)
    Text = "up to " + Text;
  if (L.Values >= 1000)
    Text = "1000 values or more";
  if (L.UMin != 0 || L.UMax != UINT64_MAX)
    Text += " from " + utostr(L.UMin) + " to " + utostr(L.UMax);
  if (L.Known == P.Visits && P.Visits)
    Text += ", each a constant";
  if (L.Merge)
    Text += "; " + utostr(L.Merge) + " of " + counted(P.States, "state") +
            (L.Merge == 1 ? " differs" : " differ") + " in it alone";
  else
    Text += "; differs only together with others";
  return Text;
}

std::string describe(const LoadSummary &S) {
  std::string Text = counted(S.Insns, "instruction");
  if (!S.Verified)
    return Text;
  Text += ", " + utostr(*S.Verified) + " verified";
  if (S.Insns)
    Text +=
        " (" +
        formatFixed(double(*S.Verified) / S.Insns, *S.Verified < 10 * S.Insns) +
        " visits each)";
  if (S.States)
    Text += ", " + counted(S.States, "state");
  if (S.VerificationUs > 0)
    Text += ", " + duration(S.VerificationUs) + ", " +
            formatFixed(S.usPerInsn(), 2) + " us for each verified";
  return Text;
}

static bool isNameChar(char C) { return isAlnum(C) || C == '_'; }

/// The name at the end of \p Text, with the fields it is reached through.
static StringRef nameAtEnd(StringRef Text) {
  Text = Text.rtrim();
  size_t Begin = Text.size();
  while (Begin > 0) {
    if (isNameChar(Text[Begin - 1]) || Text[Begin - 1] == '.') {
      --Begin;
    } else if (Begin > 1 && Text.substr(Begin - 2, 2) == "->") {
      Begin -= 2;
    } else if (Text[Begin - 1] == ']') {
      size_t Open = Text.rfind('[', Begin - 1);
      if (Open == StringRef::npos)
        break;
      Begin = Open;
    } else {
      break;
    }
  }
  StringRef Name = Text.substr(Begin);
  bool IsName = !Name.empty() && (isAlpha(Name[0]) || Name[0] == '_') &&
                !Text.substr(0, Begin).rtrim().ends_with(")");
  return IsName && Name != "return" ? Name : StringRef();
}

static StringRef nameAtStart(StringRef Text) {
  Text = Text.ltrim();
  StringRef Name = Text.take_while(isNameChar);
  return !Name.empty() && !isDigit(Name[0]) ? Name : StringRef();
}

StringRef assignedName(StringRef Line) {
  Line = Line.substr(0, Line.find("//"));
  for (size_t I = 0; I < Line.size(); ++I) {
    StringRef Rest = Line.substr(I);
    if (Rest[0] == '"' || Rest[0] == '\'')
      return {};
    if (Rest.starts_with("++") || Rest.starts_with("--")) {
      StringRef Name = nameAtEnd(Line.substr(0, I));
      return Name.empty() ? nameAtStart(Rest.substr(2)) : Name;
    }
    if (Rest[0] != '=')
      continue;
    if (Rest.starts_with("==")) {
      ++I;
      continue;
    }
    StringRef Before = Line.substr(0, I);
    if (Before.ends_with("<<") || Before.ends_with(">>"))
      return nameAtEnd(Before.drop_back(2));
    if (Before.ends_with("<") || Before.ends_with(">") || Before.ends_with("!"))
      continue;
    return nameAtEnd(Before.rtrim("+-*/%&|^"));
  }
  return {};
}

static std::vector<std::string> linesOf(StringRef Text) {
  std::vector<std::string> Lines;
  while (!Text.empty()) {
    auto [Line, Rest] = Text.split('\n');
    Lines.push_back(Line.rtrim('\r').str());
    Text = Rest;
  }
  return Lines;
}

void readSources(Explanation &E) {
  // A path in an object is no reason to show any file of this machine: what is
  // shown has the very lines that the object was made of.
  constexpr uint64_t MaxBytes = 8 << 20;
  std::map<std::string, std::vector<const SourcePlace *>> Known;
  for (const ExplainedLine &L : E.Lines)
    if (!L.Where.File.empty())
      Known[L.Where.File].push_back(&L.Where);
  for (const auto &[File, Places] : Known) {
    sys::fs::file_status Status;
    if (sys::fs::status(File, Status) || !sys::fs::is_regular_file(Status) ||
        Status.getSize() > MaxBytes)
      continue;
    auto Buffer = MemoryBuffer::getFile(File);
    if (!Buffer)
      continue;
    std::vector<std::string> Lines = linesOf((*Buffer)->getBuffer());
    bool HasText = false;
    bool Fits = all_of(Places, [&](const SourcePlace *P) {
      StringRef Text = StringRef(P->Text).trim();
      HasText |= !Text.empty();
      return P->Line <= Lines.size() &&
             (Text.empty() ||
              (P->Line > 0 && StringRef(Lines[P->Line - 1]).trim() == Text));
    });
    if (HasText && Fits)
      E.Sources[File] = std::move(Lines);
  }
}

} // namespace prepatch
