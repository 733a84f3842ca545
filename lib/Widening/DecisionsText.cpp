//===- DecisionsText.cpp - The decisions file as text --------------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Lines of words. A word is read with quotes and escapes taken off; '#' at the
// start of a word begins a comment. What a line is says its first word.
//===----------------------------------------------------------------------===//

#include "Widening/Decisions.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Format.h"

using namespace llvm;

namespace prepatch {

namespace {

struct Word {
  std::string Text;
  bool Quoted = false; ///< it began with a quote
};

/// Reads the lines of one file into a DecisionsFile.
class Parser {
public:
  Parser(StringRef Text, StringRef Name) : Rest(Text) { File.Name = Name; }
  Expected<DecisionsFile> run();

private:
  Error error(const Twine &Text) const {
    return createStringError(File.Name + ":" + Twine(LineNo) + ": " + Text);
  }
  Error expected(const Twine &What, const Twine &Found) const {
    return error("expected " + What + ", found " + Found);
  }
  /// The word at \p At in quotes, or what to say where there is none.
  std::string found(size_t At) const {
    return At < Words.size() ? "'" + Words[At].Text + "'" : "end of line";
  }

  Error split(StringRef Line);
  Error line();
  Error header();
  Error figures();
  Error place();
  Error placeWord(Place &P, const Word &W);
  Error sourcePlace(Place &P, StringRef Text);
  Error forget();
  Error mayGoto();
  Error marks(SmallVectorImpl<ValueMark> &To, StringRef Key, StringRef List);
  Error occurrence(Occurrence &To, StringRef Key, StringRef Text);
  Error noMore(size_t At) {
    return At < Words.size() ? expected("end of line", found(At))
                             : Error::success();
  }

