//===- BtfCheck.cpp - Types that contain themselves -----------------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// libbpf checks the extent of each type when it reads .BTF. What a type refers
// to is checked here: that it exists, that a name is a string, and that no type
// contains itself. A pointer may lead back; a typedef, qualifier, array, member
// or variable may not.
//===----------------------------------------------------------------------===//

#include "Object/Btf.h"
#include "llvm/ADT/SmallVector.h"
#include <bpf/btf.h>

using namespace llvm;

namespace prepatch {

namespace {

/// Types that \p T refers to; \p Contained is set if it holds them by value.
SmallVector<uint32_t, 4> referencesOf(const btf_type &T, bool &Contained) {
  SmallVector<uint32_t, 4> Ids;
  Contained = true;
  switch (btf_kind(&T)) {
  case BTF_KIND_PTR:
  case BTF_KIND_FUNC:
  case BTF_KIND_DECL_TAG:
    Contained = false;
    [[fallthrough]];
  case BTF_KIND_TYPEDEF:
  case BTF_KIND_CONST:
  case BTF_KIND_VOLATILE:
  case BTF_KIND_RESTRICT:
  case BTF_KIND_TYPE_TAG:
  case BTF_KIND_VAR:
    Ids.push_back(T.type);
    break;
  case BTF_KIND_ARRAY:
    Ids.push_back(btf_array(&T)->type);
    break;
  case BTF_KIND_STRUCT:
  case BTF_KIND_UNION:
    for (unsigned I = 0; I < btf_vlen(&T); ++I)
      Ids.push_back(btf_members(&T)[I].type);
    break;
  case BTF_KIND_DATASEC:
    for (unsigned I = 0; I < btf_vlen(&T); ++I)
      Ids.push_back(btf_var_secinfos(&T)[I].type);
    break;
  case BTF_KIND_FUNC_PROTO:
    Contained = false;
    Ids.push_back(T.type);
    for (unsigned I = 0; I < btf_vlen(&T); ++I)
      Ids.push_back(btf_params(&T)[I].type);
    break;
  default:
    break;
  }
  return Ids;
}

/// One type on the way down, and those that are still to visit from it.
struct Step {
  uint32_t Id;
  SmallVector<uint32_t, 4> Left;
};

} // namespace

Error checkTypes(const Btf &Types) {
  enum : uint8_t { New, OnTheWay, Done };
  std::vector<uint8_t> State(Types.numTypes(), New);
  State[0] = Done; // void
  // A stack of our own: a chain of types may be as long as the section.
  std::vector<Step> Way;
  auto enter = [&](uint32_t Id) -> Error {
    bool Contained;
    const btf_type &T = *Types.type(Id);
    SmallVector<uint32_t, 4> Ids = referencesOf(T, Contained);
    for (uint32_t To : Ids)
      if (To >= Types.numTypes())
        return createStringError("type " + Twine(Id) + " refers to type " +
                                 Twine(To) + ", past the end (" +
                                 Twine(Types.numTypes()) + ")");
    if (!Contained)
      Ids.clear();
    State[Id] = OnTheWay;
    Way.push_back({Id, std::move(Ids)});
    return Error::success();
  };
  for (uint32_t Id = 1; Id < Types.numTypes(); ++Id) {
    if (State[Id] == New)
      if (Error E = enter(Id))
        return E;
    while (!Way.empty()) {
      Step &Top = Way.back();
      if (Top.Left.empty()) {
        State[Top.Id] = Done;
        Way.pop_back();
        continue;
      }
      uint32_t To = Top.Left.pop_back_val();
      if (State[To] == OnTheWay)
        return createStringError("type " + Twine(To) + " contains itself");
      if (State[To] == New)
        if (Error E = enter(To))
          return E;
    }
  }
  return Error::success();
}

} // namespace prepatch
