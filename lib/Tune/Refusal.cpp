//===- Refusal.cpp - What must stay known --------------------------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Tune/Refusal.h"
#include "llvm/ADT/StringExtras.h"
#include <set>

using namespace llvm;

namespace prepatch {

RefusalKind kindOf(StringRef Reason) {
  if (Reason.contains("infinite loop"))
    return RefusalKind::Loop;
  if (Reason.contains("too large") || Reason.contains("too complex") ||
      Reason.contains("too many"))
    return RefusalKind::TooMany;
  return RefusalKind::Value;
}

namespace {
using LocationSet = std::set<Location>;

class PathWalker {
public:
  PathWalker(const ProgramModel &Model, const Plan &ThePlan,
             const PlannedCode &Code, const FailingPath &Failure)
      : Model(Model), ThePlan(ThePlan), Code(Code), Failure(Failure),
        Path(Failure.Path) {}

  std::vector<Choice> walk();

private:
  Insn *insnAt(size_t Step) const {
    if (Path[Step] < 0)
      return nullptr;
    std::optional<CodePlace> At = Model.placeOf(uint32_t(Path[Step]));
    return At ? Model.object().find(*At) : nullptr;
  }
  void addSeeds(size_t Last);
  void addReads(const Insn &I);
  void addLoopConditions(size_t Last);
  void stepBack(const Insn &I, const Insn *After);
  std::vector<Choice> choicesAt(size_t Insertion, bool Wanted) const;

  const ProgramModel &Model;
  const Plan &ThePlan;
  const PlannedCode &Code;
  const FailingPath &Failure;
  ArrayRef<int32_t> Path;
  LocationSet Wanted;
  /// What is wanted in the frames around the callee that the walk is in.
  std::vector<LocationSet> Callers;
};
} // namespace

/// What \p I depends on; the arguments of a call that it really has are not
/// known here, so all that may be read.
void PathWalker::addReads(const Insn &I) {
  RegSet Reads = I.reads();
  for (unsigned R = 0; R != 10; ++R)
    if (Reads >> R & 1)
      Wanted.insert(Location::reg(R));
  if (I.kind() == InsnKind::Load && I.raw().Src == 10)
    Wanted.insert(Location::slot(int16_t(I.off() & ~7)));
}

/// Of an endless loop: what decides whether it goes on.
void PathWalker::addLoopConditions(size_t Last) {
  for (size_t Step = Last; Step-- != 0 && Path[Step] != Path[Last];)
    if (Insn *I = insnAt(Step); I && I->kind() == InsnKind::CondJump)
      addReads(*I);
}

void PathWalker::addSeeds(size_t Last) {
  if (Insn *I = insnAt(Last))
    addReads(*I);
  if (kindOf(Failure.Reason) == RefusalKind::Loop)
    addLoopConditions(Last);
}

std::vector<Choice> PathWalker::choicesAt(size_t Insertion,
                                          bool OnlyWanted) const {
  std::vector<Choice> Found;
  if (Insertion < Code.Places.size())
    for (const Choice &C : ThePlan.choices())
      if (C.At == Code.Places[Insertion] &&
          (!OnlyWanted || Wanted.count(C.What.Where)))
        Found.push_back(C);
  return Found;
}

void PathWalker::stepBack(const Insn &I, const Insn *After) {
  auto Take = [&](Location L) { return Wanted.erase(L) != 0; };
  switch (I.kind()) {
  case InsnKind::Alu:
    if (Wanted.count(Location::reg(I.dst()))) {
      Take(Location::reg(I.dst()));
      addReads(I);
    }
    return;
  case InsnKind::Load:
    // What memory other than the own frame holds is not followed.
    if (Take(Location::reg(I.dst())) && I.raw().Src == 10)
      Wanted.insert(Location::slot(int16_t(I.off() & ~7)));
    return;
  case InsnKind::Store:
    if (I.dst() == 10 && Take(Location::slot(int16_t(I.off() & ~7))))
      Wanted.insert(Location::reg(I.raw().Src));
    return;
  case InsnKind::StoreImm:
    if (I.dst() == 10)
      Take(Location::slot(int16_t(I.off() & ~7)));
    return;
  case InsnKind::BpfCall:
    // Into the callee's first instruction: the end of its frame's walk.
    if (!Callers.empty() || (After && I.callee() && !I.callee()->empty() &&
                             After == I.callee()->entry().front())) {
      LocationSet Mine;
      for (Location L : Wanted)
        if (!L.IsSlot && L.Where >= 1 && L.Where <= 5)
          Mine.insert(L);
      if (!Callers.empty()) {
        Mine.insert(Callers.back().begin(), Callers.back().end());
        Callers.pop_back();
      }
      Wanted = std::move(Mine);
      return;
    }
    [[fallthrough]];
  case InsnKind::HelperCall:
  case InsnKind::KfuncCall:
    for (unsigned R = 0; R != 6; ++R)
      Take(Location::reg(R));
    return;
  case InsnKind::Exit: {
    // Out of a callee, seen backwards: the walk enters its frame.
    bool WantsResult = Take(Location::reg(0));
    for (unsigned R = 1; R != 6; ++R)
      Take(Location::reg(R));
    Callers.push_back(std::move(Wanted));
    Wanted.clear();
    if (WantsResult)
      Wanted.insert(Location::reg(0));
    return;
  }
  default:
    RegSet Writes = I.writes();
    for (unsigned R = 0; R != 10; ++R)
      if (Writes >> R & 1)
        Take(Location::reg(R));
  }
}

std::vector<Choice> PathWalker::walk() {
  if (Path.empty())
    return {};
  size_t Last = Path.size() - 1;
  // Refused within inserted code: it touches what it must not.
  if (Path[Last] < 0)
    return choicesAt(size_t(-1 - Path[Last]), /*OnlyWanted=*/false);
  addSeeds(Last);
  const Insn *After = insnAt(Last);
  for (size_t Step = Last; Step-- != 0;) {
    if (Path[Step] < 0) {
      auto Found = choicesAt(size_t(-1 - Path[Step]), /*OnlyWanted=*/true);
      if (!Found.empty())
        return Found;
      continue;
    }
    if (const Insn *I = insnAt(Step)) {
      stepBack(*I, After);
      After = I;
    }
  }
  // Bounds also come from comparisons with other values, which the walk does
  // not follow: then what was forgotten last.
  for (size_t Step = Last; Step-- != 0;)
    if (Path[Step] < 0)
      return choicesAt(size_t(-1 - Path[Step]), /*OnlyWanted=*/false);
  return {};
}

std::vector<Choice> findCulprits(const ProgramModel &Model, const Plan &ThePlan,
                                 const PlannedCode &Code,
                                 const FailingPath &Failure) {
  return PathWalker(Model, ThePlan, Code, Failure).walk();
}

} // namespace prepatch
