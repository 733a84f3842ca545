//===- Worker.cpp - loads, measures and runs the programs -----------------===//
//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Groups the programs of the objects and takes each group through the stages:
// load, functions, rewrites, visits, runs.
//
//===----------------------------------------------------------------------===//

#include "Worker.h"
#include "Load/Behaviour.h"
#include "Load/Measure.h"
#include "Load/ObjectLoader.h"
#include "Load/RewriteProbe.h"
#include "Load/VisitLog.h"
#include "ProgramReport.h"

#include <algorithm>
#include <csignal>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>

using namespace prepatch;

namespace {
struct Member {
  uint32_t Object = 0;
  ObjectProgram *Program = nullptr;
  LoadResult Result;
};
using Group = std::vector<Member>;

class Worker {
public:
  Worker(const KloadOptions &Options, MessageSender &Sender)
      : Options(Options), Sender(Sender) {}
  void run(unsigned FirstGroup, const std::set<uint32_t> &Broken);

private:
  void openObjects(const std::set<uint32_t> &Broken);
  std::vector<Group> makeGroups();
  void process(Group &G);
  void measure(Group &G);
  void examine(Member &M);
  void behave(Group &G);
  void stage(const char *Name) { Sender.send(MessageKind::Stage, 0, Name); }
  void report(uint32_t Object, const JsonWriter &Json) {
    if (!Json.text().empty())
      Sender.send(MessageKind::ProgramMembers, Object, Json.text());
  }

  const KloadOptions &Options;
  MessageSender &Sender;
  std::vector<LoadPlan> Plans;
  std::vector<std::unique_ptr<LoadedObject>> Objects;
  std::unique_ptr<BehaviourLab> Lab;
};
} // namespace

static void raiseLimit(int Resource) {
  rlimit Limit = {RLIM_INFINITY, RLIM_INFINITY};
  if (setrlimit(static_cast<__rlimit_resource_t>(Resource), &Limit) == 0)
    return;
  if (getrlimit(static_cast<__rlimit_resource_t>(Resource), &Limit) == 0) {
    Limit.rlim_cur = Limit.rlim_max;
    setrlimit(static_cast<__rlimit_resource_t>(Resource), &Limit);
  }
}

void prepatch::raiseLimits() {
  raiseLimit(RLIMIT_MEMLOCK);
  raiseLimit(RLIMIT_NOFILE);
}

/// One CPU, so that per-CPU data and processor ids are the same in every run.
static void pinToOneCpu() {
  int Cpu = sched_getcpu();
  cpu_set_t Set;
  CPU_ZERO(&Set);
  CPU_SET(Cpu < 0 ? 0 : Cpu, &Set);
  sched_setaffinity(0, sizeof(Set), &Set);
}

void Worker::openObjects(const std::set<uint32_t> &Broken) {
  Plans.resize(Options.Objects.size());
  for (uint32_t I = 0; I != Options.Objects.size(); ++I) {
    std::string Error;
    Sender.send(MessageKind::Stage, I, "opening");
    if (Broken.count(I)) {
      Objects.push_back(nullptr);
      continue;
    }
    Objects.push_back(LoadedObject::load(Options.Objects[I], Plans[I], Error));
    JsonWriter Json(3);
    if (!Objects.back())
      Json.member("error", Error);
    else if (!Objects.back()->notes().empty())
      Json.member("notes", Objects.back()->notes());
    if (!Json.text().empty())
      Sender.send(MessageKind::ObjectMembers, I, Json.text());
  }
}

std::vector<Group> Worker::makeGroups() {
  std::vector<Group> Groups;
  for (uint32_t I = 0; I != Objects.size(); ++I) {
    if (!Objects[I])
      continue;
    for (ObjectProgram &P : Objects[I]->programs()) {
      const std::vector<std::string> &Wanted = Options.Programs;
      if (!Wanted.empty() &&
          std::find(Wanted.begin(), Wanted.end(), P.Name) == Wanted.end())
        continue;
      auto Same = std::find_if(Groups.begin(), Groups.end(), [&](Group &G) {
        return G.back().Object != I && G[0].Program->Name == P.Name &&
               G[0].Program->Section == P.Section;
      });
      if (Same == Groups.end())
        Same = Groups.insert(Groups.end(), Group());
      Same->emplace_back();
      Same->back().Object = I;
      Same->back().Program = &P;
    }
  }
  return Groups;
}

