//===- RegValue.cpp - What a register or stack slot holds ----------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Analysis/RegValue.h"
#include "llvm/ADT/STLExtras.h"

using namespace llvm;

namespace prepatch {

/// The verifier accepts no frame that is larger, so that no pointer into one
/// is below it. Lower bounds that keep falling end here.
static constexpr int32_t StackFloor = -512;

/// Kinds whose inexact offset is a lower bound.
static bool isFrame(ValueKind K) {
  return K == ValueKind::Stack || K == ValueKind::CallerStack;
}

/// Pointers to plain memory: which one matters to no rewrite.
static bool isPlainMemory(ValueKind K) {
  return K == ValueKind::MapKey || K == ValueKind::MapValue ||
         K == ValueKind::DataAddress || K == ValueKind::BtfPtr ||
         K == ValueKind::Memory;
}

std::optional<SocketKind> RegValue::socket() const {
  switch (Kind) {
  case ValueKind::SockCommon:
    return SocketKind::SockCommon;
  case ValueKind::Sock:
    return SocketKind::Sock;
  case ValueKind::TcpSock:
    return SocketKind::TcpSock;
  case ValueKind::XdpSock:
    return SocketKind::XdpSock;
  default:
    return std::nullopt;
  }
}

RegValue RegValue::socketPtr(SocketKind K) {
  switch (K) {
  case SocketKind::SockCommon:
    return pointer(ValueKind::SockCommon);
  case SocketKind::Sock:
    return pointer(ValueKind::Sock);
  case SocketKind::TcpSock:
    return pointer(ValueKind::TcpSock);
  case SocketKind::XdpSock:
    return pointer(ValueKind::XdpSock);
  }
  return unknown();
}

ValueRange RegValue::signedRange() const {
  if (isConstant())
    return ValueRange::constant(Const);
  if (!hasRange())
    return {};
  return {Off == INT32_MIN ? INT64_MIN : Off, int64_t(Const)};
}

void RegValue::setRange(ValueRange R) {
  Off = int32_t(std::clamp<int64_t>(R.Min, INT32_MIN, INT32_MAX));
  Const = uint64_t(R.Max);
}

RegValue RegValue::within(ValueRange R) const {
  RegValue V = *this;
  if (!hasRange())
    return V;
  ValueRange Old = signedRange();
  ValueRange Both{std::max(Old.Min, R.Min), std::min(Old.Max, R.Max)};
  V.setRange(Both.Min <= Both.Max ? Both : R);
  return V;
}

void RegValue::widen(const RegValue &Old, ArrayRef<int64_t> Stops) {
  if (!hasRange())
    return;
  ValueRange R = signedRange(), Before = Old.signedRange();
  if (R.Max > Before.Max) {
    auto It = lower_bound(Stops, R.Max);
    R.Max = It == Stops.end() ? INT64_MAX : *It;
  }
  if (R.Min < Before.Min) {
    auto It = upper_bound(Stops, R.Min);
    R.Min = It == Stops.begin() ? INT64_MIN : *std::prev(It);
  }
  setRange(R);
}

RegValue RegValue::moved(int64_t Delta) const {
  if (!isPointer())
    return unknown(StackTaint);
  RegValue R = *this;
  if (!Known) {
    if (isFrame(Kind))
      R.Off =
          Delta < 0 ? StackFloor : int32_t(std::min<int64_t>(Off + Delta, 0));
    return R;
  }
  int64_t New = Off + Delta;
  if (New < INT32_MIN / 2 || New > INT32_MAX / 2)
    return movedUnknown(Delta > 0);
  R.Off = int32_t(New);
  return R;
}

RegValue RegValue::movedUnknown(bool Forward) const {
  if (!isPointer())
    return unknown(StackTaint);
  RegValue R = *this;
  R.Known = false;
  if (!isFrame(Kind))
    R.Off = 0;
  else if (!Forward && Off >= 0)
    R.Off = StackFloor; // counted from the end of the frame
  else
    R.Guessed |= !Forward;
  return R;
}

RegValue RegValue::asCallerStack() const {
  RegValue R = pointer(ValueKind::CallerStack, Off);
  R.Known = Known;
  R.Null = Null;
  R.Guessed = Guessed;
  // One of an older frame has offsets of that frame, which nobody follows.
  if (Kind != ValueKind::Stack) {
    R.Known = false;
    R.Off = StackFloor;
  }
  return R;
}

bool RegValue::operator==(const RegValue &Other) const {
  return Kind == Other.Kind && Known == Other.Known && Null == Other.Null &&
         StackTaint == Other.StackTaint && NonNegative == Other.NonNegative &&
         Guessed == Other.Guessed && Off == Other.Off && Const == Other.Const;
}

bool RegValue::join(const RegValue &Other) {
  if (Other.Kind == ValueKind::Uninit || *this == Other)
    return false;
  RegValue Old = *this;
  if (Kind == ValueKind::Uninit) {
    *this = Other;
  } else if (isPointer() && Other.isZero()) {
    Null = true;
  } else if (isZero() && Other.isPointer()) {
    *this = Other.orNull();
  } else if (Kind == Other.Kind && Kind == ValueKind::Scalar) {
    *this = scalar(isNonNegative() && Other.isNonNegative())
                .within(signedRange().hull(Other.signedRange()));
  } else if (Kind == Other.Kind && isPointer()) {
    if (!Known || !Other.Known || Off != Other.Off) {
      Known = false;
      Off = isFrame(Kind) ? std::min(Off, Other.Off) : 0;
    }
    Null |= Other.Null;
    Guessed |= Other.Guessed;
    if (Const != Other.Const)
      Const = 0;
  } else if (isPlainMemory(Kind) && isPlainMemory(Other.Kind)) {
    RegValue R = pointer(ValueKind::Memory);
    R.Known = false;
    R.Null = Null || Other.Null;
    *this = R;
  } else {
    // A pointer has the full range.
    *this = unknown(mayPointToStack() || Other.mayPointToStack())
                .within(signedRange().hull(Other.signedRange()));
  }
  return !(*this == Old);
}

static StringRef kindName(ValueKind K) {
  switch (K) {
  case ValueKind::Uninit:
    return "uninit";
  case ValueKind::Unknown:
    return "unknown";
  case ValueKind::Scalar:
    return "scalar";
  case ValueKind::Context:
    return "context";
  case ValueKind::Stack:
    return "stack";
  case ValueKind::CallerStack:
    return "caller_stack";
  case ValueKind::MapPtr:
    return "map";
  case ValueKind::MapKey:
    return "map_key";
  case ValueKind::MapValue:
    return "map_value";
  case ValueKind::Packet:
    return "packet";
  case ValueKind::PacketEnd:
    return "packet_end";
  case ValueKind::PacketMeta:
    return "packet_meta";
  case ValueKind::SockCommon:
    return "sock_common";
  case ValueKind::Sock:
    return "sock";
  case ValueKind::TcpSock:
    return "tcp_sock";
  case ValueKind::XdpSock:
    return "xdp_sock";
  case ValueKind::FunctionPtr:
    return "function";
  case ValueKind::DataAddress:
    return "data";
  case ValueKind::BtfPtr:
    return "btf_ptr";
  case ValueKind::Memory:
    return "memory";
  }
  return "";
}

std::string describe(const RegValue &V) {
  std::string S = kindName(V.kind()).str();
  if (V.map())
    S += "(" + V.map()->Name + ")";
  if (V.function())
    S += "(" + V.function()->name() + ")";
  if (V.symbol())
    S += "(" + V.symbol()->Name + ")";
  if (V.isConstant())
    S += "=" + std::to_string(int64_t(V.constant()));
  if (V.hasKnownOffset() && V.offset())
    S += (V.offset() > 0 ? "+" : "") + std::to_string(V.offset());
  if (V.isPointer() && !V.hasKnownOffset())
    S += "+?";
  if (V.mayBeNull())
    S += "_or_null";
  return S;
}

} // namespace prepatch
