//===- Globalize.cpp - Static functions become global --------------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// TLDR: the verifier walks a static function at each visit of each call, with
// what it knows there; a global one once, with arguments of which it knows the
// types alone. The code stays as it is: linkage is a matter of BTF.
//
// Relies on: check_func_call() goes on behind the call of a global function,
// with an unknown number in r0; do_check_subprogs() verifies each on its own;
// btf_prepare_func_args() takes arguments by their BTF types: numbers, the
// context by the name of its structure or the tag "arg:ctx", other pointers as
// memory of the size of what they point to, which may be null unless tagged
// "arg:nonnull" (6.8). The result must be a number (read in 6.1 and 6.12, tried
// on 6.18).
//
//   numbers: FUNC static, (int a, int dead, long b) -> int
//     code reads r1, r2: the compiler took the argument `dead` away
//   numbers: FUNC global, (int a, int dead) -> int
//
// BTF has the arguments of the source, and compilers change those of static
// functions. What the code reads at its entry decides: arguments behind the
// last one that is read are left out, a kernel address that is a mere number to
// the verifier is declared as one, a context of another type gets a tag. A
// result that no caller looks at becomes the number 0 where it was none.
//
// Conditions: a subprogram with BTF, understood in full, known by one name,
// whose address nobody takes and that throws no exception; its arguments are
// numbers, the context or pointers to memory of known size.
//
// Whether the body is accepted without knowing its arguments the kernel alone
// can tell: `prepatch compare` or `prepatch tune` ask it. In a program that it
// accepts, nothing computes anything else than before.
//
//   prepatch lower in.bpf.o -o out.bpf.o --passes=globalize --report -
//===----------------------------------------------------------------------===//

#include "Lowering/Globalize.h"
#include "Analysis/DefinedRegs.h"
#include "IR/Builder.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/FormatVariadic.h"

using namespace llvm;

namespace prepatch {

static constexpr StringLiteral PassName = "globalize";

bool knowsArgumentTags(const KernelProfile &Profile) {
  // The tags came with 6.8, may_goto with 6.9.
  return Profile.features().MayGoto;
}

/// The structure that the kernel knows the context of such programs by
/// (bpf_ctx_convert); empty where there is none.
static StringRef contextStructure(uint32_t Type) {
  if (hasSkBuffContext(Type))
    return "__sk_buff";
  switch (Type) {
  case ProgType::Kprobe:
    return "bpf_user_pt_regs_t";
  case ProgType::Xdp:
    return "xdp_md";
  case ProgType::PerfEvent:
    return "bpf_perf_event_data";
  case ProgType::RawTracepoint:
  case ProgType::RawTracepointWritable:
    return "bpf_raw_tracepoint_args";
  case ProgType::CgroupSock:
    return "bpf_sock";
  case ProgType::SockOps:
    return "bpf_sock_ops";
  case ProgType::CgroupDevice:
    return "bpf_cgroup_dev_ctx";
  case ProgType::SkMsg:
    return "sk_msg_md";
  case ProgType::CgroupSockAddr:
    return "bpf_sock_addr";
  case ProgType::SkReuseport:
    return "sk_reuseport_md";
  case ProgType::CgroupSysctl:
    return "bpf_sysctl";
  case ProgType::CgroupSockopt:
    return "bpf_sockopt";
  case ProgType::SkLookup:
    return "bpf_sk_lookup";
  case ProgType::Netfilter:
    return "bpf_nf_ctx";
  default:
    return "";
  }
}

namespace {

class Finder {
public:
  Finder(Object &Obj, Analyses &A, const VisitCounts &Visits,
         const KernelProfile &Profile, const GlobalizeOptions &Options)
      : Obj(Obj), A(A), Visits(Visits), Options(Options),
        VisitUs(Profile.costModel().visitUs(VisitClass::Alu)) {
    for (Function *F : A.Graph.functions())
      if (F->btfId())
        ++UsersOfBtf[F->btfId()];
  }

  /// Fills in all but F; returns why it stays static.
  std::string look(GlobalCandidate &C);

private:
  std::string whyNotThisFunction(const Function &F);
  RegSet argumentsRead(Function &F);
  RegSet readsOf(const Insn &I);
  bool isSetByAllCallers(const Function &F, unsigned Reg);
  bool isContextOf(const Function &F, StringRef Structure);
  std::string lookAtArgument(GlobalCandidate &C, unsigned Reg,
                             const BtfValue &Type);
  std::string lookAtResult(GlobalCandidate &C, const BtfValue &Type);
  void weigh(GlobalCandidate &C);

