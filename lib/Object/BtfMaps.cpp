//===- BtfMaps.cpp - Map definitions of an object ------------------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Three kinds, as in libbpf: variables of .maps whose struct type holds the
// attributes (an integer attribute is the length of an array that a pointer
// points at), struct bpf_map_def in "maps", and the sections of global
// variables, each of which becomes an array of one entry.
//===----------------------------------------------------------------------===//

#include "Object/Btf.h"
#include "llvm/BinaryFormat/ELF.h"
#include "llvm/Support/Endian.h"
#include <bpf/btf.h>
#include <linux/bpf.h>

using namespace llvm;

namespace prepatch {

/// Bytes of a type; 0 where it has none.
static uint32_t sizeOf(const Btf &Types, uint32_t Id) {
  int64_t Size = btf__resolve_size(Types.raw(), Id);
  return Size > 0 && Size <= UINT32_MAX ? Size : 0;
}

/// The value of an integer attribute: int (*name)[value].
static uint32_t attribute(const Btf &Types, const btf_member &M) {
  const btf_type *Ptr = Types.resolve(M.type);
  if (!Ptr || !btf_is_ptr(Ptr))
    return 0;
  const btf_type *Array = Types.resolve(Ptr->type);
  return Array && btf_is_array(Array) ? btf_array(Array)->nelems : 0;
}

/// Bytes of the type that an attribute's pointer points at.
static uint32_t pointeeSize(const Btf &Types, const btf_member &M) {
  const btf_type *Ptr = Types.resolve(M.type);
  return Ptr && btf_is_ptr(Ptr) ? sizeOf(Types, Ptr->type) : 0;
}

/// The struct that describes the maps inside a map: the element of `values`,
/// an array of pointers to it. Null for arrays of programs.
static const btf_type *innerStruct(const Btf &Types, const btf_member &M) {
  const btf_type *Array = Types.resolve(M.type);
  if (!Array || !btf_is_array(Array))
    return nullptr;
  const btf_type *Ptr = Types.resolve(btf_array(Array)->type);
  const btf_type *Struct =
      Ptr && btf_is_ptr(Ptr) ? Types.resolve(Ptr->type) : nullptr;
  return Struct && btf_is_struct(Struct) ? Struct : nullptr;
}

/// Reads the attributes of \p Def; returns the struct of the maps inside it.
static const btf_type *readBtfMap(const Btf &Types, const btf_type &Struct,
                                  Map &Def) {
  const btf_type *Inner = nullptr;
  const btf_member *M = btf_members(&Struct);
  for (unsigned I = 0; I < btf_vlen(&Struct); ++I, ++M) {
    StringRef Name = Types.string(M->name_off);
    if (Name == "type")
      Def.Type = attribute(Types, *M);
    else if (Name == "max_entries")
      Def.MaxEntries = attribute(Types, *M);
    else if (Name == "map_flags")
      Def.Flags = attribute(Types, *M);
    else if (Name == "key_size")
      Def.KeySize = attribute(Types, *M);
    else if (Name == "value_size")
      Def.ValueSize = attribute(Types, *M);
    else if (Name == "key")
      Def.KeySize = pointeeSize(Types, *M);
    else if (Name == "value")
      Def.ValueSize = pointeeSize(Types, *M);
    else if (Name == "values")
      Inner = innerStruct(Types, *M);
  }
  return Inner;
}

/// Where variable \p Name of .maps stands. Offsets in BTF are 0 until a loader
/// or linker fills them in; the symbol knows.
static uint64_t offsetOf(const ElfFile &Elf, StringRef Name,
                         uint32_t BtfOffset) {
  uint32_t Section = Elf.findSection(".maps");
  for (const ElfSymbol &S : Elf.Symbols)
    if (Section && S.Section == Section && S.Name == Name)
      return S.Value;
  return BtfOffset;
}

static void readBtfMaps(const ElfFile &Elf, const Btf &Types,
                        std::deque<Map> &Maps) {
  for (uint32_t Id = 1; Id < Types.numTypes(); ++Id) {
    const btf_type *Sec = Types.type(Id);
    if (!btf_is_datasec(Sec) || Types.string(Sec->name_off) != ".maps")
      continue;
    const btf_var_secinfo *Info = btf_var_secinfos(Sec);
    for (unsigned I = 0; I < btf_vlen(Sec); ++I, ++Info) {
      const btf_type *Var = Types.type(Info->type);
      if (!Var || !btf_is_var(Var))
        continue;
      const btf_type *Struct = Types.resolve(Var->type);
      if (!Struct || !btf_is_struct(Struct))
        continue;
      Map &Def = Maps.emplace_back();
      Def.Name = Types.string(Var->name_off).str();
      Def.SectionName = ".maps";
      Def.Offset = offsetOf(Elf, Def.Name, Info->offset);
      if (const btf_type *Inner = readBtfMap(Types, *Struct, Def)) {
        Map &InnerDef = Maps.emplace_back();
        InnerDef.Name = Def.Name + ".inner"; // the name that libbpf gives it
        readBtfMap(Types, *Inner, InnerDef);
        Def.Inner = &InnerDef;
      }
    }
  }
}

/// struct bpf_map_def: type, key, value, entries, flags; later fields differ
/// from loader to loader.
static void readLegacyMaps(const ElfFile &Elf, uint32_t Index,
                           std::deque<Map> &Maps) {
  const ElfSection &S = Elf.Sections[Index];
  for (const ElfSymbol &Sym : Elf.Symbols) {
    if (Sym.Section != Index || Sym.type() == ELF::STT_SECTION ||
        Sym.Value > S.data().size() || S.data().size() - Sym.Value < 20)
      continue;
    const uint8_t *P = S.data().data() + Sym.Value;
    auto word = [&](unsigned I) {
      return support::endian::read<uint32_t>(P + 4 * I, Elf.Endian);
    };
    Maps.push_back({Sym.Name, word(0), word(1), word(2), word(3), word(4),
                    false, S.Name, Sym.Value});
  }
}

static bool isVariableSection(const ElfSection &S) {
  StringRef Name = S.Name;
  for (StringRef Base : {".data", ".rodata", ".bss", ".kconfig"})
    if (Name == Base || (Name.consume_front(Base) && Name.starts_with(".")))
      return true;
  return false;
}

Error readMaps(const ElfFile &Elf, const Btf *Types, std::deque<Map> &Maps) {
  if (Types)
    readBtfMaps(Elf, *Types, Maps);
  for (uint32_t I = 1; I < Elf.Sections.size(); ++I) {
    const ElfSection &S = Elf.Sections[I];
    if (S.Name == "maps")
      readLegacyMaps(Elf, I, Maps);
    else if (isVariableSection(S))
      Maps.push_back({S.Name, BPF_MAP_TYPE_ARRAY, 4, uint32_t(S.Size), 1,
                      StringRef(S.Name).starts_with(".rodata")
                          ? uint32_t(BPF_F_RDONLY_PROG)
                          : 0,
                      true, S.Name, 0});
  }
  return Error::success();
}

} // namespace prepatch
