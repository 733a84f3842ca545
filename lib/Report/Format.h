//===- Format.h - The formats that reports come in -----------------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What --format and --report understand, and how numbers look in all of them.
//===----------------------------------------------------------------------===//
#ifndef PREPATCH_REPORT_FORMAT_H
#define PREPATCH_REPORT_FORMAT_H

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/JSON.h"
#include <cstdint>
#include <optional>
#include <string>

namespace prepatch {

enum class ReportFormat : uint8_t {
  Table, ///< text in aligned columns, for reading
  Csv,   ///< RFC 4180, one header line
  Json,
};

/// The format that \p Path asks for by its extension: .json, .csv, anything
/// else is text.
ReportFormat formatOfPath(llvm::StringRef Path);

/// \p Value with \p Decimals digits behind the point.
std::string formatFixed(double Value, unsigned Decimals);
/// As formatFixed; "-" for no value.
std::string formatFixed(std::optional<double> Value, unsigned Decimals);
/// A whole number; "-" for no value.
std::string formatCount(std::optional<int64_t> Value);

/// Writes a member with \p Decimals digits, or null. The JSON library alone
/// would print all 17 digits that a double has.
void writeFixed(llvm::json::OStream &Json, llvm::StringRef Key,
                std::optional<double> Value, unsigned Decimals);
/// Writes a number or null.
void writeCount(llvm::json::OStream &Json, llvm::StringRef Key,
                std::optional<int64_t> Value);

} // namespace prepatch

#endif
