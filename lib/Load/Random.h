//===- Random.h - reproducible random numbers -----------------------------===//
//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The numbers depend on the seed alone, on every machine. Also the hash that
// digests outcomes, for the same reason.
//
//===----------------------------------------------------------------------===//

#ifndef PREPATCH_LOAD_RANDOM_H
#define PREPATCH_LOAD_RANDOM_H

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

namespace prepatch {

inline uint64_t mix64(uint64_t X) {
  X = (X ^ (X >> 30)) * 0xbf58476d1ce4e5b9u;
  X = (X ^ (X >> 27)) * 0x94d049bb133111ebu;
  return X ^ (X >> 31);
}

/// SplitMix64.
class Random {
public:
  explicit Random(uint64_t Seed) : State(Seed) {}

  uint64_t next() { return mix64(State += 0x9e3779b97f4a7c15u); }
  /// From 0 to Limit - 1.
  uint64_t below(uint64_t Limit) { return next() % Limit; }
  bool oneIn(uint64_t N) { return below(N) == 0; }
  template <typename T, size_t N> T pick(const T (&Choices)[N]) {
    return Choices[below(N)];
  }
  void fill(void *Data, size_t Size) {
    auto *Bytes = static_cast<unsigned char *>(Data);
    for (size_t I = 0; I < Size; ++I)
      Bytes[I] = static_cast<unsigned char>(next() >> 32);
  }

private:
  uint64_t State;
};

class Hash64 {
public:
  void add(const void *Data, size_t Size) {
    const auto *Bytes = static_cast<const unsigned char *>(Data);
    add(uint64_t(Size));
    for (; Size >= 8; Size -= 8, Bytes += 8) {
      uint64_t Word;
      memcpy(&Word, Bytes, 8);
      add(Word);
    }
    uint64_t Rest = 0;
    if (Size)
      memcpy(&Rest, Bytes, Size);
    add(Rest);
  }
  void add(uint64_t Word) { State = mix64(State ^ Word) + 0x9e3779b97f4a7c15u; }
  uint64_t value() const { return State; }

private:
  uint64_t State = 0x243f6a8885a308d3u;
};

inline uint64_t hashText(std::string_view Text) {
  Hash64 Hash;
  Hash.add(Text.data(), Text.size());
  return Hash.value();
}

} // namespace prepatch

#endif
