//===- Session.cpp - one command for the host -----------------------------===//
//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Three pipes to the command, one connection to the host. Writing to the host
// may block, as the host always reads; writing to the command may not, as it
// may wait for us to take its output. While the command does not read its
// input, none is taken from the connection.
//
//===----------------------------------------------------------------------===//

#include "Session.h"
#include "Frames.h"

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <vector>

using namespace prepatch::vm;

static constexpr int AliveMilliseconds = 2000;
static constexpr time_t RequestSeconds = 30;

namespace {

struct Command {
  std::string Folder;
  std::vector<std::string> Arguments;
  std::vector<std::string> Environment;
};

class Session {
public:
  explicit Session(int Socket) : Socket(Socket) {}

  /// False if what comes is no request of somebody who knows the token.
  bool readRequest(const std::string &Token);
  void run();

private:
  bool start();
  void execute(const int (&Ends)[3], int Report);
  void pump();
  bool takeInput();
  bool handleFrames();
  void feedCommand();
  bool forward(int &Fd, FrameType Type);
  void fail(int Code, const std::string &Why);

  int Socket;
  FrameReader Reader;
  Command What;
  pid_t Pid = -1;
  int In = -1, Out = -1, Err = -1;
  std::string Pending;    ///< input that the command has not taken
  bool InputEnds = false; ///< behind Pending
};

} // namespace

static void closeFd(int &Fd) {
  if (Fd >= 0)
    close(Fd);
  Fd = -1;
}

/// Splits Text, in which every string is ended by NUL.
static std::vector<std::string> splitStrings(const std::string &Text) {
  std::vector<std::string> Result;
  for (size_t At = 0; At < Text.size();) {
    size_t End = Text.find('\0', At);
    if (End == std::string::npos)
      break;
    Result.push_back(Text.substr(At, End - At));
    At = End + 1;
  }
  return Result;
}

bool Session::readRequest(const std::string &Token) {
  timeval Limit = {RequestSeconds, 0};
  setsockopt(Socket, SOL_SOCKET, SO_RCVTIMEO, &Limit, sizeof(Limit));
  Frame First;
  while (!Reader.next(First)) {
    char Buffer[65536];
    ssize_t Size = recv(Socket, Buffer, sizeof(Buffer), 0);
    if (Size <= 0)
      return false;
    Reader.append(Buffer, size_t(Size));
    if (Reader.isBroken())
      return false;
  }
  std::vector<std::string> Strings = splitStrings(First.Data);
  if (First.Type != Request || Strings.size() < 3 || Strings[0] != Token)
    return false;
  size_t Count = strtoul(Strings[2].c_str(), nullptr, 10);
  if (Count > Strings.size() - 3)
    return false;
  What.Folder = Strings[1];
  auto Middle = Strings.begin() + 3 + ptrdiff_t(Count);
  What.Arguments.assign(Strings.begin() + 3, Middle);
  What.Environment.assign(Middle, Strings.end());
  return true;
}

void Session::fail(int Code, const std::string &Why) {
  writeFrame(Socket, Failure, char(Code) + Why);
}

static std::vector<char *> pointers(std::vector<std::string> &Strings) {
  std::vector<char *> Result;
  for (std::string &S : Strings)
    Result.push_back(S.data());
  Result.push_back(nullptr);
  return Result;
}

/// In the child: becomes the command, or says on Report why not.
void Session::execute(const int (&Ends)[3], int Report) {
  setsid();
  for (int Number = 0; Number != 3; ++Number)
    dup2(Ends[Number], Number);
  sigset_t None;
  sigemptyset(&None);
  sigprocmask(SIG_SETMASK, &None, nullptr);
  signal(SIGPIPE, SIG_DFL);
  std::vector<char *> Arguments = pointers(What.Arguments);
  std::vector<char *> Environment = pointers(What.Environment);
  environ = Environment.data();
  const char *Name = What.Folder.c_str();
  if (chdir(Name) == 0) {
    Name = Arguments[0];
    execvp(Name, Arguments.data());
  }
  int Number = errno;
  dprintf(Report, "%c%s: %s", Number == ENOENT ? 127 : 126, Name,
          strerror(Number));
  _exit(127);
}

bool Session::start() {
  int Pipes[4][2];
  for (auto &Pipe : Pipes) {
    if (pipe2(Pipe, O_CLOEXEC) != 0) {
      fail(125, strerror(errno));
      return false;
    }
  }
  Pid = fork();
  if (Pid == 0)
    execute({Pipes[0][0], Pipes[1][1], Pipes[2][1]}, Pipes[3][1]);
  int ForkError = errno;
  In = Pipes[0][1], Out = Pipes[1][0], Err = Pipes[2][0];
  for (int Fd : {Pipes[0][0], Pipes[1][1], Pipes[2][1], Pipes[3][1]})
    close(Fd);
  if (Pid < 0) {
    fail(125, std::string("no process: ") + strerror(ForkError));
    return false;
  }
  fcntl(In, F_SETFL, O_NONBLOCK);
  // Closed by a successful exec.
  char Text[4096];
  ssize_t Size = read(Pipes[3][0], Text, sizeof(Text));
  close(Pipes[3][0]);
  if (Size > 0) {
    writeFrame(Socket, Failure, {Text, size_t(Size)});
    return false;
  }
  return true;
}

