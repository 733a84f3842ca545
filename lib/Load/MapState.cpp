//===- MapState.cpp - map contents before and after a test run ------------===//
//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Three families: arrays (rewritten as a whole, and only if a run changed
// them), keyed maps (emptied and filled), and streams (queues, stacks, ring
// buffers). Other maps keep what programs put in; that is the same in all
// instances.
//
//===----------------------------------------------------------------------===//

#include "MapState.h"
#include "MapAccess.h"

#include <algorithm>
#include <cerrno>
#include <sys/mman.h>
#include <unistd.h>

using namespace prepatch;

namespace {
enum class Family { Array, Keyed, Trie, Stream, Ring, Other };
} // namespace

static Family familyOf(uint32_t Type) {
  switch (Type) {
  case BPF_MAP_TYPE_ARRAY:
  case BPF_MAP_TYPE_PERCPU_ARRAY:
    return Family::Array;
  case BPF_MAP_TYPE_HASH:
  case BPF_MAP_TYPE_LRU_HASH:
  case BPF_MAP_TYPE_PERCPU_HASH:
  case BPF_MAP_TYPE_LRU_PERCPU_HASH:
    return Family::Keyed;
  case BPF_MAP_TYPE_LPM_TRIE:
    return Family::Trie;
  case BPF_MAP_TYPE_QUEUE:
  case BPF_MAP_TYPE_STACK:
    return Family::Stream;
  case BPF_MAP_TYPE_RINGBUF:
    return Family::Ring;
  default:
    return Family::Other;
  }
}

static bool isPerCpu(uint32_t Type) {
  return Type == BPF_MAP_TYPE_PERCPU_ARRAY ||
         Type == BPF_MAP_TYPE_PERCPU_HASH ||
         Type == BPF_MAP_TYPE_LRU_PERCPU_HASH;
}

// Enough to hit, little enough to be rewritten for every run.
static constexpr size_t MaxArrayBytes = 256u << 10, MaxDumpEntries = 4096;

/// The consumer's view of a ring buffer.
struct RingView {
  unsigned long *Consumer = nullptr;
  uint8_t *Producer = nullptr; ///< the page, and the data twice behind it
  size_t Page = 0, Size = 0;

  bool open(int Fd, size_t Bytes) {
    Page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
    Size = Bytes;
    void *C = mmap(nullptr, Page, PROT_READ | PROT_WRITE, MAP_SHARED, Fd, 0);
    void *P = mmap(nullptr, Page + 2 * Size, PROT_READ, MAP_SHARED, Fd,
                   static_cast<off_t>(Page));
    Consumer = C == MAP_FAILED ? nullptr : static_cast<unsigned long *>(C);
    Producer = P == MAP_FAILED ? nullptr : static_cast<uint8_t *>(P);
    return Consumer && Producer;
  }
  void close() {
    if (Consumer)
      munmap(Consumer, Page);
    if (Producer)
      munmap(Producer, Page + 2 * Size);
  }
  unsigned long produced() const {
    return *reinterpret_cast<volatile unsigned long *>(Producer);
  }
};

struct MapState::Impl {
  const ObjectMap *Map;
  Family Kind;
  size_t KeySize, ValueSize; ///< as seen from user space
  uint32_t Entries = 0;      ///< of an array, those that are managed
  bool ReadOnly = false;
  bool Batch = true;
  std::vector<uint32_t> Indexes;
  std::string Initial, Current; ///< of an array: values in a row
  RingView Ring;

  explicit Impl(const ObjectMap &Map);
  ~Impl() { Ring.close(); }
  void readArray();
  void resetArray(Random &R);
  void resetKeyed(Random &R, const std::vector<std::string> *Seen);
  void resetStream(Random &R);
  std::string makeKey(Random &R, const std::vector<std::string> *Seen);
  std::string makeValue(Random &R);
  MapDump dumpKeyed();
  MapDump dumpRing();
};

MapState::Impl::Impl(const ObjectMap &M)
    : Map(&M), Kind(familyOf(M.Info.type)) {
  KeySize = M.Info.key_size;
  ValueSize = M.Info.value_size;
  if (isPerCpu(M.Info.type))
    ValueSize = (ValueSize + 7) / 8 * 8 *
                static_cast<size_t>(std::max(libbpf_num_possible_cpus(), 1));
  if (Kind == Family::Ring && !Ring.open(M.Fd, M.Info.max_entries))
    Kind = Family::Other;
  if (Kind != Family::Array)
    return;
  size_t Fit =
      std::max<size_t>(MaxArrayBytes / std::max<size_t>(ValueSize, 1), 1);
  Entries = static_cast<uint32_t>(std::min<size_t>(M.Info.max_entries, Fit));
  for (uint32_t I = 0; I != Entries; ++I)
    Indexes.push_back(I);
  Current.resize(Entries * ValueSize);
  readArray();
  Initial = Current;
}

