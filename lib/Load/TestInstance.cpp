//===- TestInstance.cpp - one object, ready to be run ---------------------===//
//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Programs of a privileged user may read stack that they never wrote. What is
// there depends on what ran before, so each instance writes a pattern of its
// own over the stack first: then such a program is seen to be nondeterministic
// instead of being blamed on the object that lays out its stack in another way.
//
//===----------------------------------------------------------------------===//

#include "TestInstance.h"
#include "MapAccess.h"
#include "Measure.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

using namespace prepatch;

/// A program of the same type that fills the stack and returns 0.
static OwnedFd loadStackWriter(const PreparedLoad &Model, uint8_t Pattern) {
  std::vector<bpf_insn> Insns;
  bpf_insn Store = {};
  Store.code = BPF_ST | BPF_MEM | BPF_DW;
  Store.dst_reg = BPF_REG_10;
  Store.imm = static_cast<int32_t>(0x01010101u * Pattern);
  for (int Offset = -512; Offset != 0; Offset += 8) {
    Store.off = static_cast<int16_t>(Offset);
    Insns.push_back(Store);
  }
  bpf_insn Zero = {}, Exit = {};
  Zero.code = BPF_ALU64 | BPF_MOV | BPF_K;
  Exit.code = BPF_JMP | BPF_EXIT;
  Insns.push_back(Zero);
  Insns.push_back(Exit);
  bpf_attr Attr;
  memset(&Attr, 0, sizeof(Attr));
  Attr.prog_type = Model.programType();
  Attr.expected_attach_type = Model.attachType();
  Attr.insns = toU64(Insns.data());
  Attr.insn_cnt = static_cast<uint32_t>(Insns.size());
  Attr.license = toU64("GPL");
  long Fd = bpfCall(BPF_PROG_LOAD, &Attr, sizeof(Attr));
  return OwnedFd(Fd < 0 ? -1 : static_cast<int>(Fd));
}

std::unique_ptr<TestInstance> TestInstance::create(const std::string &Path,
                                                   LoadPlan Plan,
                                                   uint8_t Pattern,
                                                   std::string &Error) {
  std::unique_ptr<TestInstance> Result(new TestInstance());
  Result->Object = LoadedObject::load(Path, Plan, Error);
  if (!Result->Object)
    return nullptr;
  Result->State = std::make_unique<MapState>(Result->Object->maps());
  Result->Pattern = Pattern;
  return Result;
}

static bool usesMap(const PreparedLoad &Load, int Fd) {
  for (const bpf_insn &I : Load.insns())
    if (I.code == (BPF_LD | BPF_IMM | BPF_DW) &&
        I.src_reg == BPF_PSEUDO_MAP_FD && I.imm == Fd)
      return true;
  return false;
}

/// Fills program arrays as the object says, and those it leaves to user space
/// with its programs in order. Programs that do not fit the array are refused
/// by the kernel, in all instances alike.
void TestInstance::fillProgramArrays() {
  ArraysFilled = true;
  std::vector<ObjectProgram> &Programs = Object->programs();
  std::vector<OwnedFd> Loaded(Programs.size());
  auto Insert = [&](const ObjectMap &Map, uint32_t Index, size_t P) {
    if (!Programs[P].Load || Programs[P].Type != Type)
      return;
    if (!Loaded[P])
      Loaded[P] = Programs[P].Load->replay().Program;
    int Fd = Loaded[P].get();
    if (Fd >= 0)
      updateElement(Map.Fd, &Index, &Fd);
  };
  for (const ObjectMap &Map : Object->maps()) {
    if (Map.Info.type != BPF_MAP_TYPE_PROG_ARRAY)
      continue;
    bool Declared = false;
    for (const ProgramSlot &Slot : Object->slots()) {
      if (Slot.MapId != Map.Info.id)
        continue;
      Declared = true;
      Insert(Map, Slot.Index, Slot.Program);
    }
    if (Declared)
      continue;
    size_t Most = std::min<size_t>({Programs.size(), Map.Info.max_entries, 32});
    for (uint32_t I = 0; I != Most; ++I)
      Insert(Map, I, I);
  }
  for (OwnedFd &Fd : Loaded)
    if (Fd)
      Callees.push_back(std::move(Fd));
}

