//===- RegKinds.cpp - What every register holds, everywhere --------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A work list of blocks for each function, in reverse post order. A callee is
// solved as soon as a call changes what it begins with, so that the caller
// goes on with what it returns; when that changes later, the calls are looked
// at again. All values only rise in the lattice, so this ends.
//===----------------------------------------------------------------------===//

#include "Analysis/RegKinds.h"
#include "Analysis/Transfer.h"

using namespace llvm;

namespace prepatch {

/// Callees are solved by recursion down to here; deeper chains, which no
/// kernel accepts, wait in the list of pending functions.
static constexpr unsigned MaxNesting = 32;

/// Rises that are taken as they are, and those that move on to the next
/// constant of a comparison, before coarser steps follow.
static constexpr unsigned ExactRises = 2, RisesToCompared = 12;
/// Where bounds stop that rise for long. Numbers of bytes and of elements are
/// often checked against such.
static constexpr int64_t CoarseStops[] = {
    -4096, -1, 0, 1, 127, 255, 511, 4095, 65535, INT32_MAX, UINT32_MAX};

RegKinds::~RegKinds() = default;

RegKinds::FunctionInfo &RegKinds::info(const Function &F) const {
  return *Infos[Graph.indexOf(F)];
}

RegKinds::RegKinds(const CallGraph &Graph, const KernelProfile &Profile)
    : Graph(Graph), Profile(Profile) {
  for (unsigned R = 0; R < RegFp; ++R)
    Anything.Regs[R] = RegValue::unknown(true);
  Anything.Reached = true;
  Anything.EscapedFrom = INT32_MIN;

  for (Function *F : Graph.functions()) {
    auto Info = std::make_unique<FunctionInfo>();
    Info->Fn = F;
    Info->Flow = std::make_unique<Cfg>(*F);
    for (unsigned L : Graph.programsWith(*F))
      Info->ProgTypes.push_back(Graph.loadedPrograms()[L].ProgType);
    sort(Info->ProgTypes);
    Info->ProgTypes.erase(
        std::unique(Info->ProgTypes.begin(), Info->ProgTypes.end()),
        Info->ProgTypes.end());
    Infos.push_back(std::move(Info));
  }
  for (Function *F : Graph.functions()) {
    if (F->isOpaque()) {
      for (const CallSite &Site : Graph.callees(*F))
        enter(*Site.Callee, Anything);
    } else if (F->isEntry()) {
      RegState Start;
      Start.Reached = true;
      Start.Regs[1] = RegValue::pointer(ValueKind::Context);
      enter(*F, Start);
    }
  }
  while (!Pending.empty()) {
    FunctionInfo *Info = Pending.back();
    Pending.pop_back();
    Info->Queued = false;
    solve(*Info);
  }
}

void RegKinds::enter(Function &Callee, const RegState &Args) {
  FunctionInfo &Info = info(Callee);
  if (Callee.isOpaque() || Callee.empty())
    return;
  if (Info.In.empty()) {
    Info.In.resize(Info.Flow->size());
    Info.Rises.resize(Info.Flow->size());
    Info.Dirty.resize(unsigned(Info.Flow->reversePostOrder().size()));
  }
  if (!joinRising(Info, 0, Args, Cfg::NoBlock))
    return;
  Info.Dirty.set(0);
  for (auto [User, Block] : Info.CallbackUsers)
    revisit(*User, Block);
  if (Info.Solving)
    return;
  if (Nesting < MaxNesting)
    solve(Info);
  else
    queue(Info);
}

/// The numbers around which a comparison in the loop that block \p Last closes
/// at block \p First decides, sorted.
static SmallVector<int64_t, 32> comparedIn(const Cfg &Flow, unsigned First,
                                           unsigned Last) {
  SmallVector<int64_t, 32> Stops(std::begin(CoarseStops),
                                 std::end(CoarseStops));
  for (unsigned B : Flow.reversePostOrder().slice(
           Flow.orderIndex(First),
           Flow.orderIndex(Last) - Flow.orderIndex(First) + 1)) {
    const Insn *I = Flow.block(B).back();
    if (!I || I->kind() != InsnKind::CondJump || usesSrcReg(I->opcode()))
      continue;
    for (int64_t Near : {-1, 0, 1})
      Stops.push_back(I->imm() + Near);
  }
  sort(Stops);
  Stops.erase(std::unique(Stops.begin(), Stops.end()), Stops.end());
  return Stops;
}

/// Joins \p State into what \p Block begins with, at a place where that may
/// rise for ever: by a branch back from block \p From, or by calls (NoBlock).
bool RegKinds::joinRising(FunctionInfo &Info, unsigned Block,
                          const RegState &State, unsigned From) {
  RegState Old = Info.In[Block];
  if (!Info.In[Block].join(State))
    return false;
  uint8_t &Rises = Info.Rises[Block];
  bool Compared = From != Cfg::NoBlock && Rises < RisesToCompared;
  if (Rises < UINT8_MAX)
    ++Rises;
  if (!Old.isReached() || Rises <= ExactRises)
    return true;
  if (Compared)
    Info.In[Block].widen(Old, comparedIn(*Info.Flow, Block, From));
  else
    Info.In[Block].widen(Old, CoarseStops);
  return true;
}

void RegKinds::addCallbackUser(const Function &Callback, const Function &User,
                               unsigned Block) {
  info(Callback).CallbackUsers.insert({&info(User), Block});
}

void RegKinds::revisit(FunctionInfo &Info, unsigned Block) {
  if (Info.In.empty() || !Info.In[Block].isReached())
    return;
  Info.Dirty.set(Info.Flow->orderIndex(Block));
  queue(Info);
}

void RegKinds::queue(FunctionInfo &Info) {
  if (Info.Queued || Info.Solving)
    return;
  Info.Queued = true;
  Pending.push_back(&Info);
}

/// Control leaves the function in state \p At.
void RegKinds::leave(FunctionInfo &Info, const RegState &At) {
  bool Changed = !Info.Returns;
  if (Changed)
    Info.LeftToCaller = At.CallerSlots;
  else
    Changed |= Info.LeftToCaller.join(At.CallerSlots);
  Info.Returns = true;
  Changed |= Info.Return.join(At.Regs[0]);
  // A callback runs again on what it has left in its caller's frame.
  RegState Again = Info.In[0];
  Again.CallerSlots = At.CallerSlots;
  if (Graph.isCallback(*Info.Fn) && joinRising(Info, 0, Again, Cfg::NoBlock)) {
    Info.Dirty.set(0);
    for (auto [User, Block] : Info.CallbackUsers)
      revisit(*User, Block);
  }
  if (Changed)
    for (const CallSite &Site : Graph.callers(*Info.Fn))
      if (!Site.IsPointer)
        revisit(info(*Site.Caller), Site.BB->number());
}

void RegKinds::solve(FunctionInfo &Info) {
  if (Info.Solving || Info.In.empty())
    return;
  Info.Solving = true;
  ++Nesting;
  const Cfg &Flow = *Info.Flow;
  auto flowTo = [&](unsigned From, const BasicBlock *BB,
                    const RegState &State) {
    unsigned To = BB->number();
    bool Back = Flow.orderIndex(To) <= Flow.orderIndex(From);
    if (Back ? joinRising(Info, To, State, From) : Info.In[To].join(State))
      Info.Dirty.set(Flow.orderIndex(To));
  };

  // In sweeps: a block that a later one makes dirty waits for the next.
  for (int At = Info.Dirty.find_first(); At >= 0;) {
    Info.Dirty.reset(unsigned(At));
    unsigned B = Flow.reversePostOrder()[unsigned(At)];
    BasicBlock &BB = Flow.block(B);
    RegState State = Info.In[B];
    Transfer Step(*this, Info, State, this, B);
    for (Insn &I : BB) {
      Step.step(I);
      if (!State.isReached())
        break;
    }
    if (State.isReached()) {
      Insn *Last = BB.back();
      if (Last && Last->kind() == InsnKind::Exit)
        leave(Info, State);
      if (Last && Last->kind() == InsnKind::CondJump && BB.next() &&
          Last->target()) {
        std::optional<bool> Taken = Step.decide(*Last);
        for (bool Way : {false, true}) {
          if (Taken && *Taken != Way)
            continue;
          RegState Refined = State;
          Transfer(*this, Info, Refined).refine(*Last, Way);
          flowTo(B, Way ? Last->target() : BB.next(), Refined);
        }
      } else {
        for (unsigned S : Flow.successors(B))
          flowTo(B, &Flow.block(S), State);
      }
    }
    At = Info.Dirty.find_next(unsigned(At));
    if (At < 0)
      At = Info.Dirty.find_first();
  }
  --Nesting;
  Info.Solving = false;
}

const Cfg &RegKinds::cfg(const Function &F) const { return *info(F).Flow; }

bool RegKinds::isAnalysed(const Function &F) const {
  return !info(F).In.empty();
}

const RegState &RegKinds::stateAtEntry(const BasicBlock &BB) const {
  const FunctionInfo &Info = info(*BB.parent());
  return Info.In.empty() ? Anything : Info.In[BB.number()];
}

bool RegKinds::isReached(const BasicBlock &BB) const {
  return stateAtEntry(BB).isReached();
}

void RegKinds::forEach(
    const BasicBlock &BB,
    function_ref<void(Insn &, const RegState &)> Visit) const {
  const FunctionInfo &Info = info(*BB.parent());
  RegState State = stateAtEntry(BB);
  Transfer Step(*this, Info, State);
  for (Insn &I : BB) {
    if (!State.isReached())
      return;
    Visit(I, State);
    Step.step(I);
    if (Info.In.empty())
      State = Anything;
  }
}

RegState RegKinds::stateBefore(const BasicBlock &BB, const Insn &Wanted) const {
  const FunctionInfo &Info = info(*BB.parent());
  RegState State = stateAtEntry(BB);
  if (Info.In.empty())
    return State;
  Transfer Step(*this, Info, State);
  for (Insn &I : BB) {
    if (&I == &Wanted || !State.isReached())
      break;
    Step.step(I);
  }
  return State;
}

RegValue RegKinds::returnValue(const Function &F) const {
  return info(F).Return;
}

const BasicBlock *RegKinds::decidedSuccessor(const BasicBlock &BB) const {
  Insn *Last = BB.back();
  const FunctionInfo &Info = info(*BB.parent());
  if (!Last || Last->kind() != InsnKind::CondJump || Info.In.empty() ||
      !isReached(BB) || !Last->target())
    return nullptr;
  RegState State = stateBefore(BB, *Last);
  if (!State.isReached())
    return nullptr;
  std::optional<bool> Taken = Transfer(*this, Info, State).decide(*Last);
  if (!Taken)
    return nullptr;
  return *Taken ? Last->target() : BB.next();
}

} // namespace prepatch
