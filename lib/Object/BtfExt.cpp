//===- BtfExt.cpp - The .BTF.ext section ---------------------------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Object/BtfExt.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/Endian.h"

using namespace llvm;

namespace prepatch {

static constexpr uint16_t Magic = 0xeb9f;
static constexpr unsigned ShortHeader = 24; // without core_relo
static constexpr unsigned FullHeader = 32;
static constexpr unsigned RecordWords[BtfExt::NumTables] = {2, 4, 4};
static const char *const TableNames[BtfExt::NumTables] = {
    "func_info", "line_info", "core_relo"};

BtfExtGroup &BtfExtTable::groupFor(uint32_t SectionNameOff) {
  for (BtfExtGroup &G : Groups)
    if (G.SectionNameOff == SectionNameOff)
      return G;
  return Groups.emplace_back(BtfExtGroup{SectionNameOff, {}});
}

static Error failIn(const char *Table, const Twine &What) {
  return createStringError(Twine(Table) + ": " + What);
}

static Error readTable(BtfExtTable &T, unsigned Index, ArrayRef<uint8_t> Data,
                       endianness Endian) {
  const char *Name = TableNames[Index];
  auto word = [&](size_t At) {
    return support::endian::read<uint32_t>(Data.data() + At, Endian);
  };
  if (Data.empty())
    return Error::success();
  if (Data.size() < 4)
    return failIn(Name, "too short for a record size");
  unsigned RecordBytes = word(0);
  if (RecordBytes != RecordWords[Index] * 4)
    return failIn(Name, "records of " + Twine(RecordBytes) +
                            " bytes, expected " +
                            Twine(RecordWords[Index] * 4));
  T.WordsPerRecord = RecordWords[Index];
  T.HasRecordSize = true;
  size_t At = 4;
  while (At < Data.size()) {
    if (Data.size() - At < 8)
      return failIn(Name, "truncated section header at offset " + Twine(At));
    BtfExtGroup &G = T.Groups.emplace_back();
    G.SectionNameOff = word(At);
    uint32_t Count = word(At + 4);
    At += 8;
    if (Count > (Data.size() - At) / RecordBytes)
      return failIn(Name, Twine(Count) + " records of a section, but only " +
                              Twine((Data.size() - At) / RecordBytes) +
                              " follow");
    G.Records.resize(Count);
    for (BtfExtRecord &R : G.Records) {
      R.InsnOff = word(At);
      for (unsigned W = 1; W < T.WordsPerRecord; ++W)
        R.Words[W - 1] = word(At + 4 * W);
      At += RecordBytes;
    }
  }
  return Error::success();
}

Expected<BtfExt> BtfExt::read(ArrayRef<uint8_t> Data, endianness Endian) {
  auto word = [&](size_t At) {
    return support::endian::read<uint32_t>(Data.data() + At, Endian);
  };
  if (Data.size() < ShortHeader)
    return createStringError("too short for a header (" + Twine(Data.size()) +
                             " bytes)");
  if (support::endian::read<uint16_t>(Data.data(), Endian) != Magic)
    return createStringError("wrong magic number");
  BtfExt Ext;
  Ext.HeaderBytes = word(4);
  if (Ext.HeaderBytes != ShortHeader &&
      (Ext.HeaderBytes < FullHeader || Ext.HeaderBytes % 8))
    return createStringError("header of " + Twine(Ext.HeaderBytes) +
                             " bytes, expected " + Twine(ShortHeader) +
                             ", or a multiple of 8 from " + Twine(FullHeader));
  if (Data.size() < Ext.HeaderBytes)
    return createStringError("truncated header");
  for (size_t At = FullHeader; At < Ext.HeaderBytes; At += 8)
    if (word(At + 4))
      return createStringError("unknown table of " + Twine(word(At + 4)) +
                               " bytes in the header at offset " + Twine(At));
  if (Ext.HeaderBytes > FullHeader)
    Ext.MoreHeader.assign(Data.begin() + FullHeader,
                          Data.begin() + Ext.HeaderBytes);
  ArrayRef<uint8_t> Body = Data.drop_front(Ext.HeaderBytes);
  unsigned Count = Ext.numTables();
  uint64_t End = 0;
  for (unsigned I = 0; I < Count; ++I) {
    uint64_t Off = word(8 + 8 * I), Length = word(12 + 8 * I);
    if (Off + Length > Body.size())
      return failIn(TableNames[I],
                    "bytes " + Twine(Off) + " to " + Twine(Off + Length) +
                        " are past the end (" + Twine(Body.size()) + ")");
    if (Error E = readTable(Ext.Tables[I], I, Body.slice(Off, Length), Endian))
      return std::move(E);
    End = std::max(End, Off + Length);
  }
  ArrayRef<uint8_t> Tail = Body.drop_front(End);
  Ext.Tail.assign(Tail.begin(), Tail.end());
  return std::move(Ext);
}

ByteVector BtfExt::write(endianness Endian) {
  ByteVector Out(HeaderBytes, 0);
  InsnOffsetFields.clear();
  auto put = [&](uint32_t V) {
    size_t At = Out.size();
    Out.resize(At + 4);
    support::endian::write<uint32_t>(Out.data() + At, V, Endian);
  };
  auto setHeader = [&](size_t At, uint32_t V) {
    support::endian::write<uint32_t>(Out.data() + At, V, Endian);
  };
  support::endian::write<uint16_t>(Out.data(), Magic, Endian);
  Out[2] = 1; // version
  setHeader(4, HeaderBytes);
  copy(MoreHeader, Out.begin() + HeaderBytes - MoreHeader.size());
  unsigned Count = numTables();
  for (unsigned I = 0; I < Count; ++I) {
    const BtfExtTable &T = Tables[I];
    size_t Start = Out.size();
    if (T.HasRecordSize)
      put(RecordWords[I] * 4);
    for (const BtfExtGroup &G : T.Groups) {
      put(G.SectionNameOff);
      put(G.Records.size());
      for (const BtfExtRecord &R : G.Records) {
        InsnOffsetFields.push_back({uint32_t(Out.size()), G.SectionNameOff});
        put(R.InsnOff);
        for (unsigned W = 1; W < T.WordsPerRecord; ++W)
          put(R.Words[W - 1]);
      }
    }
    setHeader(8 + 8 * I, Start - HeaderBytes);
    setHeader(12 + 8 * I, Out.size() - Start);
  }
  Out.append(Tail.begin(), Tail.end());
  return Out;
}

} // namespace prepatch
