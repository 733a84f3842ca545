//===- SiteFinder.cpp - The candidates of one function -------------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Analysis/SiteFinder.h"

using namespace llvm;

namespace prepatch {

static constexpr uint32_t HelperMapLookup = 1, HelperLoop = 181;

void SiteFinder::run() {
  const Cfg &Flow = Kinds.cfg(F);
  StartSlot.resize(Flow.size());
  Reached.resize(Flow.size());
  for (unsigned B = 0; B < Flow.size(); ++B) {
    BasicBlock &BB = Flow.block(B);
    StartSlot[B] = Slot;
    if (Kinds.isAnalysed(F))
      Kinds.forEach(BB, [&](Insn &I, const RegState &S) {
        visit(BB, I, S);
        ++Reached[B];
        Slot += I.slots();
      });
    Slot = StartSlot[B];
    for (Insn &I : BB)
      Slot += I.slots();
  }
  findDeletions();
  findZeroExtensions();
  findWholeFunctionSites();
  sort(ContextReads);
}

PatchSite &SiteFinder::add(SiteKind Kind, BasicBlock &BB, Insn &I, int Grows) {
  PatchSite &S = Sites.emplace_back();
  S.Fn = &F;
  S.BB = &BB;
  S.I = &I;
  S.Kind = Kind;
  S.Grows = Grows;
  S.Slot = Slot;
  return S;
}

void SiteFinder::visit(BasicBlock &BB, Insn &I, const RegState &S) {
  const MiscRewrites &Misc = Profile.misc();
  switch (I.kind()) {
  case InsnKind::Alu:
    return division(BB, I);
  case InsnKind::Load:
    return access(BB, I, S[I.src()],
                  memMode(I.opcode()) == ModeMemSx ? AccessKind::ReadSignExtend
                                                   : AccessKind::Read);
  case InsnKind::Store:
    return access(BB, I, S[I.dst()], AccessKind::Write);
  case InsnKind::StoreImm:
    return access(BB, I, S[I.dst()], AccessKind::WriteImm);
  case InsnKind::Atomic:
    if (I.imm() == AtomicCmpXchg && memBytes(I.opcode()) == 4)
      Exchanges.push_back({&BB, &I, Slot});
    return;
  case InsnKind::LoadAbs:
    add(SiteKind::LegacyLoad, BB, I, Misc.LdAbs - 1);
    return;
  case InsnKind::LoadInd:
    add(SiteKind::LegacyLoad, BB, I,
        (I.imm() ? Misc.LdInd : Misc.LdIndZeroImm) - 1);
    return;
  case InsnKind::MayGoto:
    if (I.target() == BB.next())
      return; // deleted
    HasMayGoto = true;
    add(SiteKind::MayGoto, BB, I, Misc.MayGoto - 1);
    return;
  case InsnKind::AddrSpaceCast:
    add(SiteKind::AddrSpaceCast, BB, I, Misc.AddrSpaceCast - 1);
    return;
  case InsnKind::HelperCall:
    return helperCall(BB, I, S);
  case InsnKind::BpfCall:
  case InsnKind::KfuncCall:
    return kfuncCall(BB, I);
  default:
    return;
  }
}

void SiteFinder::access(BasicBlock &BB, Insn &I, const RegValue &Base,
                        AccessKind Kind) {
  bool IsRead = I.kind() == InsnKind::Load;
  if (!IsRead && (Base.is(ValueKind::Packet) || Base.is(ValueKind::PacketMeta)))
    WritesPacket = true;
  std::optional<SocketKind> Socket = Base.socket();
  bool IsContext = Base.is(ValueKind::Context);
  if (IsRead && Base.is(ValueKind::BtfPtr) && Profile.misc().ProbeMem > 1)
    add(SiteKind::ProbeMem, BB, I, Profile.misc().ProbeMem - 1);
  if ((!IsContext && !Socket) || !Base.hasKnownOffset())
    return;
  SiteKind K = IsContext
                   ? (IsRead ? SiteKind::ContextRead : SiteKind::ContextWrite)
                   : (IsRead ? SiteKind::SocketRead : SiteKind::SocketWrite);
  PatchSite &S = add(K, BB, I);
  S.Offset = Base.offset() + I.off();
  S.Size = uint8_t(memBytes(I.opcode()));
  S.Access = Kind;
  S.DestIsBase = IsRead && I.dst() == I.src();
  if (Socket)
    S.Socket = *Socket;
  if (IsContext && IsRead && S.Offset >= 0 && S.Offset <= UINT16_MAX)
    ContextReads.push_back(uint16_t(S.Offset));
}

void SiteFinder::helperCall(BasicBlock &BB, Insn &I, const RegState &State) {
  uint32_t Id = uint32_t(I.imm());
  const HelperInfo *H = Profile.helper(Id);
  if (!H || Profile.maxHelperInsns(Id) <= 1)
    return;
  PatchSite &S = add(Id == HelperMapLookup ? SiteKind::MapLookup
                     : Id == HelperLoop    ? SiteKind::BpfLoop
                                           : SiteKind::Helper,
                     BB, I);
  S.Helper = Id;
  for (unsigned N = 0; N < H->numArgs(); ++N) {
    RegValue V = State[N + 1];
    if (H->Args[N] == HelperArg::Map)
      S.TheMap = V.map();
    else if (H->Args[N] == HelperArg::Callback)
      S.OneCallback = V.function() != nullptr;
    else if (H->Args[N] == HelperArg::PercpuPtr)
      // Per-CPU variables of the kernel are named by a symbol.
      S.PercpuKptr = !V.is(ValueKind::DataAddress);
  }
  if (Id == HelperLoop)
    S.ZeroFlags = State[4].isZero();
}

void SiteFinder::kfuncCall(BasicBlock &BB, Insn &I) {
  StringRef Name = calledKfunc(I);
  if (Name.empty())
    return;
  // It is handed writable packet memory.
  if (Name == "bpf_dynptr_slice_rdwr")
    WritesPacket = true;
  add(SiteKind::Kfunc, BB, I, Profile.kfunc(Name).Insns - 1);
}

void SiteFinder::division(BasicBlock &BB, Insn &I) {
  uint8_t Op = aluOp(I.opcode());
  if ((Op != AluDiv && Op != AluMod) || !usesSrcReg(I.opcode()))
    return;
  AluForm Form;
  Form.Op = Op == AluDiv ? AluForm::Div : AluForm::Mod;
  Form.Width = insnClass(I.opcode()) == ClassAlu64 ? 64 : 32;
  Form.Signed = I.off() == 1;
  add(SiteKind::Division, BB, I, int(Profile.aluRegInsns(Form)) - 1).Alu = Form;
}

void SiteFinder::findZeroExtensions() {
  if (Exchanges.empty() || Profile.misc().CmpXchg32Zext <= 1)
    return;
  const Cfg &Flow = Kinds.cfg(F);
  std::vector<char> WideIn = findWideReads(Flow);
  for (const Exchange &E : Exchanges) {
    if (!isReadWideAfter(Flow, WideIn, *E.BB, *E.I))
      continue;
    Slot = E.Slot;
    add(SiteKind::Zext, *E.BB, *E.I, Profile.misc().CmpXchg32Zext - 1);
  }
}

void SiteFinder::findWholeFunctionSites() {
  if (F.empty() || !F.entry().front() || !Kinds.isAnalysed(F))
    return;
  Slot = 0;
  Insn &First = *F.entry().front();
  if (HasMayGoto)
    add(SiteKind::MayGotoInit, F.entry(), First,
        Profile.misc().MayGotoPerSubprog);
  if (F.isEntry()) {
    add(SiteKind::Prologue, F.entry(), First);
    add(SiteKind::Throw, F.entry(), First);
  }
}

} // namespace prepatch
