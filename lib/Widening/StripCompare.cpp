//===- StripCompare.cpp - Two object files, bit by bit -------------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Numbers of sections and symbols, and where things stand in the file, say
// nothing: writing gives other ones. All else must be equal, but for debug
// information, which writing drops.
//===----------------------------------------------------------------------===//

#include "Widening/Strip.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/BinaryFormat/ELF.h"
#include "llvm/Support/raw_ostream.h"
#include <map>
#include <set>

using namespace llvm;

namespace prepatch {

namespace {

class FileComparison {
public:
  FileComparison(const ElfFile &A, const ElfFile &B, Proof &Result)
      : A(A), B(B), Result(Result) {
    for (const FunctionProof &F : Result.Functions)
      if (F.BecameGlobal)
        Globalized.insert(F.Name);
  }

  std::optional<ProofDifference> run();

private:
  static bool isCompared(const ElfSection &S);
  static std::string describe(const ElfFile &E, const ElfSymbol &S,
                              bool IgnoreBinding);
  std::optional<ProofDifference> pairSections();
  std::optional<ProofDifference> compareData(uint32_t IA, uint32_t IB);
  std::optional<ProofDifference> compareRelocations(uint32_t IA, uint32_t IB);
  std::optional<ProofDifference> compareSymbols();
  static ProofDifference in(const ElfSection &S, const Twine &What) {
    ProofDifference D;
    D.What = ("section '" + S.Name + "': " + What).str();
    return D;
  }

