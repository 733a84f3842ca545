//===- KernelSessionChild.cpp - A process that answers line by line ------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Requests go through a socket: send() can be told not to raise SIGPIPE when
// nobody reads, write() cannot. Standard error goes to memory that the child
// can always write to; a pipe would have to be emptied.
//===----------------------------------------------------------------------===//

#include "Tune/KernelSessionChild.h"
#include "llvm/ADT/StringExtras.h"
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

extern char **environ;

using namespace llvm;

namespace prepatch {

/// The longest line that is taken to be an answer: a state profile of a
/// million instructions needs some tens of megabytes.
static constexpr size_t MaxLine = size_t(512) << 20;

static void closeAll(std::initializer_list<int> Fds) {
  for (int Fd : Fds)
    if (Fd >= 0)
      ::close(Fd);
}

static void waitFor(int Fd, short Events,
                    SessionChild::Clock::time_point Until) {
  auto Left = std::chrono::ceil<std::chrono::milliseconds>(
                  Until - SessionChild::Clock::now())
                  .count();
  pollfd P = {Fd, Events, 0};
  if (Left > 0)
    ::poll(&P, 1, int(std::min<int64_t>(Left, 60000)));
}

static int spawnProcess(const std::vector<std::string> &Command, int In,
                        int Out, int Err, int &Pid) {
  std::vector<char *> Argv;
  for (const std::string &Word : Command)
    Argv.push_back(const_cast<char *>(Word.c_str()));
  Argv.push_back(nullptr);
  posix_spawn_file_actions_t Files;
  posix_spawn_file_actions_init(&Files);
  posix_spawn_file_actions_adddup2(&Files, In, 0);
  posix_spawn_file_actions_adddup2(&Files, Out, 1);
  posix_spawn_file_actions_adddup2(&Files, Err, 2);
  posix_spawnattr_t Attributes;
  posix_spawnattr_init(&Attributes);
  sigset_t None, All;
  sigemptyset(&None);
  sigfillset(&All);
  sigdelset(&All, SIGKILL);
  sigdelset(&All, SIGSTOP);
  posix_spawnattr_setsigmask(&Attributes, &None);
  posix_spawnattr_setsigdefault(&Attributes, &All);
  posix_spawnattr_setpgroup(&Attributes, 0);
  posix_spawnattr_setflags(&Attributes, POSIX_SPAWN_SETPGROUP |
                                            POSIX_SPAWN_SETSIGMASK |
                                            POSIX_SPAWN_SETSIGDEF);
  int Result =
      posix_spawnp(&Pid, Argv[0], &Files, &Attributes, Argv.data(), environ);
  posix_spawnattr_destroy(&Attributes);
  posix_spawn_file_actions_destroy(&Files);
  return Result;
}

Expected<std::unique_ptr<SessionChild>>
SessionChild::spawn(const std::vector<std::string> &Command) {
  if (Command.empty())
    return createStringError("no command to run");
  std::unique_ptr<SessionChild> C(new SessionChild);
  int Requests[2] = {-1, -1}, Replies[2] = {-1, -1};
  C->Said = ::memfd_create("prepatch-session", MFD_CLOEXEC);
  if (C->Said < 0 ||
      ::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, Requests) ||
      ::pipe2(Replies, O_CLOEXEC)) {
    int Code = errno;
    closeAll({Requests[0], Requests[1]});
    return createStringError("cannot talk to '" + Command[0] +
                             "': " + std::strerror(Code));
  }
  C->ToChild = Requests[0];
  C->FromChild = Replies[0];
  ::fcntl(C->ToChild, F_SETFL, O_NONBLOCK);
  ::fcntl(C->FromChild, F_SETFL, O_NONBLOCK);
  int Code = spawnProcess(Command, Requests[1], Replies[1], C->Said, C->Pid);
  closeAll({Requests[1], Replies[1]});
  if (Code) {
    C->Pid = -1;
    return createStringError("cannot run '" + Command[0] +
                             "': " + std::strerror(Code));
  }
  return C;
}

SessionChild::~SessionChild() {
  closeAll({ToChild});
  auto Deadline = Clock::now() + std::chrono::seconds(2);
  while (Pid > 0 && !reap(/*Wait=*/false) && !Torn && Clock::now() < Deadline)
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  if (Pid > 0) {
    ::kill(-Pid, SIGKILL);
    reap(/*Wait=*/true);
  }
  closeAll({FromChild, Said});
}

