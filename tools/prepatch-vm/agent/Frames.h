//===- Frames.h - what the two ends of a session say ----------------------===//
//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A session is one TCP connection, on which both ends send frames: a letter,
// the length of what follows in four bytes, little endian, and the bytes.
// tools/prepatch-vm/vm/session.py is the other end.
//
//===----------------------------------------------------------------------===//

#ifndef PREPATCH_VM_FRAMES_H
#define PREPATCH_VM_FRAMES_H

#include <cstddef>
#include <string>
#include <string_view>

namespace prepatch::vm {

enum FrameType : char {
  // From the host.
  Request = 'r', ///< strings, each ended by NUL: token, folder, number of
                 ///< arguments, arguments, environment; once, first
  Input = 'i',   ///< bytes for the command; none: end of file
  Signal = 's',  ///< one byte: the number of a signal for the command
  // From the guest.
  Output = 'o',  ///< what the command wrote to standard output
  Error = 'e',   ///< what it wrote to standard error
  Alive = 'a',   ///< nothing to say, every few seconds
  Exit = 'x',    ///< one byte, the exit code; last
  Failure = 'f', ///< one byte, an exit code, and why nothing ran; last
};

struct Frame {
  FrameType Type;
  std::string Data;
};

/// Takes frames out of a stream of bytes.
class FrameReader {
public:
  /// No frame is longer; a longer one is not from us.
  static constexpr size_t Limit = 8 << 20;

  void append(const char *Bytes, size_t Size) { Pending.append(Bytes, Size); }

  /// The next frame if all of it is there.
  bool next(Frame &Result);

  /// True once something came that is no frame.
  bool isBroken() const { return Broken; }

private:
  std::string Pending;
  bool Broken = false;
};

/// Waits until all is written; false if the other end has gone.
bool writeFrame(int Socket, FrameType Type, std::string_view Data);

} // namespace prepatch::vm

#endif // PREPATCH_VM_FRAMES_H
