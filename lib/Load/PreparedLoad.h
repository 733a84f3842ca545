//===- PreparedLoad.h - a captured BPF_PROG_LOAD --------------------------===//
//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A deep copy of the attributes of one program load, as libbpf would have
// issued it, that can be replayed any number of times in any order.
//
//===----------------------------------------------------------------------===//

#ifndef PREPATCH_LOAD_PREPAREDLOAD_H
#define PREPATCH_LOAD_PREPAREDLOAD_H

#include "BpfSyscall.h"

#include <string>
#include <vector>

namespace prepatch {

/// Code that is loaded in place of the captured one, with what counts in its
/// instructions; it comes without line info.
struct LoadVariant {
  std::vector<bpf_insn> Insns;
  std::vector<unsigned char> FuncInfo, CoreRelos; ///< as many as captured
  /// For each instruction its index in the captured program, or -1-K for one
  /// that insertion K added.
  std::vector<int32_t> Origin;
};

/// What the program's own load is changed by for one replay.
struct ReplayOptions {
  /// The kernel's log level bits: 1 branches, 2 every instruction, 4
  /// statistics, 8 keep the head of the log instead of the tail.
  uint32_t LogLevel = 0;
  char *Log = nullptr;
  uint32_t LogSize = 0;
  /// Replaces the program's line info; with it, BtfFd is used if the program
  /// was captured without BTF.
  const std::vector<bpf_line_info> *LineInfo = nullptr;
  int BtfFd = -1;
  const LoadVariant *Variant = nullptr;
  /// Times to try again when a signal made the verifier give up.
  unsigned Retries = 4;
};

struct ReplayResult {
  OwnedFd Program; ///< invalid if the load was refused
  int Errno = 0;
  double WallUs = 0; ///< of the system call alone, CLOCK_MONOTONIC
};

class PreparedLoad {
public:
  /// Copies everything that the attributes point at. Descriptors of BTF and
  /// of modules are duplicated; those of maps belong to the open bpf_object,
  /// which therefore must outlive this.
  PreparedLoad(const void *Attr, unsigned Size);

  ReplayResult replay(const ReplayOptions &Options = {}) const;

  const std::vector<bpf_insn> &insns() const { return Insns; }
  uint32_t programType() const { return Attr.prog_type; }
  uint32_t attachType() const { return Attr.expected_attach_type; }
  /// The kernel's name of the program, at most 15 characters.
  std::string kernelName() const;
  /// -1 without BTF.
  int btfFd() const { return Btf.get(); }

  uint32_t funcInfoCount() const { return Attr.func_info_cnt; }
  /// Where function I starts, and the BTF type id of its FUNC.
  bpf_func_info funcInfo(uint32_t I) const;

  /// The records as the kernel gets them, and the size of one.
  const std::vector<unsigned char> &funcInfoBytes() const { return FuncInfo; }
  uint32_t funcInfoSize() const { return Attr.func_info_rec_size; }
  const std::vector<unsigned char> &coreReloBytes() const { return CoreRelos; }
  uint32_t coreReloSize() const { return Attr.core_relo_rec_size; }

private:
  // The kernel that a newer libbpf talks to may know fields that this
  // program's headers do not: the attributes are kept as bytes, too.
  union {
    bpf_attr Attr;
    unsigned char Bytes[512];
  };
  unsigned Size;
  std::vector<bpf_insn> Insns;
  std::string License;
  std::vector<unsigned char> FuncInfo, LineInfo, CoreRelos;
  std::vector<int> FdArray;
  OwnedFd Btf, AttachFd;
  std::vector<OwnedFd> Duplicates;
};

} // namespace prepatch

#endif