/// What the command wrote goes to the host. False if the host has gone.
bool Session::forward(int &Fd, FrameType Type) {
  char Buffer[65536];
  ssize_t Size = read(Fd, Buffer, sizeof(Buffer));
  if (Size > 0)
    return writeFrame(Socket, Type, {Buffer, size_t(Size)});
  closeFd(Fd);
  return true;
}

void Session::feedCommand() {
  while (In >= 0 && !Pending.empty()) {
    ssize_t Size = write(In, Pending.data(), Pending.size());
    if (Size < 0 && errno == EINTR)
      continue;
    if (Size < 0 && errno == EAGAIN)
      return;
    if (Size < 0) {
      // It reads no more; what still comes is dropped.
      closeFd(In);
      break;
    }
    Pending.erase(0, size_t(Size));
  }
  if (In < 0)
    Pending.clear();
  else if (InputEnds)
    closeFd(In);
}

bool Session::handleFrames() {
  for (Frame F; Reader.next(F);) {
    if (F.Type == Input && F.Data.empty())
      InputEnds = true;
    else if (F.Type == Input)
      Pending += F.Data;
    else if (F.Type == Signal && F.Data.size() == 1)
      kill(-Pid, F.Data[0]);
  }
  feedCommand();
  return !Reader.isBroken();
}

/// False if the host has gone.
bool Session::takeInput() {
  char Buffer[65536];
  ssize_t Size = recv(Socket, Buffer, sizeof(Buffer), MSG_DONTWAIT);
  if (Size < 0)
    return errno == EAGAIN || errno == EINTR;
  if (Size == 0)
    return false;
  Reader.append(Buffer, size_t(Size));
  return handleFrames();
}

static int64_t milliseconds() {
  timespec Now;
  clock_gettime(CLOCK_MONOTONIC, &Now);
  return int64_t(Now.tv_sec) * 1000 + Now.tv_nsec / 1000000;
}

/// Ends what the command started. All of it comes to this process, which has
/// asked for orphans.
static void endDescendants() {
  while (true) {
    std::ifstream Children("/proc/thread-self/children");
    pid_t Child = 0;
    while (Children >> Child)
      kill(Child, SIGKILL);
    if (Child == 0 || waitpid(-1, nullptr, 0) < 0)
      return;
  }
}

/// Carries bytes until the command ends or the host has gone.
void Session::pump() {
  sigset_t Children;
  sigemptyset(&Children);
  sigaddset(&Children, SIGCHLD);
  int Ended = signalfd(-1, &Children, SFD_CLOEXEC | SFD_NONBLOCK);
  int64_t NextAlive = milliseconds() + AliveMilliseconds;
  bool HostIsThere = handleFrames();
  for (int Status = 0; HostIsThere;) {
    pollfd Fds[5] = {
        {Socket, short(POLLRDHUP | (Pending.empty() ? POLLIN : 0)), 0},
        {Pending.empty() ? -1 : In, POLLOUT, 0},
        {Out, POLLIN, 0},
        {Err, POLLIN, 0},
        {Ended, POLLIN, 0}};
    int64_t Wait = NextAlive - milliseconds();
    poll(Fds, 5, Wait > 0 ? int(Wait) : 0);
    if (milliseconds() >= NextAlive) {
      NextAlive = milliseconds() + AliveMilliseconds;
      HostIsThere = writeFrame(Socket, Alive, {});
    }
    if (Fds[0].revents & (POLLRDHUP | POLLHUP | POLLERR))
      return;
    if (Fds[0].revents & POLLIN)
      HostIsThere &= takeInput();
    if (Fds[1].revents)
      feedCommand();
    if (Fds[2].revents)
      HostIsThere &= forward(Out, Output);
    if (Fds[3].revents)
      HostIsThere &= forward(Err, Error);
    signalfd_siginfo Info;
    while (Fds[4].revents && read(Ended, &Info, sizeof(Info)) > 0)
      ;
    if (!Fds[4].revents || waitpid(Pid, &Status, WNOHANG) != Pid)
      continue;
    // With nobody left to write, what is in the pipes is all.
    endDescendants();
    fcntl(Out, F_SETFL, O_NONBLOCK);
    fcntl(Err, F_SETFL, O_NONBLOCK);
    while (Out >= 0 && forward(Out, Output))
      ;
    while (Err >= 0 && forward(Err, Error))
      ;
    char Code =
        char(WIFEXITED(Status) ? WEXITSTATUS(Status) : 128 + WTERMSIG(Status));
    writeFrame(Socket, Exit, {&Code, 1});
    return;
  }
}

void Session::run() {
  if (What.Arguments.empty()) {
    // Somebody asks only whether we are there.
    writeFrame(Socket, Exit, {"\0", 1});
    return;
  }
  // A command that reads no more is no reason to end.
  signal(SIGPIPE, SIG_IGN);
  // Before the command can end.
  sigset_t Children;
  sigemptyset(&Children);
  sigaddset(&Children, SIGCHLD);
  sigprocmask(SIG_BLOCK, &Children, nullptr);
  prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
  if (start())
    pump();
  closeFd(In);
  endDescendants();
}

/// Closing a connection with input that nobody read would make the host lose
/// what it has not read yet.
static void waitForHost(int Socket) {
  shutdown(Socket, SHUT_WR);
  char Buffer[65536];
  while (recv(Socket, Buffer, sizeof(Buffer), 0) > 0)
    ;
}

void prepatch::vm::runSession(int Socket, const std::string &Token) {
  Session S(Socket);
  if (!S.readRequest(Token))
    return;
  S.run();
  waitForHost(Socket);
}
