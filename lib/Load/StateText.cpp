//===- StateText.cpp - the verifier's text of a state ---------------------===//
//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Spellings met: 6.18 "R2=scalar(...)", 6.12 "R2_w=scalar(...)", "R2_w=P5";
// 6.1 the same with 64-bit decimals, a spilled range as "fp-8=", a spilled
// pointer without its parentheses; before 5.18 "inv(id=0,umax_value=255)",
// "invP5".
//
//===----------------------------------------------------------------------===//

#include "StateText.h"

#include <cstring>

using namespace prepatch;

static bool isDigit(char C) { return C >= '0' && C <= '9'; }

/// Mostly false at the first character, which must not cost a call.
static bool startsWith(std::string_view Text, std::string_view Prefix) {
  return Text.size() >= Prefix.size() && Text[0] == Prefix[0] &&
         memcmp(Text.data(), Prefix.data(), Prefix.size()) == 0;
}

static uint64_t mixBits(uint64_t Hash) {
  Hash ^= Hash >> 32;
  Hash *= 0x9e3779b97f4a7c15;
  return Hash ^ (Hash >> 29);
}

static uint64_t hashText(std::string_view Text, uint64_t Hash) {
  while (Text.size() >= 8) {
    uint64_t Part;
    memcpy(&Part, Text.data(), 8);
    Hash = mixBits(Hash ^ Part);
    Text.remove_prefix(8);
  }
  uint64_t Part = Text.size() << 56;
  for (size_t I = 0; I != Text.size(); ++I)
    Part |= uint64_t(static_cast<unsigned char>(Text[I])) << (8 * I);
  return mixBits(Hash ^ Part);
}

/// Decimal or hexadecimal, possibly negative; false if there is no number.
static bool takeNumber(std::string_view &Text, uint64_t &Value) {
  size_t At = 0;
  bool Negative = startsWith(Text, "-");
  At += Negative;
  Value = 0;
  size_t First = At;
  if (startsWith(Text.substr(At), "0x")) {
    for (First = At += 2; At != Text.size(); ++At) {
      char C = Text[At];
      unsigned Digit = isDigit(C)             ? unsigned(C - '0')
                       : C >= 'a' && C <= 'f' ? unsigned(C - 'a') + 10
                                              : 16;
      if (Digit == 16)
        break;
      Value = Value << 4 | Digit;
    }
  } else {
    for (; At != Text.size() && isDigit(Text[At]); ++At)
      Value = Value * 10 + uint64_t(Text[At] - '0');
  }
  if (At == First)
    return false;
  if (Negative)
    Value = 0 - Value;
  Text.remove_prefix(At);
  return true;
}

/// Where the value ends: at a space, but "var_off=(0x0; 0xff)" has one inside.
static size_t valueLength(std::string_view Text) {
  size_t At = 0;
  while (At != Text.size() && Text[At] != ' ' && Text[At] != '(')
    ++At;
  while (At != Text.size() && Text[At] != ' ') {
    size_t Close = Text.find(')', At);
    if (Close == std::string_view::npos)
      return Text.size();
    At = Close + 1;
    if (At != Text.size() && Text[At] != ' ' && Text[At] != ')' &&
        Text[At] != ',')
      return At;
  }
  return At;
}

/// Takes "id=7,", "id=7+4,", "ref_obj_id=3," and the like off the front of what
/// stands between parentheses: numbers that differ on every path.
static void skipIds(std::string_view &Text) {
  while (startsWith(Text, "id=") || startsWith(Text, "ref_obj_id=") ||
         startsWith(Text, "ref_id=") || startsWith(Text, "dynptr_id=")) {
    size_t End = Text.find_first_of(",)");
    if (End == std::string_view::npos)
      End = Text.size();
    else if (Text[End] == ',')
      ++End;
    Text.remove_prefix(End);
  }
}

