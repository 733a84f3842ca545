//===- Channel.h - from the worker to its supervisor ----------------------===//
//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The worker process may crash or hang at any moment, so it sends each piece of
// its report as soon as it has it: a message is a kind, an object number and a
// text.
//
//===----------------------------------------------------------------------===//

#ifndef PREPATCH_KLOAD_CHANNEL_H
#define PREPATCH_KLOAD_CHANNEL_H

#include <cstdint>
#include <string>
#include <string_view>

namespace prepatch {

enum class MessageKind : uint32_t {
  ObjectMembers, ///< JSON members of object Object
  GroupCount,    ///< Object holds the number of groups
  GroupBegin,    ///< Object holds the group's number
  ProgramBegin,  ///< a program of object Object starts
  ProgramMembers,
  Stage, ///< what the worker is doing now
  GroupEnd,
  Done, ///< nothing follows
};

struct Message {
  MessageKind Kind;
  uint32_t Object;
  std::string Text;
};

/// Writes to a pipe; ends the process if the other end is gone.
class MessageSender {
public:
  explicit MessageSender(int Fd) : Fd(Fd) {}
  void send(MessageKind Kind, uint32_t Object, std::string_view Text = {});

private:
  int Fd;
};

/// Puts messages together from what a pipe delivers.
class MessageReceiver {
public:
  /// Reads what is there from Fd; false at the end of the file.
  bool receive(int Fd);
  bool next(Message &Result);

private:
  std::string Buffer;
};

} // namespace prepatch

#endif
