//===- ArrayModelTest.cpp - The same edits on an array and on lists -------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Random programs, random edits: once on a plain array with the kernel's rules
// for indices, once lifted, through the Builder, and emitted. Code, symbols,
// relocations, func_info, line_info and CO-RE records must be the same bytes.
//   PREPATCH_SEED=n    run the one case n again
//   PREPATCH_CASES=n   how many cases (default 3000)
//===----------------------------------------------------------------------===//

#include "ArrayModel.h"
#include "IR/Builder.h"
#include "IR/Verifier.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include <gtest/gtest.h>
#include <iostream>
#include <random>

using namespace llvm;
using namespace prepatch;
using namespace prepatch::test;

namespace {

class Random {
public:
  explicit Random(uint64_t Seed) : Engine(Seed) {}
  /// 0 to \p N - 1. Not std::uniform_int_distribution, whose numbers differ
  /// from library to library.
  uint32_t below(uint32_t N) { return Engine() % N; }
  bool oneIn(uint32_t N) { return below(N) == 0; }

private:
  std::mt19937_64 Engine;
};

/// A program of one to three sections that call each other.
class Generator {
public:
  explicit Generator(Random &R) : R(R) {}

  ObjectSpec generate() {
    Spec.Endian = R.oneIn(3) ? endianness::big : endianness::little;
    Spec.Symbols.push_back({"extern_map", "", 0, 0, "STT_NOTYPE"});
    for (size_t I = 0, N = 1 + R.below(3); I < N; ++I)
      addSection(I == 0 ? ".text" : "prog" + std::to_string(I));
    for (CodeSpec &C : Spec.Code)
      linkCalls(C);
    return std::move(Spec);
  }

private:
  RawInsn marker() { return {OpMov64Imm, uint8_t(R.below(10)), 0, 0, ++Mark}; }

  void addSection(const std::string &Name) {
    CodeSpec &C = Spec.Code.emplace_back();
    C.Name = Name;
    Spec.Symbols.push_back(
        {Name + "_section", Name, 0, 0, "STT_SECTION", "STB_LOCAL"});
    for (size_t I = 0, N = 1 + R.below(4); I < N; ++I)
      addFunction(C, Name + "_f" + std::to_string(I));
  }

  void addFunction(CodeSpec &C, const std::string &Name) {
    uint32_t Start = C.Slots.size();
    C.FuncStarts.push_back(Start);
    C.Lines.push_back({Start, 1 + R.below(1000)});
    std::vector<uint32_t> Starts; // of instructions
    std::vector<uint32_t> Branches;
    for (uint32_t I = 0, N = 2 + R.below(30); I < N; ++I) {
      uint32_t Slot = C.Slots.size();
      Starts.push_back(Slot);
      if (I && R.oneIn(3))
        C.Lines.push_back({Slot, 1 + R.below(1000)});
      if (R.oneIn(8))
        C.Cores.push_back({Slot, R.below(13)});
      addInsn(C, Branches, I + 1 == N);
    }
    for (uint32_t B : Branches) {
      uint32_t Target = Starts[R.below(Starts.size())];
      int32_t Distance = int32_t(Target) - int32_t(B) - 1;
      if (C.Slots[B].Opcode == OpGotol)
        C.Slots[B].Imm = Distance;
      else
        C.Slots[B].Off = Distance;
    }
    bool Local = R.oneIn(3);
    Spec.Symbols.push_back({Name, C.Name, Start * 8ull,
                            (C.Slots.size() - Start) * 8ull, "STT_FUNC",
                            Local ? "STB_LOCAL" : "STB_GLOBAL"});
    Functions.push_back({C.Name, Name, Start});
  }

