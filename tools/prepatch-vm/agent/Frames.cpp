//===- Frames.cpp - what the two ends of a session say --------------------===//
//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Little endian by hand: the layout is the same whatever the machines are.
//
//===----------------------------------------------------------------------===//

#include "Frames.h"

#include <cerrno>
#include <cstdint>
#include <sys/socket.h>
#include <sys/uio.h>

using namespace prepatch::vm;

static constexpr size_t HeaderSize = 5;

bool FrameReader::next(Frame &Result) {
  if (Broken || Pending.size() < HeaderSize)
    return false;
  uint32_t Size = 0;
  for (size_t I = 0; I != 4; ++I)
    Size |= uint32_t(uint8_t(Pending[1 + I])) << (8 * I);
  if (Size > Limit) {
    Broken = true;
    return false;
  }
  if (Pending.size() < HeaderSize + Size)
    return false;
  Result.Type = FrameType(Pending[0]);
  Result.Data = Pending.substr(HeaderSize, Size);
  Pending.erase(0, HeaderSize + Size);
  return true;
}

bool prepatch::vm::writeFrame(int Socket, FrameType Type,
                              std::string_view Data) {
  uint32_t Size = uint32_t(Data.size());
  char Header[HeaderSize] = {Type, char(Size), char(Size >> 8),
                             char(Size >> 16), char(Size >> 24)};
  iovec Parts[2] = {{Header, HeaderSize},
                    {const_cast<char *>(Data.data()), Data.size()}};
  msghdr Message = {};
  Message.msg_iov = Parts;
  Message.msg_iovlen = 2;
  for (size_t Left = HeaderSize + Data.size(); Left > 0;) {
    ssize_t Sent = sendmsg(Socket, &Message, MSG_NOSIGNAL);
    if (Sent < 0 && errno == EINTR)
      continue;
    if (Sent < 0)
      return false;
    Left -= size_t(Sent);
    for (iovec &Part : Parts) {
      size_t Taken = size_t(Sent) < Part.iov_len ? size_t(Sent) : Part.iov_len;
      Part.iov_base = static_cast<char *>(Part.iov_base) + Taken;
      Part.iov_len -= Taken;
      Sent -= ssize_t(Taken);
    }
  }
  return true;
}
