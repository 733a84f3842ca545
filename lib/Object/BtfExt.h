//===- BtfExt.h - The .BTF.ext section -----------------------------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//   header | func_info | line_info | core_relo (optional)
//   each:  u32 record size, then per code section:
//          u32 section name, u32 count, records
//
// A record starts with the byte offset of its instruction in the section.
//===----------------------------------------------------------------------===//
#ifndef PREPATCH_OBJECT_BTFEXT_H
#define PREPATCH_OBJECT_BTFEXT_H

#include "Object/ElfFile.h"

namespace prepatch {

/// One record as the 32-bit words that it consists of, in host order:
/// func_info 2 words, line_info and core_relo 4.
struct BtfExtRecord {
  uint32_t InsnOff; ///< bytes
  uint32_t Words[3];
};

/// The records of one code section.
struct BtfExtGroup {
  uint32_t SectionNameOff; ///< string in .BTF
  std::vector<BtfExtRecord> Records;
};

struct BtfExtTable {
  static constexpr unsigned MaxWords = 4;
  unsigned WordsPerRecord = 0; ///< 0: the table is absent or empty
  std::vector<BtfExtGroup> Groups;
  /// Whether the record size stands there though no group follows.
  bool HasRecordSize = false;

  BtfExtGroup &groupFor(uint32_t SectionNameOff);
};

struct BtfExt {
  enum TableIndex { FuncInfo, LineInfo, CoreRelo, NumTables };
  BtfExtTable Tables[NumTables];
  unsigned HeaderBytes = 0;
  /// The header behind the three tables: clang 9 had two more, always empty.
  ByteVector MoreHeader;
  /// What follows the tables: gcc 12 leaves a record size there that belongs to
  /// no table.
  ByteVector Tail;
  /// Where each record's InsnOff stands in the section, with the section name
  /// offset of its group; filled by write(). .rel.BTF.ext lists these.
  std::vector<std::pair<uint32_t, uint32_t>> InsnOffsetFields;

  /// Tables that the header has room for; without CO-RE there are two.
  unsigned numTables() const { return HeaderBytes == 24 ? 2 : 3; }

  static llvm::Expected<BtfExt> read(llvm::ArrayRef<uint8_t> Data,
                                     llvm::endianness Endian);
  ByteVector write(llvm::endianness Endian);
};

} // namespace prepatch

#endif
