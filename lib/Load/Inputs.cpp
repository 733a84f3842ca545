//===- Inputs.cpp - random inputs of test runs ----------------------------===//
//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The kernel refuses contexts with a field set that a type does not take
// (convert___skb_to_skb() and its like, net/bpf/test_run.c, 6.18): only those
// that it takes are filled in here.
//
//===----------------------------------------------------------------------===//

#include "Inputs.h"
#include "Packets.h"

#include <sys/socket.h>

using namespace prepatch;

// linux/bpf.h of 6.1 does not have this enumerator yet.
static constexpr unsigned NetfilterType = 32;

TestRunTraits prepatch::testRunTraits(uint32_t Type) {
  TestRunTraits T;
  switch (Type) {
  case BPF_PROG_TYPE_SOCKET_FILTER:
  case BPF_PROG_TYPE_SCHED_CLS:
  case BPF_PROG_TYPE_SCHED_ACT:
  case BPF_PROG_TYPE_CGROUP_SKB:
  case BPF_PROG_TYPE_LWT_IN:
  case BPF_PROG_TYPE_LWT_OUT:
  case BPF_PROG_TYPE_LWT_XMIT:
  case BPF_PROG_TYPE_LWT_SEG6LOCAL:
  case BPF_PROG_TYPE_XDP:
    T.Supported = T.PacketOut = T.ContextOut = T.Repeat = true;
    break;
  case BPF_PROG_TYPE_FLOW_DISSECTOR:
    T.Supported = T.PacketOut = T.Repeat = true;
    break;
  case BPF_PROG_TYPE_SK_LOOKUP:
    T.Supported = T.ContextOut = T.Repeat = true;
    break;
  case BPF_PROG_TYPE_RAW_TRACEPOINT:
    T.Supported = true;
    break;
  case BPF_PROG_TYPE_SYSCALL:
    T.Supported = T.ContextInPlace = true;
    break;
  case NetfilterType:
    T.Supported = T.PacketOut = T.Repeat = true;
    break;
  default:
    break;
  }
  return T;
}

template <typename T> static std::vector<uint8_t> bytesOf(const T &Value) {
  const auto *First = reinterpret_cast<const uint8_t *>(&Value);
  return {First, First + sizeof(T)};
}

static std::vector<uint8_t> makeSkbContext(Random &R, size_t PacketSize) {
  __sk_buff Skb = {};
  Skb.mark = R.oneIn(2) ? static_cast<uint32_t>(R.next())
                        : static_cast<uint32_t>(R.below(4));
  Skb.priority = static_cast<uint32_t>(R.oneIn(2) ? R.below(8) : R.next());
  // Device 1 is the loopback device in every network namespace.
  Skb.ifindex = static_cast<uint32_t>(R.oneIn(3));
  Skb.ingress_ifindex = static_cast<uint32_t>(R.below(3));
  for (auto &Word : Skb.cb)
    Word = static_cast<uint32_t>(R.oneIn(2) ? R.below(4) : R.next());
  Skb.tstamp = R.oneIn(2) ? R.below(1000) : R.next() >> 2;
  Skb.gso_segs = static_cast<uint32_t>(R.below(4));
  Skb.gso_size = static_cast<uint32_t>(R.oneIn(2) ? 0 : R.below(1500));
  Skb.wire_len =
      R.oneIn(2) ? 0 : static_cast<uint32_t>(PacketSize + R.below(1000));
  Skb.hwtstamp = R.oneIn(2) ? 0 : R.next() >> 2;
  return bytesOf(Skb);
}

static std::vector<uint8_t> makeXdpContext(Random &R, size_t PacketSize) {
  xdp_md Xdp = {};
  Xdp.data_end = static_cast<uint32_t>(PacketSize);
  // Metadata stands in front of the packet and counts as data.
  size_t Room = PacketSize > 14 ? PacketSize - 14 : 0;
  size_t Meta = R.oneIn(2) ? 0 : R.below(9) * 4;
  Xdp.data = static_cast<uint32_t>(Meta <= Room ? Meta : 0);
  Xdp.ingress_ifindex = static_cast<uint32_t>(R.oneIn(2));
  return bytesOf(Xdp);
}

