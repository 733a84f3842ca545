//===- Pass.cpp - What a lowering pass gets and gives --------------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Lowering/Pass.h"

using namespace llvm;

namespace prepatch {

Analyses::Analyses(Program &P, const KernelProfile &Profile)
    : Graph(P), Live(Graph, Profile), Kinds(Graph, Profile),
      Stack(Kinds, Profile), Sites(Kinds, Profile), Cost(Sites, Profile) {}

LoweringContext::LoweringContext(Object &Obj, const KernelProfile &Profile,
                                 Goal TheGoal, ArrayRef<VisitRecord> Measured)
    : Obj(Obj), Prog(Obj.Prog), Profile(Profile), TheGoal(TheGoal) {
  if (Measured.empty())
    Visits = VisitCounts::estimate(analyses().Kinds);
  else
    Visits = VisitCounts::measured(analyses().Graph, Measured);
}

Analyses &LoweringContext::analyses() {
  if (!Current)
    Current = std::make_unique<Analyses>(Prog, Profile);
  return *Current;
}

double LoweringContext::visitsOf(const Function &F, const Insn &I) const {
  auto It = Moved.find(&F);
  return It == Moved.end()
             ? Visits->visits(F, I)
             : Visits->visits(*It->second.Whole, I) * It->second.Copies;
}

double LoweringContext::visitsAtEntry(const Function &F) const {
  auto It = Moved.find(&F);
  return It == Moved.end() ? Visits->visitsAtEntry(F) : It->second.Copies;
}

void LoweringContext::recordMove(const Function &Part, const Function &Whole,
                                 unsigned Copies) {
  Moved[&Part] = {&Whole, Copies};
}

void LoweringContext::record(StringRef Pass, const Function &F, const Insn &I,
                             std::string What, bool Taken, std::string Reason,
                             double SavedUs) {
  Decision &D = Decisions.emplace_back();
  D.Pass = Pass;
  D.Function = F.name();
  if (!I.isInserted())
    D.Index = I.originalIndex() - F.originalStart();
  // The record that covers the instruction is its own or an earlier one.
  for (const Insn *At = &I; At; At = At->prev())
    if (const LineRecord *L = At->line()) {
      D.Line = Obj.describeLine(*L);
      break;
    }
  D.What = std::move(What);
  D.Taken = Taken;
  D.Reason = std::move(Reason);
  D.SavedUs = SavedUs;
}

void LoweringContext::take(StringRef Pass, const Function &F, const Insn &I,
                           std::string What, std::string Reason,
                           double SavedUs) {
  record(Pass, F, I, std::move(What), true, std::move(Reason), SavedUs);
}

void LoweringContext::refuse(StringRef Pass, const Function &F, const Insn &I,
                             std::string What, std::string Reason,
                             double SavedUs) {
  record(Pass, F, I, std::move(What), false, std::move(Reason), SavedUs);
}

std::string describeSite(const PatchSite &S, const KernelProfile &Profile) {
  std::string Text = siteKindName(S.Kind).str();
  switch (S.Kind) {
  case SiteKind::ContextRead:
  case SiteKind::ContextWrite:
  case SiteKind::SocketRead:
  case SiteKind::SocketWrite:
    return Text + " of " + std::to_string(S.Size) + " bytes at " +
           std::to_string(S.Offset);
  case SiteKind::MapLookup:
    return S.TheMap ? Text + " of '" + S.TheMap->Name + "'" : Text;
  case SiteKind::Helper:
  case SiteKind::BpfLoop:
    if (const HelperInfo *H = Profile.helper(S.Helper))
      return Text + " " + std::string(H->Name);
    return Text + " " + std::to_string(S.Helper);
  default:
    return Text;
  }
}

} // namespace prepatch
