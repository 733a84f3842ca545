//===- ContextWidth.cpp - Read context fields at full width --------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// TLDR: a load of a part of a context field becomes a load of the whole field,
// a shift and a mask: what the kernel makes of it, at the price of a patch.
//
// convert_ctx_accesses() (6.18) widens a load that is narrower than its field
// to the field, and appends the shift and the mask behind the load, which
// makes one instruction two or three (catalogue: section 2.3). A load that
// extends the sign gets one instruction more. A load of the whole field is
// replaced in place, and instructions that stand in the program cost nothing:
//
//     r2 = *(u8 *)(r1 + 10)           r2 = *(u32 *)(r1 + 8)
//                                     r2 >>= 16
//                              ->     r2 &= 255
//
//     r2 = *(s8 *)(r1 + 8)            r2 = *(u32 *)(r1 + 8)
//                              ->     r2 = (s8)r2
//
// All is done in 64 bits: the loaded value is zero-extended, so the result is
// the same in all of them, and architectures that extend 32-bit results with
// an instruction of their own get nothing to extend. The mask is left out
// where the shift has brought in zeros only, or the sign extension comes
// after. The verifier knows the same bounds of the result.
//
// Conditions
// - The profile offers the widening: only where the kernel's own sequence is
//   that of the full load and this tail. Some fields are narrower in the kernel
//   than in the context, and parts of those read as something else.
// - Every program that holds the function offers the same one.
// - The goal: what is added is verified at every visit.
//
// Refused
// - Loads that CO-RE adjusts: their offset is not known before the load.
// - Program types that the profile does not know.
// - Objects of the other byte order than the profile's kernel: where a part of
//   a field stands in it is another place (bpf_ctx_narrow_access_offset()).
//
//   prepatch lower in.bpf.o -o out.bpf.o --passes=context-width --report -
//===----------------------------------------------------------------------===//

#include "IR/Builder.h"
#include "Lowering/Trade.h"
#include "llvm/Support/MathExtras.h"

using namespace llvm;

namespace prepatch {

namespace {

/// What stands behind the full load.
struct Tail {
  unsigned Shift = 0;    ///< bits to the right, 0 for none
  uint64_t Mask = 0;     ///< 0 for none
  bool LowWord = false;  ///< keep the low 32 bits
  unsigned SignBits = 0; ///< 0 for none

  unsigned size() const {
    return (Shift != 0) + (Mask != 0) + LowWord + (SignBits != 0);
  }
};

Tail tailOf(const CtxWidening &W) {
  Tail T;
  T.Shift = W.Shift;
  T.SignBits = W.SignBits;
  bool IsWhole = W.Shift + unsigned(popcount(W.Mask)) >= 8u * W.Size;
  if (W.NeedsMask && !W.SignBits && !IsWhole) {
    // An immediate of 32 ones would be extended to 64.
    T.LowWord = W.Mask == UINT32_MAX;
    if (!T.LowWord)
      T.Mask = W.Mask;
  }
  return T;
}

class Widener {
public:
  Widener(LoweringContext &Ctx) : Ctx(Ctx), A(Ctx.analyses()), B(Ctx.Prog) {}

  bool run();

private:
  bool visit(const PatchSite &S);
  /// The rewrite in the table of \p L, or of the socket.
  std::optional<CtxRewrite> lookUp(const PatchSite &S, const LoadedProgram &L,
                                   int64_t Offset, unsigned Size,
                                   AccessKind Kind) const;
  /// The widening that all programs offer; else why not.
  std::optional<CtxWidening> find(const PatchSite &S, unsigned &WideInsns,
                                  std::string &Why) const;
  void rewrite(const PatchSite &S, const CtxWidening &W, const Tail &T);