/// "smin=umin=5,umax=umax32=0xff,var_off=(..)": the unsigned 64-bit limits.
static void readLimits(std::string_view Text, LocationValue &Value) {
  while (!Text.empty() && Text[0] != ')') {
    bool Min = false, Max = false;
    while (!Text.empty() && Text[0] >= 'a' && Text[0] <= 'z') {
      size_t Equal = Text.find('=');
      if (Equal == std::string_view::npos)
        return;
      std::string_view Name = Text.substr(0, Equal);
      if (Name == "var_off")
        return; // the limits stand before it
      Min |= Name == "umin" || Name == "umin_value";
      Max |= Name == "umax" || Name == "umax_value";
      Text.remove_prefix(Equal + 1);
    }
    uint64_t Number;
    if (!takeNumber(Text, Number))
      return;
    if (Min)
      Value.Min = Number;
    if (Max)
      Value.Max = Number;
    if (startsWith(Text, ","))
      Text.remove_prefix(1);
  }
}

/// Reads a register's value. Text is all of it.
static void readRegister(std::string_view Text, bool Slot,
                         LocationValue &Value) {
  std::string_view Rest = Text;
  bool Old = startsWith(Rest, "inv");
  if (Old)
    Rest.remove_prefix(3);
  // The verifier's mark that the exact value matters says nothing of the value.
  if (startsWith(Rest, "P") &&
      (Rest.size() == 1 || isDigit(Rest[1]) || Rest[1] == '-' ||
       Rest[1] == 's' || Rest[1] == '('))
    Rest.remove_prefix(1);
  Value.Kind = LocationValue::Scalar;
  Value.Bytes = 0xff;
  uint64_t Number;
  std::string_view Constant = Rest;
  if (takeNumber(Constant, Number) && Constant.empty()) {
    Value.Known = true;
    Value.Min = Value.Max = Number;
    Value.Hash = static_cast<uint32_t>(mixBits(mixBits(Number + 1)));
    return;
  }
  if (startsWith(Rest, "scalar"))
    Rest.remove_prefix(6);
  else if (!Old && !(Slot && Rest.empty())) // 6.1: "fp-8=" is a range
    Value.Kind = LocationValue::Other;
  size_t Open = Rest.find('(');
  std::string_view Name = Rest.substr(0, Open);
  std::string_view Inside =
      Open == std::string_view::npos ? "" : Rest.substr(Open + 1);
  skipIds(Inside);
  uint64_t Hash = Value.Kind == LocationValue::Scalar ? 1 : hashText(Name, 2);
  Value.Hash = static_cast<uint32_t>(hashText(Inside, Hash));
  if (Value.Kind == LocationValue::Scalar)
    readLimits(Inside, Value);
  else
    Value.Bytes = 0;
}

/// How many of the characters at the start of a slot's text are types of bytes
/// and not the value of a spilled part of it.
static size_t typeCount(std::string_view Text) {
  size_t Run = 0;
  while (Run != Text.size() && Run != 8 &&
         memchr("?m0rdi", Text[Run], 6) != nullptr)
    ++Run;
  if (Run == 8 && Text.size() == 8)
    return 8;
  // "mmmm0" and "mmmm0xff": the last zero belongs to the number.
  if (Run && Text[Run - 1] == '0' && (Run == Text.size() || Text[Run] == 'x'))
    --Run;
  // Spills are of 8, 4, 2 or 1 bytes; "map_value" has no types in front.
  return Run == 4 || Run == 6 || Run == 7 ? Run : 0;
}

