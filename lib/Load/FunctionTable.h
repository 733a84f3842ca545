//===- FunctionTable.h - where a loaded program's functions are -----------===//
//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// libbpf appends the subprograms that a program calls; this finds them again by
// name, so that numbers of instructions can be told in terms of the object.
//
//===----------------------------------------------------------------------===//

#ifndef PREPATCH_LOAD_FUNCTIONTABLE_H
#define PREPATCH_LOAD_FUNCTIONTABLE_H

#include "ObjectLoader.h"

namespace prepatch {

struct FunctionRange {
  std::string Name;
  uint32_t Start = 0, Count = 0; ///< in instruction slots
};

/// The functions of a captured program in order. Names come from func_info and
/// the object's BTF. Without func_info the targets of calls and function
/// addresses mark the functions, named "subprog_START".
std::vector<FunctionRange> listFunctions(const ObjectProgram &Program,
                                         const bpf_object *Object);

/// The function that holds instruction Index.
const FunctionRange *findFunction(const std::vector<FunctionRange> &Functions,
                                  uint32_t Index);

} // namespace prepatch

#endif
