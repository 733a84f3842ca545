//===- Lifter.h - The state of a lift ------------------------------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Internal to Lift.cpp (code) and LiftRecords.cpp (what refers to code).
//===----------------------------------------------------------------------===//
#ifndef PREPATCH_OBJECT_LIFTER_H
#define PREPATCH_OBJECT_LIFTER_H

#include "IR/Builder.h"
#include "Object/Lift.h"
#include "llvm/ADT/BitVector.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/BinaryFormat/ELF.h"

namespace prepatch {

/// A code section while it is lifted.
struct CodeMap {
  uint32_t ElfIndex;
  CodeSection *Section;
  std::vector<RawInsn> Slots;
  std::vector<Insn *> InsnAt;   ///< by slot; null for second slots
  llvm::BitVector IsTail;       ///< second slots of ld_imm64
  std::vector<Symbol *> Labels; ///< that name instructions inside functions
  /// Functions by first slot, in order.
  std::vector<std::pair<uint32_t, Function *>> Starts;
  std::vector<ElfReloc> Relocs;
  /// First relocation of each slot, as index + 1 into Relocs; 0 for none.
  std::vector<uint32_t> RelocAt;
  /// Why no code of it may move; empty if it may.
  std::string PinnedReason;

  Function *functionAt(uint64_t Slot) const {
    auto It = llvm::lower_bound(
        Starts, Slot, [](const auto &S, uint64_t V) { return S.first < V; });
    return It != Starts.end() && It->first == Slot ? It->second : nullptr;
  }
};

class Lifter {
public:
  explicit Lifter(Object &Obj)
      : Obj(Obj), Elf(Obj.Elf), Prog(Obj.Prog), B(Obj.Prog) {}

  llvm::Error run();

private:
  void liftSymbols();
  llvm::Error collectCode();
  llvm::Error decode(CodeMap &Code);
  llvm::Error collectRelocations(CodeMap &Code);
  std::vector<uint64_t> funcInfoOffsets(llvm::StringRef Name) const;
  llvm::Error findFunctions(CodeMap &Code);
  llvm::Error liftFunction(CodeMap &Code, Function &F, uint32_t Start,
                           uint32_t End);
  llvm::Error markLeaders(CodeMap &Code, Function &F, uint32_t Start,
                          uint32_t End, llvm::BitVector &Leaders);
  void createInsns(CodeMap &Code, Function &F, uint32_t Start, uint32_t End,
                   const llvm::BitVector &Leaders);
  llvm::Error resolveReference(CodeMap &Code, Function &F, Insn &I,
                               uint32_t Slot);
  llvm::Error liftJumpTables();
  llvm::Error liftDataReferences();
  llvm::Error liftBtfExt();
  void checkLines();
  void liftLicense();

  bool isCode(uint32_t ElfIndex) const {
    if (ElfIndex == 0 || ElfIndex >= Elf.Sections.size())
      return false;
    const ElfSection &S = Elf.Sections[ElfIndex];
    return S.Type == llvm::ELF::SHT_PROGBITS &&
           (S.Flags & llvm::ELF::SHF_EXECINSTR);
  }
  CodeMap *codeOf(uint32_t ElfIndex) {
    auto It = CodeByIndex.find(ElfIndex);
    return It == CodeByIndex.end() ? nullptr : &Codes[It->second];
  }
  /// The code section that \p Sym is defined in, or null.
  CodeMap *codeOf(const Symbol &Sym) {
    return Sym.Index < Elf.Symbols.size()
               ? codeOf(Elf.Symbols[Sym.Index].Section)
               : nullptr;
  }
  void freeze(const llvm::Twine &Reason) {
    if (!Obj.isFrozen())
      Obj.FrozenReason = Reason.str();
  }
  /// Some code refers to a place in \p Code by its offset alone: all of it
  /// stays where it is.
  void pin(CodeMap &Code, const llvm::Twine &Reason) {
    if (Code.PinnedReason.empty())
      Code.PinnedReason = Reason.str();
  }
  void makePinnedOpaque();
  static llvm::Error failAt(const CodeMap &Code, uint64_t Slot,
                            const llvm::Twine &What) {
    return llvm::createStringError("section '" + Code.Section->Name +
                                   "': insn " + llvm::Twine(Slot) + ": " +
                                   What);
  }

  Object &Obj;
  ElfFile &Elf;
  Program &Prog;
  Builder B;
  std::deque<CodeMap> Codes;
  llvm::DenseMap<uint32_t, size_t> CodeByIndex;
};

} // namespace prepatch

#endif
