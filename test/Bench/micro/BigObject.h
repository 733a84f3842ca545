//===- BigObject.h - Objects of any size for the benchmarks --------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A compiler takes minutes for a million instructions; this takes none.
//===----------------------------------------------------------------------===//
#ifndef PREPATCH_TEST_BENCH_BIGOBJECT_H
#define PREPATCH_TEST_BENCH_BIGOBJECT_H

#include <cstddef>
#include <string>

namespace prepatch {

/// An object with one XDP program of \p Insns instructions, little endian: a
/// context load, arithmetic, a helper call and a branch forward over and over,
/// five instructions to a basic block.
std::string makeBigObject(size_t Insns);

} // namespace prepatch

#endif
