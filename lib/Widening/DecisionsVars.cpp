//===- DecisionsVars.cpp - Names of local variables, by DWARF ------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The sections are read as they are in the file: BPF objects have REL
// relocations, whose addends, offsets in sections, stand in place. That is all
// that is needed, as functions are found by name.
//===----------------------------------------------------------------------===//

#include "Widening/DecisionsVars.h"
#include "llvm/BinaryFormat/ELF.h"
#include "llvm/DebugInfo/DWARF/DWARFContext.h"
#include "llvm/DebugInfo/DWARF/DWARFDie.h"
#include "llvm/DebugInfo/DWARF/LowLevel/DWARFExpression.h"
#include "llvm/Support/MemoryBuffer.h"

using namespace llvm;

namespace prepatch {

DecisionsVars::DecisionsVars(const Object &Obj) : Obj(Obj) {}
DecisionsVars::~DecisionsVars() = default;

void DecisionsVars::open() {
  Opened = true;
  if (!Obj.Elf.findSection(".debug_info"))
    return;
  for (const ElfSection &S : Obj.Elf.Sections) {
    StringRef Name = S.Name;
    // A compressed section is not worth the effort.
    if (!Name.consume_front(".debug_") || S.Type != ELF::SHT_PROGBITS ||
        (S.Flags & ELF::SHF_COMPRESSED))
      continue;
    Sections.try_emplace(
        ("debug_" + Name).str(),
        MemoryBuffer::getMemBuffer(toStringRef(S.data()), S.Name,
                                   /*RequiresNullTerminator=*/false));
  }
  // Bad debug info is no reason to say anything: names are an extra.
  auto Ignore = [](Error E) { consumeError(std::move(E)); };
  Dwarf = DWARFContext::create(Sections, /*AddrSize=*/8,
                               Obj.Elf.Endian == endianness::little, Ignore,
                               Ignore);
  for (const std::unique_ptr<DWARFUnit> &U : Dwarf->compile_units())
    for (DWARFDie Die : U->getUnitDIE(/*ExtractUnitDIEOnly=*/false).children())
      if (Die.getTag() == dwarf::DW_TAG_subprogram)
        if (const char *Name = Die.getName(DINameKind::ShortName))
          Dies[Name].push_back(Die);
}

/// The location that \p Expr is, if it is simply one.
static std::optional<Location> simpleLocation(ArrayRef<uint8_t> Expr,
                                              bool IsLittle) {
  DataExtractor Data(toStringRef(Expr), IsLittle, /*AddressSize=*/8);
  DWARFExpression E(Data, /*AddressSize=*/8);
  auto It = E.begin();
  if (It == E.end() || It->isError() || It->getEndOffset() != Expr.size())
    return std::nullopt;
  uint8_t Code = It->getCode();
  if (Code >= dwarf::DW_OP_reg0 && Code < dwarf::DW_OP_reg10)
    return Location::reg(Code - dwarf::DW_OP_reg0);
  // The frame base is r10.
  if (Code != dwarf::DW_OP_breg10 && Code != dwarf::DW_OP_fbreg)
    return std::nullopt;
  int64_t Off = int64_t(It->getRawOperand(0));
  if (Off >= 0 || Off < -512 || Off % 8)
    return std::nullopt;
  return Location::slot(int16_t(Off));
}

void DecisionsVars::readVariables(const DWARFDie &Scope, uint64_t Begin,
                                  uint64_t End, uint64_t Base,
                                  std::vector<Range> &To) {
  bool IsLittle = Obj.Elf.Endian == endianness::little;
  for (DWARFDie Die : Scope.children()) {
    dwarf::Tag Tag = Die.getTag();
    if (Tag == dwarf::DW_TAG_lexical_block ||
        Tag == dwarf::DW_TAG_inlined_subroutine) {
      uint64_t Low, High, Section;
      if (Die.getLowAndHighPC(Low, High, Section) && Low >= Base)
        readVariables(Die, Low - Base, High - Base, Base, To);
      else
        readVariables(Die, Begin, End, Base, To);
      continue;
    }
    if (Tag != dwarf::DW_TAG_variable && Tag != dwarf::DW_TAG_formal_parameter)
      continue;
    const char *Name = Die.getName(DINameKind::ShortName);
    if (!Name)
      continue;
    auto Locations = Die.getLocations(dwarf::DW_AT_location);
    if (!Locations) {
      consumeError(Locations.takeError());
      continue;
    }
    for (const DWARFLocationExpression &L : *Locations) {
      auto Where = simpleLocation(L.Expr, IsLittle);
      if (!Where || (L.Range && L.Range->LowPC < Base))
        continue;
      To.push_back({L.Range ? L.Range->LowPC - Base : Begin,
                    L.Range ? L.Range->HighPC - Base : End, *Where, Name});
    }
  }
}

std::vector<StringRef> DecisionsVars::namesAt(const Function &F,
                                              uint32_t LocalIndex, Location L) {
  if (!Opened)
    open();
  auto [It, New] = Ranges.try_emplace(&F);
  if (New && Dwarf) {
    auto Found = Dies.find(F.name());
    if (Found != Dies.end())
      for (const DWARFDie &Die : Found->second) {
        uint64_t Low, High, Section;
        if (Die.getLowAndHighPC(Low, High, Section))
          readVariables(Die, 0, High - Low, Low, It->second);
      }
  }
  std::vector<StringRef> Names;
  uint64_t At = uint64_t(LocalIndex) * SlotBytes;
  for (const Range &R : It->second)
    if (R.Where == L && R.Begin <= At && At < R.End)
      Names.push_back(R.Name);
  return Names;
}

} // namespace prepatch
