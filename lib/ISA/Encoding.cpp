//===- Encoding.cpp - One instruction slot as bytes ----------------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "ISA/Encoding.h"
#include "llvm/Support/Endian.h"

using namespace llvm;

namespace prepatch {

RawInsn decodeSlot(const uint8_t *Bytes, endianness Endian) {
  RawInsn I;
  I.Opcode = Bytes[0];
  uint8_t Low = Bytes[1] & 0xf, High = Bytes[1] >> 4;
  bool Little = Endian == endianness::little;
  I.Dst = Little ? Low : High;
  I.Src = Little ? High : Low;
  I.Off = support::endian::read<int16_t>(Bytes + 2, Endian);
  I.Imm = support::endian::read<int32_t>(Bytes + 4, Endian);
  return I;
}

void encodeSlot(const RawInsn &I, uint8_t *Bytes, endianness Endian) {
  Bytes[0] = I.Opcode;
  bool Little = Endian == endianness::little;
  Bytes[1] = Little ? (I.Src << 4 | I.Dst) : (I.Dst << 4 | I.Src);
  support::endian::write<int16_t>(Bytes + 2, I.Off, Endian);
  support::endian::write<int32_t>(Bytes + 4, I.Imm, Endian);
}

} // namespace prepatch
