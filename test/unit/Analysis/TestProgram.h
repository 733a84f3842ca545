//===- TestProgram.h - Small programs for the tests of the analyses ------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A Program under construction, with the few shapes that the tests need.
//===----------------------------------------------------------------------===//
#ifndef PREPATCH_TEST_UNIT_ANALYSIS_TESTPROGRAM_H
#define PREPATCH_TEST_UNIT_ANALYSIS_TESTPROGRAM_H

#include "Analysis/PatchSites.h"
#include "IR/Builder.h"
#include "gtest/gtest.h"

namespace prepatch {

enum : int32_t {
  HelperMapLookup = 1,
  HelperKtime = 5,
  HelperCpu = 8,
  HelperStoreBytes = 9,
  HelperTailCall = 12,
  HelperLoop = 181,
};

inline const KernelProfile &testProfile() {
  static const KernelProfile Profile =
      llvm::cantFail(KernelProfile::builtin("linux-6.18-x86_64"));
  return Profile;
}

class TestProgram {
public:
  Program P;
  Builder B{P};

  /// The only entry function of a section of that name.
  Function &entry(const char *Section, const char *Name = "prog") {
    return function(P.createSection(Section, false), Name, true);
  }
  /// A subprogram in .text.
  Function &subprogram(const char *Name, bool Global = false) {
    CodeSection *Text = P.findSection(".text");
    if (!Text)
      Text = &P.createSection(".text", true);
    return function(*Text, Name, Global);
  }
  /// A new block at the end of \p F; code goes there.
  BasicBlock &block(Function &F) {
    BasicBlock &BB = B.createBlock(F);
    B.setInsertPoint(BB);
    return BB;
  }
  Symbol &map(const char *Name, uint32_t Type, uint32_t Flags = 0) {
    Map &M = P.Maps.emplace_back();
    M.Name = Name;
    M.Type = Type;
    M.KeySize = 4;
    M.ValueSize = 8;
    M.MaxEntries = 16;
    M.Flags = Flags;
    Symbol &S = P.Symbols.emplace_back();
    S.Name = Name;
    S.Kind = Symbol::Data;
    S.MapDef = &M;
    return S;
  }
  Insn *loadMap(unsigned Reg, Symbol &S) { return B.loadSymbol(Reg, {&S, 1}); }
  Insn *loadFunction(unsigned Reg, Function &F) {
    Insn *I = B.create({OpLdImm64, uint8_t(Reg), 0, 0, 0});
    Builder::makeFunctionPointer(*I, &F);
    return I;
  }
  /// A call of a kernel function.
  Insn *callKfunc(const char *Name) {
    Symbol &S = P.Symbols.emplace_back();
    S.Name = Name;
    S.Kind = Symbol::Undefined;
    Insn *I = B.create({OpCall, 0, CallBpf, 0, -1});
    B.attach(*I, Relocation{&S, 10});
    return I;
  }
  Insn *mayGoto(BasicBlock &Target) {
    Insn *I = B.create({OpMayGoto, 0, 0, 0, 0});
    I->setTarget(&Target);
    return I;
  }
  /// w0 = 0; exit
  void returnZero() {
    B.movImm(0, 0);
    B.exit();
  }
  /// Looks up the key at r10 - 4 in \p S.
  Insn *lookup(Symbol &S) {
    B.movReg(2, RegFp);
    B.aluImm(AluAdd, 2, -4);
    loadMap(1, S);
    return B.callHelper(HelperMapLookup);
  }

private:
  Function &function(CodeSection &S, const char *Name, bool Global) {
    Function &F = P.createFunction(S, Name);
    Symbol &Sym = P.Symbols.emplace_back();
    Sym.Name = Name;
    Sym.Kind = Symbol::Function;
    Sym.IsGlobal = Global;
    Sym.Fn = &F;
    F.setSymbol(&Sym);
    return F;
  }
};

/// All analyses of a program that is complete.
struct Analysed {
  explicit Analysed(TestProgram &T)
      : Graph(T.P), Kinds(Graph, testProfile()), Sites(Kinds, testProfile()) {}

  std::string before(BasicBlock &BB, Insn *I, unsigned Reg) const {
    return describe(Kinds.stateBefore(BB, *I)[Reg]);
  }
  /// "context-read+1 division+3": the sites of \p F.
  std::string sites(Function &F) const {
    std::string S;
    for (const PatchSite &Site : Sites.sites(F)) {
      if (!S.empty())
        S += " ";
      S += siteKindName(Site.Kind);
      S += (Site.Grows > 0 ? "+" : "") + std::to_string(Site.Grows);
    }
    return S;
  }
  PatchTotals totals(unsigned Program = 0) const {
    return Sites.totals(Graph.loadedPrograms()[Program]);
  }

  CallGraph Graph;
  RegKinds Kinds;
  PatchSites Sites;
};

} // namespace prepatch

#endif
