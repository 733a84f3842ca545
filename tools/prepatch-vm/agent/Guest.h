//===- Guest.h - turns a bare kernel into a machine for commands ----------===//
//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What an init process does, as far as commands of the host need it.
//
//===----------------------------------------------------------------------===//

#ifndef PREPATCH_VM_GUEST_H
#define PREPATCH_VM_GUEST_H

#include <string>

namespace prepatch::vm {

/// What the host has written into the initramfs.
struct GuestOptions {
  std::string Token;   ///< who knows it may run commands
  unsigned Port = 0;   ///< where they are taken
  std::string Address; ///< of this machine
  std::string Netmask;
};

/// Reads the options, loads the modules that are there, brings up the network
/// and mounts the files of the host, read-only, as the root folder. Says what
/// went wrong and returns false.
bool setUpGuest(GuestOptions &Options, std::string &Error);

/// A line on the console, where the host sees it.
void sayOnConsole(const std::string &Text);

} // namespace prepatch::vm

#endif // PREPATCH_VM_GUEST_H