  StringRef Rest;
  unsigned LineNo = 0;
  bool SawHeader = false;
  SmallVector<Word, 12> Words;
  DecisionsFile File;
};

} // namespace

Error Parser::split(StringRef Line) {
  Words.clear();
  size_t I = 0;
  while (true) {
    while (I < Line.size() && isSpace(Line[I]))
      ++I;
    if (I == Line.size() || Line[I] == '#')
      return Error::success();
    Word &W = Words.emplace_back();
    W.Quoted = Line[I] == '"';
    bool Inside = false;
    for (; I < Line.size() && (Inside || !isSpace(Line[I])); ++I) {
      if (Line[I] == '"') {
        Inside = !Inside;
      } else if (Inside && Line[I] == '\\') {
        StringRef Escape = Line.substr(I + 1);
        uint8_t Byte;
        if (Escape.starts_with("\\") || Escape.starts_with("\"")) {
          W.Text += Escape[0];
          I += 1;
        } else if (Escape.consume_front("x") && Escape.size() >= 2 &&
                   !Escape.take_front(2).getAsInteger(16, Byte)) {
          W.Text += char(Byte);
          I += 3;
        } else {
          return expected("\\\\, \\\" or \\xNN after a backslash in quotes",
                          "'" + Line.substr(I, 2) + "'");
        }
      } else {
        W.Text += Line[I];
      }
    }
    if (Inside)
      return expected("a quote that ends the text", "end of line");
  }
}

Error Parser::occurrence(Occurrence &To, StringRef Key, StringRef Text) {
  auto [Number, Total] = Text.split('/');
  if (Number.getAsInteger(10, To.Number) || Total.getAsInteger(10, To.Total) ||
      !To.Number || To.Number > To.Total)
    return expected(Key + "=K/N with K from 1 to N",
                    "'" + Key + "=" + Text + "'");
  return Error::success();
}

Error Parser::sourcePlace(Place &P, StringRef Text) {
  auto [Front, Column] = Text.rsplit(':');
  auto [Name, Line] = Front.rsplit(':');
  if (Name.empty() || Line.getAsInteger(10, P.Line) ||
      Column.getAsInteger(10, P.Column))
    return expected("FILE:LINE:COLUMN or block=K/N after 'at'",
                    "'" + Text + "'");
  P.File = Name.str();
  return Error::success();
}

Error Parser::placeWord(Place &P, const Word &W) {
  if (W.Quoted) {
    P.Text = W.Text;
    return Error::success();
  }
  auto [Key, Value] = StringRef(W.Text).split('=');
  if (Key == "join" || Key == "start") {
    P.Role = Key == "join" ? PlaceRole::Join : PlaceRole::Start;
    // Without line info there is no line to count on.
    return Value.empty() && !P.hasLine() ? Error::success()
                                         : occurrence(P.OnLine, Key, Value);
  }
  if (Key == "run")
    return occurrence(P.OnLine, Key, Value);
  if (Key == "insn")
    return occurrence(P.InRun, Key, Value);
  if (Key == "block") {
    auto [Block, Step] = Value.split('+');
    if (Value.contains('+') && Step.getAsInteger(10, P.BlockStep))
      return expected("a number after block=K/N+", "'" + Step + "'");
    return occurrence(P.Block, Key, Block);
  }
  if (Key == "code") {
    if (Value.size() != 8 || Value.getAsInteger(16, P.Code))
      return expected("code= with 8 hexadecimal digits", "'" + W.Text + "'");
    return Error::success();
  }
  return expected(
      "\"source text\", join=, start=, run=, insn=, block= or code=",
      "'" + W.Text + "'");
}

Error Parser::place() {
  if (File.Functions.empty())
    return expected("'function NAME' before the first 'at'", "'at'");
  PlaceDecisions &D = File.Functions.back().Places.emplace_back();
  D.LineNo = LineNo;
  Place &P = D.Where;
  size_t At = 1;
  if (At == Words.size())
    return expected("FILE:LINE:COLUMN or block=K/N after 'at'", found(At));
  if (Words[At].Quoted || !StringRef(Words[At].Text).starts_with("block=")) {
    if (Error E = sourcePlace(P, Words[At].Text))
      return E;
    ++At;
  }
  for (; At < Words.size(); ++At)
    if (Error E = placeWord(P, Words[At]))
      return E;
  if (!P.Block.Total)
    return expected("block=K/N in the description of the place", found(At));
  if (P.hasLine() && !P.OnLine.Total)
    return expected("join=K/N, start=K/N or run=K/N", found(At));
  if (P.hasLine() && P.Role == PlaceRole::Inside && !P.InRun.Total)
    return expected("insn=K/N beside run=K/N", found(At));
  return Error::success();
}

/// OP[@LINE[:HASH]],...
Error Parser::marks(SmallVectorImpl<ValueMark> &To, StringRef Key,
                    StringRef List) {
  SmallVector<StringRef, 4> Items;
  List.split(Items, ',');
  for (StringRef Item : Items) {
    ValueMark &M = To.emplace_back();
    auto [Op, Where] = Item.rsplit('@');
    M.Op = Op.str();
    auto [Line, Hash] = Where.split(':');
    uint16_t Text = 0;
    bool Bad = Op.empty() || (Item.contains('@') && Line.empty()) ||
               (!Line.empty() && Line.getAsInteger(10, M.Line)) ||
               (!Hash.empty() && Hash.getAsInteger(16, Text));
    if (Bad)
      return expected(Key + "=OP@LINE:HASH,...", "'" + Key + "=" + List + "'");
    if (!Hash.empty())
      M.Text = Text;
  }
  return Error::success();
}

/// "touch, atomic, spill, xor1 to xor64": forms that differ by a number are
/// given as a range.
static std::string knownForms() {
  std::string Text;
  ArrayRef<Form> All = allForms();
  auto Stem = [](Form F) {
    return StringRef(formName(F)).rtrim("0123456789").str();
  };
  for (size_t I = 0; I < All.size(); ++I) {
    Text += (Text.empty() ? "" : ", ") + formName(All[I]);
    size_t Last = I;
    while (Last + 1 < All.size() && Stem(All[Last + 1]) == Stem(All[I]))
      ++Last;
    if (Last != I)
      Text += " to " + formName(All[Last]);
    I = Last;
  }
  return Text;
}

/// forget LOCATION by FORM [def=...] [use=...] [var=...]
Error Parser::forget() {
  if (File.Functions.empty() || File.Functions.back().Places.empty())
    return expected("'at PLACE' before 'forget'", "'forget'");
  ForgetDecision &D = File.Functions.back().Places.back().Forget.emplace_back();
  D.LineNo = LineNo;
  auto Where = Words.size() > 1 ? parseLocation(Words[1].Text) : std::nullopt;
  if (!Where)
    return expected("a location, r0 to r9 or fp-8, fp-16, ...", found(1));
  D.Hint = *Where;
  if (Words.size() < 3 || Words[2].Text != "by")
    return expected("'by FORM'", found(2));
  auto How = Words.size() > 3 ? parseForm(Words[3].Text) : std::nullopt;
  if (!How) {
    return expected("one of " + knownForms(), found(3));
  }
  D.How = *How;
  if (isForSlots(D.How) != D.Hint.IsSlot)
    return expected(Twine("a form for ") +
                        (D.Hint.IsSlot ? "stack slots" : "registers"),
                    found(3));
  for (size_t I = 4; I < Words.size(); ++I) {
    auto [Key, Value] = StringRef(Words[I].Text).split('=');
    if (Key == "var" && !Value.empty()) {
      D.Value.Variable = Value.str();
    } else if (Key == "def" || Key == "use") {
      if (Error E =
              marks(Key == "def" ? D.Value.Defs : D.Value.Uses, Key, Value))
        return E;
    } else {
      return expected("def=, use= or var=", found(I));
    }
  }
  return Error::success();
}

Error Parser::mayGoto() {
  if (File.Functions.empty() || File.Functions.back().Places.empty())
    return expected("'at PLACE' before 'may-goto'", "'may-goto'");
  File.Functions.back().Places.back().MayGoto = true;
  return noMore(1);
}

/// program NAME verified BEFORE -> AFTER [on KERNEL]
Error Parser::figures() {
  DecisionFigures &F = File.Figures.emplace_back();
  bool Fits = (Words.size() == 6 || Words.size() == 8) &&
              Words[2].Text == "verified" && Words[4].Text == "->" &&
              !StringRef(Words[3].Text).getAsInteger(10, F.VerifiedBefore) &&
              !StringRef(Words[5].Text).getAsInteger(10, F.VerifiedAfter) &&
              (Words.size() == 6 || Words[6].Text == "on");
  if (!Fits)
    return error("expected 'program NAME verified BEFORE -> AFTER "
                 "[on KERNEL]'");
  F.Program = Words[1].Text;
  if (Words.size() == 8)
    F.Kernel = Words[7].Text;
  return Error::success();
}

Error Parser::header() {
  unsigned Version;
  if (Words[0].Text != "prepatch-decisions" || Words.size() < 2 ||
      StringRef(Words[1].Text).getAsInteger(10, Version))
    return expected("'prepatch-decisions " + Twine(DecisionsFile::Version) +
                        "' as the first line that is not a comment",
                    found(0));
  if (Version != DecisionsFile::Version)
    return error("format version " + Twine(Version) +
                 ", this prepatch reads version " +
                 Twine(DecisionsFile::Version));
  SawHeader = true;
  return noMore(2);
}

Error Parser::line() {
  if (!SawHeader)
    return header();
  StringRef First = Words[0].Text;
  if (First == "at")
    return place();
  if (First == "forget")
    return forget();
  if (First == "may-goto")
    return mayGoto();
  if (First == "program")
    return figures();
  if (First == "tool") {
    File.Tool.clear();
    for (const Word &W : ArrayRef(Words).drop_front())
      File.Tool += (File.Tool.empty() ? "" : " ") + W.Text;
    return Error::success();
  }
  if (First != "kernel" && First != "function" && First != "global")
    return error("unknown kind of decision '" + First + "'; version " +
                 Twine(DecisionsFile::Version) +
                 " has: forget, global, may-goto (and the lines tool, kernel, "
                 "program, function, at)");
  if (Words.size() < 2)
    return expected("a name after '" + First + "'", found(1));
  if (First == "kernel") {
    File.Kernels.push_back(Words[1].Text);
  } else if (First == "global") {
    File.Globals.push_back({LineNo, Words[1].Text});
  } else {
    FunctionDecisions &F = File.Functions.emplace_back();
    F.LineNo = LineNo;
    F.Name = Words[1].Text;
  }
  return noMore(2);
}

Expected<DecisionsFile> Parser::run() {
  while (!Rest.empty()) {
    StringRef Line;
    std::tie(Line, Rest) = Rest.split('\n');
    ++LineNo;
    if (Error E = split(Line))
      return std::move(E);
    if (Words.empty())
      continue;
    if (Error E = line())
      return std::move(E);
  }
  if (!SawHeader) {
    LineNo = std::max(LineNo, 1u);
    return expected("'prepatch-decisions " + Twine(DecisionsFile::Version) +
                        "'",
                    "end of file");
  }
  return std::move(File);
}

Expected<DecisionsFile> parseDecisions(StringRef Text, StringRef Name) {
  return Parser(Text, Name).run();
}

/// \p Text as one word: quoted where it must be, or always.
static std::string word(StringRef Text, bool Quote = false) {
  auto IsOdd = [](char C) {
    return isSpace(C) || C == '"' || C == '#' || C == '\\' || !isPrint(C);
  };
  if (!Quote && !Text.empty() && none_of(Text, IsOdd))
    return Text.str();
  std::string Out = "\"";
  for (unsigned char C : Text) {
    if (C == '"' || C == '\\')
      (Out += '\\') += char(C);
    // UTF-8 stays readable.
    else if (C < 0x20 || C == 0x7f)
      Out += "\\x" + utohexstr(C, /*LowerCase=*/true, 2);
    else
      Out += char(C);
  }
  return Out + "\"";
}

static raw_ostream &operator<<(raw_ostream &OS, const Occurrence &O) {
  return OS << O.Number << '/' << O.Total;
}

static void writePlace(raw_ostream &OS, const Place &P) {
  OS << "at";
  if (P.hasLine()) {
    OS << ' ' << word(P.File) << ':' << P.Line << ':' << P.Column << ' '
       << word(P.Text, true);
    if (P.Role == PlaceRole::Inside)
      OS << " run=" << P.OnLine << " insn=" << P.InRun;
    else
      OS << (P.Role == PlaceRole::Join ? " join=" : " start=") << P.OnLine;
  }
  OS << " block=" << P.Block;
  if (P.BlockStep)
    OS << '+' << P.BlockStep;
  if (!P.hasLine() && P.Role != PlaceRole::Inside)
    OS << (P.Role == PlaceRole::Join ? " join" : " start");
  OS << " code=" << format_hex_no_prefix(P.Code, 8) << '\n';
}

static void writeMarks(raw_ostream &OS, StringRef Key,
                       ArrayRef<ValueMark> Marks) {
  if (Marks.empty())
    return;
  std::string List;
  raw_string_ostream Text(List);
  for (const ValueMark &M : Marks) {
    if (&M != Marks.begin())
      Text << ',';
    Text << M.Op;
    if (M.Line || M.Text)
      Text << '@' << M.Line;
    if (M.Text)
      Text << ':' << format_hex_no_prefix(*M.Text, 4);
  }
  OS << ' ' << word(Key.str() + "=" + List);
}

void writeDecisions(raw_ostream &OS, const DecisionsFile &File) {
  OS << "# Which values the verifier shall forget where. Commit this file with "
        "the source;\n"
        "# `prepatch lower --decisions=FILE` replays it without a kernel.\n"
     << "prepatch-decisions " << DecisionsFile::Version << '\n';
  if (!File.Tool.empty())
    OS << "tool " << File.Tool << '\n';
  for (const std::string &K : File.Kernels)
    OS << "kernel " << word(K) << '\n';
  if (!File.Figures.empty())
    OS << '\n';
  for (const DecisionFigures &F : File.Figures) {
    OS << "program " << word(F.Program) << " verified " << F.VerifiedBefore
       << " -> " << F.VerifiedAfter;
    if (!F.Kernel.empty())
      OS << " on " << word(F.Kernel);
    OS << '\n';
  }
  if (!File.Globals.empty())
    OS << '\n';
  for (const GlobalDecision &G : File.Globals)
    OS << "global " << word(G.Name) << '\n';
  for (const FunctionDecisions &F : File.Functions) {
    OS << "\nfunction " << word(F.Name) << '\n';
    for (const PlaceDecisions &P : F.Places) {
      writePlace(OS, P.Where);
      if (P.MayGoto)
        OS << "  may-goto\n";
      for (const ForgetDecision &D : P.Forget) {
        OS << "  forget " << toString(D.Hint) << " by " << formName(D.How);
        writeMarks(OS, "def", D.Value.Defs);
        writeMarks(OS, "use", D.Value.Uses);
        if (!D.Value.Variable.empty())
          OS << ' ' << word("var=" + D.Value.Variable);
        OS << '\n';
      }
    }
  }
}

} // namespace prepatch
