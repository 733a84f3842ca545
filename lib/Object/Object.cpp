//===- Object.cpp - A BPF object, in and out -----------------------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Object/Object.h"
#include "Object/Emit.h"
#include "Object/Lift.h"
#include "Object/Relax.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/BinaryFormat/ELF.h"

using namespace llvm;

namespace prepatch {

/// Puts "<section>: " before the text of an error.
static Error inSection(StringRef Section, Error E) {
  return createStringError("section '" + Section +
                           "': " + toString(std::move(E)));
}

Expected<std::unique_ptr<Object>> Object::read(MemoryBufferRef Buffer) {
  std::unique_ptr<Object> Obj(new Object);
  auto Elf = ElfFile::read(Buffer);
  if (!Elf)
    return Elf.takeError();
  Obj->Elf = std::move(*Elf);
  if (uint32_t Index = Obj->Elf.findSection(".BTF")) {
    auto Types = Btf::read(Obj->Elf.Sections[Index].data());
    if (!Types)
      return inSection(".BTF", Types.takeError());
    Obj->Types.emplace(std::move(*Types));
  }
  if (uint32_t Index = Obj->Elf.findSection(".BTF.ext")) {
    auto Ext = BtfExt::read(Obj->Elf.Sections[Index].data(), Obj->Elf.Endian);
    if (!Ext)
      return inSection(".BTF.ext", Ext.takeError());
    if (Obj->Types)
      Obj->Ext = std::move(*Ext);
    else
      Obj->FrozenReason = ".BTF.ext without .BTF";
  }
  if (Error E = lift(*Obj))
    return std::move(E);
  if (!Obj->isFrozen()) {
    auto Image = emit(*Obj);
    std::string Where;
    if (!Image)
      Obj->FrozenReason = toString(Image.takeError());
    else if (!isIdentical(*Obj, *Image, Where))
      Obj->FrozenReason = "section '" + Where +
                          "' would change by being read and written alone";
  }
  return std::move(Obj);
}

/// .debug_* holds addresses of code all over. BTF is what kernel and llvm-
/// objdump -S use, and that is kept up to date.
void Object::dropStaleDebugInfo() {
  bool Dropped = false;
  for (uint32_t I = 1; I < Elf.Sections.size(); ++I) {
    const ElfSection &S = Elf.Sections[I];
    StringRef Name = S.Name;
    // By type too: a name proves nothing about what a broken file keeps there.
    if (S.Type != ELF::SHT_PROGBITS || (S.Flags & ELF::SHF_EXECINSTR))
      continue;
    if (Name.starts_with(".debug_") || Name == ".eh_frame") {
      Elf.removeSection(I);
      Dropped = true;
    }
  }
  if (Dropped)
    Notes.push_back("dropped .debug_* sections: they describe the code before "
                    "lowering (source lines stay in .BTF.ext)");
}

Error Object::write(raw_ostream &OS, bool Changed) {
  if (Changed && isFrozen())
    return createStringError("a frozen object was changed: " + FrozenReason);
  if (Changed) {
    relaxBranches(Prog, {usesCpuV4(Prog)});
    for (CodeSection &S : Prog.Sections)
      for (Function &F : S.Functions) {
        if (!F.signature() || F.btfId() || !Ext ||
            Ext->Tables[BtfExt::FuncInfo].Groups.empty())
          continue;
        auto Id = Types->addFunction(F.name(), *F.signature());
        if (!Id)
          return Id.takeError();
        F.setBtfId(*Id);
      }
    auto Image = emit(*this);
    if (!Image)
      return Image.takeError();
    dropStaleDebugInfo();
    if (Error E = install(*this, std::move(*Image)))
      return E;
  }
  return Elf.write(OS);
}

} // namespace prepatch