  LoweringContext &Ctx;
  Analyses &A;
  Builder B;
};

std::optional<CtxRewrite> Widener::lookUp(const PatchSite &S,
                                          const LoadedProgram &L,
                                          int64_t Offset, unsigned Size,
                                          AccessKind Kind) const {
  if (S.Kind == SiteKind::SocketRead)
    return Ctx.Profile.socket(S.Socket).lookup(Offset, Size, Kind);
  const ContextTable *Table = Ctx.Profile.context(L.ProgType, L.AttachType);
  return Table ? Table->lookup(Offset, Size, Kind) : std::nullopt;
}

std::optional<CtxWidening>
Widener::find(const PatchSite &S, unsigned &WideInsns, std::string &Why) const {
  std::optional<CtxWidening> Common;
  WideInsns = 1;
  for (unsigned N : A.Graph.programsWith(*S.Fn)) {
    const LoadedProgram &L = A.Graph.loadedPrograms()[N];
    auto refuse = [&](const Twine &Text) {
      Why = (Text + " in program '" + L.Entry->name() + "'").str();
      return std::nullopt;
    };
    auto Narrow = lookUp(S, L, S.Offset, S.Size, S.Access);
    if (!Narrow)
      return refuse("the profile does not know this access");
    if (!Narrow->Widening)
      return refuse("the profile offers no wider load");
    if (Common && !(*Common == *Narrow->Widening))
      return refuse("programs that share the function differ in the field");
    Common = Narrow->Widening;
    auto Wide = lookUp(S, L, Common->Offset, Common->Size, AccessKind::Read);
    if (!Wide || Wide->AltTrigger >= 0)
      return refuse("the profile does not know the load of the whole field");
    if (Wide->insns(S.DestIsBase) >= Narrow->insns(S.DestIsBase))
      return refuse("the load of the whole field grows as much");
    WideInsns = std::max(WideInsns, Wide->insns(S.DestIsBase));
  }
  if (!Common)
    Why = "no program holds it";
  return Common;
}

void Widener::rewrite(const PatchSite &S, const CtxWidening &W, const Tail &T) {
  Insn &I = *S.I;
  unsigned Dst = I.dst();
  Builder::rewrite(I,
                   {uint8_t(ClassLdx | ModeMem | memSizeFor(W.Size)), I.dst(),
                    I.src(), int16_t(I.off() + W.Offset - S.Offset), 0});
  if (Insn *Next = I.next())
    B.setInsertPoint(*Next);
  else
    B.setInsertPoint(*S.BB);
  // A line that starts behind the load must not start at its tail.
  Insn *Next = I.next();
  const LineRecord *NextLine = Next ? Next->line() : nullptr;
  std::optional<LineRecord> Line;
  if (NextLine) {
    Line = *NextLine;
    Builder::dropLine(*Next);
  }
  if (T.Shift)
    B.aluImm(AluRsh, Dst, int32_t(T.Shift));
  if (T.Mask)
    B.aluImm(AluAnd, Dst, int32_t(T.Mask));
  if (T.LowWord) {
    if (Ctx.Profile.misc().Zext32 > 1) {
      B.aluImm(AluLsh, Dst, 32);
      B.aluImm(AluRsh, Dst, 32);
    } else {
      B.create({OpMov32Reg, uint8_t(Dst), uint8_t(Dst), 0, 0});
    }
  }
  // A load that extends the sign is of cpu v4 itself, as is this move.
  if (T.SignBits)
    B.create({OpMov64Reg, uint8_t(Dst), uint8_t(Dst), int16_t(T.SignBits), 0});
  if (Line)
    B.attach(*Next, *Line);
}

bool Widener::visit(const PatchSite &S) {
  Function &F = *S.Fn;
  std::string What = describeSite(S, Ctx.Profile);
  auto refuse = [&](std::string Why, double SavedUs = 0) {
    Ctx.refuse("context-width", F, *S.I, What, std::move(Why), SavedUs);
    return false;
  };
  std::string Why;
  unsigned WideInsns;
  std::optional<CtxWidening> W = find(S, WideInsns, Why);
  if (!W)
    return refuse(std::move(Why));
  bool IsBig = Ctx.Obj.Elf.Endian == endianness::big;
  if (IsBig != Ctx.Profile.isBigEndian())
    return refuse("the object has another byte order than the profile");
  if (S.I->hasCoreRecord())
    return refuse("CO-RE sets its offset when the program is loaded");
  if (!isInt<16>(int64_t(S.I->off()) + W->Offset - S.Offset))
    return refuse("the offset of the whole field does not fit 16 bits");

  Tail T = tailOf(*W);
  Trade Deal;
  Deal.Visits = Ctx.visits().visits(F, *S.I);
  if (Ctx.visitsAreMeasured() && Deal.Visits == 0)
    return refuse("the verifier never comes here");
  Deal.SavedUs = A.Cost.total(S);
  if (WideInsns > 1)
    Deal.SavedUs -= A.Cost.growthAt(F, S.Slot, WideInsns - 1);
  Deal.AddedUs =
      Deal.Visits * T.size() * Ctx.Profile.costModel().visitUs(VisitClass::Alu);
  Deal.RemovesPatch = WideInsns == 1;
  // The same instructions run, whoever has put them there.
  Deal.SlowsRun = false;
  Deal.IsHot = isHot(A, *S.BB);
  Verdict V = weigh(Ctx.TheGoal, Deal);
  if (!V.Take)
    return refuse(V.Reason, V.NetUs);
  Ctx.take("context-width", F, *S.I, What, V.Reason, V.NetUs);
  rewrite(S, *W, T);
  return true;
}

bool Widener::run() {
  bool Changed = false;
  for (Function *F : A.Graph.functions()) {
    if (F->isOpaque())
      continue;
    for (const PatchSite &S : A.Sites.sites(*F)) {
      bool IsRead =
          S.Kind == SiteKind::ContextRead || S.Kind == SiteKind::SocketRead;
      // Only loads of less than a field, or with a sign, have another form.
      if (!IsRead)
        continue;
      bool Offered = S.Access == AccessKind::ReadSignExtend;
      for (unsigned N : A.Graph.programsWith(*F)) {
        auto R =
            lookUp(S, A.Graph.loadedPrograms()[N], S.Offset, S.Size, S.Access);
        Offered |= R && R->Widening;
      }
      if (Offered)
        Changed |= visit(S);
    }
  }
  return Changed;
}

} // namespace

bool runContextWidth(LoweringContext &Ctx) {
  bool Changed = Widener(Ctx).run();
  if (Changed)
    Ctx.invalidate();
  return Changed;
}

} // namespace prepatch
