//===- KernelSession.cpp - Trial loads of one object into one kernel -----===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Tune/KernelSession.h"
#include "Tune/KernelSessionChild.h"
#include "Tune/KernelSessionReplies.h"
#include "llvm/ADT/StringExtras.h"
#include <poll.h>

using namespace llvm;

namespace prepatch {

using std::chrono::milliseconds;
using Clock = SessionChild::Clock;

/// What a request may take on top of the loads that it asks for: an emulated
/// machine runs tens of times slower, and the end of a long log has to be read
/// after the load. Only a loader that hangs gets there.
static constexpr milliseconds Grace(30000);

const LoadedFunction *SessionProgram::functionAt(uint32_t Index) const {
  for (const LoadedFunction &F : Functions)
    if (Index >= F.Start && Index - F.Start < F.Count)
      return &F;
  return nullptr;
}

KernelSession::KernelSession() = default;
KernelSession::~KernelSession() {
  if (!Child || !Child->isAlive())
    return;
  if (InFlight)
    consumeError(Child->fail("the session was ended"));
  else
    consumeError(Child->write("quit\n", Clock::now() + milliseconds(100)));
}

Expected<std::unique_ptr<KernelSession>>
KernelSession::start(std::vector<std::string> Command, unsigned StartMs) {
  Expected<std::unique_ptr<SessionChild>> Child = SessionChild::spawn(Command);
  if (!Child)
    return Child.takeError();
  Expected<std::string> Line =
      (*Child)->readLine(Clock::now() + milliseconds(StartMs));
  if (!Line)
    return Line.takeError();
  Expected<Greeting> Hello = parseGreeting(*Line);
  if (!Hello) {
    Error E = Hello.takeError();
    if (E.isA<RefusedRequest>())
      return std::move(E);
    return (*Child)->fail(
        "the loader does not speak the protocol of --serve: " +
        toString(std::move(E)));
  }
  std::unique_ptr<KernelSession> S(new KernelSession);
  S->Child = std::move(*Child);
  S->Kernel = std::move(Hello->Kernel);
  S->Programs = std::move(Hello->Programs);
  return std::move(S);
}

const SessionProgram *KernelSession::find(StringRef Program) const {
  for (const SessionProgram &P : Programs)
    if (P.Name == Program)
      return &P;
  return nullptr;
}

bool KernelSession::isAlive() const { return Child->isAlive(); }
int KernelSession::fd() const { return Child->fd(); }

static void appendInsertions(std::string &Line, ArrayRef<Insertion> Code) {
  for (const Insertion &I : Code) {
    Line += " at=" + utostr(I.At);
    char Separator = ':';
    for (const RawInsn &Raw : I.Code) {
      uint8_t Bytes[8];
      encodeSlot(Raw, Bytes, endianness::native);
      Line += Separator;
      Line += toHex(Bytes, /*LowerCase=*/true);
      Separator = ',';
    }
  }
}

Error KernelSession::request(StringRef Verb, StringRef Program,
                             ArrayRef<Insertion> Code, StringRef Options,
                             unsigned TimeoutMs, unsigned Loads) {
  assert(!InFlight && "the answer to the last request was not received");
  const SessionProgram *P = find(Program);
  if (!P)
    return createStringError("the object has no program '" + Program + "'");
  std::string Line =
      (Verb + " " + Program + " timeout_ms=" + Twine(TimeoutMs) + Options)
          .str();
  appendInsertions(Line, Code);
  Line += '\n';
  Deadline =
      Clock::now() + Grace + 2 * milliseconds(TimeoutMs) * std::max(1u, Loads);
  if (Error E = Child->write(Line, Deadline))
    return E;
  AskedInsns = P->Insns;
  InFlight = true;
  return Error::success();
}

Expected<std::string> KernelSession::reply() {
  assert(InFlight && "nothing was asked");
  InFlight = false;
  return Child->readLine(Deadline);
}

template <typename T>
Expected<T> KernelSession::receiveAs(Expected<T> (*Parse)(StringRef,
                                                          uint32_t)) {
  Expected<std::string> Line = reply();
  if (!Line)
    return Line.takeError();
  Expected<T> Result = Parse(*Line, AskedInsns);
  if (Result)
    return Result;
  Error E = Result.takeError();
  if (E.isA<RefusedRequest>())
    return std::move(E);
  return Child->fail("malformed answer of the loader: " +
                     toString(std::move(E)));
}

Error KernelSession::send(StringRef Program, ArrayRef<Insertion> Code,
                          unsigned TimeoutMs, unsigned Repeat) {
  std::string Options;
  if (Repeat > 1)
    Options = " repeat=" + utostr(Repeat);
  return request("try", Program, Code, Options, TimeoutMs, Repeat);
}

Expected<TrialResult> KernelSession::receive() { return receiveAs(parseTrial); }

Error KernelSession::sendProfile(StringRef Program, ArrayRef<Insertion> Code,
                                 ArrayRef<uint32_t> Points,
                                 unsigned TimeoutMs) {
  std::string Options;
  for (uint32_t Point : Points)
    Options += (Options.empty() ? " points=" : ",") + utostr(Point);
  return request("profile", Program, Code, Options, TimeoutMs, 1);
}

Expected<StateProfile> KernelSession::receiveProfile() {
  return receiveAs(parseProfile);
}

Error KernelSession::sendTrace(StringRef Program, ArrayRef<Insertion> Code,
                               unsigned TimeoutMs) {
  return request("trace", Program, Code, "", TimeoutMs, 1);
}

Expected<FailingPath> KernelSession::receiveTrace() {
  return receiveAs(parseTrace);
}

Expected<TrialResult> KernelSession::tryLoad(StringRef Program,
                                             ArrayRef<Insertion> Code,
                                             unsigned TimeoutMs,
                                             unsigned Repeat) {
  if (Error E = send(Program, Code, TimeoutMs, Repeat))
    return std::move(E);
  return receive();
}

Expected<StateProfile> KernelSession::profile(StringRef Program,
                                              ArrayRef<Insertion> Code,
                                              ArrayRef<uint32_t> Points,
                                              unsigned TimeoutMs) {
  if (Error E = sendProfile(Program, Code, Points, TimeoutMs))
    return std::move(E);
  return receiveProfile();
}

Expected<FailingPath> KernelSession::trace(StringRef Program,
                                           ArrayRef<Insertion> Code,
                                           unsigned TimeoutMs) {
  if (Error E = sendTrace(Program, Code, TimeoutMs))
    return std::move(E);
  return receiveTrace();
}

bool KernelSession::isReady() {
  return InFlight && (Child->poll() || Clock::now() >= Deadline);
}

std::optional<size_t> KernelSession::waitAny(ArrayRef<KernelSession *> Sessions,
                                             unsigned TimeoutMs) {
  auto Until = Clock::now() + milliseconds(TimeoutMs);
  for (;;) {
    SmallVector<pollfd, 8> Fds;
    auto Next = Until;
    for (size_t I = 0; I < Sessions.size(); ++I) {
      KernelSession *S = Sessions[I];
      if (!S || !S->InFlight)
        continue;
      if (S->isReady())
        return I;
      Fds.push_back({S->fd(), POLLIN, 0});
      Next = std::min(Next, S->Deadline);
    }
    auto Now = Clock::now();
    if (Fds.empty() || Now >= Until)
      return std::nullopt;
    auto Left = std::chrono::ceil<milliseconds>(Next - Now).count();
    if (::poll(Fds.data(), Fds.size(),
               int(std::clamp<int64_t>(Left, 0, 60000))) < 0)
      return std::nullopt;
  }
}

} // namespace prepatch
