//===- Btf.cpp - The .BTF section ----------------------------------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Object/Btf.h"
#include "llvm/Support/Errno.h"
#include <bpf/btf.h>
#include <bpf/libbpf.h>

using namespace llvm;

namespace prepatch {

void Btf::Free::operator()(btf *B) const { btf__free(B); }

static Error failWith(const Twine &What, int Err) {
  return createStringError(What + ": " + sys::StrError(Err < 0 ? -Err : Err));
}

Expected<Btf> Btf::read(ArrayRef<uint8_t> Data) {
  // libbpf warns on standard error unless told otherwise; a library must not.
  libbpf_set_print(nullptr);
  btf *B = btf__new(Data.data(), Data.size());
  if (int Err = libbpf_get_error(B))
    return failWith("libbpf cannot read it", Err);
  Btf Types(B);
  // btf__new checks the extent of each type, not what types refer to.
  for (uint32_t Id = 1; Id < Types.numTypes(); ++Id)
    if (const btf_type *T = Types.type(Id);
        T->name_off && !btf__str_by_offset(B, T->name_off))
      return createStringError("type " + Twine(Id) + ": name offset " +
                               Twine(T->name_off) + " is past the end");
  if (Error E = checkTypes(Types))
    return std::move(E);
  return std::move(Types);
}

StringRef Btf::string(uint32_t Off) const {
  const char *S = btf__str_by_offset(Handle.get(), Off);
  return S ? StringRef(S) : StringRef();
}

const btf_type *Btf::type(uint32_t Id) const {
  return Id < numTypes() ? btf__type_by_id(Handle.get(), Id) : nullptr;
}

uint32_t Btf::numTypes() const { return btf__type_cnt(Handle.get()); }

const btf_type *Btf::resolve(uint32_t Id) const {
  const btf_type *T = type(Id);
  for (unsigned Depth = 0; T && Depth < 32; ++Depth) {
    if (!btf_is_mod(T) && !btf_is_typedef(T) && !btf_is_type_tag(T))
      return T;
    T = type(T->type);
  }
  return nullptr;
}

Expected<uint32_t> Btf::typeOf(ParamType P) {
  uint32_t &Id = P == ParamType::U64 ? U64Id : PointerId;
  if (Id)
    return Id;
  int New = P == ParamType::U64
                ? btf__add_int(Handle.get(), "unsigned long long", 8, 0)
                : btf__add_ptr(Handle.get(), 0);
  if (New < 0)
    return failWith("cannot add a BTF type", New);
  return Id = New;
}

Expected<uint32_t> Btf::addFunction(const std::string &Name,
                                    const Signature &Sig) {
  auto Result = typeOf(Sig.Result);
  if (!Result)
    return Result.takeError();
  SmallVector<std::pair<const char *, uint32_t>, 5> Params;
  for (const auto &[ParamName, Type] : Sig.Params) {
    auto Id = typeOf(Type);
    if (!Id)
      return Id.takeError();
    Params.push_back({ParamName.c_str(), *Id});
  }
  int Proto = btf__add_func_proto(Handle.get(), *Result);
  if (Proto < 0)
    return failWith("cannot add a BTF prototype", Proto);
  for (auto [ParamName, Id] : Params)
    if (int Err = btf__add_func_param(Handle.get(), ParamName, Id))
      return failWith("cannot add a BTF parameter", Err);
  int Func =
      btf__add_func(Handle.get(), Name.c_str(),
                    Sig.IsGlobal ? BTF_FUNC_GLOBAL : BTF_FUNC_STATIC, Proto);
  if (Func < 0)
    return failWith("cannot add BTF function '" + Name + "'", Func);
  return uint32_t(Func);
}

Expected<uint32_t> Btf::addString(const std::string &Text) {
  int Off = btf__add_str(Handle.get(), Text.c_str());
  if (Off < 0)
    return failWith("cannot add a BTF string", Off);
  return uint32_t(Off);
}

Expected<ByteVector> Btf::bytes() const {
  uint32_t Size = 0;
  auto *Data = static_cast<const uint8_t *>(btf__raw_data(Handle.get(), &Size));
  if (!Data)
    return createStringError("libbpf cannot write it");
  return ByteVector(Data, Data + Size);
}

} // namespace prepatch
