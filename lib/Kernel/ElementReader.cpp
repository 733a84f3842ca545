//===- ElementReader.cpp - checked access to JSON elements ----------------===//
//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// See the header.
//
//===----------------------------------------------------------------------===//

#include "ElementReader.h"
#include "llvm/ADT/STLExtras.h"

using namespace llvm;
using namespace prepatch;

bool ElementReader::object(const json::Value &V, const At &Where,
                           ArrayRef<Member> Members) {
  const json::Object *O = V.getAsObject();
  if (!O)
    return fail(Where, "expected an object");
  size_t Known = 0;
  for (const Member &M : Members) {
    const json::Value *Field = O->get(M.Key);
    if (!Field) {
      if (M.Need == Required)
        return fail(Where, "expected a member '" + M.Key + "'");
      continue;
    }
    ++Known;
    if (!M.Read(*Field, Where.key(M.Key)))
      return false;
  }
  if (Known == O->size())
    return true;
  // Objects are hashed: name the first unknown key by its name.
  StringRef Unknown;
  for (const auto &[Key, Value] : *O) {
    StringRef K = Key;
    if (none_of(Members, [&](const Member &M) { return M.Key == K; }) &&
        (Unknown.empty() || K < Unknown))
      Unknown = K;
  }
  return fail(Where, "unexpected member '" + Unknown + "'");
}

bool ElementReader::array(const json::Value &V, const At &Where, ReadFn Each) {
  const json::Array *A = V.getAsArray();
  if (!A)
    return fail(Where, "expected an array");
  for (size_t I = 0; I < A->size(); ++I)
    if (!Each((*A)[I], Where.index(I)))
      return false;
  return true;
}

bool ElementReader::string(const json::Value &V, const At &Where,
                           std::string &Out) {
  std::optional<StringRef> S = V.getAsString();
  if (!S)
    return fail(Where, "expected a string");
  Out = S->str();
  return true;
}

bool ElementReader::boolean(const json::Value &V, const At &Where, bool &Out) {
  std::optional<bool> B = V.getAsBoolean();
  if (!B)
    return fail(Where, "expected true or false");
  Out = *B;
  return true;
}

bool ElementReader::number(const json::Value &V, const At &Where, double &Out) {
  std::optional<double> N = V.getAsNumber();
  if (!N || !(*N >= 0))
    return fail(Where, "expected a number that is not negative");
  Out = *N;
  return true;
}

bool ElementReader::integer(const json::Value &V, const At &Where, int64_t Min,
                            int64_t Max, int64_t &Out) {
  std::optional<int64_t> I = V.getAsInteger();
  if (!I)
    return fail(Where, "expected an integer");
  if (*I < Min || *I > Max)
    return fail(Where, "expected an integer from " + Twine(Min) + " to " +
                           Twine(Max) + ", found " + Twine(*I));
  Out = *I;
  return true;
}

bool ElementReader::ids(const json::Value &V, const At &Where,
                        std::vector<uint32_t> &Out) {
  return array(V, Where, [&](const json::Value &E, const At &W) {
    return integer(E, W, Out.emplace_back());
  });
}
