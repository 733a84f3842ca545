//===- Measure.cpp - Visits by the verifier, from a load -----------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Measure.h"
#include "Kload.h"
#include "llvm/Support/JSON.h"

using namespace llvm;

namespace prepatch {

static void addVisits(const json::Object &Program, UniqueStringSaver &Names,
                      std::vector<VisitRecord> &Records) {
  const json::Object *Visits = Program.getObject("visits");
  const json::Array *Functions =
      Visits ? Visits->getArray("functions") : nullptr;
  if (!Functions)
    return;
  for (const json::Value &V : *Functions) {
    const json::Object *F = V.getAsObject();
    const json::Array *Counts = F ? F->getArray("counts") : nullptr;
    if (!Counts)
      continue;
    StringRef Name = Names.save(F->getString("name").value_or(""));
    for (size_t I = 0; I < Counts->size(); ++I)
      if (uint64_t N = (*Counts)[I].getAsUINT64().value_or(0))
        Records.push_back({Name, uint32_t(I), N});
  }
}

Expected<std::vector<VisitRecord>> measureVisits(StringRef Path,
                                                 UniqueStringSaver &Names) {
  auto Kload = findKload("");
  if (!Kload)
    return Kload.takeError();
  auto Output = runKload(*Kload, {"--visits", Path.str()});
  if (!Output)
    return Output.takeError();
  auto Root = json::parse(*Output);
  if (!Root)
    return createFileError("prepatch-kload", Root.takeError());
  std::vector<VisitRecord> Records;
  const json::Object *Top = Root->getAsObject();
  const json::Array *Objects = Top ? Top->getArray("objects") : nullptr;
  if (Objects)
    for (const json::Value &O : *Objects)
      if (const json::Object *Obj = O.getAsObject())
        if (const json::Array *Programs = Obj->getArray("programs"))
          for (const json::Value &P : *Programs)
            if (const json::Object *Program = P.getAsObject())
              addVisits(*Program, Names, Records);
  if (Records.empty())
    return createFileError(
        Path, createStringError("no program of it could be loaded here, so "
                                "there are no visits to measure"));
  return Records;
}

} // namespace prepatch
