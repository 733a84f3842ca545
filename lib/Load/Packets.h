//===- Packets.h - random but plausible packets ---------------------------===//
//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Packets that get past the first checks of real programs often enough to reach
// what lies behind, and break them in every way now and then.
//
//===----------------------------------------------------------------------===//

#ifndef PREPATCH_LOAD_PACKETS_H
#define PREPATCH_LOAD_PACKETS_H

#include "Random.h"

namespace prepatch {

/// Ethernet, optional VLAN tags, IPv4, IPv6, ARP or noise, TCP, UDP, ICMP or
/// noise, and a payload. At least Shortest bytes unless it is whole, at most
/// about 3000.
std::vector<uint8_t> makeFrame(Random &R, size_t Shortest = 14);

/// The same from the network header on, at least 20 bytes.
std::vector<uint8_t> makeIpPacket(Random &R);

} // namespace prepatch

#endif