  void addInsn(CodeSpec &C, std::vector<uint32_t> &Branches, bool Last) {
    uint32_t Slot = C.Slots.size();
    if (Last) {
      if (R.oneIn(4)) {
        Branches.push_back(Slot);
        C.Slots.push_back({OpJa, 0, 0, 0, 0});
      } else {
        C.Slots.push_back({OpExit, 0, 0, 0, 0});
      }
      return;
    }
    switch (R.below(12)) {
    case 0:
    case 1:
    case 2:
      Branches.push_back(Slot);
      C.Slots.push_back({ClassJmp | JmpEq, uint8_t(R.below(10)), 0, 0, ++Mark});
      return;
    case 3:
      Branches.push_back(Slot);
      C.Slots.push_back({ClassJmp32 | JmpSlt | SrcReg, 1, 2, 0, 0});
      return;
    case 4:
      Branches.push_back(Slot);
      C.Slots.push_back({R.oneIn(2) ? OpGotol : OpJa, 0, 0, 0, 0});
      return;
    case 5:
      Branches.push_back(Slot);
      C.Slots.push_back({OpMayGoto, 0, 0, 0, 0});
      return;
    case 6:
      C.Slots.push_back({OpCall, 0, CallBpf, 0, -1});
      return;
    case 7: // a constant, a map or a function
      C.Slots.push_back(
          {OpLdImm64, 1, uint8_t(R.oneIn(3) ? PseudoFunc : 0), 0, ++Mark});
      C.Slots.push_back({0, 0, 0, 0, ++Mark});
      if (C.Slots[Slot].Src == PseudoFunc)
        C.Slots[Slot + 1].Imm = 0;
      else if (R.oneIn(2))
        C.Relocs.push_back({Slot * 8ull, "extern_map", "R_BPF_64_64"});
      return;
    case 8:
      C.Slots.push_back({OpExit, 0, 0, 0, 0});
      return;
    default:
      C.Slots.push_back(marker());
    }
  }

  /// Gives calls and function pointers somewhere to go: in the same section
  /// without relocation, else by the symbol of the function or of the section.
  void linkCalls(CodeSpec &C) {
    for (uint32_t S = 0; S < C.Slots.size(); S += ArrayModel::slotsAt(C, S)) {
      RawInsn &I = C.Slots[S];
      bool IsCall = I.Opcode == OpCall;
      if (!IsCall && !(I.Opcode == OpLdImm64 && I.Src == PseudoFunc))
        continue;
      const FunctionPlace &F = Functions[R.below(Functions.size())];
      if (F.Section == C.Name && R.oneIn(2)) {
        I.Imm = int32_t(F.Start) - int32_t(S) - 1;
        continue;
      }
      bool BySection = R.oneIn(2);
      I.Imm = (IsCall ? -1 : 0) + (BySection ? F.Start * (IsCall ? 1 : 8) : 0);
      I.Src = IsCall ? uint8_t(CallBpf) : 0;
      C.Relocs.push_back({S * 8ull, BySection ? F.Section + "_section" : F.Name,
                          IsCall ? "R_BPF_64_32" : "R_BPF_64_64"});
    }
    llvm::sort(C.Relocs, [](const RelocSpec &A, const RelocSpec &B) {
      return A.Offset < B.Offset;
    });
  }

  struct FunctionPlace {
    std::string Section, Name;
    uint32_t Start;
  };
  Random &R;
  ObjectSpec Spec;
  std::vector<FunctionPlace> Functions;
  int32_t Mark = 1000;
};

/// Does the same edit on both sides.
class Editor {
public:
  Editor(Random &R, ArrayModel &Model, Object &Obj)
      : R(R), Model(Model), Obj(Obj), B(Obj.Prog) {}

  void edit() {
    size_t Section = R.below(Model.Spec.Code.size());
    CodeSpec &C = Model.Spec.Code[Section];
    // The same instruction by its number on both sides.
    std::vector<uint32_t> Starts;
    for (uint32_t S = 0; S < C.Slots.size(); S += ArrayModel::slotsAt(C, S))
      Starts.push_back(S);
    uint32_t N = R.below(Starts.size());
    uint32_t At = Starts[N];
    auto [BB, I] = find(Obj.Prog.Sections[Section], N);
    // The end of a function must stay, or what follows would be run into.
    bool IsLast =
        N + 1 == Starts.size() || is_contained(C.FuncStarts, Starts[N + 1]);
    switch (R.below(5)) {
    case 0:
    case 1:
      insert(Section, At, *I);
      break;
    case 2:
      insertBranch(Section, At, *BB, *I);
      break;
    case 3:
      if (!IsLast)
        replace(Section, At, *BB, *I);
      break;
    case 4:
      if (!IsLast) {
        Model.remove(Section, At);
        B.erase(*BB, *I);
      }
      break;
    }
  }

private:
  std::pair<BasicBlock *, Insn *> find(CodeSection &S, uint32_t N) {
    for (prepatch::Function &F : S.Functions)
      for (BasicBlock &BB : F)
        for (Insn &I : BB)
          if (N-- == 0)
            return {&BB, &I};
    std::abort();
  }

