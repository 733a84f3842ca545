//===- Program.cpp - Everything that is loaded from one object -----------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "IR/Program.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringSet.h"

using namespace llvm;

namespace prepatch {

Program::Program() = default;

Program::~Program() {
  // Nodes in the arena have no destructors to run, but an intrusive list
  // unlinks what it holds when it dies: the functions must outlive the lists.
  for (CodeSection &S : Sections)
    S.Functions.clear();
  for (auto &F : OwnedFunctions)
    F->Blocks.clear();
}

CodeSection &Program::createSection(std::string Name, bool HoldsSubprograms) {
  CodeSection &S = Sections.emplace_back();
  S.Name = std::move(Name);
  S.HoldsSubprograms = HoldsSubprograms;
  return S;
}

Function &Program::createFunction(CodeSection &Section, std::string Name) {
  OwnedFunctions.push_back(std::unique_ptr<Function>(
      new Function(*this, &Section, std::move(Name))));
  Function &F = *OwnedFunctions.back();
  Section.Functions.push_back(F);
  return F;
}

void Program::eraseFunction(Function &F) {
  F.section()->Functions.remove(F);
  for (Symbol &S : Symbols)
    if (S.Fn == &F) {
      S.Fn = nullptr;
      S.IsRemoved = true;
    }
}

std::string Program::uniqueName(const std::string &Base) const {
  StringSet<> Taken;
  for (const Symbol &S : Symbols)
    Taken.insert(S.Name);
  std::string Name = Base;
  for (unsigned N = 1; Taken.contains(Name); ++N)
    Name = Base + "_" + std::to_string(N);
  return Name;
}

Function &Program::createSubprogram(const std::string &BaseName,
                                    Signature Sig) {
  CodeSection *Text = findSection(".text");
  if (!Text)
    Text = &createSection(".text", true);
  Function &F = createFunction(*Text, uniqueName(BaseName));
  Symbol &S = Symbols.emplace_back();
  S.Name = F.name();
  S.IsGlobal = Sig.IsGlobal;
  F.setSignature(std::move(Sig));
  S.Kind = Symbol::Function;
  S.Index = ~0u;
  S.SectionName = ".text";
  S.Fn = &F;
  F.setSymbol(&S);
  return F;
}

const Map *Program::mapOf(const Insn &I) const {
  const Relocation *R = I.relocation();
  if (!R || I.kind() != InsnKind::LoadImm64)
    return nullptr;
  if (R->Sym->MapDef || R->Sym->Kind != Symbol::Section)
    return R->Sym->MapDef;
  // A static map is named by its section and an offset.
  for (const Map &M : Maps)
    if (M.SectionName == R->Sym->SectionName &&
        M.Offset == uint64_t(uint32_t(I.imm())))
      return &M;
  return nullptr;
}

CodeSection *Program::findSection(StringRef Name) {
  auto It = find_if(Sections, [&](CodeSection &S) { return S.Name == Name; });
  return It == Sections.end() ? nullptr : &*It;
}

Function *Program::findFunction(StringRef Name) {
  for (CodeSection &S : Sections)
    for (Function &F : S.Functions)
      if (F.name() == Name)
        return &F;
  return nullptr;
}

} // namespace prepatch
