//===- KernelSessionTest.cpp - Trial loads, and loaders that misbehave ---===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The loader is a shell script here, which answers what a test wants.
//===----------------------------------------------------------------------===//

#include "Tune/KernelSession.h"
#include <chrono>
#include <csignal>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace llvm;
using namespace prepatch;

namespace {

const std::string Hello =
    R"(echo '{"kernel":"6.18.0","libbpf":"1.5","programs":[)"
    R"({"name":"f","section":"xdp","type":"xdp","insns":3,"functions":[)"
    R"({"name":"f","start":0,"insns":2},{"name":"g","start":2,"insns":1}]},)"
    R"({"name":"h","section":"tc","type":"sched_cls","insns":0,)"
    R"("error":"no such hook"}]}'
)";

Expected<std::unique_ptr<KernelSession>> startScript(std::string Script,
                                                     unsigned StartMs = 10000) {
  return KernelSession::start({"/bin/sh", "-c", std::move(Script)}, StartMs);
}

std::unique_ptr<KernelSession> serve(const std::string &Script) {
  auto S = startScript(Hello + Script);
  if (!S) {
    ADD_FAILURE() << toString(S.takeError());
    return nullptr;
  }
  return std::move(*S);
}

/// A session that answers every request with \p Reply.
std::unique_ptr<KernelSession> answering(const std::string &Reply) {
  return serve("while read line; do echo '" + Reply + "'; done\n");
}

template <typename T> std::string errorOf(Expected<T> Result) {
  return Result ? "" : toString(Result.takeError());
}

#define EXPECT_CONTAINS(TEXT, PART)                                            \
  do {                                                                         \
    std::string Text = TEXT;                                                   \
    EXPECT_NE(Text.find(PART), std::string::npos) << Text;                     \
  } while (0)

TEST(KernelSession, GreetingNamesProgramsAndFunctions) {
  auto S = serve("read line\n");
  ASSERT_TRUE(S);
  EXPECT_EQ(S->kernel(), "6.18.0");
  ASSERT_EQ(S->programs().size(), 2u);
  const SessionProgram *P = S->find("f");
  ASSERT_TRUE(P);
  EXPECT_EQ(P->Insns, 3u);
  EXPECT_EQ(P->functionAt(1)->Name, "f");
  EXPECT_EQ(P->functionAt(2)->Name, "g");
  EXPECT_EQ(P->functionAt(3), nullptr);
  EXPECT_EQ(S->find("h")->Error, "no such hook");
  EXPECT_EQ(S->find("x"), nullptr);
}

