//===- TestObject.cpp - Small objects, made in the test -------------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "TestObject.h"
#include "ISA/Disassemble.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ObjectYAML/yaml2obj.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/YAMLTraits.h"
#include <gtest/gtest.h>

using namespace llvm;

namespace prepatch::test {

namespace {
class Writer {
public:
  explicit Writer(endianness E) : Endian(E) {}
  template <class T> void put(T V) {
    size_t At = Out.size();
    Out.resize(At + sizeof(T));
    support::endian::write<T>(Out.data() + At, V, Endian);
  }
  void words(std::initializer_list<uint32_t> Vs) {
    for (uint32_t V : Vs)
      put(V);
  }
  endianness Endian;
  ByteVector Out;
};

/// The string section of the test's BTF: section names, then one string each
/// for files, source text and access strings.
struct Strings {
  explicit Strings(const ObjectSpec &Spec) {
    for (const CodeSpec &C : Spec.Code)
      add(C.Name);
    FileName = add("file.c");
    Source = add("source text");
    Access = add("0:1");
    Func = add("fn");
  }
  uint32_t add(StringRef S) {
    uint32_t Off = Text.size();
    Text += S;
    Text += '\0';
    return Off;
  }
  uint32_t offsetOf(StringRef S) const {
    return Text.find(std::string("\0", 1) + S.str() + std::string("\0", 1)) + 1;
  }
  std::string Text = std::string(1, '\0');
  uint32_t FileName, Source, Access, Func;
};
} // namespace

ByteVector ObjectSpec::code(const CodeSpec &C) const {
  ByteVector Out(C.Slots.size() * SlotBytes);
  for (size_t I = 0; I < C.Slots.size(); ++I)
    encodeSlot(C.Slots[I], Out.data() + I * SlotBytes, Endian);
  return Out;
}

// Type 1 is a prototype, type 2 + n the FUNC of the n-th func_info.
ByteVector ObjectSpec::btf() const {
  Strings S(*this);
  Writer Types(Endian);
  Types.words({0, 13u << 24, 0}); // FUNC_PROTO of no parameters
  for (const CodeSpec &C : Code)
    for (size_t I = 0; I < C.FuncStarts.size(); ++I)
      Types.words({S.Func, 12u << 24, 1}); // FUNC
  Writer W(Endian);
  W.put<uint16_t>(0xeb9f);
  W.put<uint16_t>(1); // version 1, flags 0: bytes 1 and 0
  if (Endian == endianness::big)
    std::swap(W.Out[2], W.Out[3]);
  W.words({24, 0, uint32_t(Types.Out.size()), uint32_t(Types.Out.size()),
           uint32_t(S.Text.size())});
  W.Out.append(Types.Out.begin(), Types.Out.end());
  W.Out.append(S.Text.begin(), S.Text.end());
  return W.Out;
}

ByteVector ObjectSpec::btfExt() const {
  Strings S(*this);
  Writer Tables[3] = {Writer(Endian), Writer(Endian), Writer(Endian)};
  uint32_t Id = 2;
  Tables[0].put<uint32_t>(8);
  Tables[1].put<uint32_t>(16);
  Tables[2].put<uint32_t>(16);
  for (const CodeSpec &C : Code) {
    uint32_t Name = S.offsetOf(C.Name);
    if (!C.FuncStarts.empty())
      Tables[0].words({Name, uint32_t(C.FuncStarts.size())});
    for (uint32_t Slot : C.FuncStarts)
      Tables[0].words({Slot * 8, Id++});
    if (!C.Lines.empty())
      Tables[1].words({Name, uint32_t(C.Lines.size())});
    for (const LineSpec &L : C.Lines)
      Tables[1].words({L.Slot * 8, S.FileName, S.Source, L.Line << 10 | 1});
    if (!C.Cores.empty())
      Tables[2].words({Name, uint32_t(C.Cores.size())});
    for (const CoreSpec &R : C.Cores)
      Tables[2].words({R.Slot * 8, 1, S.Access, R.Kind});
  }
  Writer W(Endian);
  W.put<uint16_t>(0xeb9f);
  W.Out.push_back(1);
  W.Out.push_back(0);
  W.put<uint32_t>(32);
  uint32_t Off = 0;
  for (const Writer &T : Tables) {
    W.words({Off, uint32_t(T.Out.size())});
    Off += T.Out.size();
  }
  for (const Writer &T : Tables)
    W.Out.append(T.Out.begin(), T.Out.end());
  return W.Out;
}

static std::string inQuotes(StringRef S) { return "'" + S.str() + "'"; }

static void addSection(raw_ostream &OS, StringRef Name, StringRef Flags,
                       ArrayRef<uint8_t> Bytes) {
  OS << "  - Name: " << inQuotes(Name) << "\n    Type: SHT_PROGBITS\n"
     << "    Flags: [ " << Flags << " ]\n    AddressAlign: 8\n"
     << "    Content: '" << toHex(Bytes) << "'\n";
}

static void addRelocations(raw_ostream &OS, StringRef Name,
                           ArrayRef<RelocSpec> Relocs) {
  if (Relocs.empty())
    return;
  OS << "  - Name: " << inQuotes((".rel" + Name).str())
     << "\n    Type: SHT_REL\n    Info: " << inQuotes(Name)
     << "\n    Relocations:\n";
  for (const RelocSpec &R : Relocs)
    OS << "      - { Offset: " << R.Offset << ", Symbol: " << inQuotes(R.Symbol)
       << ", Type: " << R.Type << " }\n";
}

File ObjectSpec::build() const {
  std::string Yaml;
  raw_string_ostream OS(Yaml);
  bool AnyExt = false;
  OS << "--- !ELF\nFileHeader:\n  Class: ELFCLASS64\n  Data: "
     << (Endian == endianness::little ? "ELFDATA2LSB" : "ELFDATA2MSB")
     << "\n  Type: ET_REL\n  Machine: EM_BPF\nSections:\n";
  for (const CodeSpec &C : Code) {
    addSection(OS, C.Name, "SHF_ALLOC, SHF_EXECINSTR", code(C));
    AnyExt |= !C.FuncStarts.empty() || !C.Lines.empty() || !C.Cores.empty();
  }
  for (const CodeSpec &C : Code)
    addRelocations(OS, C.Name, C.Relocs);
  for (const DataSpec &D : Data) {
    addSection(OS, D.Name, "SHF_ALLOC, SHF_WRITE", D.Bytes);
    addRelocations(OS, D.Name, D.Relocs);
  }
  if (AnyExt) {
    addSection(OS, ".BTF", "", btf());
    addSection(OS, ".BTF.ext", "", btfExt());
  }
  OS << "Symbols:\n";
  for (bool Local : {true, false})
    for (const SymbolSpec &S : Symbols) {
      if ((S.Binding == "STB_LOCAL") != Local)
        continue;
      OS << "  - { Name: " << inQuotes(S.Name) << ", Type: " << S.Type
         << ", Binding: " << S.Binding << ", Value: " << S.Value
         << ", Size: " << S.Size;
      if (!S.Section.empty())
        OS << ", Section: " << inQuotes(S.Section);
      OS << " }\n";
    }
  OS << "...\n";
  File Out;
  raw_svector_ostream Stream(Out);
  yaml::Input In(Yaml);
  if (!yaml::convertYAML(In, Stream,
                         [](const Twine &Text) { errs() << Text << '\n'; })) {
    errs() << Yaml;
    std::abort();
  }
  return Out;
}

std::unique_ptr<Object> read(const File &Image) {
  auto Obj = Object::read(MemoryBufferRef(Image, "test.o"));
  if (!Obj) {
    ADD_FAILURE() << toString(Obj.takeError());
    return nullptr;
  }
  return std::move(*Obj);
}

File write(Object &Obj) {
  File Out;
  raw_svector_ostream OS(Out);
  if (Error E = Obj.write(OS, true)) {
    ADD_FAILURE() << toString(std::move(E));
    return {};
  }
  return Out;
}

std::string writeError(Object &Obj) {
  File Out;
  raw_svector_ostream OS(Out);
  Error E = Obj.write(OS, true);
  return E ? toString(std::move(E)) : "";
}

static ElfFile parse(const File &Image) {
  auto Elf = ElfFile::read(MemoryBufferRef(Image, "test.o"));
  if (!Elf) {
    ADD_FAILURE() << toString(Elf.takeError());
    return {};
  }
  return std::move(*Elf);
}

ByteVector contents(const File &Image, StringRef Name) {
  ElfFile Elf = parse(Image);
  uint32_t Index = Elf.findSection(Name);
  if (!Index)
    return {};
  ArrayRef<uint8_t> Data = Elf.Sections[Index].data();
  return ByteVector(Data.begin(), Data.end());
}

std::vector<std::string> symbols(const File &Image) {
  std::vector<std::string> Out;
  ElfFile Elf = parse(Image);
  for (size_t I = 1; I < Elf.Symbols.size(); ++I) {
    const ElfSymbol &S = Elf.Symbols[I];
    std::string Section =
        S.Section < Elf.Sections.size() ? Elf.Sections[S.Section].Name : "?";
    Out.push_back(
        (S.Name + " " + Section + " " + Twine(S.Value) + " " + Twine(S.Size))
            .str());
  }
  return Out;
}

std::vector<std::string> relocations(const File &Image, StringRef Name) {
  std::vector<std::string> Out;
  ElfFile Elf = parse(Image);
  uint32_t Rel = Elf.findRelocations(Elf.findSection(Name));
  if (!Rel)
    return Out;
  for (const ElfReloc &R : Elf.relocations(Rel)) {
    const ElfSymbol &S = Elf.Symbols[R.Symbol];
    std::string SymbolName =
        S.Name.empty() ? Elf.Sections[S.Section].Name : S.Name;
    Out.push_back(
        (Twine(R.Offset) + " " + SymbolName + " " + Twine(R.Type)).str());
  }
  return Out;
}

std::string listing(const File &Image, StringRef Name) {
  ElfFile Elf = parse(Image);
  ArrayRef<uint8_t> Data = Elf.Sections[Elf.findSection(Name)].data();
  std::string Text;
  raw_string_ostream OS(Text);
  for (size_t At = 0; At + 8 <= Data.size(); At += 8) {
    RawInsn I = decodeSlot(Data.data() + At, Elf.Endian);
    InsnKind Kind = classify(I);
    int32_t High = 0;
    if (Kind == InsnKind::LoadImm64 && At + 16 <= Data.size()) {
      At += 8;
      High = decodeSlot(Data.data() + At, Elf.Endian).Imm;
    }
    disassemble(OS, I, Kind, High);
    OS << '\n';
  }
  return Text;
}

} // namespace prepatch::test
