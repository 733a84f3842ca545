//===- StateLog.cpp - the states in a level-2 log -------------------------===//
//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The lines, by what do_check(), print_verifier_state() and backtrack_insn() of
// 6.1 to 6.18 print:
//
//   12: (61) r2 = *(u32 *)(r1 +40)      ; R1=ctx() R2_w=scalar()
//   12: R2=scalar() refs=1              the same when something came between
//   12: safe                            the path is cut here
//   from 8 to 12: R0=..                 another path; the whole state
//   from 8 to 12: safe
//   caller: / callee: / returning from callee: / to caller at 9:
//    frame1: R1=..                      behind these, the whole state
//   mark_precise: frame0: last_idx 9 first_idx 3 subseq_idx -1
//   mark_precise: frame0: regs=r4,r6 stack=-8 before 8: (b7) r4 = 0
//   mark_precise: frame0: parent state regs=r4 stack=-8:  R1=..
//   last_idx 9 first_idx 3              6.1
//   regs=50 stack=1 before 8: (b7) r4 = 0
//   parent didn't have regs=50 stack=1 marks: R1=..
//
// The state that is printed is that of the innermost function only.
//
//===----------------------------------------------------------------------===//

#include "StateLog.h"

#include <algorithm>
#include <cstring>

using namespace prepatch;

StateLogReader::StateLogReader(const std::vector<int32_t> &Origin, size_t Count,
                               const std::vector<uint32_t> &Wanted)
    : Home(Origin.size()), PointOf(Origin.size(), -1), Inserted(Origin.size()),
      Points(Wanted) {
  std::sort(Points.begin(), Points.end());
  Points.erase(std::unique(Points.begin(), Points.end()), Points.end());
  // Some 24 locations a state, and a table twice the size of a set: together
  // some 32 MiB.
  static constexpr size_t RowBudget = (4u << 20) / 24, SetBudget = 1u << 20;
  size_t Share = std::max<size_t>(1, Points.size());
  size_t Rows = std::clamp<size_t>(RowBudget / Share, 32, 1024);
  size_t States = std::clamp<size_t>(SetBudget / Share, 32, 1024);
  Stats.assign(Points.size(), PointStats(static_cast<uint32_t>(Rows),
                                         static_cast<uint32_t>(States)));
  Result.Visits.resize(Count);
  Result.Safe.resize(Count);
  // Inserted code counts for the instruction behind it.
  uint32_t Next = 0;
  for (size_t I = Origin.size(); I-- != 0;) {
    Inserted[I] = Origin[I] < 0;
    if (!Inserted[I])
      Next = static_cast<uint32_t>(Origin[I]);
    Home[I] = Next;
    auto Point = std::lower_bound(Points.begin(), Points.end(), Next);
    if (!Inserted[I] && Point != Points.end() && *Point == Next)
      PointOf[I] = static_cast<int32_t>(Point - Points.begin());
  }
}

static bool takeWord(std::string_view &Text, std::string_view Word) {
  // Mostly false at the first character, which must not cost a call.
  if (Text.size() < Word.size() || Text[0] != Word[0] ||
      memcmp(Text.data(), Word.data(), Word.size()) != 0)
    return false;
  Text.remove_prefix(Word.size());
  return true;
}

static bool isDigit(char C) { return C >= '0' && C <= '9'; }

static bool takeNumber(std::string_view &Text, uint32_t &Value) {
  size_t At = 0;
  Value = 0;
  while (At != Text.size() && At < 9 && isDigit(Text[At]))
    Value = Value * 10 + static_cast<uint32_t>(Text[At++] - '0');
  Text.remove_prefix(At);
  return At != 0;
}

/// What stands before Separator, which must be there.
static bool takeUntil(std::string_view &Text, std::string_view Separator,
                      std::string_view &Piece) {
  size_t At = Text.find(Separator);
  if (At == std::string_view::npos)
    return false;
  Piece = Text.substr(0, At);
  Text.remove_prefix(At + Separator.size());
  return true;
}

