//===- Behaviour.cpp - do two programs behave the same? -------------------===//
//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The comparison. A difference counts only if it stays when everything is run
// again: the reference must give one outcome always, the other program never
// that one.
//
//===----------------------------------------------------------------------===//

#include "Behaviour.h"
#include "TestInstance.h"

#include <algorithm>
#include <csignal>
#include <sched.h>

using namespace prepatch;

/// An outcome as one hash per component: result, packet, context, each map.
using Components = std::map<std::string, uint64_t>;

static Components digest(const Outcome &O, const MapState &Maps) {
  Components Result;
  Hash64 Value;
  Value.add(uint64_t(O.Errno));
  Value.add(uint64_t(O.ReturnValue));
  Result["result"] = Value.value();
  if (O.Errno)
    return Result;
  Hash64 Packet, Context;
  Packet.add(O.Packet.data(), O.Packet.size());
  Context.add(O.Context.data(), O.Context.size());
  Result["packet"] = Packet.value();
  Result["context"] = Context.value();
  for (size_t I = 0; I != O.Maps.size(); ++I)
    Result["map " + Maps.name(I)] = hashDump(O.Maps[I]);
  return Result;
}

/// Components of both that differ. One that only one object has (a map that was
/// added or removed) cannot be compared.
static std::set<std::string> differing(const Components &A,
                                       const Components &B) {
  std::set<std::string> Result;
  for (const auto &[Name, Hash] : A) {
    auto Other = B.find(Name);
    if (Other != B.end() && Other->second != Hash)
      Result.insert(Name);
  }
  return Result;
}

static std::string describeDump(const MapDump &Mine, const MapDump &Theirs) {
  static constexpr size_t Most = 64;
  for (const auto &Entry : Mine)
    if (!std::binary_search(Theirs.begin(), Theirs.end(), Entry))
      return "key " + toHex(Entry.first.data(), Entry.first.size(), Most) +
             " value " + toHex(Entry.second.data(), Entry.second.size(), Most);
  return std::to_string(Mine.size()) + " entries";
}

static std::string describe(const std::string &Component, const Outcome &Mine,
                            const Outcome &Theirs, const MapState &MyMaps,
                            const MapState &TheirMaps) {
  if (Component == "result")
    return Mine.Errno ? errnoText(Mine.Errno)
                      : std::to_string(Mine.ReturnValue);
  if (Component == "packet")
    return std::to_string(Mine.Packet.size()) + " bytes " +
           toHex(Mine.Packet.data(), Mine.Packet.size(), 128);
  if (Component == "context")
    return toHex(Mine.Context.data(), Mine.Context.size(), 256);
  for (size_t I = 0; I != Mine.Maps.size(); ++I)
    for (size_t J = 0; J != Theirs.Maps.size(); ++J)
      if ("map " + MyMaps.name(I) == Component &&
          MyMaps.name(I) == TheirMaps.name(J))
        return describeDump(Mine.Maps[I], Theirs.Maps[J]);
  return {};
}

class BehaviourLab::Impl {
public:
  Impl(const std::vector<std::string> &Paths,
       const std::vector<LoadPlan> &Plans, uint64_t Seed)
      : Paths(Paths), Plans(Plans), Seed(Seed) {}

  std::string prepare(const std::vector<BehaviourSubject> &Subjects);
  void runOnce(unsigned Number, std::vector<BehaviourResult> &Results);
  void finish(std::vector<BehaviourResult> &Results);
  TestInput input(unsigned Number) const;
  TestInstance &subject(size_t I) { return *Selected[I ? I + 1 : 0]; }
  /// The kernel knows the type but not how to test-run it.
  bool runsRefused() const { return Refused; }
  uint64_t programSeed() const { return ProgramSeed; }

private:
  std::string select(uint32_t Object, unsigned Copy,
                     const std::string &Program);
  Outcome run(size_t Instance, const TestInput &Input, unsigned Number);
  void confirm(size_t Instance, const std::string &Component,
               const TestInput &Input, unsigned Number, const Outcome &Before,
               const Outcome &After, BehaviourResult &Result, bool &Different);

  const std::vector<std::string> Paths;
  const std::vector<LoadPlan> Plans;
  const uint64_t Seed;
  uint64_t ProgramSeed = 0;
  bool SmallMaps = true, Refused = false;
  std::map<std::pair<uint32_t, unsigned>, std::unique_ptr<TestInstance>>
      Instances;
  /// The reference, its twin, then the other subjects.
  std::vector<TestInstance *> Selected;
  SeenKeys Seen;
  /// Of this group: what was seen to vary by itself, and hashes of the rest.
  std::set<std::string> Unstable;
  std::vector<std::map<std::string, Hash64>> Totals;
};

