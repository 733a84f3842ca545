//===- RegValue.h - What a register or stack slot holds ------------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The lattice of RegKinds, in the terms of the verifier's register types:
// Uninit below everything, Unknown above. Two pointers of one kind join to
// that kind, a pointer and the constant 0 to the pointer or null. Numbers, and
// what may be one, have bounds besides.
//===----------------------------------------------------------------------===//
#ifndef PREPATCH_ANALYSIS_REGVALUE_H
#define PREPATCH_ANALYSIS_REGVALUE_H

#include "Analysis/ValueRange.h"
#include "IR/Program.h"
#include "Kernel/KernelProfile.h"
#include "llvm/ADT/ArrayRef.h"

namespace prepatch {

enum class ValueKind : uint8_t {
  Uninit,      ///< not written on any way here, or clobbered: not readable
  Unknown,     ///< anything
  Scalar,      ///< a number, perhaps an exactly known one
  Context,     ///< the program's context
  Stack,       ///< this function's own frame; offset from r10
  CallerStack, ///< the frame of a caller
  MapPtr,      ///< a map; without a known map: several maps at one place
  MapKey,      ///< a key inside a map, what for_each callbacks get
  MapValue,
  Packet,
  PacketEnd,
  PacketMeta,
  SockCommon,
  Sock,
  TcpSock,
  XdpSock,
  FunctionPtr, ///< address of a function; without a known one: several
  DataAddress, ///< inside a variable section or a kernel variable
  BtfPtr,      ///< kernel object, typed by BTF
  Memory,      ///< sized memory that a helper gave, and all other pointers
};

/// 16 bytes; a plain value.
class RegValue {
public:
  RegValue() = default;

  static RegValue unknown(bool MayPointToStack = false) {
    RegValue R(ValueKind::Unknown);
    R.StackTaint = MayPointToStack;
    R.setRange(ValueRange());
    return R;
  }
  static RegValue scalar(bool NonNegative = false) {
    RegValue R(ValueKind::Scalar);
    R.NonNegative = NonNegative;
    R.setRange(ValueRange());
    return R;
  }
  static RegValue constant(uint64_t V) {
    RegValue R = scalar(int64_t(V) >= 0);
    R.Known = true;
    R.Off = 0;
    R.Const = V;
    return R;
  }
  /// A pointer at a known offset.
  static RegValue pointer(ValueKind K, int32_t Off = 0) {
    RegValue R(K);
    R.Known = true;
    R.Off = Off;
    return R;
  }
  static RegValue map(const Map *M) {
    RegValue R = pointer(ValueKind::MapPtr);
    R.MapRef = M;
    return R;
  }
  static RegValue mapValue(const Map *M) {
    RegValue R = pointer(ValueKind::MapValue);
    R.MapRef = M;
    return R;
  }
  static RegValue function(Function *F) {
    RegValue R = pointer(ValueKind::FunctionPtr);
    R.FunctionRef = F;
    return R;
  }
  static RegValue data(const Symbol *S, int32_t Off) {
    RegValue R = pointer(ValueKind::DataAddress, Off);
    R.SymbolRef = S;
    return R;
  }
  RegValue orNull() const {
    RegValue R = *this;
    R.Null = true;
    return R;
  }
  RegValue nonNull() const {
    RegValue R = *this;
    R.Null = false;
    return R;
  }

  ValueKind kind() const { return Kind; }
  bool is(ValueKind K) const { return Kind == K; }
  bool isPointer() const { return Kind > ValueKind::Scalar; }
  bool mayBeNull() const { return Null; }
  /// Points to a stack frame, or is unknown because such a pointer met
  /// something else.
  bool mayPointToStack() const {
    return Kind == ValueKind::Stack || Kind == ValueKind::CallerStack ||
           StackTaint;
  }

  /// Of a scalar: whether constant() is its exact value.
  bool isConstant() const { return Kind == ValueKind::Scalar && Known; }
  uint64_t constant() const { return Const; }
  bool isZero() const { return isConstant() && Const == 0; }
  /// A scalar that is not below 0 as a signed number, or the verifier would
  /// not let it be used as an index: no proof of bounds.
  bool isNonNegative() const {
    return NonNegative || (Kind == ValueKind::Scalar && signedRange().Min >= 0);
  }

  /// Bounds of the value as a number: of a scalar, and of what may be one. They
  /// hold in every run. A range of a single number does not make a constant:
  /// the verifier need not know it.
  ValueRange signedRange() const;
  UnsignedRange range() const { return UnsignedRange::of(signedRange()); }
  /// The same value, known to be in \p R besides; just \p R if that contradicts
  /// what was known, where nobody gets. \p R may be stored rounded outwards.
  /// Nothing changes for constants and pointers.
  RegValue within(ValueRange R) const;
  /// After a join at a place that joins again and again: bounds that left those
  /// of \p Old move on to the next of \p Stops (sorted), or to the end.
  void widen(const RegValue &Old, llvm::ArrayRef<int64_t> Stops);

  /// Of a pointer: whether offset() is exact. Of a pointer into a frame an
  /// inexact offset is a lower bound, or at least that of the object that it
  /// was made from; isBoundGuessed tells.
  bool hasKnownOffset() const { return isPointer() && Known; }
  int32_t offset() const { return isPointer() ? Off : 0; }
  /// A number whose sign nobody knows was added.
  bool isBoundGuessed() const { return Guessed; }

  /// Of MapPtr and MapValue: the map, or null for several or an unknown one.
  const Map *map() const {
    return Kind == ValueKind::MapPtr || Kind == ValueKind::MapValue ? MapRef
                                                                    : nullptr;
  }
  Function *function() const {
    return Kind == ValueKind::FunctionPtr ? FunctionRef : nullptr;
  }
  const Symbol *symbol() const {
    return Kind == ValueKind::DataAddress ? SymbolRef : nullptr;
  }
  /// Which socket structure it points to, if any.
  std::optional<SocketKind> socket() const;
  /// The same for a value that is loaded.
  static RegValue socketPtr(SocketKind K);

  /// This pointer moved by \p Delta, or by an amount nobody knows.
  RegValue moved(int64_t Delta) const;
  RegValue movedUnknown(bool Forward) const;
  /// A pointer into a frame as the callees of the frame's function see it.
  RegValue asCallerStack() const;

  /// Joins \p Other in. Returns whether this changed.
  bool join(const RegValue &Other);
  bool operator==(const RegValue &Other) const;

private:
  explicit RegValue(ValueKind K) : Kind(K) {}
  bool hasRange() const {
    return Kind == ValueKind::Unknown || (Kind == ValueKind::Scalar && !Known);
  }
  void setRange(ValueRange R);
  ValueKind Kind = ValueKind::Uninit;
  bool Known : 1 = false;
  bool Null : 1 = false;
  bool StackTaint : 1 = false;
  bool NonNegative : 1 = false;
  bool Guessed : 1 = false;
  /// Of a pointer the offset; of what has a range its lower bound, which
  /// saturates: the least number stands for all that are below, too.
  int32_t Off = 0;
  union {
    uint64_t Const = 0; ///< of what has a range: its upper bound
    const Map *MapRef;
    Function *FunctionRef;
    const Symbol *SymbolRef;
  };
};
static_assert(sizeof(RegValue) == 16);

/// "context+4", "map_value(hits)", "scalar=7": for dumps and tests.
std::string describe(const RegValue &V);

} // namespace prepatch

#endif
