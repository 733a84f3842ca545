//===- Measure.cpp - one load, and what the kernel says of it -------------===//
//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The measured load asks for statistics only (log level 4): the kernel's own
// "verification time" comes from the very load whose wall time is taken.
//
//===----------------------------------------------------------------------===//

#include "Measure.h"

#include <cstring>
#include <sys/mman.h>

using namespace prepatch;

LogBuffer::LogBuffer(size_t Bytes) : Size(static_cast<uint32_t>(Bytes)) {
  void *Map = mmap(nullptr, Size, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  Data = Map == MAP_FAILED ? nullptr : static_cast<char *>(Map);
  if (!Data)
    Size = 0;
}

LogBuffer::~LogBuffer() {
  if (Data)
    munmap(Data, Size);
}

std::string_view LogBuffer::text() const {
  return Data ? std::string_view(Data, strnlen(Data, Size))
              : std::string_view();
}

void LogBuffer::clear() {
  if (Data)
    madvise(Data, Size, MADV_DONTNEED);
}

static bpf_prog_info queryInfo(int Fd, bpf_prog_info Info = {}) {
  bpf_attr Attr;
  memset(&Attr, 0, sizeof(Attr));
  Attr.info.bpf_fd = static_cast<uint32_t>(Fd);
  Attr.info.info = toU64(&Info);
  Attr.info.info_len = sizeof(Info);
  if (bpfCall(BPF_OBJ_GET_INFO_BY_FD, &Attr, sizeof(Attr)) < 0)
    return {};
  return Info;
}

ProgramSizes prepatch::programSizes(int Fd) {
  bpf_prog_info Info = queryInfo(Fd);
  ProgramSizes Sizes;
  Sizes.XlatedInsns = Info.xlated_prog_len / sizeof(bpf_insn);
  Sizes.JitedBytes = Info.jited_prog_len;
  Sizes.LineInfos = Info.nr_line_info;
  return Sizes;
}

std::vector<bpf_insn> prepatch::xlatedInsns(int Fd) {
  std::vector<bpf_insn> Insns(programSizes(Fd).XlatedInsns);
  bpf_prog_info Request = {};
  Request.xlated_prog_len =
      static_cast<uint32_t>(Insns.size() * sizeof(bpf_insn));
  Request.xlated_prog_insns = toU64(Insns.data());
  if (Insns.empty() || !queryInfo(Fd, Request).xlated_prog_insns)
    return {};
  return Insns;
}

/// Why the program was refused, from a load with the verifier's log on. Newer
/// kernels keep the end of a log that does not fit, older ones its start.
static void explainRefusal(const PreparedLoad &Load, LoadResult &Result) {
  LogBuffer Log(32u << 20);
  ReplayOptions Options;
  Options.LogLevel = 1;
  Options.Log = Log.data();
  Options.LogSize = Log.size();
  Load.replay(Options);
  std::string_view Text = Log.text();
  Result.Reason = refusalReason(Text);
  if (Result.Reason.empty())
    Result.Reason = errnoText(Result.Errno);
  static constexpr size_t TailLength = 2000;
  Result.LogTail =
      Text.substr(Text.size() > TailLength ? Text.size() - TailLength : 0);
}

void prepatch::measureLoad(const PreparedLoad &Load, LoadResult &Result) {
  bool First = Result.LoadUs.empty();
  LogBuffer Log(1u << 20);
  ReplayOptions Options;
  Options.LogLevel = 4;
  Options.Log = Log.data();
  Options.LogSize = Log.size();
  // Touch the page that the kernel is going to write, outside the clock.
  if (Log.data())
    Log.data()[0] = '\0';
  ReplayResult Replay = Load.replay(Options);
  VerifierStats Stats = parseStats(Log.text());
  Result.VerificationUs.push_back(Stats.VerificationUs);
  Result.LoadUs.push_back(Replay.WallUs);
  if (!First)
    return;
  Result.Stats = Stats;
  Result.Loaded = bool(Replay.Program);
  Result.Errno = Replay.Errno;
  if (Result.Loaded)
    Result.Sizes = programSizes(Replay.Program.get());
  else
    explainRefusal(Load, Result);
}
