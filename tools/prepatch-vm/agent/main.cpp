//===- main.cpp - prepatch-vm-agent ---------------------------------------===//
//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The first process of a VM: sets it up and runs the commands that the host
// sends, any number at a time. It never ends; the host ends the VM.
//
//===----------------------------------------------------------------------===//

#include "Guest.h"
#include "Session.h"

#include <arpa/inet.h>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <netinet/tcp.h>
#include <sys/reboot.h>
#include <sys/socket.h>
#include <unistd.h>

using namespace prepatch::vm;

static int listenOn(unsigned Port) {
  int Socket = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in Place = {};
  Place.sin_family = AF_INET;
  Place.sin_port = htons(uint16_t(Port));
  if (Socket < 0 ||
      bind(Socket, reinterpret_cast<sockaddr *>(&Place), sizeof(Place)) != 0 ||
      listen(Socket, 128) != 0)
    return -1;
  return Socket;
}

static void serve(int Listener, const std::string &Token) {
  while (true) {
    int Socket = accept4(Listener, nullptr, nullptr, SOCK_CLOEXEC);
    if (Socket < 0)
      continue;
    pid_t Pid = fork();
    if (Pid == 0) {
      signal(SIGCHLD, SIG_DFL);
      int On = 1;
      setsockopt(Socket, IPPROTO_TCP, TCP_NODELAY, &On, sizeof(On));
      runSession(Socket, Token);
      _exit(0);
    }
    if (Pid < 0)
      sayOnConsole(std::string("no process: ") + strerror(errno));
    close(Socket);
  }
}

int main() {
  if (getpid() != 1) {
    fputs("error: prepatch-vm-agent is the init process of a VM that "
          "prepatch-vm starts\n",
          stderr);
    return 2;
  }
  // Orphans vanish by themselves.
  signal(SIGCHLD, SIG_IGN);
  GuestOptions Options;
  std::string Error;
  int Listener = -1;
  if (setUpGuest(Options, Error)) {
    Listener = listenOn(Options.Port);
    if (Listener < 0)
      Error = std::string("the port for commands: ") + strerror(errno);
  }
  if (Listener < 0) {
    sayOnConsole("error: " + Error);
    // The host's QEMU ends instead of starting again.
    reboot(RB_AUTOBOOT);
  }
  sayOnConsole("ready");
  serve(Listener, Options.Token);
}
