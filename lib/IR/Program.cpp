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
  OwnedFunctions.push_back(
      std::unique_ptr<Function>(new Function(*this, &Section, std::move(Name))));
  Function &F = *OwnedFunctions.back();
  Section.Functions.push_back(F);
  return F;
}

void Program::eraseFunction(Function &F) {
  F.section()->Functions.remove(F);
  if (Symbol *S = F.symbol())
    S->Fn = nullptr;
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