void MapState::Impl::readArray() {
  if (Batch) {
    std::vector<uint32_t> Keys(Entries);
    if (lookupArray(Map->Fd, Keys.data(), Current.data(), Entries) == 0)
      return;
    Batch = false;
  }
  for (uint32_t I = 0; I != Entries; ++I)
    lookupElement(Map->Fd, &I, &Current[I * ValueSize]);
}

/// Values that programs can make something of: mostly small, sometimes wild.
std::string MapState::Impl::makeValue(Random &R) {
  std::string Value(ValueSize, '\0');
  switch (R.below(4)) {
  case 0:
    break;
  case 1:
    R.fill(Value.data(), Value.size());
    break;
  default: {
    size_t Step = R.oneIn(2) ? 4 : 8;
    for (size_t I = 0; I < Value.size(); I += Step)
      Value[I] = static_cast<char>(R.below(R.oneIn(4) ? 256 : 8));
  }
  }
  return Value;
}

void MapState::Impl::resetArray(Random &R) {
  if (ReadOnly)
    return;
  // What the object says is the state that it is written for; every other
  // epoch has it.
  std::string Target = Initial;
  if (R.oneIn(2))
    for (uint32_t I = 0; I != Entries; ++I)
      if (I < 64 || R.oneIn(16))
        Target.replace(I * ValueSize, ValueSize, makeValue(R));
  if (Target == Current)
    return;
  int Result = -1;
  if (Batch)
    Result = updateArray(Map->Fd, Indexes.data(), Target.data(), Entries);
  for (uint32_t I = 0; Result != 0 && I != Entries; ++I) {
    int Single = updateElement(Map->Fd, &I, &Target[I * ValueSize]);
    if (Single == -EPERM) {
      ReadOnly = true; // frozen, or the program's alone
      return;
    }
  }
  Current = std::move(Target);
}

std::string MapState::Impl::makeKey(Random &R,
                                    const std::vector<std::string> *Seen) {
  std::string Key(KeySize, '\0');
  switch (R.below(4)) {
  case 0:
    if (Seen && !Seen->empty())
      Key = (*Seen)[R.below(Seen->size())];
    break;
  case 1:
    R.fill(Key.data(), Key.size());
    break;
  case 2:
    break;
  default:
    Key[0] = static_cast<char>(R.below(8));
  }
  if (Kind == Family::Trie && KeySize > 4) {
    uint32_t Length;
    memcpy(&Length, Key.data(), 4);
    Length %= static_cast<uint32_t>((KeySize - 4) * 8 + 1);
    memcpy(Key.data(), &Length, 4);
  }
  return Key;
}

void MapState::Impl::resetKeyed(Random &R,
                                const std::vector<std::string> *Seen) {
  if (ReadOnly)
    return;
  std::string Key(KeySize, '\0');
  for (size_t I = 0;
       I != (1u << 20) && nextKey(Map->Fd, nullptr, Key.data()) == 0; ++I)
    if (deleteElement(Map->Fd, Key.data()) != 0)
      break;
  for (size_t I = R.below(10); I != 0; --I) {
    std::string NewKey = makeKey(R, Seen);
    if (updateElement(Map->Fd, NewKey.data(), makeValue(R).data()) == -EPERM) {
      ReadOnly = true;
      return;
    }
  }
}

void MapState::Impl::resetStream(Random &R) {
  std::string Value(ValueSize, '\0');
  while (popElement(Map->Fd, Value.data()) == 0)
    ;
  for (size_t I = R.below(6); I != 0; --I)
    updateElement(Map->Fd, nullptr, makeValue(R).data());
}

MapDump MapState::Impl::dumpKeyed() {
  MapDump Dump;
  std::string Key(KeySize, '\0'), Next(KeySize, '\0'), Value(ValueSize, '\0');
  bool First = true;
  while (Dump.size() != MaxDumpEntries &&
         nextKey(Map->Fd, First ? nullptr : Key.data(), Next.data()) == 0) {
    First = false;
    Key = Next;
    if (lookupElement(Map->Fd, Key.data(), Value.data()) == 0)
      Dump.emplace_back(Key, Value);
  }
  std::sort(Dump.begin(), Dump.end());
  return Dump;
}

