//===- Request.cpp - what a client of --serve asks for --------------------===//
//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// KIND PROGRAM NAME=VALUE ..., separated by spaces.
//
//===----------------------------------------------------------------------===//

#include "Request.h"

#include <charconv>
#include <cstring>

using namespace prepatch;

static std::string_view takeUpTo(std::string_view &Text, char Separator) {
  size_t End = Text.find(Separator);
  std::string_view Piece = Text.substr(0, End);
  Text.remove_prefix(End == std::string_view::npos ? Text.size() : End + 1);
  return Piece;
}

static bool parseNumber(std::string_view Text, uint64_t Limit,
                        uint64_t &Value) {
  auto [End, Failed] =
      std::from_chars(Text.data(), Text.data() + Text.size(), Value);
  return Failed == std::errc() && End == Text.data() + Text.size() &&
         Value <= Limit;
}

static bool parseInsn(std::string_view Text, bpf_insn &Insn) {
  unsigned char Bytes[sizeof(Insn)];
  if (Text.size() != 2 * sizeof(Insn))
    return false;
  for (size_t I = 0; I != sizeof(Insn); ++I) {
    const char *Digits = Text.data() + 2 * I;
    auto [End, Failed] = std::from_chars(Digits, Digits + 2, Bytes[I], 16);
    if (Failed != std::errc() || End != Digits + 2)
      return false;
  }
  memcpy(&Insn, Bytes, sizeof(Insn));
  return true;
}

/// INDEX:HEX[,HEX]...
static bool parseInsertion(std::string_view Text, Insertion &Result) {
  if (Text.find(':') == std::string_view::npos)
    return false;
  uint64_t Index;
  if (!parseNumber(takeUpTo(Text, ':'), UINT32_MAX, Index) || Text.empty() ||
      Text.back() == ',')
    return false;
  Result.Index = static_cast<uint32_t>(Index);
  while (!Text.empty())
    if (!parseInsn(takeUpTo(Text, ','), Result.Code.emplace_back()))
      return false;
  return true;
}

static bool parsePoints(std::string_view Text, std::vector<uint32_t> &Points) {
  while (!Text.empty()) {
    uint64_t Point;
    if (!parseNumber(takeUpTo(Text, ','), UINT32_MAX, Point))
      return false;
    Points.push_back(static_cast<uint32_t>(Point));
  }
  return true;
}

namespace {
/// What a word NAME=VALUE has to look like, and whether it does.
struct WordCheck {
  bool Good = false;
  const char *Expected = nullptr;
};
} // namespace

static WordCheck parseWord(std::string_view Name, std::string_view Value,
                           ServeRequest &Request) {
  uint64_t Number = 0;
  if (Name == "timeout_ms") {
    bool Good = parseNumber(Value, 86400000, Request.TimeoutMs);
    return {Good, "timeout_ms=NUMBER, up to a day"};
  }
  if (Name == "repeat" && Request.Kind == ServeRequest::Try) {
    bool Good = parseNumber(Value, 100000, Number) && Number;
    Request.Repeat = static_cast<unsigned>(Number);
    return {Good, "repeat=NUMBER from 1 to 100000"};
  }
  if (Name == "points" && Request.Kind == ServeRequest::Profile)
    return {parsePoints(Value, Request.Points), "points=INDEX,INDEX,..."};
  if (Name == "at")
    return {parseInsertion(Value, Request.Insertions.emplace_back()),
            "at=INDEX:HEX,HEX,... with 16 hexadecimal digits an instruction"};
  return {false, Request.Kind == ServeRequest::Try ? "timeout_ms, repeat or at"
                 : Request.Kind == ServeRequest::Profile
                     ? "timeout_ms, points or at"
                     : "timeout_ms or at"};
}

/// "'text'", cut where it says nothing new.
static std::string quoted(std::string_view Text) {
  static constexpr size_t Limit = 60;
  return "'" + std::string(Text.substr(0, Limit)) +
         (Text.size() > Limit ? "...'" : "'");
}

bool prepatch::parseRequest(std::string_view Line, ServeRequest &Request,
                            std::string &Error) {
  Request = ServeRequest();
  std::string_view Kind = takeUpTo(Line, ' ');
  if (Kind == "try") {
    Request.Kind = ServeRequest::Try;
  } else if (Kind == "profile") {
    Request.Kind = ServeRequest::Profile;
  } else if (Kind == "trace") {
    Request.Kind = ServeRequest::Trace;
  } else if (Kind == "quit" && Line.empty()) {
    Request.Kind = ServeRequest::Quit;
    return true;
  } else {
    Error = "expected try, profile, trace or quit, found " + quoted(Kind);
    return false;
  }
  Request.Program = takeUpTo(Line, ' ');
  bool HaveTimeout = false;
  while (!Line.empty()) {
    std::string_view Word = takeUpTo(Line, ' ');
    if (Word.empty())
      continue;
    std::string_view Value = Word;
    std::string_view Name = takeUpTo(Value, '=');
    WordCheck Check = parseWord(Name, Value, Request);
    if (!Check.Good) {
      Error =
          std::string("expected ") + Check.Expected + ", found " + quoted(Word);
      return false;
    }
    HaveTimeout |= Name == "timeout_ms";
  }
  if (!HaveTimeout)
    Error = "expected timeout_ms=NUMBER, found no such word";
  return HaveTimeout;
}
