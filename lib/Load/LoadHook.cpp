//===- LoadHook.cpp - what happens to libbpf's calls ----------------------===//
//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// libbpf probes the kernel by loading tiny programs at any moment, so a load is
// taken for the program under test only if it is the next one in the object's
// order and carries its name.
//
//===----------------------------------------------------------------------===//

#include "LoadHook.h"

#include <cerrno>
#include <cstring>

using namespace prepatch;

LoadHook::LoadHook(std::vector<std::string> ExpectedNames, uint32_t MaxEntries)
    : Expected(std::move(ExpectedNames)), Loads(Expected.size()),
      StandIns(Expected.size(), -1), MaxEntries(MaxEntries) {}

bool LoadHook::onCall(int Cmd, void *Data, unsigned Size, long &Result) {
  bpf_attr &Attr = *static_cast<bpf_attr *>(Data);
  switch (Cmd) {
  case BPF_PROG_LOAD:
    return captureProgram(Attr, Size, Result);
  case BPF_MAP_CREATE:
    return createMap(Attr, Size, Result);
  case BPF_MAP_UPDATE_ELEM:
    return fillSlot(Attr, Result);
  default:
    return false;
  }
}

bool LoadHook::captureProgram(const bpf_attr &Attr, unsigned Size,
                              long &Result) {
  std::string Name(Attr.prog_name,
                   strnlen(Attr.prog_name, sizeof(Attr.prog_name)));
  if (Name.empty())
    return false;
  for (size_t I = Next; I != Expected.size(); ++I) {
    if (Expected[I].empty() ||
        Expected[I].substr(0, BPF_OBJ_NAME_LEN - 1) != Name)
      continue;
    // Without the real load, libbpf neither spends time nor sees a refusal, and
    // keeps the maps that the captured instructions name.
    Loads[I] = std::make_unique<PreparedLoad>(&Attr, Size);
    Result = loadTrivialProgram();
    StandIns[I] = static_cast<int>(Result);
    Next = I + 1;
    return true;
  }
  return false;
}

/// Where fewer entries change how much fits, not what the program means.
static bool canShrink(uint32_t Type) {
  switch (Type) {
  case BPF_MAP_TYPE_HASH:
  case BPF_MAP_TYPE_ARRAY:
  case BPF_MAP_TYPE_PERCPU_HASH:
  case BPF_MAP_TYPE_PERCPU_ARRAY:
  case BPF_MAP_TYPE_LRU_HASH:
  case BPF_MAP_TYPE_LRU_PERCPU_HASH:
  case BPF_MAP_TYPE_LPM_TRIE:
  case BPF_MAP_TYPE_QUEUE:
  case BPF_MAP_TYPE_STACK:
  case BPF_MAP_TYPE_STACK_TRACE:
  case BPF_MAP_TYPE_SOCKMAP:
  case BPF_MAP_TYPE_SOCKHASH:
  case BPF_MAP_TYPE_BLOOM_FILTER:
    return true;
  default:
    return false;
  }
}

static bool isOuterMap(uint32_t Type) {
  return Type == BPF_MAP_TYPE_ARRAY_OF_MAPS ||
         Type == BPF_MAP_TYPE_HASH_OF_MAPS;
}

/// The smallest map that can serve as the template of an outer map's elements.
static OwnedFd createInnerTemplate() {
  bpf_attr Attr;
  memset(&Attr, 0, sizeof(Attr));
  Attr.map_type = BPF_MAP_TYPE_ARRAY;
  Attr.key_size = 4;
  Attr.value_size = 4;
  Attr.max_entries = 1;
  long Fd = bpfCall(BPF_MAP_CREATE, &Attr, sizeof(Attr));
  return OwnedFd(Fd < 0 ? -1 : static_cast<int>(Fd));
}

bool LoadHook::createMap(bpf_attr &Attr, unsigned Size, long &Result) {
  std::string Name(Attr.map_name,
                   strnlen(Attr.map_name, sizeof(Attr.map_name)));
  // libbpf owns the attributes and may try again with them: change them for
  // this call only.
  const uint32_t Entries = Attr.max_entries, Inner = Attr.inner_map_fd;
  OwnedFd Template;
  if (isOuterMap(Attr.map_type) && static_cast<int32_t>(Inner) <= 0) {
    Template = createInnerTemplate();
    Attr.inner_map_fd = static_cast<uint32_t>(Template.get());
    Notes.push_back("map '" + Name +
                    "': inner map unknown, an array of 4-byte values assumed");
  }
  bool Shrinkable = canShrink(Attr.map_type);
  if (MaxEntries && Shrinkable && Attr.max_entries > MaxEntries)
    Attr.max_entries = MaxEntries;
  Result = bpfCall(BPF_MAP_CREATE, &Attr, Size);
  static const uint32_t Limits[] = {1u << 20, 1u << 16, 1u << 12, 1u << 8, 16};
  for (uint32_t Limit : Limits) {
    if (!Shrinkable || (Result != -E2BIG && Result != -ENOMEM))
      break;
    // A size that just fits could take all the memory that there is.
    static constexpr uint64_t MostBytes = 256u << 20;
    if (Attr.max_entries <= Limit ||
        uint64_t(Limit) * Attr.value_size > MostBytes)
      continue;
    Attr.max_entries = Limit;
    long First = Result;
    Result = bpfCall(BPF_MAP_CREATE, &Attr, Size);
    if (Result >= 0)
      Notes.push_back("map '" + Name + "': max_entries " +
                      std::to_string(Entries) + " cut to " +
                      std::to_string(Limit) + ": " +
                      errnoText(static_cast<int>(-First)));
  }
  Attr.max_entries = Entries;
  Attr.inner_map_fd = Inner;
  return true;
}

bool LoadHook::fillSlot(const bpf_attr &Attr, long &Result) {
  bpf_map_info Info = {};
  bpf_attr Query;
  memset(&Query, 0, sizeof(Query));
  Query.info.bpf_fd = Attr.map_fd;
  Query.info.info = toU64(&Info);
  Query.info.info_len = sizeof(Info);
  if (bpfCall(BPF_OBJ_GET_INFO_BY_FD, &Query, sizeof(Query)) < 0 ||
      Info.type != BPF_MAP_TYPE_PROG_ARRAY)
    return false;
  // A stand-in in the array would fix the array's program type, and programs
  // that were left out have no descriptor at all: say yes, and remember.
  ProgramSlot Slot;
  int Fd;
  Slot.MapId = Info.id;
  memcpy(&Slot.Index, reinterpret_cast<const void *>(Attr.key), 4);
  memcpy(&Fd, reinterpret_cast<const void *>(Attr.value), 4);
  for (size_t I = 0; I != StandIns.size(); ++I) {
    if (Fd < 0 || StandIns[I] != Fd)
      continue;
    Slot.Program = I;
    Slots.push_back(Slot);
  }
  Result = 0;
  return true;
}
