//===- JsonWriter.cpp - JSON as text, piece by piece ----------------------===//
//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Separators, escapes and numbers.
//
//===----------------------------------------------------------------------===//

#include "JsonWriter.h"

#include <cmath>
#include <cstdio>

using namespace prepatch;

/// The length of the well-formed UTF-8 sequence at Text[At], or 0.
static size_t sequenceLength(std::string_view Text, size_t At) {
  auto Byte = [&](size_t I) { return static_cast<unsigned char>(Text[I]); };
  unsigned char Lead = Byte(At);
  size_t Length = Lead < 0x80                   ? 1
                  : Lead >= 0xc2 && Lead < 0xe0 ? 2
                  : Lead >= 0xe0 && Lead < 0xf0 ? 3
                  : Lead >= 0xf0 && Lead < 0xf5 ? 4
                                                : 0;
  if (Length == 0 || At + Length > Text.size())
    return 0;
  for (size_t I = 1; I < Length; ++I)
    if ((Byte(At + I) & 0xc0) != 0x80)
      return 0;
  if (Length > 2) {
    // Overlong forms, surrogates, and what lies beyond U+10FFFF.
    unsigned char Second = Byte(At + 1);
    if ((Lead == 0xe0 && Second < 0xa0) || (Lead == 0xed && Second > 0x9f) ||
        (Lead == 0xf0 && Second < 0x90) || (Lead == 0xf4 && Second > 0x8f))
      return 0;
  }
  return Length;
}

std::string prepatch::quoteJson(std::string_view Text) {
  std::string Result = "\"";
  for (size_t At = 0; At < Text.size();) {
    size_t Length = sequenceLength(Text, At);
    if (Length == 0) {
      Result += "\\ufffd";
      ++At;
      continue;
    }
    unsigned char C = static_cast<unsigned char>(Text[At]);
    if (C == '"' || C == '\\') {
      Result += '\\';
      Result += Text[At];
    } else if (C == '\n') {
      Result += "\\n";
    } else if (C == '\t') {
      Result += "\\t";
    } else if (C < 0x20 || C == 0x7f) {
      char Escape[8];
      snprintf(Escape, sizeof(Escape), "\\u%04x", C);
      Result += Escape;
    } else {
      Result += Text.substr(At, Length);
    }
    At += Length;
  }
  return Result + '"';
}

void JsonWriter::separate() {
  if (AfterKey) {
    AfterKey = false;
    return;
  }
  if (!First)
    Text += Nesting ? ", " : ",";
  First = false;
  if (Nesting == 0) {
    Text += '\n';
    Text.append(size_t(Depth) * 2, ' ');
  }
}

void JsonWriter::key(std::string_view Name) {
  separate();
  Text += quoteJson(Name);
  Text += ": ";
  AfterKey = true;
}

void JsonWriter::value(std::string_view Value) {
  separate();
  Text += quoteJson(Value);
}

void JsonWriter::value(bool Value) {
  separate();
  Text += Value ? "true" : "false";
}

void JsonWriter::value(int64_t Value) {
  separate();
  Text += std::to_string(Value);
}

void JsonWriter::value(uint64_t Value) {
  separate();
  Text += std::to_string(Value);
}

void JsonWriter::value(double Value) {
  separate();
  char Number[64];
  snprintf(Number, sizeof(Number), "%.2f", std::isfinite(Value) ? Value : 0.0);
  Text += Number;
}

void JsonWriter::null() {
  separate();
  Text += "null";
}

void JsonWriter::begin(char Open) {
  separate();
  Text += Open;
  ++Nesting;
  First = true;
}

void JsonWriter::end(char Close) {
  Text += Close;
  --Nesting;
  First = false;
}