static void readSlot(std::string_view Text, LocationValue &Value) {
  size_t Count = typeCount(Text);
  std::string_view Types = Text.substr(0, Count);
  if (Count == 8) {
    Value.Kind = LocationValue::Scalar;
    Value.Known = true;
    Value.Hash = static_cast<uint32_t>(hashText(Types, 3));
    Value.Max = 0;
  } else {
    readRegister(Text.substr(Count), true, Value);
    if (!Count || Value.Kind != LocationValue::Scalar)
      return;
    Value.Hash = static_cast<uint32_t>(hashText(Types, Value.Hash));
    Value.Bytes = static_cast<uint8_t>(0xff >> Count);
  }
  // The first type is that of the byte with the highest address.
  for (size_t I = 0; I != Count; ++I) {
    if (Types[I] == 'd' || Types[I] == 'i')
      Value.Kind = LocationValue::Other;
    if (Types[I] == '?')
      continue;
    Value.Bytes |= static_cast<uint8_t>(0x80 >> I);
    if (Types[I] != '0') {
      Value.Known = false;
      Value.Max = UINT64_MAX;
    }
  }
}

LocationValue prepatch::takeValue(std::string_view &Text, bool Slot) {
  std::string_view Own = Text.substr(0, valueLength(Text));
  Text.remove_prefix(Own.size());
  LocationValue Value;
  if (Slot)
    readSlot(Own, Value);
  else
    readRegister(Own, false, Value);
  if (Value.Hash == 0)
    Value.Hash = 1;
  return Value;
}

void FrameState::clear() {
  for (unsigned I = 0; I != Used; ++I)
    Values[I] = LocationValue();
  Used = Registers;
  Frame = 0;
}

void FrameState::clobberArguments() {
  for (unsigned I = 1; I != 6; ++I)
    Values[I] = LocationValue();
}

void FrameState::set(unsigned Location, const LocationValue &Value) {
  if (Location >= Locations)
    return;
  Values[Location] = Value;
  if (Location >= Used)
    Used = Location + 1;
}

/// The number of "R5" or "fp-16" after its letters, up to its '='. The marks
/// "_rw" are the verifier's own bookkeeping.
static bool takeName(std::string_view &Text, unsigned &Number) {
  Number = 0;
  size_t At = 0;
  while (At != Text.size() && At < 5 && isDigit(Text[At]))
    Number = Number * 10 + unsigned(Text[At++] - '0');
  if (At == 0)
    return false;
  if (At != Text.size() && Text[At] == '_')
    while (At != Text.size() && Text[At] != '=' && Text[At] != ' ')
      ++At;
  if (At == Text.size() || Text[At] != '=')
    return false;
  Text.remove_prefix(At + 1);
  return true;
}

bool FrameState::apply(std::string_view Text, bool All) {
  if (All)
    clear();
  Frame = 0;
  bool Good = true;
  while (!Text.empty()) {
    if (Text[0] == ' ') {
      Text.remove_prefix(1);
      continue;
    }
    unsigned Number;
    std::string_view Word = Text;
    if (Text[0] == 'R') {
      Word.remove_prefix(1);
      if (takeName(Word, Number)) {
        LocationValue Value = takeValue(Word, false);
        if (Number < Registers)
          set(Number, Value);
        Text = Word;
        continue;
      }
    } else if (startsWith(Text, "fp-")) {
      Word.remove_prefix(3);
      if (takeName(Word, Number) && Number && Number % 8 == 0) {
        bool Dynptr = startsWith(Word, "dynptr_");
        LocationValue Value = takeValue(Word, true);
        unsigned Location = Registers + Number / 8 - 1;
        set(Location, Value);
        // Printed at the lower of its two slots.
        if (Dynptr && Location > Registers)
          set(Location - 1, Value);
        Text = Word;
        continue;
      }
    } else if (startsWith(Text, "frame")) {
      size_t Colon = Text.find(':');
      uint64_t Value;
      Word.remove_prefix(5);
      if (Colon != std::string_view::npos && takeNumber(Word, Value) &&
          startsWith(Word, ":")) {
        Frame = static_cast<unsigned>(Value);
        Text.remove_prefix(Colon + 1);
        continue;
      }
    }
    size_t End = Text.find(' ');
    Word = Text.substr(0, End);
    Good &= startsWith(Word, "refs=") || Word == "cb" || Word == "async_cb";
    Text.remove_prefix(Word.size());
  }
  return Good;
}
