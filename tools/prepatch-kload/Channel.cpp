//===- Channel.cpp - from the worker to its supervisor --------------------===//
//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Framing: three 32-bit words (kind, object, length), then the text.
//
//===----------------------------------------------------------------------===//

#include "Channel.h"

#include <cerrno>
#include <cstring>
#include <unistd.h>

using namespace prepatch;

void MessageSender::send(MessageKind Kind, uint32_t Object,
                         std::string_view Text) {
  uint32_t Head[3] = {static_cast<uint32_t>(Kind), Object,
                      static_cast<uint32_t>(Text.size())};
  std::string Bytes(reinterpret_cast<char *>(Head), sizeof(Head));
  Bytes += Text;
  for (size_t At = 0; At < Bytes.size();) {
    ssize_t Written = write(Fd, Bytes.data() + At, Bytes.size() - At);
    if (Written < 0 && errno == EINTR)
      continue;
    if (Written <= 0)
      _exit(1);
    At += static_cast<size_t>(Written);
  }
}

bool MessageReceiver::receive(int Fd) {
  char Bytes[65536];
  ssize_t Count = read(Fd, Bytes, sizeof(Bytes));
  if (Count < 0)
    return errno == EINTR || errno == EAGAIN;
  Buffer.append(Bytes, static_cast<size_t>(Count));
  return Count != 0;
}

bool MessageReceiver::next(Message &Result) {
  uint32_t Head[3];
  if (Buffer.size() < sizeof(Head))
    return false;
  memcpy(Head, Buffer.data(), sizeof(Head));
  if (Buffer.size() - sizeof(Head) < Head[2])
    return false;
  Result.Kind = static_cast<MessageKind>(Head[0]);
  Result.Object = Head[1];
  Result.Text = Buffer.substr(sizeof(Head), Head[2]);
  Buffer.erase(0, sizeof(Head) + Head[2]);
  return true;
}