void Worker::measure(Group &G) {
  stage("load");
  for (unsigned Round = 0; Round != std::max(1u, Options.Repeat); ++Round) {
    for (size_t I = 0; I != G.size(); ++I) {
      // Every other round runs backwards: being second is an advantage that
      // both shall have equally often.
      Member &M = G[Round % 2 ? G.size() - 1 - I : I];
      if (M.Program->Load && (Round == 0 || M.Result.Loaded))
        measureLoad(*M.Program->Load, M.Result);
    }
  }
  for (Member &M : G) {
    if (M.Program->Load && !M.Result.Loaded)
      explainPoison(*M.Program->Load, *Objects[M.Object], M.Result);
    JsonWriter Json(4);
    writeVerdict(Json, *M.Program, M.Result, Options.Log);
    report(M.Object, Json);
  }
}

void Worker::examine(Member &M) {
  if (!M.Program->Load)
    return;
  const PreparedLoad &Load = *M.Program->Load;
  std::vector<FunctionRange> Functions =
      listFunctions(*M.Program, Objects[M.Object]->object());
  JsonWriter Table(4);
  writeFunctions(Table, Functions);
  report(M.Object, Table);

  VisitCounts Visits;
  bool HaveVisits = Options.Visits;
  if (HaveVisits) {
    stage("visits");
    Visits = measureVisits(Load, Options.LogMb << 20);
    JsonWriter Json(4);
    writeVisits(Json, Visits, Functions);
    report(M.Object, Json);
  }
  if (Options.Rewrites && M.Result.Loaded) {
    stage("rewrites");
    RewriteCounts Counts = probeRewrites(Load, M.Result.Sizes.XlatedInsns);
    JsonWriter Json(4);
    writeRewrites(Json, Counts, Load.insns(),
                  HaveVisits && !Visits.Truncated ? &Visits : nullptr,
                  Options.RewriteList);
    report(M.Object, Json);
  }
}

void Worker::behave(Group &G) {
  if (!Options.Run && !Options.RunRepeat)
    return;
  stage("runs");
  if (!Lab)
    Lab = std::make_unique<BehaviourLab>(Options.Objects, Plans, Options.Seed);
  std::vector<BehaviourSubject> Subjects;
  for (Member &M : G)
    if (M.Result.Loaded)
      Subjects.push_back({M.Object, M.Program->Name});
  if (Subjects.empty())
    return;
  if (Options.Run) {
    std::vector<BehaviourResult> Results = Lab->compare(Subjects, Options.Run);
    for (size_t I = 0; I != Results.size(); ++I) {
      JsonWriter Json(4);
      writeRuns(Json, Results[I]);
      report(Subjects[I].Object, Json);
    }
  }
  if (Options.RunRepeat) {
    stage("timed runs");
    std::vector<std::vector<uint32_t>> Times =
        Lab->time(Subjects, Options.RunRepeat);
    for (size_t I = 0; I != Times.size(); ++I) {
      JsonWriter Json(4);
      Json.member("run_ns", Times[I]);
      report(Subjects[I].Object, Json);
    }
  }
}

void Worker::process(Group &G) {
  for (Member &M : G) {
    Sender.send(MessageKind::ProgramBegin, M.Object);
    JsonWriter Json(4);
    writeIdentity(Json, *M.Program);
    report(M.Object, Json);
  }
  measure(G);
  for (Member &M : G)
    examine(M);
  behave(G);
}

void Worker::run(unsigned FirstGroup, const std::set<uint32_t> &Broken) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  raiseLimits();
  pinToOneCpu();
  captureLibbpfMessages();
  openObjects(Broken);
  std::vector<Group> Groups = makeGroups();
  Sender.send(MessageKind::GroupCount, static_cast<uint32_t>(Groups.size()));
  for (unsigned I = FirstGroup; I < Groups.size(); ++I) {
    Sender.send(MessageKind::GroupBegin, I);
    process(Groups[I]);
    Sender.send(MessageKind::GroupEnd, I);
  }
  Sender.send(MessageKind::Done, 0);
}

void prepatch::runLoads(const KloadOptions &Options, unsigned FirstGroup,
                        const std::set<uint32_t> &Broken,
                        MessageSender &Sender) {
  Worker(Options, Sender).run(FirstGroup, Broken);
}
