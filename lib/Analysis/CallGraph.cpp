//===- CallGraph.cpp - Who calls whom, and what is loaded together -------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Analysis/CallGraph.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringRef.h"

using namespace llvm;

namespace prepatch {

// Helper numbers are fixed by the uapi.
enum : int32_t {
  HelperTailCall = 12,
  HelperSpinLock = 93,
  HelperSpinUnlock = 94,
  HelperForEachMapElem = 164,
  HelperTimerSetCallback = 170,
  HelperFindVma = 180,
  HelperLoop = 181,
  HelperUserRingbufDrain = 209,
};

StringRef calledKfunc(const Insn &I) {
  if (I.kind() != InsnKind::BpfCall && I.kind() != InsnKind::KfuncCall)
    return {};
  if (I.kind() == InsnKind::BpfCall && I.callee())
    return {};
  const Relocation *R = I.relocation();
  if (!R || !R->Sym)
    return {};
  StringRef Name = R->Sym->Name;
  return Name.substr(0, Name.find("___"));
}

static bool isLockKfunc(StringRef Name) {
  return Name.contains("spin_lock") || Name.contains("spin_unlock") ||
         Name.contains("rcu_read_lock") || Name.contains("rcu_read_unlock") ||
         Name.contains("preempt_disable") || Name.contains("preempt_enable") ||
         Name.contains("local_irq_save") || Name.contains("local_irq_restore");
}

static void scanHelperCall(int32_t Id, FunctionFacts &Facts) {
  switch (Id) {
  case HelperTailCall:
    Facts.HasTailCall = true;
    break;
  case HelperSpinLock:
  case HelperSpinUnlock:
    Facts.HasLock = true;
    break;
  case HelperForEachMapElem:
  case HelperTimerSetCallback:
  case HelperFindVma:
  case HelperLoop:
  case HelperUserRingbufDrain:
    Facts.HasCallbackCall = true;
    break;
  default:
    break;
  }
}

static void scanKfuncCall(const Insn &I, FunctionFacts &Facts) {
  Facts.HasKfunc = true;
  StringRef Name = calledKfunc(I);
  // A kernel function nobody can name might be any.
  bool Unknown = Name.empty();
  Facts.HasThrow |= Unknown || Name == "bpf_throw";
  Facts.HasLock |= Unknown || isLockKfunc(Name);
}

CallGraph::CallGraph(Program &P) : Prog(&P) {
  for (CodeSection &S : P.Sections)
    for (Function &F : S.Functions) {
      Index[&F] = unsigned(Functions.size());
      Functions.push_back(&F);
    }
  Facts.resize(Functions.size());
  Out.resize(Functions.size());
  In.resize(Functions.size());
  LoadedIn.resize(Functions.size());
  StartIn.resize(Functions.size());
  for (unsigned N = 0; N < Functions.size(); ++N)
    scan(*Functions[N], N);
  for (Function *F : Functions)
    if (F->isEntry())
      load(*F);
}

void CallGraph::scan(Function &F, unsigned Number) {
  FunctionFacts &Has = Facts[Number];
  Has.HasRawBytes = F.isOpaque();
  for (BasicBlock &BB : F)
    for (Insn &I : BB) {
      Has.Slots += I.slots();
      for (const Attachment *A = I.attachments(); A; A = A->Next)
        Has.LineRecords += A->Kind == Attachment::Line;
      switch (I.kind()) {
      case InsnKind::Unknown:
        Has.HasRawBytes = true;
        break;
      case InsnKind::LoadAbs:
      case InsnKind::LoadInd:
        Has.HasLegacyLoad = true;
        break;
      case InsnKind::MayGoto:
        Has.HasMayGoto = true;
        break;
      case InsnKind::HelperCall:
        scanHelperCall(I.imm(), Has);
        break;
      case InsnKind::KfuncCall:
        scanKfuncCall(I, Has);
        break;
      case InsnKind::BpfCall:
        if (!I.callee())
          scanKfuncCall(I, Has);
        break;
      default:
        break;
      }
      if (!I.refersToFunction() || !I.callee())
        continue;
      auto Known = Index.find(I.callee());
      if (Known == Index.end())
        continue;
      CallSite Site{&F, &BB, &I, I.callee(), I.isFunctionPointer()};
      Out[Number].push_back(Site);
      In[Known->second].push_back(Site);
      if (Site.IsPointer)
        Facts[Known->second].IsAddressTaken = true;
    }
}

void CallGraph::load(Function &Entry) {
  LoadedProgram L;
  L.Entry = &Entry;
  if (auto Info = parseSectionName(Entry.section()->Name)) {
    L.ProgType = Info->ProgType;
    L.AttachType = Info->AttachType;
    L.Sleepable = Info->Sleepable;
    L.AutoLoad = Info->AutoLoad;
  }

  std::vector<char> Appended(Functions.size());
  auto append = [&](Function &F) {
    unsigned N = indexOf(F);
    Appended[N] = true;
    LoadedIn[N].push_back(unsigned(Loaded.size()));
    StartIn[N].push_back(L.Slots);
    L.Functions.push_back(&F);
    L.Starts.push_back(L.Slots);
    const FunctionFacts &Has = Facts[N];
    L.Slots += Has.Slots;
    L.LineRecords += Has.LineRecords;
    L.HasTailCall |= Has.HasTailCall;
    L.HasLegacyLoad |= Has.HasLegacyLoad;
    L.HasMayGoto |= Has.HasMayGoto;
    L.HasThrow |= Has.HasThrow;
    L.HasLock |= Has.HasLock;
    L.HasKfunc |= Has.HasKfunc;
    L.HasRawBytes |= Has.HasRawBytes;
    L.HasCallback |= Has.HasCallbackCall || Has.IsAddressTaken;
  };
  append(Entry);
  SmallVector<std::pair<unsigned, unsigned>, 8> Stack; // function, next site
  Stack.push_back({indexOf(Entry), 0});
  while (!Stack.empty()) {
    auto &[N, Next] = Stack.back();
    if (Next == Out[N].size()) {
      Stack.pop_back();
      continue;
    }
    Function &Callee = *Out[N][Next++].Callee;
    if (unsigned C = indexOf(Callee); !Appended[C]) {
      append(Callee);
      Stack.push_back({C, 0});
    }
  }
  Loaded.push_back(std::move(L));
}

std::optional<unsigned> CallGraph::startIn(const LoadedProgram &L,
                                           const Function &F) const {
  unsigned N = indexOf(F), Which = unsigned(&L - Loaded.data());
  auto It = lower_bound(LoadedIn[N], Which);
  if (It == LoadedIn[N].end() || *It != Which)
    return std::nullopt;
  return StartIn[N][It - LoadedIn[N].begin()];
}

} // namespace prepatch
