//===- Candidates.cpp - What may be worth forgetting ---------------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Tune/Candidates.h"

using namespace llvm;

namespace prepatch {

CopyClass classOf(const ObjectModel &Obj, const Choice &C) {
  return {C.At.Fn, C.What.Where, Obj.fingerprint(C.At)};
}

/// In the order in which they are tried. What forgets most comes first, then
/// what leaves a bound: the more the verifier still knows, the later.
static SmallVector<Widening, 4> waysFor(const Widener &W, const Insn &I,
                                        const PointLocation &L) {
  SmallVector<Form, 4> Free, Proven, Guards, Xors;
  for (Form F : W.formsFor(I, L.Where))
    (provenBits(F) ? Proven : xorBits(F) ? Xors : Free).push_back(F);
  // Half and whole slots: one of each kind is enough.
  if (Free.size() > 2)
    Free.resize(2);
  // The narrowest of each kind: those that run fast, and those that forget a
  // known zero, too.
  SmallVector<Form, 2> Narrowest;
  for (Form F : Proven)
    if (none_of(Narrowest,
                [&](Form Other) { return runCycles(Other) == runCycles(F); }))
      Narrowest.push_back(F);
  Proven.assign(Narrowest.begin(), Narrowest.end());
  if (L.UMax <= Form::MaxGuarded && L.UMin <= L.UMax) {
    uint32_t Min = uint32_t(L.UMin), Max = uint32_t(L.UMax);
    for (Form F : {Form::guard(0, Max, L.Where.IsSlot),
                   Form::guard(Min, Max, L.Where.IsSlot)})
      if (!is_contained(Guards, F))
        Guards.push_back(F);
  }
  // Bounds by bits are for where no others are known.
  if (!Guards.empty())
    Xors.clear();
  SmallVector<Widening, 4> Ways;
  for (ArrayRef<Form> Kind :
       {ArrayRef(Free), ArrayRef(Proven), ArrayRef(Guards), ArrayRef(Xors)})
    for (Form F : Kind)
      Ways.push_back({L.Where, F});
  erase_if(Ways, [&](const Widening &Way) { return W.code(I, Way).empty(); });
  return Ways;
}

std::vector<Candidate> findCandidates(const ProgramModel &Model,
                                      const StateProfile &Profile) {
  const ObjectModel &Obj = Model.object();
  const Widener &W = Obj.widener();
  std::vector<Candidate> Found;
  for (const PointProfile &Point : Profile.Points) {
    if (Point.Visits < 2)
      continue;
    std::optional<CodePlace> At = Model.placeOf(Point.At);
    Insn *I = At ? Obj.find(*At) : nullptr;
    if (!I)
      continue;
    RegSet Live = W.liveAt(*I);
    std::optional<uint64_t> Code;
    for (const PointLocation &L : Point.Locations) {
      if (!L.Scalar || L.Values < 2 ||
          (L.Precise == 0 && !Model.isLoopHead(Point.At)))
        continue;
      if (!L.Where.IsSlot && !(Live >> L.Where.Where & 1))
        continue;
      Candidate C;
      C.At = *At;
      C.Where = L.Where;
      C.Ways = waysFor(W, *I, L);
      if (C.Ways.empty())
        continue;
      if (!Code)
        Code = Obj.fingerprint(*At);
      C.Class = {At->Fn, L.Where, *Code};
      C.Visits = Point.Visits;
      C.Merge = L.Merge;
      C.IsAsked = L.Precise != 0;
      C.IsJoin = Model.isJoin(Point.At);
      Found.push_back(std::move(C));
    }
  }
  return Found;
}

} // namespace prepatch
