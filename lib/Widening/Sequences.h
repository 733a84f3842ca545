//===- Sequences.h - No-ops that make the verifier forget ----------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A forgetting sequence leaves every register and every stack byte that
// anyone may read as it was, for every input, and leaves the verifier without
// knowledge of one location. Sequences.def is the list of all that prepatch
// inserts; each entry says why it is an identity.
//===----------------------------------------------------------------------===//
#ifndef PREPATCH_WIDENING_SEQUENCES_H
#define PREPATCH_WIDENING_SEQUENCES_H

#include "ISA/Encoding.h"
#include "ISA/Operands.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"
#include <compare>
#include <optional>
#include <string>

namespace prepatch {

/// A register, or the 8 bytes of stack at an offset from r10.
struct Location {
  bool IsSlot = false;
  int16_t Where = 0; ///< register number, or a negative multiple of 8

  static Location reg(unsigned R) { return {false, int16_t(R)}; }
  static Location slot(int16_t Off) { return {true, Off}; }
  auto operator<=>(const Location &) const = default;
};

/// "r6" or "fp-16", as verifier logs write them.
std::string toString(Location L);
std::optional<Location> parseLocation(llvm::StringRef Text);

/// How a location is forgotten. The order is that of Sequences.def.
class Form {
public:
  enum Kind : uint8_t {
#define PREPATCH_FORM(ENUM, NAME, ON_SLOT, TEXT) ENUM,
#include "Widening/Sequences.def"
  };

  constexpr Form(Kind K = Touch) : TheKind(K) {}
  /// guard and slot-guard: the verifier is left with "from \p Min to \p Max".
  /// Max is at most MaxGuarded and not less than Min.
  static Form guard(uint32_t Min, uint32_t Max, bool OnSlot);
  static constexpr uint32_t MaxGuarded = INT32_MAX; ///< an immediate

  constexpr Kind kind() const { return TheKind; }
  constexpr bool isGuard() const {
    return TheKind == Guard || TheKind == SlotGuard;
  }
  constexpr uint32_t min() const { return Min; }
  constexpr uint32_t max() const { return Max; }
  constexpr auto operator<=>(const Form &) const = default;

private:
  Kind TheKind;
  uint32_t Min = 0, Max = 0;
};

/// "spill", "touch", "guard0-90", ...: the name in decisions files.
std::string formName(Form F);
std::optional<Form> parseForm(llvm::StringRef Name);
/// All but guards, of which there are too many.
llvm::ArrayRef<Form> allForms();
/// Whether the form is for stack slots; the others are for registers.
bool isForSlots(Form F);
/// What it does, in a few words.
llvm::StringRef formText(Form F);

/// xor1 to xor64: forgets the low \p Bits of a register and keeps what is
/// known of the others.
Form xorForm(unsigned Bits);
/// The K of xorK; 0 for other forms.
unsigned xorBits(Form F);

/// narrow1 to narrow32, or slot-narrow1 to slot-narrow32: leaves the verifier
/// with "less than 2^Bits".
Form narrowForm(unsigned Bits, bool OnSlot);
/// Of a form that is an identity only for values less than 2^K, the K; 0 for
/// those that are one for all values.
unsigned provenBits(Form F);

/// About how many cycles a no-op takes when it is run: one that loads at once
/// what two stores wrote waits for both to reach the cache.
unsigned runCycles(Form F);

/// What a sequence may use at the place where it stands.
struct Resources {
  RegSet Dead = 0;                 ///< registers that may be overwritten
  std::optional<int16_t> FreeSlot; ///< 8 bytes of stack that nobody reads
  bool IsBigEndian = false;        ///< the byte order of the program
};

/// Appends the code that forgets \p L by \p F. That the value is less than
/// 2^provenBits is up to the caller. False, and nothing appended, if
/// it needs what \p Have does not offer or does not fit the location.
bool appendForget(llvm::SmallVectorImpl<RawInsn> &Code, Location L, Form F,
                  const Resources &Have);
/// The same for several locations at once. All registers that are forgotten by
/// one xorK share what it needs; for other forms there is one location.
bool appendForget(llvm::SmallVectorImpl<RawInsn> &Code,
                  llvm::ArrayRef<Location> Ls, Form F, const Resources &Have);

/// A sequence found in code.
struct ForgetMatch {
  explicit ForgetMatch(Form F) : How(F) {}
  Form How;
  llvm::SmallVector<Location, 2> Where; ///< several only for xorK
  unsigned Length = 0;                  ///< instructions
  RegSet Clobbers = 0;                  ///< dead registers that it overwrites
  std::optional<int16_t> SlotUsed;      ///< free slot that it overwrites
};

/// The longest sequence that \p Code starts with, if it is one of ours.
/// Recognises exactly what appendForget makes. What must be proven of the value
/// (provenBits) is not looked at here.
std::optional<ForgetMatch> matchForget(llvm::ArrayRef<RawInsn> Code,
                                       bool IsBigEndian = false);

} // namespace prepatch

#endif
