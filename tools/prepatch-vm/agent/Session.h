//===- Session.h - one command for the host -------------------------------===//
//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Runs a command and carries its streams over a connection.
//
//===----------------------------------------------------------------------===//

#ifndef PREPATCH_VM_SESSION_H
#define PREPATCH_VM_SESSION_H

#include <string>

namespace prepatch::vm {

/// Serves the connection Socket until its command has ended or the host has
/// gone; then nothing that the command started is left. For a process of its
/// own.
void runSession(int Socket, const std::string &Token);

} // namespace prepatch::vm

#endif // PREPATCH_VM_SESSION_H
