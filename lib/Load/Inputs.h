//===- Inputs.h - random inputs of test runs ------------------------------===//
//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What BPF_PROG_TEST_RUN of each program type wants as packet and context.
//
//===----------------------------------------------------------------------===//

#ifndef PREPATCH_LOAD_INPUTS_H
#define PREPATCH_LOAD_INPUTS_H

#include "Random.h"

#include <linux/bpf.h>
#include <string>

namespace prepatch {

struct TestInput {
  std::vector<uint8_t> Packet, Context;
  std::string describe() const;
};

/// How test runs of a type work; from the test_run functions of 6.18.
struct TestRunTraits {
  bool Supported = false;
  bool PacketOut = false;      ///< the packet comes back
  bool ContextOut = false;     ///< the context comes back in ctx_out
  bool ContextInPlace = false; ///< ... or in ctx_in itself
  bool Repeat = false;         ///< can be repeated and timed
};

TestRunTraits testRunTraits(uint32_t ProgramType);

/// Input number Number for a program of this type.
TestInput makeInput(uint32_t ProgramType, Random &R, unsigned Number);

/// Bytes as hexadecimal digits, cut after Limit bytes.
std::string toHex(const void *Data, size_t Size, size_t Limit);

} // namespace prepatch

#endif