static std::vector<uint8_t> makeSkLookupContext(Random &R) {
  bpf_sk_lookup Lookup = {};
  bool Six = R.oneIn(2);
  Lookup.family = Six ? AF_INET6 : AF_INET;
  Lookup.protocol = R.oneIn(2) ? 6 : 17;
  static const uint16_t Ports[] = {80, 443, 53, 7, 7007, 8080};
  Lookup.remote_port = static_cast<uint16_t>(R.next());
  Lookup.local_port =
      R.oneIn(3) ? static_cast<uint16_t>(R.next()) : R.pick(Ports);
  if (Six) {
    for (int I = 0; I != 4; ++I) {
      Lookup.remote_ip6[I] = static_cast<uint32_t>(R.oneIn(2) ? 0 : R.next());
      Lookup.local_ip6[I] = static_cast<uint32_t>(R.oneIn(2) ? 0 : R.next());
    }
  } else {
    Lookup.remote_ip4 = 0x0000007f | static_cast<uint32_t>(R.below(4)) << 24;
    Lookup.local_ip4 =
        static_cast<uint32_t>(R.oneIn(2) ? 0x0100007f : R.next());
  }
  return bytesOf(Lookup);
}

/// Tracepoint arguments are pointers or numbers; those pointers that exist in
/// every instance alike are user ones.
static std::vector<uint8_t> makeTraceContext(Random &R) {
  static uint8_t UserMemory[4096];
  uint64_t Arguments[12];
  for (uint64_t &A : Arguments) {
    switch (R.below(5)) {
    case 0:
      A = 0;
      break;
    case 1:
      A = R.below(256);
      break;
    case 2:
      A = R.next();
      break;
    case 3:
      A = static_cast<uint64_t>(-static_cast<int64_t>(R.below(40)));
      break;
    default:
      A = reinterpret_cast<uintptr_t>(UserMemory) + R.below(1024);
    }
  }
  R.fill(UserMemory, sizeof(UserMemory));
  return bytesOf(Arguments);
}

static std::vector<uint8_t> makeSyscallContext(Random &R) {
  std::vector<uint8_t> Context(4096);
  if (R.oneIn(3)) {
    R.fill(Context.data(), Context.size());
    return Context;
  }
  // Small numbers, as most such contexts hold.
  for (size_t I = 0; I < Context.size(); I += 4)
    Context[I] = static_cast<uint8_t>(R.oneIn(2) ? 0 : R.below(16));
  return Context;
}

TestInput prepatch::makeInput(uint32_t Type, Random &R, unsigned Number) {
  TestInput Input;
  // Every fourth run goes without a context, as a plain test run would.
  bool WithContext = Number % 4 != 0;
  switch (Type) {
  case BPF_PROG_TYPE_XDP:
    Input.Packet = makeFrame(R);
    if (WithContext)
      Input.Context = makeXdpContext(R, Input.Packet.size());
    break;
  case BPF_PROG_TYPE_FLOW_DISSECTOR:
    Input.Packet = makeFrame(R);
    if (WithContext) {
      bpf_flow_keys Keys = {};
      Keys.flags = static_cast<uint32_t>(R.below(8));
      Input.Context = bytesOf(Keys);
    }
    break;
  case BPF_PROG_TYPE_SK_LOOKUP:
    Input.Context = makeSkLookupContext(R);
    break;
  case BPF_PROG_TYPE_RAW_TRACEPOINT:
    Input.Context = makeTraceContext(R);
    break;
  case BPF_PROG_TYPE_SYSCALL:
    Input.Context = makeSyscallContext(R);
    break;
  case NetfilterType:
    Input.Packet = makeIpPacket(R);
    break;
  default:
    // Newer kernels refuse socket buffers that end inside the IP header.
    Input.Packet = makeFrame(R, 14 + 40);
    if (WithContext)
      Input.Context = makeSkbContext(R, Input.Packet.size());
  }
  return Input;
}

std::string prepatch::toHex(const void *Data, size_t Size, size_t Limit) {
  static const char Digits[] = "0123456789abcdef";
  const auto *Bytes = static_cast<const unsigned char *>(Data);
  std::string Text;
  for (size_t I = 0; I != Size && I != Limit; ++I) {
    Text += Digits[Bytes[I] >> 4];
    Text += Digits[Bytes[I] & 15];
  }
  return Size > Limit ? Text + "..." : Text;
}

std::string TestInput::describe() const {
  std::string Text;
  if (!Packet.empty())
    Text += "packet of " + std::to_string(Packet.size()) + " bytes " +
            toHex(Packet.data(), Packet.size(), 128);
  if (!Context.empty())
    Text += std::string(Text.empty() ? "" : ", ") + "context " +
            toHex(Context.data(), Context.size(), 192);
  return Text;
}