/// The records since the last reset; reading is also what empties the buffer.
MapDump MapState::Impl::dumpRing() {
  MapDump Dump;
  unsigned long At = *Ring.Consumer, End = Ring.produced();
  const uint8_t *Data = Ring.Producer + Ring.Page;
  while (At < End && Dump.size() != MaxDumpEntries) {
    uint32_t Length;
    memcpy(&Length, Data + (At & (Ring.Size - 1)), 4);
    if (Length & BPF_RINGBUF_BUSY_BIT)
      break;
    bool Discarded = Length & BPF_RINGBUF_DISCARD_BIT;
    Length &= ~(BPF_RINGBUF_BUSY_BIT | BPF_RINGBUF_DISCARD_BIT);
    uint64_t Number = Dump.size();
    std::string Key(reinterpret_cast<char *>(&Number), 8);
    const auto *Record = reinterpret_cast<const char *>(
        Data + (At & (Ring.Size - 1)) + BPF_RINGBUF_HDR_SZ);
    Dump.emplace_back(Key, Discarded ? std::string("discarded")
                                     : std::string(Record, Length));
    At += (Length + BPF_RINGBUF_HDR_SZ + 7u) / 8 * 8;
  }
  return Dump;
}

MapState::MapState(const std::vector<ObjectMap> &ObjectMaps) {
  for (const ObjectMap &Map : ObjectMaps)
    Maps.push_back(std::make_unique<Impl>(Map));
}

MapState::~MapState() = default;

const std::string &MapState::name(size_t Index) const {
  return Maps[Index]->Map->Name;
}

void MapState::reset(uint64_t Seed, unsigned Epoch, const SeenKeys &Seen) {
  for (std::unique_ptr<Impl> &M : Maps) {
    // Each map has numbers of its own, so that maps that only one of two
    // objects has do not disturb the others.
    Random R(mix64(Seed + Epoch) ^ hashText(M->Map->Name));
    auto Known = Seen.find(M->Map->Name);
    switch (M->Kind) {
    case Family::Array:
      M->resetArray(R);
      break;
    case Family::Keyed:
    case Family::Trie:
      M->resetKeyed(R, Known == Seen.end() ? nullptr : &Known->second);
      break;
    case Family::Stream:
      M->resetStream(R);
      break;
    case Family::Ring:
      *M->Ring.Consumer = M->Ring.produced();
      break;
    case Family::Other:
      break;
    }
  }
}

std::vector<MapDump> MapState::dump() {
  std::vector<MapDump> Dumps;
  for (std::unique_ptr<Impl> &M : Maps) {
    Dumps.emplace_back();
    MapDump &Dump = Dumps.back();
    switch (M->Kind) {
    case Family::Array:
      M->readArray();
      for (uint32_t I = 0; I != M->Entries; ++I) {
        // Big-endian, so that the order is that of the numbers.
        uint32_t Key = __builtin_bswap32(I);
        Dump.emplace_back(std::string(reinterpret_cast<char *>(&Key), 4),
                          M->Current.substr(I * M->ValueSize, M->ValueSize));
      }
      break;
    case Family::Keyed:
    case Family::Trie:
      Dump = M->dumpKeyed();
      break;
    case Family::Stream: {
      std::string Value(M->ValueSize, '\0');
      for (uint64_t I = 0;
           I != MaxDumpEntries && popElement(M->Map->Fd, Value.data()) == 0;
           ++I) {
        uint64_t Key = __builtin_bswap64(I);
        Dump.emplace_back(std::string(reinterpret_cast<char *>(&Key), 8),
                          Value);
      }
      break;
    }
    case Family::Ring:
      Dump = M->dumpRing();
      break;
    case Family::Other:
      break;
    }
  }
  return Dumps;
}

void MapState::harvest(const std::vector<MapDump> &Dumps,
                       SeenKeys &Seen) const {
  static constexpr size_t MostKeys = 32;
  for (size_t I = 0; I != Maps.size(); ++I) {
    if (Maps[I]->Kind != Family::Keyed && Maps[I]->Kind != Family::Trie)
      continue;
    std::vector<std::string> &Keys = Seen[Maps[I]->Map->Name];
    for (const auto &[Key, Value] : Dumps[I])
      if (Keys.size() < MostKeys &&
          std::find(Keys.begin(), Keys.end(), Key) == Keys.end())
        Keys.push_back(Key);
  }
}

uint64_t prepatch::hashDump(const MapDump &Dump) {
  Hash64 Hash;
  for (const auto &[Key, Value] : Dump) {
    Hash.add(Key.data(), Key.size());
    Hash.add(Value.data(), Value.size());
  }
  return Hash.value();
}
