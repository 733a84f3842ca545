//===- Candidates.cpp - What may be worth forgetting ---------------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Tune/Candidates.h"

using namespace llvm;

namespace prepatch {

CopyClass classOf(const ObjectModel &Obj, const Choice &C) {
  return {C.At.Fn, C.What.Where, Obj.fingerprint(C.At)};
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
      if (!L.Scalar || L.Values < 2 || L.Precise == 0)
        continue;
      if (!L.Where.IsSlot && !(Live >> L.Where.Where & 1))
        continue;
      Candidate C;
      C.At = *At;
      C.Where = L.Where;
      for (Form How : W.formsFor(*I, L.Where))
        C.Ways.push_back({L.Where, How});
      if (C.Ways.empty())
        continue;
      if (!Code)
        Code = Obj.fingerprint(*At);
      C.Class = {At->Fn, L.Where, *Code};
      C.Visits = Point.Visits;
      C.Merge = L.Merge;
      C.IsJoin = Model.isJoin(Point.At);
      Found.push_back(std::move(C));
    }
  }
  return Found;
}

} // namespace prepatch
