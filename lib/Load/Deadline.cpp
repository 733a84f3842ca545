//===- Deadline.cpp - the end of a load's time ----------------------------===//
//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The signal is repeated because the first one may come just before the system
// call begins, where it would interrupt nothing.
//
//===----------------------------------------------------------------------===//

#include "Deadline.h"

#include <csignal>
#include <sys/time.h>

using namespace prepatch;

// A signal handler has no context argument.
static volatile sig_atomic_t Expired = 0;

static void onAlarm(int) { Expired = 1; }

static void setTimer(uint64_t Milliseconds) {
  static constexpr suseconds_t RepeatUs = 20000;
  itimerval Timer = {};
  Timer.it_value.tv_sec = static_cast<time_t>(Milliseconds / 1000);
  Timer.it_value.tv_usec = static_cast<suseconds_t>(Milliseconds % 1000 * 1000);
  if (Milliseconds)
    Timer.it_interval.tv_usec = RepeatUs;
  setitimer(ITIMER_REAL, &Timer, nullptr);
}

Deadline::Deadline(uint64_t Milliseconds) {
  Expired = 0;
  struct sigaction Action = {};
  Action.sa_handler = onAlarm; // without SA_RESTART
  sigaction(SIGALRM, &Action, nullptr);
  setTimer(Milliseconds);
}

Deadline::~Deadline() { setTimer(0); }

bool Deadline::expired() const { return Expired != 0; }
