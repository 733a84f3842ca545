//===- Format.cpp - The formats that reports come in ---------------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Numbers as text. Printed by format(), which knows no locale.
//===----------------------------------------------------------------------===//

#include "Report/Format.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"
#include <cmath>

using namespace llvm;

namespace prepatch {

ReportFormat formatOfPath(StringRef Path) {
  if (Path.ends_with(".json"))
    return ReportFormat::Json;
  if (Path.ends_with(".csv"))
    return ReportFormat::Csv;
  return ReportFormat::Table;
}

std::string formatFixed(double Value, unsigned Decimals) {
  std::string Text;
  raw_string_ostream(Text) << format("%.*f", int(Decimals), Value);
  // "-0.00" is nothing that a reader or a test wants to tell from "0.00".
  if (Text[0] == '-' && Text.find_first_not_of("-0.") == std::string::npos)
    Text.erase(0, 1);
  return Text;
}

std::string formatFixed(std::optional<double> Value, unsigned Decimals) {
  return Value ? formatFixed(*Value, Decimals) : "-";
}

std::string formatCount(std::optional<int64_t> Value) {
  return Value ? std::to_string(*Value) : "-";
}

void writeFixed(json::OStream &Json, StringRef Key, std::optional<double> Value,
                unsigned Decimals) {
  Json.attributeBegin(Key);
  // JSON has no infinities.
  if (Value && std::isfinite(*Value))
    Json.rawValue(formatFixed(*Value, Decimals));
  else
    Json.value(nullptr);
  Json.attributeEnd();
}

void writeCount(json::OStream &Json, StringRef Key,
                std::optional<int64_t> Value) {
  if (Value)
    Json.attribute(Key, *Value);
  else
    Json.attribute(Key, nullptr);
}

} // namespace prepatch
