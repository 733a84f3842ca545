//===- FunctionTable.cpp - where a loaded program's functions are ---------===//
//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Function starts from func_info, else from the code.
//
//===----------------------------------------------------------------------===//

#include "FunctionTable.h"

#include <algorithm>
#include <bpf/btf.h>

using namespace prepatch;

/// Instruction a pseudo call or a function address refers to, or -1.
static int64_t functionTarget(const bpf_insn &Insn, int64_t Index) {
  bool Call =
      Insn.code == (BPF_JMP | BPF_CALL) && Insn.src_reg == BPF_PSEUDO_CALL;
  bool Address = Insn.code == (BPF_LD | BPF_IMM | BPF_DW) &&
                 Insn.src_reg == BPF_PSEUDO_FUNC;
  return Call || Address ? Index + 1 + Insn.imm : -1;
}

static std::vector<FunctionRange> fromCode(const PreparedLoad &Load) {
  const std::vector<bpf_insn> &Insns = Load.insns();
  std::set<uint32_t> Starts;
  for (size_t I = 0; I != Insns.size(); ++I) {
    int64_t Target = functionTarget(Insns[I], int64_t(I));
    if (Target > 0 && Target < int64_t(Insns.size()))
      Starts.insert(static_cast<uint32_t>(Target));
    // The second slot of a two-slot instruction holds data.
    if (Insns[I].code == (BPF_LD | BPF_IMM | BPF_DW))
      ++I;
  }
  std::vector<FunctionRange> Result = {{"", 0, 0}};
  for (uint32_t Start : Starts)
    Result.push_back({"subprog_" + std::to_string(Start), Start, 0});
  return Result;
}

static std::vector<FunctionRange> fromFuncInfo(const PreparedLoad &Load,
                                               const bpf_object *Object) {
  std::vector<FunctionRange> Result;
  const btf *Btf = bpf_object__btf(Object);
  for (uint32_t I = 0; I != Load.funcInfoCount(); ++I) {
    bpf_func_info Info = Load.funcInfo(I);
    const btf_type *Type = Btf ? btf__type_by_id(Btf, Info.type_id) : nullptr;
    const char *Name =
        Type ? btf__name_by_offset(Btf, Type->name_off) : nullptr;
    Result.push_back({Name ? Name : "subprog_" + std::to_string(Info.insn_off),
                      Info.insn_off, 0});
  }
  return Result;
}

std::vector<FunctionRange> prepatch::listFunctions(const ObjectProgram &Program,
                                                   const bpf_object *Object) {
  const PreparedLoad &Load = *Program.Load;
  std::vector<FunctionRange> Result =
      Load.funcInfoCount() ? fromFuncInfo(Load, Object) : fromCode(Load);
  for (size_t I = 0; I != Result.size(); ++I) {
    uint32_t End = I + 1 == Result.size()
                       ? static_cast<uint32_t>(Load.insns().size())
                       : Result[I + 1].Start;
    Result[I].Count = End - Result[I].Start;
  }
  if (!Result.empty() && Result[0].Start == 0)
    Result[0].Name = Program.Name;
  return Result;
}

const FunctionRange *
prepatch::findFunction(const std::vector<FunctionRange> &Functions,
                       uint32_t Index) {
  for (const FunctionRange &F : Functions)
    if (Index >= F.Start && Index - F.Start < F.Count)
      return &F;
  return nullptr;
}
