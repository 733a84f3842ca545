//===- Attachment.h - Records that ride on an instruction ----------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Line info, CO-RE records and relocations name an instruction by its offset
// in the file. Here they hang on the instruction itself, so that no edit can
// part them; offsets come back when the program is emitted.
//===----------------------------------------------------------------------===//
#ifndef PREPATCH_IR_ATTACHMENT_H
#define PREPATCH_IR_ATTACHMENT_H

#include <cstdint>

namespace prepatch {

class Symbol;

/// One record of .BTF.ext line_info: string offsets into .BTF, and
/// line << 10 | column.
struct LineRecord {
  uint32_t FileNameOff;
  uint32_t LineOff;
  uint32_t LineCol;

  uint32_t line() const { return LineCol >> 10; }
  uint32_t column() const { return LineCol & 0x3ff; }
  bool operator==(const LineRecord &) const = default;
};

/// One record of .BTF.ext core_relo.
struct CoreRecord {
  uint32_t TypeId;
  uint32_t AccessStrOff;
  uint32_t Kind;
};

/// An ELF relocation at the instruction. Whether the immediate is an addend,
/// and of what, depends on the instruction; see Object/Lift.cpp.
struct Relocation {
  Symbol *Sym;
  uint32_t Type;
};

/// A node of an instruction's list of records, allocated in the Program.
struct Attachment {
  enum KindType : uint8_t { Line, Core, Reloc };

  Attachment *Next = nullptr;
  KindType Kind;
  union {
    LineRecord LineInfo;
    CoreRecord CoreInfo;
    Relocation RelocInfo;
  };

  explicit Attachment(LineRecord L) : Kind(Line), LineInfo(L) {}
  explicit Attachment(CoreRecord C) : Kind(Core), CoreInfo(C) {}
  explicit Attachment(Relocation R) : Kind(Reloc), RelocInfo(R) {}
};

} // namespace prepatch

#endif
