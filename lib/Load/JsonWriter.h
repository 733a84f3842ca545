//===- JsonWriter.h - JSON as text, piece by piece ------------------------===//
//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Writes JSON in order into a string: no tree is built. Strings that are not
// UTF-8 come out with the offending bytes as U+FFFD, so that the output is
// always valid.
//
//===----------------------------------------------------------------------===//

#ifndef PREPATCH_LOAD_JSONWRITER_H
#define PREPATCH_LOAD_JSONWRITER_H

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace prepatch {

class JsonWriter {
public:
  /// Starts inside an object whose members are indented by Depth steps: the
  /// text is then a fragment that others put between braces.
  explicit JsonWriter(unsigned Depth) : Depth(Depth) {}

  void key(std::string_view Name);
  void value(std::string_view Text);
  void value(const char *Text) { value(std::string_view(Text)); }
  void value(bool Value);
  void value(int64_t Value);
  void value(uint64_t Value);
  void value(int Value) { value(int64_t(Value)); }
  void value(unsigned Value) { value(uint64_t(Value)); }
  /// Two decimals, which is more than any clock here is worth.
  void value(double Value);
  void null();

  template <typename T> void member(std::string_view Name, const T &Value) {
    key(Name);
    value(Value);
  }
  template <typename T>
  void member(std::string_view Name, const std::vector<T> &Values) {
    key(Name);
    beginArray();
    for (const T &Value : Values)
      value(Value);
    endArray();
  }

  /// Objects and arrays begun in here stand on one line.
  void beginObject() { begin('{'); }
  void endObject() { end('}'); }
  void beginArray() { begin('['); }
  void endArray() { end(']'); }

  const std::string &text() const { return Text; }

private:
  void begin(char Open);
  void end(char Close);
  void separate();

  std::string Text;
  unsigned Depth;
  unsigned Nesting = 0;
  bool First = true, AfterKey = false;
};

/// Text as a JSON string, quotes included.
std::string quoteJson(std::string_view Text);

} // namespace prepatch

#endif
