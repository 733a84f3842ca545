//===- ContextFields.cpp - Pointers that are loaded from a context -------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Analysis/ContextFields.h"
#include "Kernel/ProgramType.h"

using namespace llvm;

namespace prepatch {

namespace {
struct Field {
  uint16_t Offset;
  ValueKind Kind;
  bool OrNull = false;
};
} // namespace

using enum ValueKind;

// struct __sk_buff
static constexpr Field SkBuff[] = {
    {76, Packet},  {80, PacketEnd},         {140, PacketMeta},
    {144, Memory}, {168, SockCommon, true},
};
// struct xdp_md
static constexpr Field XdpMd[] = {{0, Packet}, {4, PacketEnd}, {8, PacketMeta}};
// struct sk_msg_md
static constexpr Field SkMsgMd[] = {{0, Packet}, {8, PacketEnd}, {72, Sock}};
// struct bpf_sock_ops
static constexpr Field SockOps[] = {
    {184, Sock, true}, {192, Packet}, {200, PacketEnd}};
// struct bpf_sk_lookup
static constexpr Field SkLookup[] = {{0, Sock, true}};
// struct sk_reuseport_md
static constexpr Field SkReuseport[] = {
    {0, Packet}, {8, PacketEnd}, {40, Sock}, {48, SockCommon, true}};
// struct bpf_sock_addr
static constexpr Field SockAddr[] = {{64, Sock}};
// struct bpf_sockopt
static constexpr Field Sockopt[] = {{0, Sock}, {8, Packet}, {16, PacketEnd}};
// struct bpf_nf_ctx
static constexpr Field NfCtx[] = {{0, BtfPtr}, {8, BtfPtr}};

static ArrayRef<Field> fieldsOf(uint32_t ProgType) {
  if (hasSkBuffContext(ProgType))
    return SkBuff;
  switch (ProgType) {
  case ProgType::Xdp:
    return XdpMd;
  case ProgType::SkMsg:
    return SkMsgMd;
  case ProgType::SockOps:
    return SockOps;
  case ProgType::SkLookup:
    return SkLookup;
  case ProgType::SkReuseport:
    return SkReuseport;
  case ProgType::CgroupSockAddr:
    return SockAddr;
  case ProgType::CgroupSockopt:
    return Sockopt;
  case ProgType::Netfilter:
    return NfCtx;
  default:
    return {};
  }
}

/// Contexts whose 8-byte members may be kernel pointers, by BTF.
static bool holdsPointers(uint32_t ProgType) {
  switch (ProgType) {
  case ProgType::Unspec:
  case ProgType::Tracing:
  case ProgType::Lsm:
  case ProgType::StructOps:
  case ProgType::Ext:
  case ProgType::RawTracepointWritable:
  case ProgType::Syscall:
    return true;
  default:
    return false;
  }
}

RegValue contextField(uint32_t ProgType, int64_t Offset, unsigned Size) {
  if (holdsPointers(ProgType) && Size == 8)
    return RegValue::unknown();
  for (const Field &F : fieldsOf(ProgType))
    if (F.Offset == Offset && Size >= 4) {
      RegValue V = RegValue::pointer(F.Kind);
      return F.OrNull ? V.orNull() : V;
    }
  return RegValue::scalar(Size < 8);
}

bool mayGivePointerByWord(uint32_t ProgType, bool AtKnownOffset) {
  // An extension has the context of the program that it extends.
  if (ProgType == ProgType::Unspec || ProgType == ProgType::Ext)
    return true;
  return !AtKnownOffset && !fieldsOf(ProgType).empty();
}

} // namespace prepatch
