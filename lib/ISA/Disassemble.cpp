//===- Disassemble.cpp - One instruction as text -------------------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "ISA/Disassemble.h"
#include "llvm/Support/Format.h"

using namespace llvm;

namespace prepatch {

static const char *aluSymbol(uint8_t Op, bool Signed) {
  switch (Op) {
  case AluAdd:
    return "+=";
  case AluSub:
    return "-=";
  case AluMul:
    return "*=";
  case AluDiv:
    return Signed ? "s/=" : "/=";
  case AluOr:
    return "|=";
  case AluAnd:
    return "&=";
  case AluLsh:
    return "<<=";
  case AluRsh:
    return ">>=";
  case AluMod:
    return Signed ? "s%=" : "%=";
  case AluXor:
    return "^=";
  case AluArsh:
    return "s>>=";
  default:
    return "=";
  }
}

static const char *jumpSymbol(uint8_t Op) {
  switch (Op) {
  case JmpEq:
    return "==";
  case JmpGt:
    return ">";
  case JmpGe:
    return ">=";
  case JmpSet:
    return "&";
  case JmpNe:
    return "!=";
  case JmpSgt:
    return "s>";
  case JmpSge:
    return "s>=";
  case JmpLt:
    return "<";
  case JmpLe:
    return "<=";
  case JmpSlt:
    return "s<";
  default:
    return "s<=";
  }
}

namespace {
struct Reg {
  unsigned Number;
  bool Is64;
};
raw_ostream &operator<<(raw_ostream &OS, Reg R) {
  return OS << (R.Is64 ? 'r' : 'w') << R.Number;
}

/// `(r1 +8)`, the address of a memory access.
struct Address {
  unsigned Base;
  int16_t Off;
};
raw_ostream &operator<<(raw_ostream &OS, Address A) {
  return OS << "(r" << A.Base << (A.Off < 0 ? " -" : " +")
            << (A.Off < 0 ? -int(A.Off) : int(A.Off)) << ')';
}
} // namespace

static void printAlu(raw_ostream &OS, const RawInsn &I) {
  bool Is64 = insnClass(I.Opcode) == ClassAlu64;
  Reg Dst{I.Dst, Is64};
  uint8_t Op = aluOp(I.Opcode);
  if (Op == AluNeg) {
    OS << Dst << " = -" << Dst;
    return;
  }
  if (Op == AluEnd) {
    const char *Name = Is64 ? "bswap" : usesSrcReg(I.Opcode) ? "be" : "le";
    OS << 'r' << unsigned(I.Dst) << " = " << Name << I.Imm << " r"
       << unsigned(I.Dst);
    return;
  }
  bool SignedDiv = (Op == AluDiv || Op == AluMod) && I.Off == 1;
  OS << Dst << ' ' << aluSymbol(Op, SignedDiv) << ' ';
  if (!usesSrcReg(I.Opcode)) {
    OS << I.Imm;
    return;
  }
  if (Op == AluMov && I.Off)
    OS << "(s" << I.Off << ')';
  OS << Reg{I.Src, Is64};
}

static const char *fetchName(uint8_t Op) {
  switch (Op) {
  case AluAdd:
    return "add";
  case AluOr:
    return "or";
  case AluAnd:
    return "and";
  default:
    return "xor";
  }
}

static void printAtomic(raw_ostream &OS, const RawInsn &I) {
  unsigned Bits = memBytes(I.Opcode) * 8;
  Reg Src{I.Src, Bits == 64};
  Address A{I.Dst, I.Off};
  if (I.Imm == AtomicLoadAcquire) {
    OS << Reg{I.Dst, Bits == 64} << " = load_acquire((u" << Bits << " *)"
       << Address{I.Src, I.Off} << ')';
    return;
  }
  if (I.Imm == AtomicStoreRelease) {
    OS << "store_release((u" << Bits << " *)" << A << ", " << Src << ')';
    return;
  }
  // As LLVM prints and reads them: the exchanges without pointer cast, and
  // with 32 twice for the narrow ones.
  const char *Width = Bits == 64 ? "_64(r" : "32_32(r";
  auto printPlace = [&] {
    OS << Width << unsigned(I.Dst) << (I.Off < 0 ? " -" : " +")
       << (I.Off < 0 ? -int(I.Off) : int(I.Off)) << ", ";
  };
  if (I.Imm == AtomicCmpXchg) {
    OS << Reg{0, Bits == 64} << " = cmpxchg";
    printPlace();
    OS << Reg{0, Bits == 64} << ", " << Src << ')';
    return;
  }
  if (I.Imm == AtomicXchg) {
    OS << Src << " = xchg";
    printPlace();
    OS << Src << ')';
    return;
  }
  if (I.Imm & AtomicFetch) {
    OS << Src << " = atomic_fetch_" << fetchName(I.Imm & 0xf0) << "((u" << Bits
       << " *)" << A << ", " << Src << ')';
    return;
  }
  OS << "lock *(u" << Bits << " *)" << A << ' '
     << aluSymbol(I.Imm & 0xf0, false) << ' ' << Src;
}

static void printTarget(raw_ostream &OS, const RawInsn &I, StringRef Target) {
  if (!Target.empty()) {
    OS << Target;
    return;
  }
  int32_t Off = I.Opcode == OpGotol ? I.Imm : I.Off;
  OS << (Off < 0 ? "" : "+") << Off;
}

static void printLdImm64(raw_ostream &OS, const RawInsn &I, int32_t ImmHigh,
                         StringRef Target) {
  static const char *const Prefix[] = {
      "", "map ", "map value ", "btf ", "func ", "map idx ", "map idx value "};
  OS << 'r' << unsigned(I.Dst) << " = ";
  if (!Target.empty()) {
    OS << Target;
    if (I.Imm > 0)
      OS << " +" << I.Imm;
  } else {
    uint64_t Value = uint64_t(uint32_t(ImmHigh)) << 32 | uint32_t(I.Imm);
    OS << Prefix[I.Src <= PseudoMapIdxValue ? I.Src : 0]
       << format("0x%llx", static_cast<unsigned long long>(Value));
  }
  OS << " ll";
}

void disassemble(raw_ostream &OS, const RawInsn &I, InsnKind Kind,
                 int32_t ImmHigh, StringRef Target) {
  unsigned Bits = memBytes(I.Opcode) * 8;
  switch (Kind) {
  case InsnKind::End:
    OS << "<end>";
    return;
  case InsnKind::Unknown:
    OS << format("<unknown 0x%02x dst %u src %u off %d imm %d>", I.Opcode,
                 I.Dst, I.Src, I.Off, I.Imm);
    return;
  case InsnKind::Alu:
    printAlu(OS, I);
    return;
  case InsnKind::AddrSpaceCast:
    OS << 'r' << unsigned(I.Dst) << " = addr_space_cast(r" << unsigned(I.Src)
       << ", " << (uint32_t(I.Imm) >> 16) << ", " << (I.Imm & 0xffff) << ')';
    return;
  case InsnKind::Load:
    OS << (memMode(I.Opcode) == ModeMem && Bits < 64 ? 'w' : 'r')
       << unsigned(I.Dst) << " = *("
       << (memMode(I.Opcode) == ModeMemSx ? 's' : 'u') << Bits << " *)"
       << Address{I.Src, I.Off};
    return;
  case InsnKind::Store:
    OS << "*(u" << Bits << " *)" << Address{I.Dst, I.Off} << " = "
       << Reg{I.Src, Bits == 64};
    return;
  case InsnKind::StoreImm:
    OS << "*(u" << Bits << " *)" << Address{I.Dst, I.Off} << " = " << I.Imm;
    return;
  case InsnKind::Atomic:
    printAtomic(OS, I);
    return;
  case InsnKind::LoadImm64:
    printLdImm64(OS, I, ImmHigh, Target);
    return;
  case InsnKind::LoadAbs:
    OS << "r0 = *(u" << Bits << " *)skb[" << I.Imm << ']';
    return;
  case InsnKind::LoadInd:
    OS << "r0 = *(u" << Bits << " *)skb[r" << unsigned(I.Src) << " + " << I.Imm
       << ']';
    return;
  case InsnKind::Jump:
    OS << (I.Opcode == OpGotol ? "gotol " : "goto ");
    printTarget(OS, I, Target);
    return;
  case InsnKind::CondJump: {
    bool Is64 = insnClass(I.Opcode) == ClassJmp;
    OS << "if " << Reg{I.Dst, Is64} << ' ' << jumpSymbol(jmpOp(I.Opcode))
       << ' ';
    if (usesSrcReg(I.Opcode))
      OS << Reg{I.Src, Is64};
    else
      OS << I.Imm;
    OS << " goto ";
    printTarget(OS, I, Target);
    return;
  }
  case InsnKind::MayGoto:
    OS << "may_goto ";
    printTarget(OS, I, Target);
    return;
  case InsnKind::IndirectJump:
    OS << "gotox r" << unsigned(I.Dst);
    return;
  case InsnKind::HelperCall:
  case InsnKind::BpfCall:
  case InsnKind::KfuncCall:
    OS << "call ";
    if (!Target.empty())
      OS << Target;
    else if (Kind == InsnKind::BpfCall)
      OS << "pc" << (I.Imm < 0 ? "" : "+") << I.Imm;
    else
      OS << (Kind == InsnKind::KfuncCall ? "kfunc " : "") << I.Imm;
    return;
  case InsnKind::Exit:
    OS << "exit";
    return;
  }
}

} // namespace prepatch
