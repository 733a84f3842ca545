//===- StateText.h - the verifier's text of a state -----------------------===//
//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Reads what print_verifier_state() prints of the registers and the stack of
// one function, "R1=ctx() R2_w=5 fp-16=????scalar(id=1,umax=255) refs=2", in
// the spellings of 5.x to 6.18, whole or only what changed.
//
//===----------------------------------------------------------------------===//

#ifndef PREPATCH_LOAD_STATETEXT_H
#define PREPATCH_LOAD_STATETEXT_H

#include <cstdint>
#include <string_view>

namespace prepatch {

/// What the verifier knows of a register or of eight bytes of stack.
struct LocationValue {
  enum KindT : uint8_t {
    Nothing, ///< not initialised, or not printed
    Scalar,  ///< constant, range or unknown, in the bytes of Bytes
    Other,   ///< a pointer, or a slot the kernel keeps for itself
  };
  uint32_t Hash = 0; ///< of the text without ids; 0 only for Nothing
  KindT Kind = Nothing;
  bool Known = false; ///< an exact constant, as far as it is initialised
  uint8_t Bytes = 0;  ///< of a Scalar: bit I for the byte at address + I
  uint64_t Min = 0, Max = UINT64_MAX; ///< unsigned, of a Scalar
};

/// The state of the innermost function. Locations are numbered: r0 to r9, then
/// the stack slots fp-8, fp-16, ...
class FrameState {
public:
  static constexpr unsigned Registers = 10, Slots = 64,
                            Locations = Registers + Slots;

  /// Takes over Text; with All set, what it does not name is Nothing. False if
  /// there was something in it that was not understood.
  bool apply(std::string_view Text, bool All);
  void clear();
  /// Calls leave nothing in r1 to r5, and the log does not say so.
  void clobberArguments();

  const LocationValue &operator[](unsigned Location) const {
    return Values[Location];
  }
  /// All locations from here on are Nothing.
  unsigned used() const { return Used; }
  unsigned frame() const { return Frame; }

private:
  void set(unsigned Location, const LocationValue &Value);

  LocationValue Values[Locations];
  unsigned Used = Registers, Frame = 0;
};

/// The value at the start of Text, which runs to a space outside parentheses;
/// what is left stays in Text.
LocationValue takeValue(std::string_view &Text, bool Slot);

} // namespace prepatch

#endif
