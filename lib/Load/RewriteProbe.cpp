//===- RewriteProbe.cpp - what the kernel rewrote, per instruction --------===//
//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// How the kernel keeps line info (6.18): bpf_patch_insn_single() moves every
// record behind the patched instruction by the growth, so the distance between
// two neighbouring records is the length that the first one has now.
// bpf_adj_linfo_after_remove() drops the records of what it deletes; it lets
// the next instruction inherit the last of them only if that one has no record
// of its own, which cannot happen here: every instruction has one, and the
// second slot of a two-slot instruction lives and dies with the first.
//
//===----------------------------------------------------------------------===//

#include "RewriteProbe.h"
#include "Measure.h"

#include <cstring>
#include <linux/btf.h>

using namespace prepatch;

static bool hasTwoSlots(const bpf_insn &Insn) {
  return Insn.code == (BPF_LD | BPF_IMM | BPF_DW);
}

/// The smallest BTF there is: the kernel wants one to look up the (empty) names
/// of file and line.
static OwnedFd loadEmptyBtf() {
  struct {
    btf_header Header;
    btf_type Int;
    uint32_t IntData;
    char Strings[4];
  } Blob;
  memset(&Blob, 0, sizeof(Blob));
  Blob.Header.magic = BTF_MAGIC;
  Blob.Header.version = BTF_VERSION;
  Blob.Header.hdr_len = sizeof(Blob.Header);
  Blob.Header.type_len = sizeof(Blob.Int) + sizeof(Blob.IntData);
  Blob.Header.str_off = Blob.Header.type_len;
  Blob.Header.str_len = sizeof(Blob.Strings);
  memcpy(Blob.Strings, "\0i\0", 4);
  Blob.Int.name_off = 1;
  Blob.Int.info = BTF_KIND_INT << 24;
  Blob.Int.size = 4;
  Blob.IntData = 32;
  bpf_attr Attr;
  memset(&Attr, 0, sizeof(Attr));
  Attr.btf = toU64(&Blob);
  Attr.btf_size = sizeof(Blob);
  long Fd = bpfCall(BPF_BTF_LOAD, &Attr, sizeof(Attr));
  return OwnedFd(Fd < 0 ? -1 : static_cast<int>(Fd));
}

/// One record per instruction; the column, which the kernel never looks at,
/// carries the instruction's index.
static std::vector<bpf_line_info>
recordEveryInsn(const std::vector<bpf_insn> &Insns) {
  std::vector<bpf_line_info> Records;
  Records.reserve(Insns.size());
  for (uint32_t I = 0; I < Insns.size(); ++I) {
    Records.push_back({I, 0, 0, I});
    if (hasTwoSlots(Insns[I]))
      ++I;
  }
  return Records;
}

static std::vector<bpf_line_info> readLineInfo(int Fd, uint32_t Count) {
  std::vector<bpf_line_info> Records(Count);
  bpf_prog_info Info = {};
  Info.nr_line_info = Count;
  Info.line_info_rec_size = sizeof(bpf_line_info);
  Info.line_info = toU64(Records.data());
  bpf_attr Attr;
  memset(&Attr, 0, sizeof(Attr));
  Attr.info.bpf_fd = static_cast<uint32_t>(Fd);
  Attr.info.info = toU64(&Info);
  Attr.info.info_len = sizeof(Info);
  if (bpfCall(BPF_OBJ_GET_INFO_BY_FD, &Attr, sizeof(Attr)) < 0)
    return {};
  return Records;
}

/// Instructions of the hidden subprogram that a program which throws, but has
/// no exception callback of its own, gets at its end: "r0 = r1; exit".
static uint32_t hiddenTail(int Fd, const bpf_insn &Last, uint32_t Growth) {
  if (Growth != 2)
    return 0;
  std::vector<bpf_insn> After = xlatedInsns(Fd);
  if (After.size() < 3)
    return 0;
  const bpf_insn &Move = After[After.size() - 2];
  const bpf_insn &Exit = After[After.size() - 1];
  const bpf_insn &Before = After[After.size() - 3];
  bool Tail = Move.code == (BPF_ALU64 | BPF_MOV | BPF_X) && Move.dst_reg == 0 &&
              Move.src_reg == 1 && Exit.code == (BPF_JMP | BPF_EXIT);
  return Tail && Before.code == Last.code ? 2 : 0;
}