TEST(KernelSession, RequestsAreWrittenAsTheProtocolSays) {
  auto S =
      serve(R"(while read line; do echo "{\"errno\":1,\"reason\":\"$line\",)"
            R"(\"verified\":null}"; done)");
  ASSERT_TRUE(S);
  Insertion I{1, {RawInsn{0xb7, 3, 0, 0, 7}, RawInsn{0x7b, 10, 1, -8, 0}}};
  auto R =
      S->tryLoad("f", {I, Insertion{2, {RawInsn{0x95, 0, 0, 0, 0}}}}, 250, 5);
  ASSERT_TRUE(bool(R)) << toString(R.takeError());
  EXPECT_FALSE(R->loaded());
  if (endianness::native == endianness::little) {
    EXPECT_EQ(R->Reason, "try f timeout_ms=250 repeat=5 "
                         "at=1:b703000007000000,7b1af8ff00000000 "
                         "at=2:9500000000000000");
  }
  auto T = S->trace("f", {}, 100);
  ASSERT_TRUE(bool(T)) << toString(T.takeError());
  EXPECT_EQ(T->Reason, "trace f timeout_ms=100");
  // The answer holds what a profile must have, and ends in the request.
  auto Q = serve(R"(while read line; do echo "{\"errno\":0,\"verified\":1,)"
                 R"(\"visits\":[0,0,0],\"safe\":[0,0,0],)"
                 R"(\"reason\":\"$line\"}"; done)");
  ASSERT_TRUE(Q);
  auto Profile = Q->profile("f", {}, {0, 2}, 100);
  ASSERT_TRUE(bool(Profile)) << toString(Profile.takeError());
  EXPECT_EQ(Profile->Reason, "profile f timeout_ms=100 points=0,2");
  Profile = Q->profile("f", {}, {}, 100);
  ASSERT_TRUE(bool(Profile)) << toString(Profile.takeError());
  EXPECT_EQ(Profile->Reason, "profile f timeout_ms=100");
}

TEST(KernelSession, Trial) {
  auto S = answering(
      R"({"errno":0,"verified":41412,"states":1210,"verification_us":33000.5,)"
      R"("load_us":33900,"visited":null,"timeout":false,"reason":""})");
  ASSERT_TRUE(S);
  auto R = S->tryLoad("f", {}, 1000);
  ASSERT_TRUE(bool(R)) << toString(R.takeError());
  EXPECT_TRUE(R->loaded());
  EXPECT_EQ(R->Verified, 41412u);
  EXPECT_EQ(R->States, 1210u);
  EXPECT_EQ(R->VerificationUs, 33000.5);
  EXPECT_EQ(R->Visited, std::nullopt);
}

TEST(KernelSession, TrialThatTheVerifierDidNotSee) {
  auto S = answering(R"({"errno":-22,"verified":null,"states":null,)"
                     R"("verification_us":null,"load_us":12,"visited":null,)"
                     R"("timeout":false,"reason":"Invalid argument"})");
  ASSERT_TRUE(S);
  auto R = S->tryLoad("f", {}, 1000);
  ASSERT_TRUE(bool(R)) << toString(R.takeError());
  EXPECT_FALSE(R->loaded());
  EXPECT_EQ(R->Verified, std::nullopt);
  EXPECT_EQ(R->LoadUs, 12);
}

TEST(KernelSession, Profile) {
  auto S = answering(
      R"({"errno":-7,"verified":1000001,"verification_us":null,)"
      R"("truncated":true,"timeout":false,"unknown_lines":2,)"
      R"("visits":[5,4,3],"safe":[0,1,2],"points":[{"at":1,"visits":4,)"
      R"("frame":1,"states":3,"locations":[{"reg":6,"scalar":true,"values":4,)"
      R"("precise":2,"known":4,"umin":"0","umax":"18446744073709551615",)"
      R"("merge":2},{"slot":-16,"scalar":false,"values":2,"merge":0}]}],)"
      R"("reason":"BPF program is too large."})");
  ASSERT_TRUE(S);
  auto R = S->profile("f", {}, {1}, 1000);
  ASSERT_TRUE(bool(R)) << toString(R.takeError());
  EXPECT_EQ(R->Errno, -7);
  EXPECT_TRUE(R->Truncated);
  EXPECT_EQ(R->UnknownLines, 2u);
  EXPECT_EQ(R->Visits, (std::vector<uint32_t>{5, 4, 3}));
  ASSERT_EQ(R->Points.size(), 1u);
  ASSERT_EQ(R->Points[0].Locations.size(), 2u);
  const PointLocation &L = R->Points[0].Locations[0];
  EXPECT_EQ(L.Where, Location::reg(6));
  EXPECT_EQ(L.UMax, UINT64_MAX);
  EXPECT_EQ(R->Points[0].Locations[1].Where, Location::slot(-16));
  EXPECT_FALSE(R->Points[0].Locations[1].Scalar);
}

TEST(KernelSession, Trace) {
  auto S = answering(R"({"errno":-13,"reason":"R1 invalid mem access",)"
                     R"("verified":null,"path":[0,-1,1],"tail":["a","b"]})");
  ASSERT_TRUE(S);
  auto R = S->trace("f", {}, 1000);
  ASSERT_TRUE(bool(R)) << toString(R.takeError());
  EXPECT_EQ(R->Path, (std::vector<int32_t>{0, -1, 1}));
  EXPECT_EQ(R->Tail.size(), 2u);
}

TEST(KernelSession, RefusedRequestLeavesTheSessionUsable) {
  auto S = serve(R"(read line; echo '{"error":"expected a program"}'
                    read line; echo '{"errno":0,"verified":7}')");
  ASSERT_TRUE(S);
  EXPECT_EQ(errorOf(S->tryLoad("f", {}, 1000)), "expected a program");
  EXPECT_TRUE(S->isAlive());
  auto R = S->tryLoad("f", {}, 1000);
  ASSERT_TRUE(bool(R)) << toString(R.takeError());
  EXPECT_EQ(R->Verified, 7u);
}

TEST(KernelSession, UnknownProgramIsNotAsked) {
  auto S = serve("read line\n");
  ASSERT_TRUE(S);
  EXPECT_EQ(errorOf(S->tryLoad("x", {}, 1000)),
            "the object has no program 'x'");
  EXPECT_FALSE(S->isBusy());
}

TEST(KernelSession, CannotStart) {
  EXPECT_CONTAINS(errorOf(KernelSession::start({"/nonexistent/loader"})),
                  "cannot run '/nonexistent/loader': No such file");
  EXPECT_EQ(
      errorOf(startScript("echo '{\"error\":\"not an object\"}'; exit 1")),
      "not an object");
  EXPECT_EQ(errorOf(startScript("echo one >&2; echo error: no rights >&2; "
                                "exit 3")),
            "the loader ended with status 3: no rights");
  EXPECT_CONTAINS(errorOf(startScript("echo hello; read line")),
                  "does not speak the protocol");
  EXPECT_EQ(errorOf(startScript("exec sleep 20", 100)),
            "the loader did not answer in time");
}

TEST(KernelSession, ChildThatDies) {
  auto S = serve("read line; kill -SEGV $$\n");
  ASSERT_TRUE(S);
  EXPECT_CONTAINS(errorOf(S->tryLoad("f", {}, 1000)),
                  "the loader was ended by a signal (Segmentation fault)");
  EXPECT_FALSE(S->isAlive());
  // Asking again says the same; nothing raises SIGPIPE.
  EXPECT_CONTAINS(errorOf(S->tryLoad("f", {}, 1000)), "Segmentation fault");
}

TEST(KernelSession, ChildThatIsGoneBeforeTheRequest) {
  auto S = serve("exit 5\n");
  ASSERT_TRUE(S);
  ::usleep(100000);
  EXPECT_EQ(errorOf(S->tryLoad("f", {}, 1000)),
            "the loader ended with status 5");
}

TEST(KernelSession, MalformedAnswers) {
  const char *Bad[] = {
      "nonsense",
      R"({"verified":3})",
      R"({"errno":0,"verified":3,"visits":[1,2],"safe":[0,0]})",
      R"({"errno":0,"verified":3,"visits":[1,2,-3],"safe":[0,0,0]})",
      R"({"errno":0,"verified":3,"visits":[1,2,3],"safe":[0,0,0],)"
      R"("points":[{"at":3,"visits":1}]})",
      R"({"errno":0,"verified":3,"visits":[1,2,3],"safe":[0,0,0],)"
      R"("points":[{"at":1,"visits":1,"locations":[)"
      R"({"slot":-12,"scalar":true,"values":2}]}]})",
      R"({"errno":0,"verified":3,"visits":[1,2,3],"safe":[0,0,0],)"
      R"("points":[{"at":1,"visits":1,"locations":[)"
      R"({"reg":1,"scalar":true,"values":2,"umin":"many"}]}]})",
  };
  for (const char *Reply : Bad) {
    auto S = answering(Reply);
    ASSERT_TRUE(S);
    EXPECT_CONTAINS(errorOf(S->profile("f", {}, {}, 1000)),
                    "malformed answer of the loader");
    EXPECT_FALSE(S->isAlive()) << Reply;
  }
}

TEST(KernelSession, WaitAnyFindsTheOneThatHasAnswered) {
  auto Slow = serve("read line; sleep 5\n");
  auto Fast = answering(R"({"errno":0,"verified":1})");
  auto Dead = serve("read line; exit 2\n");
  ASSERT_TRUE(Slow && Fast && Dead);
  std::vector<KernelSession *> All = {Slow.get(), nullptr, Fast.get()};
  EXPECT_EQ(KernelSession::waitAny(All, 1000), std::nullopt) << "none is busy";
  ASSERT_FALSE(bool(Slow->send("f", {}, 10000)));
  ASSERT_FALSE(bool(Fast->send("f", {}, 10000)));
  EXPECT_EQ(KernelSession::waitAny(All, 5000), 2u);
  EXPECT_TRUE(bool(Fast->receive()));
  auto Before = std::chrono::steady_clock::now();
  EXPECT_EQ(KernelSession::waitAny(All, 50), std::nullopt);
  EXPECT_LT(std::chrono::steady_clock::now() - Before,
            std::chrono::milliseconds(2000));
  All.push_back(Dead.get());
  ASSERT_FALSE(bool(Dead->send("f", {}, 10000)));
  EXPECT_EQ(KernelSession::waitAny(All, 5000), 3u);
  EXPECT_CONTAINS(errorOf(Dead->receive()), "status 2");
}

TEST(KernelSession, LongRequestAndAnswer) {
  auto S = serve("read line; echo \"{\\\"errno\\\":0,\\\"verified\\\":${#line},"
                 "\\\"reason\\\":\\\"$line\\\"}\"; read line\n");
  ASSERT_TRUE(S);
  std::vector<Insertion> Code;
  for (unsigned I = 0; I < 3; ++I)
    Code.push_back(
        {I, SmallVector<RawInsn, 8>(20000, RawInsn{0xb7, 1, 0, 0, 1})});
  auto R = S->tryLoad("f", Code, 10000);
  ASSERT_TRUE(bool(R)) << toString(R.takeError());
  EXPECT_GT(*R->Verified, 3u * 20000 * 17);
  EXPECT_EQ(R->Reason.size(), *R->Verified);
}

TEST(KernelSession, NothingIsLeftBehind) {
  serve("read line\n");
  serve("trap '' TERM; sleep 1000\n");
  {
    auto S = serve("read line; sleep 1000\n");
    ASSERT_TRUE(S);
    ASSERT_FALSE(bool(S->send("f", {}, 1000)));
  }
  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1);
  EXPECT_EQ(errno, ECHILD);
}

} // namespace
