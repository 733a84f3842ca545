//===- RegValue.h - What a register or stack slot holds ------------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The lattice of RegKinds, in the terms of the verifier's register types:
// Uninit below everything, Unknown above. Two pointers of one kind join to
// that kind, a pointer and the constant 0 to the pointer or null.
//===----------------------------------------------------------------------===//
#ifndef PREPATCH_ANALYSIS_REGVALUE_H
#define PREPATCH_ANALYSIS_REGVALUE_H

#include "IR/Program.h"
#include "Kernel/KernelProfile.h"

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
    return R;
  }
  static RegValue scalar(bool NonNegative = false) {
    RegValue R(ValueKind::Scalar);
    R.NonNegative = NonNegative;
    return R;
  }
  static RegValue constant(uint64_t V) {
    RegValue R = scalar(int64_t(V) >= 0);
    R.Known = true;
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
  /// A scalar that is not below 0 as a signed number.
  bool isNonNegative() const { return NonNegative; }

  /// Of a pointer: whether offset() is exact. Of a pointer into a frame an
  /// inexact offset is a lower bound, or at least that of the object that it
  /// was made from; isBoundGuessed tells.
  bool hasKnownOffset() const { return isPointer() && Known; }
  int32_t offset() const { return Off; }
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
  ValueKind Kind = ValueKind::Uninit;
  bool Known : 1 = false;
  bool Null : 1 = false;
  bool StackTaint : 1 = false;
  bool NonNegative : 1 = false;
  bool Guessed : 1 = false;
  int32_t Off = 0;
  union {
    uint64_t Const = 0;
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
