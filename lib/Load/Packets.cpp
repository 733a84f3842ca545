//===- Packets.cpp - random but plausible packets -------------------------===//
//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Addresses and ports come from small sets, so that what one packet stored in a
// map is found by a later one.
//
//===----------------------------------------------------------------------===//

#include "Packets.h"

using namespace prepatch;

namespace {
/// Appends fields in network byte order.
class Writer {
public:
  void u8(uint64_t V) { Bytes.push_back(static_cast<uint8_t>(V)); }
  void u16(uint64_t V) {
    u8(V >> 8);
    u8(V);
  }
  void u32(uint64_t V) {
    u16(V >> 16);
    u16(V);
  }
  void random(Random &R, size_t Count) {
    for (size_t I = 0; I != Count; ++I)
      u8(R.next() >> 40);
  }
  std::vector<uint8_t> Bytes;
};
} // namespace

static constexpr uint8_t Icmp = 1, Tcp = 6, Udp = 17, Icmp6 = 58;
static constexpr uint16_t Ip4Type = 0x0800, Ip6Type = 0x86dd, ArpType = 0x0806,
                          VlanType = 0x8100, QinqType = 0x88a8;

static uint16_t makePort(Random &R) {
  static const uint16_t Known[] = {80,   443,  53,   22, 8080, 4789,
                                   1234, 9999, 5000, 7,  0,    65535};
  return R.oneIn(4) ? static_cast<uint16_t>(R.next()) : R.pick(Known);
}

static void makePayload(Writer &W, Random &R) {
  static const char *const Texts[] = {"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
                                      "POST /x HTTP/1.0\r\n", "get key\r\n"};
  static const unsigned Sizes[] = {0, 1, 7, 8, 20, 64, 128, 512, 1400};
  if (R.oneIn(3)) {
    for (const char *T = R.pick(Texts); *T; ++T)
      W.u8(static_cast<unsigned char>(*T));
    return;
  }
  size_t Size = R.oneIn(3) ? R.below(R.oneIn(8) ? 2900 : 300) : R.pick(Sizes);
  if (R.oneIn(3)) {
    uint8_t Byte = R.oneIn(2) ? 0 : 0xff;
    W.Bytes.insert(W.Bytes.end(), Size, Byte);
  } else {
    W.random(R, Size);
  }
}

static void makeTransport(Writer &W, Random &R, uint8_t Protocol) {
  switch (Protocol) {
  case Tcp: {
    unsigned Options = R.oneIn(3) ? unsigned(R.below(11)) : 0;
    static const uint8_t Flags[] = {0x02, 0x10, 0x12, 0x18, 0x11, 0x04, 0};
    W.u16(makePort(R));
    W.u16(makePort(R));
    W.u32(R.next());
    W.u32(R.next());
    W.u8((R.oneIn(10) ? R.below(16) : 5 + Options) << 4);
    W.u8(R.pick(Flags));
    W.u16(R.next());
    W.u16(R.next());
    W.u16(0);
    for (unsigned I = 0; I != Options; ++I)
      W.u32(R.oneIn(2) ? 0x01010101 : R.next());
    break;
  }
  case Udp:
    W.u16(makePort(R));
    W.u16(makePort(R));
    W.u16(R.oneIn(4) ? R.next() : 8 + R.below(64));
    W.u16(R.oneIn(2) ? 0 : R.next());
    break;
  case Icmp:
  case Icmp6:
    W.u8(R.oneIn(3) ? R.next() : (Protocol == Icmp ? 8 : 128));
    W.u8(0);
    W.u16(R.next());
    W.u32(R.next());
    break;
  default:
    W.random(R, R.below(40));
  }
  makePayload(W, R);
}

static uint8_t pickProtocol(Random &R, bool Six) {
  switch (R.below(8)) {
  case 0:
  case 1:
  case 2:
    return Tcp;
  case 3:
  case 4:
  case 5:
    return Udp;
  case 6:
    return Six ? Icmp6 : Icmp;
  default: {
    // IPIP, IPv6 in IP, GRE, hop-by-hop, fragment, none
    static const uint8_t Others[] = {4, 41, 47, 0, 44, 59};
    return R.oneIn(2) ? R.pick(Others) : static_cast<uint8_t>(R.next());
  }
  }
}