std::string BehaviourLab::Impl::select(uint32_t Object, unsigned Copy,
                                       const std::string &Program) {
  std::unique_ptr<TestInstance> &Instance = Instances[{Object, Copy}];
  if (!Instance) {
    LoadPlan Plan = Plans[Object];
    Plan.MaxEntries = SmallMaps ? 512 : 0;
    static const uint8_t Patterns[] = {0x5a, 0xc3, 0x3c};
    std::string Error;
    Instance = TestInstance::create(
        Paths[Object], Plan, Patterns[Copy ? 1 : (Object ? 2 : 0)], Error);
    if (!Instance)
      return Error;
  }
  std::string Error = Instance->select(Program);
  if (Error.empty())
    Selected.push_back(Instance.get());
  return Error;
}

std::string
BehaviourLab::Impl::prepare(const std::vector<BehaviourSubject> &Subjects) {
  ProgramSeed = mix64(Seed) ^ hashText(Subjects[0].Program);
  Seen.clear();
  Unstable.clear();
  Totals.assign(Subjects.size() + 1, {});
  while (true) {
    Selected.clear();
    std::string Error = select(Subjects[0].Object, 0, Subjects[0].Program);
    if (Error.empty() && !testRunTraits(Selected[0]->programType()).Supported)
      return "programs of this type have no test runs";
    if (Error.empty() && Selected[0]->attachForbidsRuns())
      return "programs of this attach type have no test runs";
    if (Error.empty())
      Error = select(Subjects[0].Object, 1, Subjects[0].Program);
    for (size_t I = 1; Error.empty() && I < Subjects.size(); ++I)
      Error = select(Subjects[I].Object, 0, Subjects[I].Program);
    if (Error.empty())
      return {};
    // The verifier knows the size of arrays; a program may not do with less.
    if (!SmallMaps)
      return "cannot be loaded once more: " + Error;
    SmallMaps = false;
    Instances.clear();
  }
}

TestInput BehaviourLab::Impl::input(unsigned Number) const {
  Random R(mix64(ProgramSeed + Number));
  return makeInput(Selected[0]->programType(), R, Number);
}

Outcome BehaviourLab::Impl::run(size_t Instance, const TestInput &Input,
                                unsigned Number) {
  return Selected[Instance]->run(Input, ProgramSeed, Number, Seen);
}

/// Runs reference, twin and subject again, and decides whether Component really
/// differs.
void BehaviourLab::Impl::confirm(size_t Instance, const std::string &Component,
                                 const TestInput &Input, unsigned Number,
                                 const Outcome &Before, const Outcome &After,
                                 BehaviourResult &Result, bool &Different) {
  const MapState &Maps = Selected[0]->maps();
  const MapState &OtherMaps = Selected[Instance]->maps();
  uint64_t Expected = digest(Before, Maps)[Component];
  for (int Round = 0; Round != 4; ++Round) {
    bool Stable =
        digest(run(0, Input, Number), Maps)[Component] == Expected &&
        digest(run(1, Input, Number), Selected[1]->maps())[Component] ==
            Expected &&
        digest(run(Instance, Input, Number), OtherMaps)[Component] != Expected;
    if (!Stable) {
      Unstable.insert(Component);
      return;
    }
  }
  Different = true;
  if (!Result.DifferentComponent.empty())
    return;
  Result.DifferentComponent = Component;
  Result.DifferentRun = Number;
  Result.DifferentInput = Input.describe();
  Result.DifferentBefore = describe(Component, Before, After, Maps, OtherMaps);
  Result.DifferentAfter = describe(Component, After, Before, OtherMaps, Maps);
}

