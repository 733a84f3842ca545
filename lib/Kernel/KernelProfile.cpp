//===- KernelProfile.cpp - questions to a kernel profile ------------------===//
//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The look-ups. Reading and writing the JSON form is in ProfileReader.cpp and
// ProfileWriter.cpp.
//
//===----------------------------------------------------------------------===//

#include "KernelProfile.h"
#include "BuiltinProfiles.h"
#include "ProgramType.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/MemoryBuffer.h"
#include <algorithm>

using namespace llvm;
using namespace prepatch;

const ContextTable::Row *ContextTable::findRow(int64_t Offset,
                                               unsigned Size) const {
  auto It = partition_point(Rows, [&](const Row &R) {
    return R.Offset < Offset || (R.Offset == Offset && R.Size < Size);
  });
  if (It == Rows.end() || It->Offset != Offset || It->Size != Size)
    return nullptr;
  return &*It;
}

std::optional<CtxRewrite> ContextTable::lookup(int64_t Offset, unsigned Size,
                                               AccessKind Kind) const {
  if (!Converts)
    return CtxRewrite();
  const Row *R = findRow(Offset, Size);
  if (!R)
    return std::nullopt;

  CtxRewrite Result;
  bool IsRead = Kind == AccessKind::Read || Kind == AccessKind::ReadSignExtend;
  switch (Kind) {
  case AccessKind::Read:
    Result.Insns = R->Read;
    Result.InsnsDestIsCtx = R->ReadDestIsCtx;
    break;
  case AccessKind::ReadSignExtend:
    Result.Insns = R->ReadSignExtend;
    // The extension follows whatever the plain read is.
    Result.InsnsDestIsCtx = R->ReadDestIsCtx + (R->ReadSignExtend - R->Read);
    break;
  case AccessKind::Write:
    Result.Insns = Result.InsnsDestIsCtx = R->Write;
    break;
  case AccessKind::WriteImm:
    Result.Insns = Result.InsnsDestIsCtx = R->WriteImm;
    break;
  }
  if (Result.Insns == 0)
    return std::nullopt;

  if (IsRead && (R->WideSize || Kind == AccessKind::ReadSignExtend)) {
    CtxWidening Wide;
    Wide.Offset = R->WideSize ? R->WideOffset : R->Offset;
    Wide.Size = R->WideSize ? R->WideSize : R->Size;
    Wide.Shift = R->Shift;
    Wide.NeedsMask = R->WideSize != 0;
    Wide.Mask = R->WideSize ? R->Mask : maskTrailingOnes<uint64_t>(8 * R->Size);
    Wide.SignBits = Kind == AccessKind::ReadSignExtend ? 8 * R->Size : 0;
    Result.Widening = Wide;
  }
  for (const Alternative &Alt : Alternatives)
    if (Alt.Offset == Offset && Alt.Size == Size && Alt.Kind == Kind) {
      Result.AltTrigger = Alt.Trigger;
      Result.AltInsns = Alt.Insns;
    }
  return Result;
}

unsigned ContextTable::maxInsns() const {
  unsigned Max = 1;
  for (const Row &R : Rows)
    Max = std::max<unsigned>(
        {Max, R.Read, R.ReadDestIsCtx, R.ReadSignExtend, R.Write, R.WriteImm});
  return Max;
}

bool HelperRule::matches(const HelperCall &Call) const {
  if (Call.Id != Helper)
    return false;
  if (!Maps.empty() && (!Call.MapType || !is_contained(Maps, *Call.MapType)))
    return false;
  if (Call.MapFlags & NotMapFlags)
    return false;
  if (!Progs.empty() && !is_contained(Progs, Call.ProgType))
    return false;
  if (!Attach.empty() && !is_contained(Attach, Call.AttachType))
    return false;
  return (!(Needs & OneCallback) || Call.OneCallback) &&
         (!(Needs & ZeroFlags) || Call.ZeroFlags) &&
         (!(Needs & PercpuKptr) || Call.PercpuKptr) &&
         (!(Needs & MapMasked) || Call.MapMasked);
}

const ContextTable *KernelProfile::contextNamed(StringRef Key) const {
  for (const ContextTable &Table : Contexts)
    if (Table.name() == Key)
      return &Table;
  return nullptr;
}

const ContextTable *KernelProfile::context(uint32_t ProgType,
                                           uint32_t AttachType) const {
  return contextNamed(contextKey(ProgType, AttachType));
}

unsigned KernelProfile::directWritePrologue(uint32_t ProgType) const {
  for (auto [Type, Growth] : Prologues)
    if (Type == ProgType)
      return Growth;
  return 0;
}

const HelperInfo *KernelProfile::helper(uint32_t Id) const {
  return Id < Helpers.size() && !Helpers[Id].Name.empty() ? &Helpers[Id]
                                                          : nullptr;
}

const HelperInfo *KernelProfile::helperNamed(StringRef Name) const {
  for (const HelperInfo &Info : Helpers)
    if (!Info.Name.empty() && Info.Name == Name)
      return &Info;
  return nullptr;
}

unsigned KernelProfile::helperInsns(const HelperCall &Call) const {
  for (const HelperRule &Rule : HelperRules)
    if (Rule.matches(Call))
      return Call.MapMasked && Rule.InsnsMasked ? Rule.InsnsMasked : Rule.Insns;
  return 1;
}

unsigned KernelProfile::maxHelperInsns(uint32_t Id) const {
  unsigned Max = 1;
  for (const HelperRule &Rule : HelperRules)
    if (Rule.Helper == Id)
      Max = std::max<unsigned>({Max, Rule.Insns, Rule.InsnsMasked});
  return Max;
}

bool KernelProfile::isFastcallHelper(uint32_t Id) const {
  return is_contained(FastcallHelpers, Id);
}

KfuncInfo KernelProfile::kfunc(StringRef Name) const {
  auto It = Kfuncs.find(Name.str());
  return It == Kfuncs.end() ? KfuncInfo() : It->second;
}

unsigned KernelProfile::aluRegInsns(AluForm Form) const {
  return Alu[Form.Op][Form.Width == 64][Form.Signed];
}

Expected<KernelProfile> KernelProfile::load(StringRef Path) {
  auto Buffer = MemoryBuffer::getFile(Path, /*IsText=*/true);
  if (!Buffer)
    return createFileError(Path, Buffer.getError());
  return parse((*Buffer)->getBuffer(), Path);
}

Expected<KernelProfile> KernelProfile::builtin(StringRef Name) {
  for (const BuiltinProfile &Profile : builtinProfiles())
    if (Profile.Name == Name)
      return parse(Profile.Json, Name);
  return createStringError("unknown kernel profile '" + Name +
                           "', expected one of: " + join(builtinNames(), ", "));
}

std::vector<StringRef> KernelProfile::builtinNames() {
  std::vector<StringRef> Names;
  for (const BuiltinProfile &Profile : builtinProfiles())
    Names.push_back(Profile.Name);
  llvm::sort(Names);
  return Names;
}

Expected<KernelProfile> KernelProfile::open(StringRef NameOrPath) {
  if (NameOrPath.empty())
    return builtin(DefaultName);
  if (is_contained(builtinNames(), NameOrPath))
    return builtin(NameOrPath);
  // A name with neither a folder nor a suffix was meant as a name.
  if (!NameOrPath.contains('/') && !NameOrPath.ends_with(".json"))
    return builtin(NameOrPath);
  return load(NameOrPath);
}