static void makeIp4(Writer &W, Random &R, bool Inner = false) {
  Writer Rest;
  uint8_t Protocol = pickProtocol(R, false);
  if (Protocol == 4 && !Inner)
    makeIp4(Rest, R, true);
  else
    makeTransport(Rest, R, Protocol);
  unsigned Options = R.oneIn(6) ? unsigned(R.below(11)) : 0;
  W.u8(0x40 | (R.oneIn(16) ? R.below(16) : 5 + Options));
  W.u8(R.oneIn(3) ? R.next() : 0);
  W.u16(R.oneIn(8) ? R.next() : 20 + Options * 4 + Rest.Bytes.size());
  W.u16(R.next());
  W.u16(R.oneIn(8) ? R.next() : (R.oneIn(2) ? 0x4000 : 0));
  W.u8(R.oneIn(6) ? R.below(3) : 64);
  W.u8(Protocol);
  W.u16(R.next());
  for (int I = 0; I != 2; ++I) {
    static const uint32_t Fixed[] = {0x7f000001, 0xffffffff, 0, 0xe0000001,
                                     0xc0a80101};
    W.u32(R.oneIn(5)   ? R.next()
          : R.oneIn(4) ? R.pick(Fixed)
                       : 0x0a000000 + R.below(6));
  }
  for (unsigned I = 0; I != Options; ++I)
    W.u32(R.oneIn(2) ? 0x01010101 : R.next());
  W.Bytes.insert(W.Bytes.end(), Rest.Bytes.begin(), Rest.Bytes.end());
}

static void makeIp6(Writer &W, Random &R) {
  Writer Rest;
  uint8_t Protocol = pickProtocol(R, true);
  if (Protocol == 0 || Protocol == 44) {
    // One extension header, then a transport that it names.
    uint8_t Next = R.oneIn(2) ? Tcp : Udp;
    Rest.u8(Next);
    Rest.u8(0);
    Rest.random(R, 6);
    makeTransport(Rest, R, Next);
  } else {
    makeTransport(Rest, R, Protocol);
  }
  W.u32(0x60000000 | (R.oneIn(2) ? R.below(1u << 28) : 0));
  W.u16(R.oneIn(8) ? R.next() : Rest.Bytes.size());
  W.u8(Protocol);
  W.u8(R.oneIn(6) ? R.below(3) : 64);
  for (int I = 0; I != 2; ++I) {
    if (R.oneIn(4)) {
      W.random(R, 16);
      continue;
    }
    W.u32(R.oneIn(2) ? 0xfe800000 : 0x20010db8);
    W.u32(0);
    W.u32(0);
    W.u32(R.below(6));
  }
  W.Bytes.insert(W.Bytes.end(), Rest.Bytes.begin(), Rest.Bytes.end());
}

std::vector<uint8_t> prepatch::makeFrame(Random &R, size_t Shortest) {
  Writer W;
  for (int I = 0; I != 2; ++I) {
    if (R.oneIn(3)) {
      W.random(R, 6);
      continue;
    }
    W.u32(R.oneIn(4) ? 0xffffffff : 0x02000000);
    W.u16(R.below(4));
  }
  unsigned Tags = R.oneIn(6) ? 1 + unsigned(R.below(2)) : 0;
  for (unsigned I = 0; I != Tags; ++I) {
    W.u16(Tags == 2 && I == 0 ? QinqType : VlanType);
    W.u16(R.oneIn(2) ? R.below(8) : R.next());
  }
  switch (R.below(12)) {
  case 0:
    W.u16(ArpType);
    W.u16(1);
    W.u16(Ip4Type);
    W.u16(0x0604);
    W.u16(1 + R.below(2));
    W.random(R, 20);
    break;
  case 1:
    W.u16(R.next());
    W.random(R, R.below(120));
    break;
  case 2:
  case 3:
  case 4:
  case 5:
    W.u16(Ip6Type);
    makeIp6(W, R);
    break;
  default:
    W.u16(Ip4Type);
    makeIp4(W, R);
  }
  // Cut off anywhere.
  if (R.oneIn(8) && W.Bytes.size() > Shortest)
    W.Bytes.resize(Shortest + R.below(W.Bytes.size() - Shortest));
  return W.Bytes;
}

std::vector<uint8_t> prepatch::makeIpPacket(Random &R) {
  Writer W;
  if (R.oneIn(2))
    makeIp4(W, R);
  else
    makeIp6(W, R);
  if (R.oneIn(8) && W.Bytes.size() > 40)
    W.Bytes.resize(40 + R.below(W.Bytes.size() - 40));
  return W.Bytes;
}