/// True if there is no child any more.
bool SessionChild::reap(bool Wait) {
  if (Pid <= 0)
    return true;
  int Result;
  do
    Result = ::waitpid(Pid, &Status, Wait ? 0 : WNOHANG);
  while (Result < 0 && errno == EINTR);
  if (Result == 0)
    return false;
  // Whatever it started goes with it.
  ::kill(-Pid, SIGKILL);
  Pid = -1;
  return true;
}

/// The last line that it wrote to standard error.
std::string SessionChild::lastWords() const {
  off_t Size = ::lseek(Said, 0, SEEK_END);
  char Buffer[4096];
  ssize_t Count = ::pread(Said, Buffer, sizeof(Buffer),
                          std::max<off_t>(0, Size - off_t(sizeof(Buffer))));
  if (Count <= 0)
    return "";
  StringRef Text = StringRef(Buffer, size_t(Count)).rtrim();
  StringRef Line = Text.substr(Text.rfind('\n') + 1).trim();
  Line.consume_front("error: ");
  return Line.str();
}

Error SessionChild::fail(const Twine &Why) {
  if (Failure.empty())
    Failure = Why.str();
  Torn = true;
  if (Pid > 0) {
    ::kill(-Pid, SIGKILL);
    reap(/*Wait=*/true);
  }
  return createStringError(Failure);
}

Error SessionChild::died() {
  // It has closed its output; give it a moment to say how it ended.
  auto Deadline = Clock::now() + std::chrono::seconds(1);
  bool Ended = false;
  while (!(Ended = reap(/*Wait=*/false)) && Clock::now() < Deadline)
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  std::string How = "closed its output";
  if (Ended && WIFSIGNALED(Status))
    How = std::string("was ended by a signal (") + strsignal(WTERMSIG(Status)) +
          ")";
  else if (Ended && WIFEXITED(Status))
    How = "ended with status " + std::to_string(WEXITSTATUS(Status));
  std::string Words = lastWords();
  return fail("the loader " + How + (Words.empty() ? "" : ": ") + Words);
}

Error SessionChild::write(StringRef Line, Clock::time_point Deadline) {
  if (!Failure.empty())
    return createStringError(Failure);
  while (!Line.empty()) {
    ssize_t Count = ::send(ToChild, Line.data(), Line.size(), MSG_NOSIGNAL);
    if (Count >= 0) {
      Line = Line.drop_front(size_t(Count));
      continue;
    }
    if (errno == EINTR)
      continue;
    if (errno != EAGAIN)
      return died();
    if (Clock::now() >= Deadline)
      return fail("the loader does not read what it is asked");
    waitFor(ToChild, POLLOUT, Deadline);
  }
  return Error::success();
}

/// Reads what is there. True if something changed.
bool SessionChild::takeIn() {
  char Buffer[1 << 16];
  ssize_t Count = ::read(FromChild, Buffer, sizeof(Buffer));
  if (Count > 0)
    Pending.append(Buffer, size_t(Count));
  else if (Count == 0 || (errno != EAGAIN && errno != EINTR))
    AtEnd = true;
  else
    return errno == EINTR;
  return true;
}

bool SessionChild::poll() {
  for (;;) {
    size_t End = Pending.find('\n', Scanned);
    if (End != std::string::npos)
      return true;
    Scanned = Pending.size();
    if (AtEnd || !Failure.empty() || Pending.size() > MaxLine)
      return true;
    if (!takeIn())
      return false;
  }
}

Expected<std::string> SessionChild::readLine(Clock::time_point Deadline) {
  while (!poll()) {
    if (Clock::now() >= Deadline)
      return fail("the loader did not answer in time");
    waitFor(FromChild, POLLIN, Deadline);
  }
  if (!Failure.empty())
    return createStringError(Failure);
  size_t End = Pending.find('\n', Scanned);
  if (End == std::string::npos)
    return AtEnd ? died()
                 : fail("the loader's answer has no end (" +
                        Twine(Pending.size()) + " bytes)");
  std::string Line = Pending.substr(0, End);
  Pending.erase(0, End + 1);
  Scanned = 0;
  return Line;
}

} // namespace prepatch
