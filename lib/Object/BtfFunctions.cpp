//===- BtfFunctions.cpp - What BTF says of functions ---------------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Object/BtfFunctions.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/Errno.h"
#include <bpf/btf.h>

using namespace llvm;

namespace prepatch {

static Error failWith(const Twine &What, int Err) {
  return createStringError(What + ": " + sys::StrError(Err < 0 ? -Err : Err));
}

static BtfValue describe(const Btf &Types, uint32_t Id) {
  BtfValue V;
  if (Id == 0)
    return V;
  const btf_type *T = Types.resolve(Id);
  V.Kind = BtfValue::Other;
  if (!T) // typedefs and qualifiers that end in void
    return V;
  if (btf_is_int(T) || btf_is_any_enum(T))
    V.Kind = BtfValue::Number;
  if (!btf_is_ptr(T))
    return V;
  V.Kind = BtfValue::Pointer;
  uint32_t Pointee = T->type;
  for (unsigned Depth = 0; Pointee && Depth < 32; ++Depth) {
    const btf_type *P = Types.type(Pointee);
    StringRef Name = Types.string(P->name_off);
    if (btf_is_composite(P) ||
        (btf_is_typedef(P) && Name == "bpf_user_pt_regs_t")) {
      V.Structure = Name;
      break;
    }
    if (!btf_is_mod(P) && !btf_is_typedef(P) && !btf_is_type_tag(P))
      break;
    Pointee = P->type;
  }
  if (Pointee)
    if (int64_t Bytes = btf__resolve_size(Types.raw(), Pointee); Bytes > 0)
      V.PointeeBytes = uint32_t(Bytes);
  return V;
}

std::optional<BtfSignature> functionSignature(const Btf &Types, uint32_t Id) {
  const btf_type *Func = Types.type(Id);
  if (!Func || !btf_is_func(Func))
    return std::nullopt;
  const btf_type *Proto = Types.type(Func->type);
  if (!Proto || !btf_is_func_proto(Proto))
    return std::nullopt;
  BtfSignature Sig;
  Sig.Result = describe(Types, Proto->type);
  for (unsigned I = 0; I < btf_vlen(Proto); ++I) {
    const btf_param &P = btf_params(Proto)[I];
    Sig.Params.push_back(describe(Types, P.type));
    if (!P.type) // the end of a variable list
      Sig.Params.back().Kind = BtfValue::Other;
  }
  return Sig;
}

std::optional<BtfSignature> functionSignature(const Btf &Types,
                                              StringRef Name) {
  int Id =
      btf__find_by_name_kind(Types.raw(), Name.str().c_str(), BTF_KIND_FUNC);
  return Id > 0 ? functionSignature(Types, uint32_t(Id)) : std::nullopt;
}

/// Whether parameter \p Param of \p Func is tagged so already.
static bool hasTag(const Btf &Types, uint32_t Func, int Param, StringRef Tag) {
  for (uint32_t Id = 1; Id < Types.numTypes(); ++Id) {
    const btf_type *T = Types.type(Id);
    if (btf_is_decl_tag(T) && T->type == Func &&
        btf_decl_tag(T)->component_idx == Param &&
        Types.string(T->name_off) == Tag)
      return true;
  }
  return false;
}

Expected<uint32_t> makeGlobalFunction(Btf &Types, uint32_t Id,
                                      const GlobalPrototype &Proto, bool Copy) {
  btf *B = Types.raw();
  // Names and types by number: adding a type may move all of them.
  const btf_type *Func = Types.type(Id);
  const btf_type *Old = Types.type(Func->type);
  uint32_t Result = Old->type, ProtoId = Func->type;
  std::string Name = Types.string(Func->name_off).str();
  SmallVector<std::pair<std::string, uint32_t>, 5> Params;
  for (unsigned I = 0; I < Proto.Params.size(); ++I) {
    const btf_param &P = btf_params(Old)[I];
    Params.push_back({Types.string(P.name_off).str(), P.type});
  }
  bool NewProto = Proto.NewResult || Params.size() != btf_vlen(Old);
  auto addType = [&](ParamType P, uint32_t &To) -> Error {
    auto New = Types.typeOf(P);
    if (!New)
      return New.takeError();
    To = *New;
    NewProto = true;
    return Error::success();
  };
  if (Proto.NewResult)
    if (Error E = addType(ParamType::U64, Result))
      return std::move(E);
  for (unsigned I = 0; I < Params.size(); ++I)
    if (Proto.Params[I].Form != GlobalParam::Keep)
      if (Error E = addType(Proto.Params[I].Form == GlobalParam::Number
                                ? ParamType::U64
                                : ParamType::Pointer,
                            Params[I].second))
        return std::move(E);

  if (NewProto) {
    int New = btf__add_func_proto(B, int(Result));
    if (New < 0)
      return failWith("cannot add a BTF prototype", New);
    ProtoId = uint32_t(New);
    for (auto &[ParamName, Type] : Params)
      if (int Err = btf__add_func_param(B, ParamName.c_str(), int(Type)))
        return failWith("cannot add a BTF parameter", Err);
  }
  if (Copy) {
    int New = btf__add_func(B, Name.c_str(), BTF_FUNC_GLOBAL, int(ProtoId));
    if (New < 0)
      return failWith("cannot add BTF function '" + Name + "'", New);
    Id = uint32_t(New);
  } else {
    // Makes libbpf forget the section's bytes that it keeps.
    if (int Err = btf__add_str(B, Name.c_str()); Err < 0)
      return failWith("cannot change BTF", Err);
    auto *Edit = const_cast<btf_type *>(Types.type(Id));
    // Of a FUNC, the bits that count members elsewhere are its linkage.
    Edit->info = uint32_t(BTF_KIND_FUNC) << 24 | BTF_FUNC_GLOBAL;
    Edit->type = ProtoId;
  }
  for (unsigned I = 0; I < Proto.Params.size(); ++I)
    for (StringRef Tag : Proto.Params[I].Tags) {
      std::string Text = "arg:" + Tag.str();
      if (hasTag(Types, Id, int(I), Text))
        continue;
      int New = btf__add_decl_tag(B, Text.c_str(), int(Id), int(I));
      if (New < 0)
        return failWith("cannot add a BTF tag", New);
    }
  return Id;
}

} // namespace prepatch
