//===- ElementReader.h - checked access to JSON elements ------------------===//
//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Internal to lib/Kernel: takes typed values out of a JSON document and records
// the first element that is not what was expected, with its path. LLVM's own
// ObjectMapper reports paths too, but ignores members that it does not know.
//
//===----------------------------------------------------------------------===//

#ifndef PREPATCH_KERNEL_ELEMENTREADER_H
#define PREPATCH_KERNEL_ELEMENTREADER_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/ADT/Twine.h"
#include "llvm/Support/JSON.h"
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

namespace prepatch {

/// Every function returns false once an error is recorded.
class ElementReader {
public:
  llvm::StringRef error() const { return Problem; }

protected:
  /// Where in the document we are; a chain on the stack, spelled out only when
  /// something is wrong.
  struct At {
    const At *Up = nullptr;
    llvm::StringRef Key;
    size_t Index = 0;

    At key(llvm::StringRef K) const { return {this, K, 0}; }
    At index(size_t I) const { return {this, llvm::StringRef(), I}; }

    std::string text() const {
      if (!Up)
        return "";
      std::string Prefix = Up->text();
      if (Key.empty())
        return Prefix + "[" + std::to_string(Index) + "]";
      return Prefix.empty() ? Key.str() : Prefix + "." + Key.str();
    }
  };

  enum Presence { Optional, Required };
  using ReadFn =
      llvm::function_ref<bool(const llvm::json::Value &, const At &)>;
  struct Member {
    llvm::StringRef Key;
    Presence Need;
    ReadFn Read;
  };

  bool fail(const At &Where, const llvm::Twine &What) {
    std::string Path = Where.text();
    Problem = (Path.empty() ? "" : Path + ": ") + What.str();
    return false;
  }

  bool object(const llvm::json::Value &V, const At &Where,
              llvm::ArrayRef<Member> Members);
  bool array(const llvm::json::Value &V, const At &Where, ReadFn Each);
  bool string(const llvm::json::Value &V, const At &Where, std::string &Out);
  bool boolean(const llvm::json::Value &V, const At &Where, bool &Out);
  bool number(const llvm::json::Value &V, const At &Where, double &Out);
  bool integer(const llvm::json::Value &V, const At &Where, int64_t Min,
               int64_t Max, int64_t &Out);
  template <class T>
  bool integer(const llvm::json::Value &V, const At &W, T &Out) {
    int64_t Value;
    if (!integer(V, W, std::numeric_limits<T>::min(),
                 std::numeric_limits<T>::max(), Value))
      return false;
    Out = T(Value);
    return true;
  }
  /// A length after a rewrite.
  bool length(const llvm::json::Value &V, const At &Where, uint8_t &Out) {
    int64_t Value;
    if (!integer(V, Where, 1, 255, Value))
      return false;
    Out = uint8_t(Value);
    return true;
  }
  bool ids(const llvm::json::Value &V, const At &Where,
           std::vector<uint32_t> &Out);

private:
  std::string Problem;
};

} // namespace prepatch

#endif // PREPATCH_KERNEL_ELEMENTREADER_H