  Object &Obj;
  Analyses &A;
  const VisitCounts &Visits;
  const GlobalizeOptions &Options;
  const double VisitUs;
  DenseMap<uint32_t, unsigned> UsersOfBtf;
};

} // namespace

std::string Finder::whyNotThisFunction(const Function &F) {
  if (F.isOpaque())
    return "the function is not understood: " + F.opaqueReason();
  if (A.Graph.programsWith(F).empty())
    return "nothing loads it";
  if (A.Graph.isCallback(F))
    return "its address is taken";
  if (A.Graph.facts(F).HasThrow)
    return "it throws exceptions";
  if (!Obj.Types || !Obj.Ext || !F.btfId())
    return "BTF does not know it";
  if (!F.symbol())
    return "no symbol names it";
  // Local symbols may share a name; global ones may not.
  for (const Symbol &S : Obj.Prog.Symbols)
    if (&S != F.symbol() && S.Name == F.symbol()->Name && !S.IsRemoved)
      return "another symbol has its name";
  return "";
}

/// Registers that \p I reads. Of a global function that is called, the
/// arguments that BTF names: Liveness takes all five to be read.
RegSet Finder::readsOf(const Insn &I) {
  std::optional<BtfSignature> Sig;
  if (I.kind() == InsnKind::BpfCall && I.callee()) {
    if (!I.callee()->isGlobal())
      return A.Live.argumentsOf(*I.callee());
    Sig = functionSignature(*Obj.Types, I.callee()->btfId());
  } else if (StringRef Name = calledKfunc(I); !Name.empty()) {
    Sig = functionSignature(*Obj.Types, I.relocation()->Sym->Name);
  }
  if (!Sig || Sig->Params.size() > 5)
    return A.Live.reads(I);
  return RegSet(((1u << Sig->Params.size()) - 1) << 1);
}

/// Which of r1 to r5 are read, somewhere, as they were at the entry.
RegSet Finder::argumentsRead(Function &F) {
  const Cfg &Flow = A.Kinds.cfg(F);
  std::vector<RegSet> In(Flow.size(), 0);
  In[0] = CallArguments;
  RegSet Read = 0;
  for (bool Changed = true; Changed;) {
    Changed = false;
    for (unsigned B : Flow.reversePostOrder()) {
      RegSet Set = In[B];
      for (const Insn &I : Flow.block(B)) {
        Read |= Set & readsOf(I);
        Set &= ~I.writes();
      }
      for (unsigned Next : Flow.successors(B)) {
        Changed |= (Set & ~In[Next]) != 0;
        In[Next] |= Set;
      }
    }
  }
  return Read;
}

bool Finder::isSetByAllCallers(const Function &F, unsigned Reg) {
  return all_of(A.Graph.callers(F), [&](const CallSite &Site) {
    DefinedRegs Defined(A.Kinds.cfg(*Site.Caller));
    return (Defined.before(*Site.BB, *Site.I) & regBit(Reg)) != 0;
  });
}

/// Whether every program with \p F takes a pointer to \p Structure as its
/// context by the name alone.
bool Finder::isContextOf(const Function &F, StringRef Structure) {
  return !Structure.empty() && all_of(A.Graph.programsWith(F), [&](unsigned N) {
    uint32_t Type = A.Graph.loadedPrograms()[N].ProgType;
    return contextStructure(Type) == Structure ||
           (Type == ProgType::Kprobe && Structure == "pt_regs");
  });
}

std::string Finder::lookAtArgument(GlobalCandidate &C, unsigned Reg,
                                   const BtfValue &Type) {
  const Function &F = *C.F;
  std::string Name = "argument r" + std::to_string(Reg);
  GlobalParam &P = C.Prototype.Params.emplace_back();
  RegValue V = RegValue::unknown();
  if (A.Kinds.isAnalysed(F))
    V = A.Kinds.stateAtEntry(C.F->entry()).reg(Reg);
  switch (V.kind()) {
  case ValueKind::Scalar:
    if (Type.Kind != BtfValue::Number)
      P.Form = GlobalParam::Number;
    return "";
  case ValueKind::Context:
    if (Type.Kind == BtfValue::Pointer && isContextOf(F, Type.Structure))
      return "";
    if (!Options.ArgumentTags)
      return Name + " is the context, which kernels without argument tags "
                    "know by its type alone";
    // The one type that goes with the tag in programs of all types.
    P.Form = GlobalParam::VoidPointer;
    P.Tags.push_back("ctx");
    return "";
  case ValueKind::Uninit:
  case ValueKind::Unknown:
    if (Type.Kind == BtfValue::Number || isContextOf(F, Type.Structure))
      return "";
    break;
  case ValueKind::DataAddress:
    // check_mem_reg() wants to be allowed to write.
    if (V.symbol() && StringRef(V.symbol()->SectionName).starts_with(".rodata"))
      return Name + " points to what may not be written";
    break;
  case ValueKind::Stack:
  case ValueKind::CallerStack:
  case ValueKind::MapKey:
  case ValueKind::MapValue:
  case ValueKind::Packet:
  case ValueKind::PacketMeta:
  case ValueKind::Memory:
    break;
  default:
    return Name + " is " + describe(V) + ", not a number, context or memory";
  }
  if (Type.Kind != BtfValue::Pointer)
    return Name + " is " + describe(V) + ", but BTF says that it is no pointer";
  if (Type.PointeeBytes == 0)
    return Name + " is " + describe(V) + ", of a size that BTF does not tell";
  if (Type.Structure == "bpf_dynptr")
    return Name + " is a dynptr";
  if (V.mayBeNull())
    return ""; // the function checks it, or was refused before
  if (Options.ArgumentTags)
    P.Tags.push_back("nonnull");
  else if (V.isPointer())
    C.NullChecks |= regBit(Reg);
  return "";
}

std::string Finder::lookAtResult(GlobalCandidate &C, const BtfValue &Type) {
  bool IsUsed = any_of(A.Graph.callers(*C.F), [&](const CallSite &Site) {
    return (A.Live.liveAfter(*Site.BB, *Site.I) & regBit(0)) != 0;
  });
  RegValue V = RegValue::unknown();
  if (A.Kinds.isAnalysed(*C.F))
    V = A.Kinds.returnValue(*C.F);
  C.Prototype.NewResult = Type.Kind != BtfValue::Number;
  if (IsUsed) {
    if (V.isPointer() || (C.Prototype.NewResult && !V.is(ValueKind::Scalar)))
      return "its result is " + describe(V) + ", not a number";
    return "";
  }
  // A call of another function without result leaves nothing in r0 that may be
  // read, so a number is only what the function itself is known to put there.
  C.ZeroResult = C.Prototype.NewResult || !V.is(ValueKind::Scalar);
  if (!C.ZeroResult) {
    DefinedRegs Defined(A.Kinds.cfg(*C.F));
    for (const BasicBlock &BB : *C.F)
      if (const Insn *Last = BB.back();
          Last->kind() == InsnKind::Exit &&
          !(Defined.before(BB, *Last) & regBit(0)))
        C.ZeroResult = true;
  }
  return "";
}

void Finder::weigh(GlobalCandidate &C) {
  size_t Programs = A.Graph.programsWith(*C.F).size();
  C.Visits = Visits.visitsAtEntry(*C.F) / double(std::max<size_t>(Programs, 1));
  double Walked = 0, Once = 0;
  for (const BasicBlock &BB : *C.F)
    for (const Insn &I : BB) {
      Walked += Visits.visits(*C.F, I);
      Once += double(Programs);
    }
  C.SavedUs = std::max(0.0, Walked - Once) * VisitUs;
}

std::string Finder::look(GlobalCandidate &C) {
  weigh(C);
  const Function &F = *C.F;
  if (std::string Why = whyNotThisFunction(F); !Why.empty())
    return Why;
  C.SharesBtf = UsersOfBtf.lookup(F.btfId()) > 1;
  auto Sig = functionSignature(*Obj.Types, F.btfId());
  if (!Sig)
    return "BTF has no prototype of it";
  RegSet Read = argumentsRead(*C.F);
  unsigned Count = 0;
  for (unsigned Reg = 1; Reg <= 5; ++Reg)
    if (Read & regBit(Reg))
      Count = Reg;
  if (Count > Sig->Params.size())
    return formatv("r{0} is read, but BTF names {1} arguments", Count,
                   Sig->Params.size());
  C.LeftOut = unsigned(Sig->Params.size()) - Count;
  for (unsigned Reg = 1; Reg <= Count; ++Reg) {
    // The verifier asks for all arguments up to the last one.
    if (!(Read & regBit(Reg)) && !isSetByAllCallers(F, Reg))
      return formatv("argument r{0} is not read, and some caller does not set "
                     "it",
                     Reg);
    if (std::string Why = lookAtArgument(C, Reg, Sig->Params[Reg - 1]);
        !Why.empty())
      return Why;
  }
  if (std::string Why = lookAtResult(C, Sig->Result); !Why.empty())
    return Why;
  if (C.Visits < Options.MinVisits)
    return formatv("{0:F1} visits a program, {1:F1} are asked for", C.Visits,
                   Options.MinVisits);
  return "";
}

std::vector<GlobalCandidate>
findGlobalCandidates(Object &Obj, Analyses &A, const VisitCounts &Visits,
                     const KernelProfile &Profile,
                     const GlobalizeOptions &Options) {
  std::vector<GlobalCandidate> Candidates;
  Finder Find(Obj, A, Visits, Profile, Options);
  for (Function *F : A.Graph.functions()) {
    // What a pass made has chosen its linkage.
    if (F->isEntry() || F->isGlobal() || F->signature())
      continue;
    GlobalCandidate &C = Candidates.emplace_back();
    C.F = F;
    C.Refused = Find.look(C);
  }
  return Candidates;
}

/// `if rN == 0 goto out` for each of \p Regs, before all else.
static void insertNullChecks(Function &F, RegSet Regs) {
  Builder B(F.program());
  const Insn &First = *F.entry().front();
  BasicBlock &Out = B.createBlock(F);
  B.setInsertPoint(Out);
  B.movImm(0, 0);
  B.exit();
  // A block of its own for each: a branch ends a block. Nothing may go back to
  // them, so they are not part of the block that was the entry.
  for (unsigned Reg = 5; Reg >= 1; --Reg) {
    if (!(Regs & regBit(Reg)))
      continue;
    B.setInsertPoint(B.createEntryBlock(F));
    B.condJumpImm(JmpEq, Reg, 0, Out);
  }
  if (const LineRecord *Line = First.line()) {
    B.attach(*F.entry().front(), *Line);
    B.attach(*Out.front(), *Line);
  }
  F.numberBlocks();
}

/// `r0 = 0` before every exit.
static void zeroResult(Function &F) {
  Builder B(F.program());
  for (BasicBlock &BB : F)
    if (Insn *Last = BB.back(); Last->kind() == InsnKind::Exit) {
      B.setInsertPoint(*Last);
      B.movImm(0, 0);
    }
}

Error makeGlobal(Object &Obj, const GlobalCandidate &C) {
  assert(C.Refused.empty() && "it was refused");
  Function &F = *C.F;
  auto Id = makeGlobalFunction(*Obj.Types, F.btfId(), C.Prototype, C.SharesBtf);
  if (!Id)
    return createStringError("function '" + F.name() +
                             "': " + toString(Id.takeError()));
  F.setBtfId(*Id);
  F.symbol()->IsGlobal = true;
  F.symbol()->IsHidden = false;
  if (C.ZeroResult)
    zeroResult(F);
  if (C.NullChecks)
    insertNullChecks(F, C.NullChecks);
  return Error::success();
}

/// "(number, context, memory)", and what else changes.
static std::string describe(const GlobalCandidate &C) {
  std::string Text =
      formatv("verified once instead of {0:F1} times a program", C.Visits);
  if (any_of(C.Prototype.Params,
             [](const GlobalParam &P) { return P.Form != GlobalParam::Keep; }))
    Text += ", argument types as the code has them";
  if (C.LeftOut)
    Text += formatv(", {0} argument{1} fewer than in the source", C.LeftOut,
                    C.LeftOut == 1 ? "" : "s");
  if (C.ZeroResult)
    Text += ", r0 = 0 as nobody looks at its result";
  if (C.NullChecks)
    Text += ", pointers checked for null";
  return Text;
}

bool runGlobalize(LoweringContext &Ctx) {
  GlobalizeOptions Options;
  Options.ArgumentTags = knowsArgumentTags(Ctx.Profile);
  bool Changed = false;
  for (const GlobalCandidate &C : findGlobalCandidates(
           Ctx.Obj, Ctx.analyses(), Ctx.visits(), Ctx.Profile, Options)) {
    const Insn &First = *C.F->entry().front();
    std::string What = "function '" + C.F->name() + "'";
    std::string Why = C.Refused;
    std::string Text = describe(C);
    if (Why.empty()) {
      // Recorded while its first instruction is still the first.
      if (Error E = makeGlobal(Ctx.Obj, C))
        Why = toString(std::move(E));
    }
    if (Why.empty()) {
      Ctx.take(PassName, *C.F, First, What, Text, C.SavedUs);
      Changed = true;
    } else {
      Ctx.refuse(PassName, *C.F, First, What, Why, C.SavedUs);
    }
  }
  return Changed;
}

} // namespace prepatch
