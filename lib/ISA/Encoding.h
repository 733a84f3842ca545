//===- Encoding.h - One instruction slot as bytes ------------------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Bytes <-> fields of one 8-byte slot, for little and big endian objects.
//
//   byte   0        1          2..3     4..7
//        +--------+----------+--------+---------+
//        | opcode | src  dst | offset |   imm   |   little endian: dst is the
//        +--------+----------+--------+---------+   low nibble, big: the high
//===----------------------------------------------------------------------===//
#ifndef PREPATCH_ISA_ENCODING_H
#define PREPATCH_ISA_ENCODING_H

#include "llvm/ADT/bit.h"
#include <cstdint>

namespace prepatch {

/// One slot. An ld_imm64 takes two of them.
struct RawInsn {
  uint8_t Opcode = 0;
  uint8_t Dst = 0; ///< 0 to 15: what the nibble holds, valid register or not
  uint8_t Src = 0;
  int16_t Off = 0;
  int32_t Imm = 0;

  bool operator==(const RawInsn &) const = default;
};

/// Decodes the 8 bytes at \p Bytes.
RawInsn decodeSlot(const uint8_t *Bytes, llvm::endianness Endian);

/// Writes the 8 bytes of \p Insn to \p Bytes.
void encodeSlot(const RawInsn &Insn, uint8_t *Bytes, llvm::endianness Endian);

} // namespace prepatch

#endif
