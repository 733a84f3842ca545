//===- Trials.cpp - Asking the kernel about plans ------------------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Tune/Trials.h"

using namespace llvm;

namespace prepatch {

Trials::~Trials() {
  // Whoever uses the sessions next finds them idle.
  consumeError(drain());
}

bool Trials::isUnderWay(const Plan &P) const {
  return is_contained(Busy, std::optional<Plan>(P));
}

Error Trials::start(size_t Session, const Plan &P) {
  PlannedCode Code = Model.codeFor(P);
  if (Error E =
          Sessions[Session]->send(Model.name(), Code.Insertions, TimeoutMs))
    return E;
  Busy[Session] = P;
  ++Loads;
  Known[P].Inserted = Code.Insns;
  return Error::success();
}

Error Trials::finish(size_t Session) {
  Plan P = std::move(*Busy[Session]);
  Busy[Session].reset();
  Expected<TrialResult> R = Sessions[Session]->receive();
  Outcome &O = Known[P];
  if (!R) {
    // A request that the session did not understand leaves it alive: code
    // that cannot be inserted, e.g. for a jump that gets too long.
    if (!Sessions[Session]->isAlive()) {
      Known.erase(P);
      return R.takeError();
    }
    O.Reason = toString(R.takeError());
    return Error::success();
  }
  O.Loads = R->loaded();
  O.Interrupted = R->Timeout;
  O.Verified = R->Verified.value_or(0);
  O.VerificationUs = R->VerificationUs;
  O.Reason = std::move(R->Reason);
  return Error::success();
}

Error Trials::waitForAny() {
  std::optional<size_t> Ready = KernelSession::waitAny(Sessions, 1000);
  return Ready && Busy[*Ready] ? finish(*Ready) : Error::success();
}

Error Trials::drain() {
  for (size_t I = 0; I != Sessions.size(); ++I)
    if (Busy[I])
      if (Error E = finish(I))
        return E;
  return Error::success();
}

Expected<Outcome> Trials::load(const Plan &P, ArrayRef<Plan> Next) {
  while (isUnderWay(P) || !Known.count(P)) {
    if (!isUnderWay(P))
      for (size_t I = 0; I != Sessions.size(); ++I)
        if (!Busy[I]) {
          if (Error E = start(I, P))
            return E;
          break;
        }
    for (size_t I = 0; I != Sessions.size() && isUnderWay(P); ++I) {
      auto Ahead = find_if(Next, [&](const Plan &N) {
        return !Known.count(N) && !isUnderWay(N);
      });
      if (!Busy[I] && Ahead != Next.end())
        if (Error E = start(I, *Ahead))
          return E;
    }
    if (Error E = waitForAny())
      return E;
  }
  const Outcome &O = Known[P];
  if (!std::exchange(Counted[P], true))
    VerifiedInAll += O.Verified;
  return O;
}

Expected<StateProfile> Trials::profile(const Plan &P) {
  if (Error E = drain())
    return E;
  auto R = Sessions[0]->profile(Model.name(), Model.codeFor(P).Insertions,
                                Model.points(), TimeoutMs);
  if (R)
    VerifiedInAll += R->Verified.value_or(0);
  return R;
}

Expected<FailingPath> Trials::trace(const Plan &P) {
  if (Error E = drain())
    return E;
  auto R =
      Sessions[0]->trace(Model.name(), Model.codeFor(P).Insertions, TimeoutMs);
  if (R)
    VerifiedInAll += R->Verified.value_or(0);
  return R;
}

} // namespace prepatch