std::string TestInstance::select(const std::string &Name) {
  Program.reset();
  StackWriter.reset();
  for (ObjectProgram &P : Object->programs()) {
    if (P.Name != Name)
      continue;
    if (!P.Load)
      return P.SkipReason;
    Type = P.Load->programType();
    Attach = P.Load->attachType();
    ReplayResult Replay = P.Load->replay();
    if (!Replay.Program)
      return errnoText(Replay.Errno);
    Program = std::move(Replay.Program);
    StackWriter = loadStackWriter(*P.Load, Pattern);
    for (const ObjectMap &Map : Object->maps())
      if (!ArraysFilled && Map.Info.type == BPF_MAP_TYPE_PROG_ARRAY &&
          usesMap(*P.Load, Map.Fd))
        fillProgramArrays();
    return {};
  }
  return "not in the object";
}

bool TestInstance::attachForbidsRuns() const {
  return Type == BPF_PROG_TYPE_XDP &&
         (Attach == BPF_XDP_DEVMAP || Attach == BPF_XDP_CPUMAP);
}

/// One BPF_PROG_TEST_RUN; the outcome but for the maps.
static Outcome testRun(int Fd, uint32_t Type, const TestInput &Input,
                       unsigned Repeat, uint32_t *Duration) {
  TestRunTraits Traits = testRunTraits(Type);
  Outcome Result;
  // Programs may grow the packet.
  std::vector<uint8_t> PacketOut(Input.Packet.size() + 4096);
  std::vector<uint8_t> ContextIn = Input.Context;
  std::vector<uint8_t> ContextOut(256);
  bpf_attr Attr;
  memset(&Attr, 0, sizeof(Attr));
  Attr.test.prog_fd = static_cast<uint32_t>(Fd);
  Attr.test.repeat = Repeat;
  if (!Input.Packet.empty()) {
    Attr.test.data_in = toU64(Input.Packet.data());
    Attr.test.data_size_in = static_cast<uint32_t>(Input.Packet.size());
  }
  if (Traits.PacketOut) {
    Attr.test.data_out = toU64(PacketOut.data());
    Attr.test.data_size_out = static_cast<uint32_t>(PacketOut.size());
  }
  if (!ContextIn.empty()) {
    Attr.test.ctx_in = toU64(ContextIn.data());
    Attr.test.ctx_size_in = static_cast<uint32_t>(ContextIn.size());
    if (Traits.ContextOut) {
      Attr.test.ctx_out = toU64(ContextOut.data());
      Attr.test.ctx_size_out = static_cast<uint32_t>(ContextOut.size());
    }
  }
  long Value = bpfCall(BPF_PROG_TEST_RUN, &Attr, sizeof(Attr));
  // ENOSPC: the packet outgrew the buffer; the rest is valid.
  if (Value < 0 && Value != -ENOSPC) {
    Result.Errno = static_cast<int>(-Value);
    return Result;
  }
  Result.ReturnValue = Attr.test.retval;
  if (Duration)
    *Duration = Attr.test.duration;
  if (Traits.PacketOut) {
    PacketOut.resize(
        std::min<size_t>(Attr.test.data_size_out, PacketOut.size()));
    Result.Packet = std::move(PacketOut);
  }
  if (Traits.ContextInPlace) {
    Result.Context = std::move(ContextIn);
  } else if (Attr.test.ctx_out) {
    ContextOut.resize(
        std::min<size_t>(Attr.test.ctx_size_out, ContextOut.size()));
    Result.Context = std::move(ContextOut);
  }
  return Result;
}

/// A type may refuse a context that its sibling takes; the kernel says so
/// before it runs anything.
static Outcome runWithFallback(int Fd, uint32_t Type, const TestInput &Input,
                               unsigned Repeat, uint32_t *Duration) {
  Outcome Result = testRun(Fd, Type, Input, Repeat, Duration);
  if (Result.Errno == 0 || Input.Context.empty())
    return Result;
  TestInput Other = Input;
  if (Input.Packet.empty())
    Other.Context.resize(64);
  else
    Other.Context.clear();
  Outcome Second = testRun(Fd, Type, Other, Repeat, Duration);
  return Second.Errno ? Result : Second;
}

void TestInstance::dirtyStack(const TestInput &Input) {
  if (StackWriter)
    runWithFallback(StackWriter.get(), Type, Input, 0, nullptr);
}

Outcome TestInstance::run(const TestInput &Input, uint64_t Seed,
                          unsigned Number, const SeenKeys &Seen) {
  State->reset(Seed, Number, Seen);
  dirtyStack(Input);
  Outcome Result = runWithFallback(Program.get(), Type, Input, 0, nullptr);
  Result.Maps = State->dump();
  return Result;
}

uint32_t TestInstance::time(const TestInput &Input, uint64_t Seed,
                            unsigned Number, unsigned Repeat) {
  State->reset(Seed, Number, {});
  uint32_t Duration = 0;
  runWithFallback(Program.get(), Type, Input, Repeat, &Duration);
  return Duration;
}
