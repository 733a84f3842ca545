//===- SourceLines.cpp - Line records as text ----------------------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Object/Object.h"
#include "llvm/Support/Path.h"

using namespace llvm;

namespace prepatch {

std::string Object::describeLine(const LineRecord &Line) const {
  if (!Types)
    return "";
  StringRef File = sys::path::filename(Types->string(Line.FileNameOff));
  std::string Text = (File + ":" + Twine(Line.line())).str();
  if (StringRef Source = Types->string(Line.LineOff).trim(); !Source.empty())
    Text += (": " + Source).str();
  return Text;
}

} // namespace prepatch