RewriteCounts prepatch::probeRewrites(const PreparedLoad &Load,
                                      uint32_t PlainLength) {
  RewriteCounts Counts;
  const std::vector<bpf_insn> &Insns = Load.insns();
  Counts.LengthBefore = static_cast<uint32_t>(Insns.size());
  std::vector<bpf_line_info> Records = recordEveryInsn(Insns);

  OwnedFd Btf;
  if (Load.btfFd() < 0)
    Btf = loadEmptyBtf();
  ReplayOptions Options;
  Options.LineInfo = &Records;
  Options.BtfFd = Btf.get();
  ReplayResult Replay = Load.replay(Options);
  if (!Replay.Program) {
    Counts.Error = "refused with line info: " + errnoText(Replay.Errno);
    return Counts;
  }
  int Fd = Replay.Program.get();
  ProgramSizes Sizes = programSizes(Fd);
  Counts.LengthAfter = Sizes.XlatedInsns;
  std::vector<bpf_line_info> After = readLineInfo(Fd, Sizes.LineInfos);
  if (After.empty()) {
    Counts.Error = "the kernel returned no line info";
    return Counts;
  }

  // Both lists are in program order; those missing from the second were
  // deleted.
  size_t Next = 0;
  uint32_t RunEnd = UINT32_MAX;
  for (const bpf_line_info &Record : Records) {
    uint32_t Index = Record.insn_off;
    uint32_t Slots = hasTwoSlots(Insns[Index]) ? 2 : 1;
    if (Next == After.size() || After[Next].line_col != Index) {
      Counts.Deleted.push_back(Index);
      Counts.DeletedInsns += Slots;
      Counts.DeletedRuns += Index != RunEnd;
      RunEnd = Index + Slots;
      continue;
    }
    bool Last = Next + 1 == After.size();
    uint32_t Start = After[Next].insn_off;
    uint32_t End = Last ? Sizes.XlatedInsns : After[Next + 1].insn_off;
    uint32_t Length = End - Start;
    if (Last && Length > Slots) {
      Counts.Appended = hiddenTail(Fd, Insns[Index], Length - Slots);
      Length -= Counts.Appended;
    }
    if (End < Start + Slots)
      Counts.Inconsistent =
          "instruction " + std::to_string(Index) + " shrank in place";
    else if (Length > Slots) {
      Counts.Grown.push_back({Index, Length});
      Counts.GrownInsns += Length - Slots;
    }
    ++Next;
  }
  if (Next != After.size())
    Counts.Inconsistent = "line info in another order";
  else if (After[0].insn_off != 0)
    Counts.Inconsistent = "instructions before the first record";
  else if (Counts.LengthBefore + Counts.GrownInsns + Counts.Appended -
               Counts.DeletedInsns !=
           Counts.LengthAfter)
    Counts.Inconsistent = "lengths do not add up";
  else if (PlainLength && PlainLength != Counts.LengthAfter)
    Counts.Inconsistent = "translated length is " +
                          std::to_string(PlainLength) + " without line info, " +
                          std::to_string(Counts.LengthAfter) + " with";
  return Counts;
}

uint32_t prepatch::countDeletionSteps(const RewriteCounts &Counts,
                                      const std::vector<bpf_insn> &Insns,
                                      const std::vector<uint64_t> &Visits) {
  uint32_t Steps = 0, DeadEnd = UINT32_MAX;
  for (uint32_t Index : Counts.Deleted) {
    if (Index < Visits.size() && Visits[Index]) {
      ++Steps;
      continue;
    }
    Steps += Index != DeadEnd;
    DeadEnd = Index + (hasTwoSlots(Insns[Index]) ? 2 : 1);
  }
  return Steps;
}