  const ElfFile &A, &B;
  Proof &Result;
  std::set<std::string> Globalized;
  std::vector<std::pair<uint32_t, uint32_t>> Pairs;
  std::set<std::string> DroppedSections;
};

/// The others hold numbers and names of what is compared by itself.
bool FileComparison::isCompared(const ElfSection &S) {
  return S.Type != ELF::SHT_NULL && S.Type != ELF::SHT_SYMTAB &&
         S.Type != ELF::SHT_STRTAB && S.Type != ELF::SHT_REL &&
         S.Type != ELF::SHT_LLVM_ADDRSIG;
}

std::optional<ProofDifference> FileComparison::pairSections() {
  std::map<std::string, std::vector<uint32_t>> ByName; // last first
  for (uint32_t I = B.Sections.size(); I-- > 1;)
    if (isCompared(B.Sections[I]))
      ByName[B.Sections[I].Name].push_back(I);
  for (uint32_t I = 1; I < A.Sections.size(); ++I) {
    const ElfSection &S = A.Sections[I];
    if (!isCompared(S))
      continue;
    std::vector<uint32_t> &Same = ByName[S.Name];
    if (!Same.empty()) {
      Pairs.push_back({I, Same.back()});
      Same.pop_back();
      continue;
    }
    if (!StringRef(S.Name).starts_with(".debug_") && S.Name != ".eh_frame")
      return in(S, "missing");
    DroppedSections.insert(S.Name);
  }
  for (auto &[Name, Left] : ByName)
    if (!Left.empty())
      return in(B.Sections[Left.back()], "was not there");
  if (!DroppedSections.empty())
    Result.Notes.push_back("debug sections were dropped");
  return std::nullopt;
}

std::optional<ProofDifference> FileComparison::compareData(uint32_t IA,
                                                           uint32_t IB) {
  const ElfSection &SA = A.Sections[IA], &SB = B.Sections[IB];
  // An empty .text comes aligned to less than an instruction.
  bool SameAlign = SA.Align == SB.Align ||
                   ((SA.Flags & ELF::SHF_EXECINSTR) && SA.Align < SB.Align);
  if (SA.Type != SB.Type || SA.Flags != SB.Flags || !SameAlign ||
      SA.EntSize != SB.EntSize)
    return in(SA, "type, flags or alignment differ");
  if (SA.Type == ELF::SHT_NOBITS)
    return SA.Size == SB.Size ? std::nullopt
                              : std::optional(in(SA, "the sizes differ"));
  if (SA.data() == SB.data())
    return std::nullopt;
  if (SA.Name == ".BTF" && !Globalized.empty()) {
    Result.Notes.push_back("the types of functions that were made global "
                           "differ (.BTF)");
    return std::nullopt;
  }
  size_t At = 0, End = std::min(SA.data().size(), SB.data().size());
  while (At < End && SA.data()[At] == SB.data()[At])
    ++At;
  return in(SA, "the contents differ from byte " + Twine(At));
}

std::string FileComparison::describe(const ElfFile &E, const ElfSymbol &S,
                                     bool IgnoreBinding) {
  std::string Section = S.Section < E.Sections.size()
                            ? E.Sections[S.Section].Name
                            : "#" + std::to_string(S.Section);
  std::string Text = "'" + S.Name + "' in '" + Section + "' at " +
                     std::to_string(S.Value) + ", " + std::to_string(S.Size) +
                     " bytes, type " + std::to_string(S.type());
  if (!IgnoreBinding)
    Text += ", binding " + std::to_string(S.binding()) + ", visibility " +
            std::to_string(S.visibility());
  return Text;
}

std::optional<ProofDifference> FileComparison::compareRelocations(uint32_t IA,
                                                                  uint32_t IB) {
  auto collect = [&](const ElfFile &E, uint32_t Target) {
    std::vector<std::tuple<uint64_t, uint32_t, std::string>> All;
    if (uint32_t Rel = E.findRelocations(Target))
      for (const ElfReloc &R : E.relocations(Rel)) {
        const ElfSymbol &S = E.Symbols[R.Symbol];
        All.push_back(
            {R.Offset, R.Type, describe(E, S, Globalized.count(S.Name))});
      }
    llvm::sort(All);
    return All;
  };
  auto RA = collect(A, IA), RB = collect(B, IB);
  for (size_t N = 0; N < std::max(RA.size(), RB.size()); ++N)
    if (N >= RA.size() || N >= RB.size() || RA[N] != RB[N])
      return in(A.Sections[IA],
                "the relocations differ at byte " +
                    Twine(std::get<0>(N < RA.size() ? RA[N] : RB[N])));
  return std::nullopt;
}

std::optional<ProofDifference> FileComparison::compareSymbols() {
  auto collect = [&](const ElfFile &E) {
    std::multiset<std::string> All;
    for (const ElfSymbol &S : drop_begin(E.Symbols)) {
      if (S.Section < E.Sections.size() &&
          DroppedSections.count(E.Sections[S.Section].Name))
        continue;
      All.insert(describe(E, S, Globalized.count(S.Name)));
    }
    return All;
  };
  auto SA = collect(A), SB = collect(B);
  ProofDifference D;
  for (const std::string &S : SA)
    if (SA.count(S) != SB.count(S)) {
      D.What = "symbol " + S + " is missing or another";
      return D;
    }
  for (const std::string &S : SB)
    if (SA.count(S) != SB.count(S)) {
      D.What = "symbol " + S + " was not there";
      return D;
    }
  return std::nullopt;
}

std::optional<ProofDifference> FileComparison::run() {
  if (auto D = pairSections())
    return D;
  for (auto [IA, IB] : Pairs) {
    if (auto D = compareData(IA, IB))
      return D;
    if (auto D = compareRelocations(IA, IB))
      return D;
  }
  return compareSymbols();
}

} // namespace

Expected<Proof> proveNoOpsOnly(Object &Before, Object &After,
                               const KernelProfile &Profile) {
  Proof Result = stripNoOps(Before, After, Profile);
  if (!Result.holds())
    return Result;
  bool IsStripped = any_of(Result.Functions, [](const FunctionProof &F) {
    return !F.NoOps.empty() || !F.MayGotos.empty();
  });
  if (!IsStripped) {
    Result.Difference = FileComparison(Before.Elf, After.Elf, Result).run();
    return Result;
  }
  if (After.isFrozen())
    return createStringError("the no-ops cannot be taken out: " +
                             After.FrozenReason);
  SmallString<0> Bytes;
  raw_svector_ostream OS(Bytes);
  if (Error E = After.write(OS, /*Changed=*/true))
    return std::move(E);
  Expected<ElfFile> Written = ElfFile::read({Bytes, "what is left"});
  if (!Written)
    return Written.takeError();
  Result.Difference = FileComparison(Before.Elf, *Written, Result).run();
  return Result;
}

} // namespace prepatch
