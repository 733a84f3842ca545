//===- PreparedLoad.cpp - a captured BPF_PROG_LOAD ------------------------===//
//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Copying a load's attributes, and replaying them with the clock around the
// system call.
//
//===----------------------------------------------------------------------===//

#include "PreparedLoad.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <fcntl.h>

using namespace prepatch;

static const unsigned char *bytesAt(uint64_t Address) {
  return reinterpret_cast<const unsigned char *>(
      static_cast<uintptr_t>(Address));
}

static std::vector<unsigned char> copyBytes(uint64_t Address, uint64_t Size) {
  if (!Address || !Size)
    return {};
  return {bytesAt(Address), bytesAt(Address) + Size};
}

static int duplicate(int Fd) { return fcntl(Fd, F_DUPFD_CLOEXEC, 3); }

/// How many descriptors the instructions can name: the kernel never learns the
/// length of fd_array from libbpf, it trusts the indexes.
static size_t fdArrayLength(const std::vector<bpf_insn> &Insns) {
  size_t Length = 0;
  for (const bpf_insn &I : Insns) {
    if (I.code == (BPF_JMP | BPF_CALL) && I.src_reg == BPF_PSEUDO_KFUNC_CALL)
      Length = std::max<size_t>(Length, static_cast<uint16_t>(I.off) + 1u);
    if (I.code == (BPF_LD | BPF_IMM | BPF_DW) &&
        (I.src_reg == BPF_PSEUDO_MAP_IDX ||
         I.src_reg == BPF_PSEUDO_MAP_IDX_VALUE) &&
        I.imm >= 0)
      Length = std::max<size_t>(Length, static_cast<size_t>(I.imm) + 1);
  }
  return Length;
}

PreparedLoad::PreparedLoad(const void *Source, unsigned SourceSize) {
  memset(Bytes, 0, sizeof(Bytes));
  Size = std::min<unsigned>(SourceSize, sizeof(Bytes));
  memcpy(Bytes, Source, Size);

  const auto *First = reinterpret_cast<const bpf_insn *>(bytesAt(Attr.insns));
  Insns.assign(First, First + Attr.insn_cnt);
  if (Attr.license)
    License = reinterpret_cast<const char *>(bytesAt(Attr.license));
  FuncInfo = copyBytes(Attr.func_info,
                       uint64_t(Attr.func_info_cnt) * Attr.func_info_rec_size);
  LineInfo = copyBytes(Attr.line_info,
                       uint64_t(Attr.line_info_cnt) * Attr.line_info_rec_size);
  CoreRelos = copyBytes(Attr.core_relos,
                        uint64_t(Attr.core_relo_cnt) * Attr.core_relo_rec_size);

  // libbpf closes these before its load function returns.
  if (Attr.prog_btf_fd)
    Btf = OwnedFd(duplicate(static_cast<int>(Attr.prog_btf_fd)));
  if (Attr.attach_prog_fd)
    AttachFd = OwnedFd(duplicate(static_cast<int>(Attr.attach_prog_fd)));
  if (Attr.fd_array) {
    size_t Length = fdArrayLength(Insns);
    const int *Fds = reinterpret_cast<const int *>(bytesAt(Attr.fd_array));
    FdArray.assign(Fds, Fds + Length);
    for (int &Fd : FdArray) {
      if (Fd <= 0)
        continue;
      Duplicates.emplace_back(duplicate(Fd));
      Fd = Duplicates.back().get();
    }
  }
}

std::string PreparedLoad::kernelName() const {
  return std::string(Attr.prog_name,
                     strnlen(Attr.prog_name, sizeof(Attr.prog_name)));
}

bpf_func_info PreparedLoad::funcInfo(uint32_t I) const {
  bpf_func_info Info = {};
  size_t Offset = size_t(I) * Attr.func_info_rec_size;
  if (Offset + sizeof(Info) <= FuncInfo.size())
    memcpy(&Info, FuncInfo.data() + Offset, sizeof(Info));
  return Info;
}

static double now() {
  timespec Time;
  clock_gettime(CLOCK_MONOTONIC, &Time);
  return double(Time.tv_sec) * 1e6 + double(Time.tv_nsec) / 1e3;
}

ReplayResult PreparedLoad::replay(const ReplayOptions &Options) const {
  ReplayResult Result;
  // A signal makes the verifier give up with EAGAIN; libbpf, too, tries again.
  for (unsigned Attempt = 0; Attempt <= Options.Retries; ++Attempt) {
    union {
      bpf_attr Load;
      unsigned char LoadBytes[sizeof(Bytes)];
    };
    memcpy(LoadBytes, Bytes, sizeof(Bytes));
    Load.insns = toU64(Insns.data());
    Load.license = toU64(License.c_str());
    Load.func_info = FuncInfo.empty() ? 0 : toU64(FuncInfo.data());
    Load.line_info = LineInfo.empty() ? 0 : toU64(LineInfo.data());
    Load.core_relos = CoreRelos.empty() ? 0 : toU64(CoreRelos.data());
    Load.fd_array = FdArray.empty() ? 0 : toU64(FdArray.data());
    if (Btf)
      Load.prog_btf_fd = static_cast<uint32_t>(Btf.get());
    if (AttachFd)
      Load.attach_prog_fd = static_cast<uint32_t>(AttachFd.get());
    Load.log_level = Options.LogLevel;
    Load.log_buf = toU64(Options.Log);
    Load.log_size = Options.LogSize;
    if (Options.LineInfo) {
      Load.line_info = toU64(Options.LineInfo->data());
      Load.line_info_cnt = static_cast<uint32_t>(Options.LineInfo->size());
      Load.line_info_rec_size = sizeof(bpf_line_info);
      if (!Btf)
        Load.prog_btf_fd = static_cast<uint32_t>(Options.BtfFd);
    }
    if (const LoadVariant *Variant = Options.Variant) {
      Load.insns = toU64(Variant->Insns.data());
      Load.insn_cnt = static_cast<uint32_t>(Variant->Insns.size());
      Load.func_info =
          Variant->FuncInfo.empty() ? 0 : toU64(Variant->FuncInfo.data());
      Load.core_relos =
          Variant->CoreRelos.empty() ? 0 : toU64(Variant->CoreRelos.data());
      Load.line_info = Load.line_info_cnt = 0;
    }
    if (Options.Log && Options.LogSize)
      Options.Log[0] = '\0';

    double Start = now();
    long Value = bpfCall(BPF_PROG_LOAD, &Load, Size);
    Result.WallUs = now() - Start;
    if (Value >= 0) {
      Result.Program = OwnedFd(static_cast<int>(Value));
      Result.Errno = 0;
      return Result;
    }
    Result.Errno = static_cast<int>(-Value);
    if (Result.Errno != EAGAIN)
      break;
  }
  return Result;
}