void StateLogReader::visit(uint32_t Index, std::string_view Text) {
  if (Index >= Home.size())
    return;
  if (!Inserted[Index]) {
    ++Result.Visits[Home[Index]];
    if (PointOf[Index] >= 0)
      Stats[size_t(PointOf[Index])].visit(State);
  }
  // Text begins behind the bracket of "(85) call ..". Calls, and the loads from
  // packets that are calls in disguise (modes ABS and IND).
  std::string_view Code = Text.substr(0, 2);
  if (Code == "85" || Code == "20" || Code == "28" || Code == "30" ||
      Code == "40" || Code == "48" || Code == "50")
    State.clobberArguments();
}

void StateLogReader::cut(uint32_t Index) {
  if (Index >= Home.size())
    return;
  ++Result.Visits[Home[Index]];
  ++Result.Safe[Home[Index]];
}

bool StateLogReader::readNumbered(std::string_view Line) {
  uint32_t Index;
  if (!takeNumber(Line, Index) || !takeWord(Line, ":"))
    return false;
  if (Line == " safe") {
    cut(Index);
    return true;
  }
  if (!takeWord(Line, " ("))
    return state(Line, false);
  visit(Index, Line);
  const void *Semicolon = memchr(Line.data(), ';', Line.size());
  if (!Semicolon)
    return true;
  Line.remove_prefix(
      static_cast<size_t>(static_cast<const char *>(Semicolon) - Line.data()) +
      1);
  return state(Line, false);
}

bool StateLogReader::readFrom(std::string_view Line) {
  uint32_t From, To;
  if (!takeNumber(Line, From) || !takeWord(Line, " to ") ||
      !takeNumber(Line, To))
    return false;
  takeWord(Line, " (speculative execution)");
  if (!takeWord(Line, ":"))
    return false;
  if (Line == " safe") {
    cut(To);
    return true;
  }
  return state(Line, true);
}

/// A series begins, or goes on in the state before.
void StateLogReader::series(int64_t Last, int64_t Subsequent) {
  // 6.1 does not say which; a series goes on behind a line about the parent.
  bool First = Subsequent == -1 && !AfterParent;
  if (First)
    Counted = false;
  if (Subsequent >= 0)
    Walked = Subsequent;
  else if (First)
    Walked = Last;
  AfterParent = false;
}

void StateLogReader::asked(std::string_view Regs, std::string_view Stack,
                           bool Hex, bool Parent) {
  int32_t Point = Walked >= 0 && Walked < int64_t(PointOf.size())
                      ? PointOf[size_t(Walked)]
                      : -1;
  // The parent's line and the first one behind it are about the same place, and
  // the lines about outer functions are about no place at all.
  bool Again = Counted;
  Counted = Parent;
  if (Point < 0 || Again)
    return;
  PointStats &P = Stats[size_t(Point)];
  auto Mask = [](std::string_view Text) {
    uint64_t Value = 0;
    for (char C : Text)
      Value = Value << 4 | uint64_t(isDigit(C) ? C - '0' : (C - 'a' + 10) & 15);
    return Value;
  };
  auto Each = [](std::string_view Text, auto Do) {
    while (!Text.empty()) {
      uint32_t Number;
      if (isDigit(Text[0]) && takeNumber(Text, Number))
        Do(Number);
      else
        Text.remove_prefix(1);
    }
  };
  if (Hex) {
    uint64_t R = Mask(Regs), S = Mask(Stack);
    for (unsigned I = 0; I != FrameState::Registers; ++I)
      if (R >> I & 1)
        P.precise(I);
    for (unsigned I = 0; I != FrameState::Slots; ++I)
      if (S >> I & 1)
        P.precise(FrameState::Registers + I);
    return;
  }
  Each(Regs, [&](uint32_t Number) {
    if (Number < FrameState::Registers)
      P.precise(Number);
  });
  Each(Stack, [&](uint32_t Number) {
    if (Number && Number % 8 == 0)
      P.precise(FrameState::Registers + Number / 8 - 1);
  });
}

