//===- MapAccess.cpp - bpf() on map elements ------------------------------===//
//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One attribute block per command.
//
//===----------------------------------------------------------------------===//

#include "MapAccess.h"

#include <cerrno>
#include <cstring>

using namespace prepatch;

static int elementCall(int Cmd, int Fd, const void *Key, const void *Value) {
  bpf_attr Attr;
  memset(&Attr, 0, sizeof(Attr));
  Attr.map_fd = static_cast<uint32_t>(Fd);
  Attr.key = toU64(Key);
  Attr.value = toU64(Value);
  return static_cast<int>(bpfCall(Cmd, &Attr, sizeof(Attr)));
}

int prepatch::lookupElement(int Fd, const void *Key, void *Value) {
  return elementCall(BPF_MAP_LOOKUP_ELEM, Fd, Key, Value);
}

int prepatch::updateElement(int Fd, const void *Key, const void *Value) {
  return elementCall(BPF_MAP_UPDATE_ELEM, Fd, Key, Value);
}

int prepatch::deleteElement(int Fd, const void *Key) {
  return elementCall(BPF_MAP_DELETE_ELEM, Fd, Key, nullptr);
}

int prepatch::nextKey(int Fd, const void *Key, void *Next) {
  return elementCall(BPF_MAP_GET_NEXT_KEY, Fd, Key, Next);
}

int prepatch::popElement(int Fd, void *Value) {
  return elementCall(BPF_MAP_LOOKUP_AND_DELETE_ELEM, Fd, nullptr, Value);
}

static int batchCall(int Cmd, int Fd, const void *Keys, const void *Values,
                     uint32_t &Count) {
  // An opaque position that the kernel writes; an array's is four bytes.
  uint64_t Position = 0;
  bpf_attr Attr;
  memset(&Attr, 0, sizeof(Attr));
  Attr.batch.map_fd = static_cast<uint32_t>(Fd);
  Attr.batch.keys = toU64(Keys);
  Attr.batch.values = toU64(Values);
  Attr.batch.count = Count;
  if (Cmd == BPF_MAP_LOOKUP_BATCH)
    Attr.batch.out_batch = toU64(&Position);
  int Result = static_cast<int>(bpfCall(Cmd, &Attr, sizeof(Attr)));
  Count = Attr.batch.count;
  return Result;
}

int prepatch::updateArray(int Fd, const uint32_t *Keys, const void *Values,
                          uint32_t Count) {
  return batchCall(BPF_MAP_UPDATE_BATCH, Fd, Keys, Values, Count);
}

int prepatch::lookupArray(int Fd, uint32_t *Keys, void *Values,
                          uint32_t Count) {
  uint32_t Wanted = Count;
  int Result = batchCall(BPF_MAP_LOOKUP_BATCH, Fd, Keys, Values, Count);
  // "No more entries" is how the kernel says that it reached the end.
  if (Result == -ENOENT && Count == Wanted)
    return 0;
  return Result == 0 && Count != Wanted ? -ENOENT : Result;
}