  std::vector<RawInsn> newCode() {
    std::vector<RawInsn> Code;
    for (uint32_t I = 0, N = 1 + R.below(5); I < N; ++I)
      Code.push_back({OpMov64Imm, uint8_t(R.below(10)), 0, 0, --Mark});
    return Code;
  }

  void insert(size_t Section, uint32_t At, Insn &I) {
    std::vector<RawInsn> Code = newCode();
    Model.patch(Section, At, Code, true);
    B.setInsertPoint(I);
    for (const RawInsn &Raw : Code)
      B.create(Raw);
  }

  /// Code that is jumped over: new blocks in the middle of one.
  void insertBranch(size_t Section, uint32_t At, BasicBlock &BB, Insn &I) {
    std::vector<RawInsn> Code = newCode();
    int16_t Over = Code.size();
    Code.insert(Code.begin(), {ClassJmp | JmpNe, 3, 0, Over, --Mark});
    Model.patch(Section, At, Code, true);
    B.setInsertPoint(I);
    Insn *Branch = B.create(Code[0]);
    Insn *First = nullptr;
    for (const RawInsn &Raw : drop_begin(Code)) {
      Insn *New = B.create(Raw);
      First = First ? First : New;
    }
    BasicBlock &Skipped = B.splitBefore(BB, *First);
    Branch->setTarget(&B.splitBefore(Skipped, I));
  }

  void replace(size_t Section, uint32_t At, BasicBlock &BB, Insn &I) {
    std::vector<RawInsn> Code = newCode();
    Model.patch(Section, At, Code, false);
    B.setInsertPoint(I);
    for (const RawInsn &Raw : Code)
      B.create(Raw);
    B.setInsertPoint(BB);
    B.erase(BB, I);
  }

  Random &R;
  ArrayModel &Model;
  Object &Obj;
  Builder B;
  int32_t Mark = -1000;
};

/// Everything of \p Spec that an object holds, against \p Image.
void compare(const ObjectSpec &Spec, const File &Image) {
  for (const CodeSpec &C : Spec.Code) {
    EXPECT_EQ(toHex(Spec.code(C)), toHex(contents(Image, C.Name))) << C.Name;
  }
  File Expected = Spec.build();
  EXPECT_EQ(symbols(Expected), symbols(Image));
  for (const CodeSpec &C : Spec.Code)
    EXPECT_EQ(relocations(Expected, C.Name), relocations(Image, C.Name))
        << C.Name;
  EXPECT_EQ(toHex(Spec.btfExt()), toHex(contents(Image, ".BTF.ext")));
}

void runCase(uint64_t Seed) {
  Random R(Seed);
  ArrayModel Model(Generator(R).generate());
  File Input = Model.Spec.build();
  std::unique_ptr<Object> Obj = read(Input);
  ASSERT_TRUE(Obj);
  ASSERT_EQ(Obj->FrozenReason, "");
  for (CodeSection &S : Obj->Prog.Sections)
    for (prepatch::Function &F : S.Functions)
      ASSERT_EQ(F.opaqueReason(), "");
  Editor Edits(R, Model, *Obj);
  for (uint32_t I = 0, N = 1 + R.below(25); I < N; ++I)
    Edits.edit();
  compare(Model.Spec, write(*Obj));
}

TEST(ArrayModel, SameEditsSameObject) {
  if (const char *Seed = std::getenv("PREPATCH_SEED")) {
    runCase(strtoull(Seed, nullptr, 0));
    return;
  }
  const char *Cases = std::getenv("PREPATCH_CASES");
  uint64_t Count = Cases ? strtoull(Cases, nullptr, 0) : 3000;
  for (uint64_t Seed = 1; Seed <= Count; ++Seed) {
    runCase(Seed);
    if (HasFailure()) {
      std::cerr << "failed with PREPATCH_SEED=" << Seed << '\n';
      return;
    }
  }
}

} // namespace