void BehaviourLab::Impl::runOnce(unsigned Number,
                                 std::vector<BehaviourResult> &Results) {
  TestInput Input = input(Number);
  std::vector<Outcome> Outcomes;
  std::vector<Components> Digests;
  for (size_t I = 0; I != Selected.size(); ++I) {
    Outcomes.push_back(run(I, Input, Number));
    Digests.push_back(digest(Outcomes[I], Selected[I]->maps()));
  }
  static constexpr int NotSupported = 524; // the kernel's ENOTSUPP
  Refused = Outcomes[0].Errno == NotSupported;
  std::set<std::string> Varying = differing(Digests[0], Digests[1]);
  Unstable.insert(Varying.begin(), Varying.end());

  for (size_t I = 0; I != Selected.size(); ++I) {
    if (I == 1)
      continue;
    BehaviourResult &Result = Results[I ? I - 1 : 0];
    if (Outcomes[I].Errno) {
      ++Result.Failed;
      if (Result.FirstError.empty())
        Result.FirstError = errnoText(Outcomes[I].Errno);
    } else {
      ++Result.Done;
      ++Result.ReturnValues[Outcomes[I].ReturnValue];
    }
    for (const auto &[Name, Hash] : Digests[I])
      Totals[I][Name].add(Hash);
    if (I == 0)
      continue;
    bool Different = false;
    for (const std::string &Name : differing(Digests[0], Digests[I]))
      if (!Varying.count(Name))
        confirm(I, Name, Input, Number, Outcomes[0], Outcomes[I], Result,
                Different);
    ++(Different ? Result.Different : Result.Same);
  }
  if (Outcomes[0].Errno == 0)
    Selected[0]->maps().harvest(Outcomes[0].Maps, Seen);
}

void BehaviourLab::Impl::finish(std::vector<BehaviourResult> &Results) {
  static constexpr size_t MostValues = 16;
  for (size_t I = 0; I != Results.size(); ++I) {
    BehaviourResult &Result = Results[I];
    Result.Nondeterministic.assign(Unstable.begin(), Unstable.end());
    Hash64 All;
    for (const auto &[Name, Hash] : Totals[I ? I + 1 : 0])
      if (!Unstable.count(Name))
        All.add(Hash.value());
    uint64_t Value = __builtin_bswap64(All.value());
    Result.Digest = toHex(&Value, sizeof(Value), sizeof(Value));
    while (Result.ReturnValues.size() > MostValues)
      Result.ReturnValues.erase(std::prev(Result.ReturnValues.end()));
  }
}

/// What a program under test may do to its surroundings stays in here: packets
/// that it sends, and signals that it sends to the current process.
static void isolate() {
  if (unshare(CLONE_NEWNET) != 0) {
    // Not allowed here: then packets reach this namespace's loopback device.
  }
  for (int Signal = 1; Signal != NSIG; ++Signal)
    if (Signal != SIGSEGV && Signal != SIGBUS && Signal != SIGILL &&
        Signal != SIGFPE && Signal != SIGABRT && Signal != SIGCHLD)
      signal(Signal, SIG_IGN);
}

BehaviourLab::BehaviourLab(const std::vector<std::string> &Paths,
                           const std::vector<LoadPlan> &Plans, uint64_t Seed)
    : Lab(std::make_unique<Impl>(Paths, Plans, Seed)) {
  isolate();
}

BehaviourLab::~BehaviourLab() = default;

std::vector<BehaviourResult>
BehaviourLab::compare(const std::vector<BehaviourSubject> &Subjects,
                      unsigned Runs) {
  std::vector<BehaviourResult> Results(Subjects.size());
  std::string Error = Lab->prepare(Subjects);
  for (size_t I = 0; I != Results.size(); ++I) {
    Results[I].Unsupported = Error;
    Results[I].Compared = I != 0 && Error.empty();
  }
  if (!Error.empty())
    return Results;
  for (unsigned I = 0; I != Runs; ++I) {
    Lab->runOnce(I, Results);
    if (Lab->runsRefused()) {
      for (BehaviourResult &Result : Results) {
        Result = {};
        Result.Unsupported = "this kernel has no test runs for the type";
      }
      return Results;
    }
  }
  Lab->finish(Results);
  return Results;
}

std::vector<std::vector<uint32_t>>
BehaviourLab::time(const std::vector<BehaviourSubject> &Subjects,
                   unsigned Repeat) {
  static constexpr unsigned Rounds = 15;
  std::vector<std::vector<uint32_t>> Times(Subjects.size());
  if (!Lab->prepare(Subjects).empty() ||
      !testRunTraits(Lab->subject(0).programType()).Repeat)
    return Times;
  for (unsigned Round = 0; Round != Rounds; ++Round) {
    TestInput Input = Lab->input(Round);
    for (size_t I = 0; I != Subjects.size(); ++I) {
      size_t Which = Round % 2 ? Subjects.size() - 1 - I : I;
      Times[Which].push_back(
          Lab->subject(Which).time(Input, Lab->programSeed(), Round, Repeat));
    }
  }
  return Times;
}