/// Line begins behind "mark_precise: frame0: ", or is one of 6.1.
bool StateLogReader::readPrecision(std::string_view Line) {
  std::string_view Regs, Stack;
  uint32_t Number;
  if (takeWord(Line, "last_idx ")) {
    uint32_t Last;
    bool Entry = takeWord(Line, "-"); // the start of a global function
    if (!takeNumber(Line, Last))
      return false;
    size_t At = Line.find("subseq_idx ");
    int64_t Subsequent = -1;
    if (At != std::string_view::npos) {
      Line.remove_prefix(At + 11);
      if (takeNumber(Line, Number))
        Subsequent = Number;
      AfterParent = false; // here the line itself says whether
    }
    series(Entry ? -1 : int64_t(Last), Subsequent);
    return true;
  }
  bool Parent = takeWord(Line, "parent state ");
  bool Hex = false;
  if (takeWord(Line, "parent didn't have ") ||
      takeWord(Line, "parent already had "))
    Parent = true;
  if (!takeWord(Line, "regs=") || !takeUntil(Line, " stack=", Regs))
    return takeWord(Line, "falling back to forcing all scalars precise");
  Hex = Regs.substr(0, 1) != "r" && !Regs.empty();
  if (Parent) {
    // "stack=-8: " or "stack=1 marks:"
    size_t End = Line.find_first_of(": ");
    Stack = Line.substr(0, End);
    asked(Regs, Stack, Hex, true);
    AfterParent = true;
    return true;
  }
  if (!takeUntil(Line, " before ", Stack) || !takeNumber(Line, Number))
    return false;
  asked(Regs, Stack, Hex, false);
  Walked = Number;
  AfterParent = false;
  return true;
}

/// Lines that tell nothing that is wanted here.
static constexpr std::string_view KnownStarts[] = {
    "caller:",
    "callee:",
    "returning from callee:",
    "to caller at ",
    "func#",
    "Func#",
    "frame",
    "propagating ",
    "force_precise: ",
    "Live regs before insn:",
    "SCC ",
    "processed ",
    "verification time ",
    "stack depth ",
    "cur state:",
    "old state:",
    "arg#",
    "reg type unsupported for arg#",
    "Function ",
    "Global function ",
    "func '",
};

bool StateLogReader::readWords(std::string_view Line) {
  if (takeWord(Line, "Validating ")) {
    // The walk of a global function begins with nothing.
    State.clear();
    return true;
  }
  for (std::string_view Start : KnownStarts)
    if (Line.substr(0, Start.size()) == Start)
      return true;
  return false;
}

void StateLogReader::readLine(std::string_view Line) {
  if (Line.empty())
    return;
  bool Known = false;
  switch (Line[0]) {
  case 'm':
    if (takeWord(Line, "mark_precise: frame")) {
      size_t At = Line.find(": ");
      Known =
          At != std::string_view::npos && readPrecision(Line.substr(At + 2));
    }
    break;
  case '0':
  case '1':
  case '2':
  case '3':
  case '4':
  case '5':
  case '6':
  case '7':
  case '8':
  case '9':
    Known = readNumbered(Line);
    break;
  case 'f':
    Known = takeWord(Line, "from ") ? readFrom(Line) : readWords(Line);
    break;
  case ' ':
    // The table of live registers is indented more than a state.
    Known = Line.size() > 1 && (Line[1] == ' ' || state(Line, true));
    break;
  case ';': // source
  case '(': // 6.18's log of live stack slots
    Known = true;
    break;
  case 'l':
  case 'r':
  case 'p':
    Known = readPrecision(Line) || readWords(Line);
    break;
  default:
    Known = readWords(Line);
    break;
  }
  if (Known)
    return;
  ++Result.UnknownLines;
  if (Result.UnknownExamples.size() < 3)
    Result.UnknownExamples.emplace_back(Line.substr(0, 100));
}

size_t StateLogReader::read(std::string_view Text) {
  size_t At = 0;
  while (At != Text.size()) {
    const void *End = memchr(Text.data() + At, '\n', Text.size() - At);
    if (!End)
      break;
    size_t Length =
        static_cast<size_t>(static_cast<const char *>(End) - Text.data()) - At;
    readLine(Text.substr(At, Length));
    At += Length + 1;
  }
  return At;
}

StateProfile StateLogReader::profile() const {
  StateProfile Profile = Result;
  for (size_t I = 0; I != Points.size(); ++I)
    Profile.Points.push_back(Stats[I].profile(Points[I]));
  return Profile;
}
