//===- Supervisor.cpp - keeps the report whole whatever happens -----------===//
//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Collects the worker's messages. When the worker dies, or a program takes too
// long, what has been reported stays, the program in hand is marked, and a new
// worker goes on with the next one.
//
//===----------------------------------------------------------------------===//

#include "Supervisor.h"
#include "Channel.h"
#include "Load/JsonWriter.h"
#include "Worker.h"

#include <bpf/libbpf.h>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <fcntl.h>
#include <poll.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace prepatch;

namespace {
struct ObjectText {
  std::string Members;
  std::vector<std::string> Programs;
  bool ProgramOpen = false;
};

class Supervisor {
public:
  explicit Supervisor(const KloadOptions &Options)
      : Options(Options), Objects(Options.Objects.size()) {}
  void run();

private:
  void runWorker();
  void watch(int Fd, pid_t Child);
  void take(const Message &M);
  void fail(const std::string &How);
  void print() const;

  const KloadOptions &Options;
  std::vector<ObjectText> Objects;
  unsigned NextGroup = 0, Groups = 0;
  bool HaveObjects = false, InGroup = false, Finished = false;
  std::set<uint32_t> Broken; ///< objects that end the worker that opens them
  std::string Stage;
  uint32_t StageObject = 0;
  time_t Deadline = 0;
};
} // namespace

static time_t monotonicSeconds() {
  timespec Time;
  clock_gettime(CLOCK_MONOTONIC, &Time);
  return Time.tv_sec;
}

void Supervisor::take(const Message &M) {
  switch (M.Kind) {
  case MessageKind::ObjectMembers:
    // A second worker opens the objects again and has nothing new to say.
    if (!HaveObjects && Objects[M.Object].Members.empty())
      Objects[M.Object].Members = M.Text;
    break;
  case MessageKind::GroupCount:
    HaveObjects = true;
    Groups = M.Object;
    break;
  case MessageKind::GroupBegin:
    NextGroup = M.Object + 1;
    InGroup = true;
    Deadline = monotonicSeconds() + Options.TimeoutSeconds;
    break;
  case MessageKind::ProgramBegin:
    Objects[M.Object].Programs.emplace_back();
    Objects[M.Object].ProgramOpen = true;
    break;
  case MessageKind::ProgramMembers: {
    std::string &Text = Objects[M.Object].Programs.back();
    Text += Text.empty() ? "" : ",";
    Text += M.Text;
    break;
  }
  case MessageKind::Stage:
    Stage = M.Text;
    StageObject = M.Object;
    break;
  case MessageKind::GroupEnd:
    InGroup = false;
    for (ObjectText &Object : Objects)
      Object.ProgramOpen = false;
    break;
  case MessageKind::Done:
    Finished = true;
    break;
  }
}

/// Marks what the worker was at when it ended before its time.
void Supervisor::fail(const std::string &How) {
  JsonWriter Member(4);
  Member.member("failed", How + " during " + Stage);
  bool Marked = false;
  for (ObjectText &Object : Objects) {
    if (!Object.ProgramOpen)
      continue;
    Object.Programs.back() += "," + Member.text();
    Object.ProgramOpen = false;
    Marked = true;
  }
  InGroup = false;
  if (Marked)
    return;
  // The others are worth another try without the object that does this.
  JsonWriter Error(3);
  Error.member("error", How + " during " + Stage);
  Objects[StageObject].Members = Error.text();
  Finished = !Broken.insert(StageObject).second || HaveObjects;
}

/// Nothing stops a program in the middle of a long bpf_loop(); then the process
/// is left behind rather than waited for.
static bool waitAtMost(pid_t Child, unsigned Seconds) {
  for (unsigned I = 0; I != Seconds * 100; ++I) {
    if (waitpid(Child, nullptr, WNOHANG) != 0)
      return true;
    usleep(10000);
  }
  return false;
}

void Supervisor::watch(int Fd, pid_t Child) {
  MessageReceiver Receiver;
  Message M;
  bool TimedOut = false;
  while (true) {
    time_t Left = Deadline - monotonicSeconds();
    if (Left <= 0) {
      TimedOut = true;
      break;
    }
    pollfd Poll = {Fd, POLLIN, 0};
    if (poll(&Poll, 1, static_cast<int>(Left > 1000 ? 1000 : Left) * 1000) <= 0)
      continue;
    bool Open = Receiver.receive(Fd);
    while (Receiver.next(M))
      take(M);
    if (!Open)
      break;
  }
  int Status = 0;
  if (TimedOut) {
    kill(Child, SIGKILL);
    bool Gone = waitAtMost(Child, 5);
    fail("timed out after " + std::to_string(Options.TimeoutSeconds) + " s" +
         (Gone ? "" : ", cannot be stopped,"));
    return;
  }
  while (waitpid(Child, &Status, 0) < 0 && errno == EINTR)
    ;
  if (WIFSIGNALED(Status))
    fail("crashed (" + std::string(strsignal(WTERMSIG(Status))) + ")");
  else if (!Finished)
    fail("ended with status " + std::to_string(WEXITSTATUS(Status)));
}

void Supervisor::runWorker() {
  int Pipe[2];
  if (pipe(Pipe) != 0) {
    fail("no pipe");
    return;
  }
  Stage = "opening";
  Deadline = monotonicSeconds() + Options.TimeoutSeconds;
  fflush(stdout);
  pid_t Child = fork();
  if (Child == 0) {
    close(Pipe[0]);
    MessageSender Sender(Pipe[1]);
    // A worker that cannot be stopped must not keep a reader waiting.
    if (int Null = open("/dev/null", O_RDWR); Null >= 0) {
      dup2(Null, STDOUT_FILENO);
      dup2(Null, STDERR_FILENO);
    }
    runLoads(Options, NextGroup, Broken, Sender);
    _exit(0);
  }
  close(Pipe[1]);
  if (Child < 0)
    fail("no process");
  else
    watch(Pipe[0], Child);
  close(Pipe[0]);
}

void Supervisor::print() const {
  utsname Name;
  uname(&Name);
  std::string Version = std::to_string(libbpf_major_version()) + "." +
                        std::to_string(libbpf_minor_version());
  printf("{\n  \"kernel\": %s,\n  \"libbpf\": \"%s\",\n  \"objects\": [",
         quoteJson(Name.release).c_str(), Version.c_str());
  for (size_t I = 0; I != Objects.size(); ++I) {
    const ObjectText &Object = Objects[I];
    printf("%s\n    {\n      \"path\": %s", I ? "," : "",
           quoteJson(Options.Objects[I]).c_str());
    if (!Object.Members.empty())
      printf(",%s", Object.Members.c_str());
    printf(",\n      \"programs\": [");
    for (size_t P = 0; P != Object.Programs.size(); ++P)
      printf("%s\n      {%s\n      }", P ? "," : "",
             Object.Programs[P].c_str());
    printf("]\n    }");
  }
  printf("\n  ]\n}\n");
}

void Supervisor::run() {
  while (!Finished) {
    unsigned Before = NextGroup;
    runWorker();
    // A worker that dies between two programs must not be started for ever.
    if (HaveObjects && (NextGroup >= Groups || NextGroup == Before))
      Finished = true;
  }
  print();
}

void prepatch::superviseLoads(const KloadOptions &Options) {
  Supervisor(Options).run();
}
