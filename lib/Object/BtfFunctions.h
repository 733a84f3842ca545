//===- BtfFunctions.h - What BTF says of functions -----------------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The verifier checks a global function by its FUNC and FUNC_PROTO in BTF
// (btf_prepare_func_args). Compilers change the arguments and results of static
// functions and leave BTF as the source has it, so a function that becomes
// global may need another prototype.
//===----------------------------------------------------------------------===//
#ifndef PREPATCH_OBJECT_BTFFUNCTIONS_H
#define PREPATCH_OBJECT_BTFFUNCTIONS_H

#include "Object/Btf.h"

namespace prepatch {

/// A parameter or result, with typedefs and qualifiers taken off.
struct BtfValue {
  enum KindType : uint8_t {
    Void,
    Number, ///< an integer or enumeration
    Pointer,
    Other, ///< a structure by value, floating point: no register holds it
  };
  KindType Kind = Void;
  /// Of a pointer to a structure: its name. Of one to the typedef that kprobe
  /// programs use for their context: "bpf_user_pt_regs_t".
  llvm::StringRef Structure;
  /// Of a pointer: bytes of what it points to, 0 if that has no size.
  uint32_t PointeeBytes = 0;
};

struct BtfSignature {
  BtfValue Result;
  llvm::SmallVector<BtfValue, 5> Params;
};

/// What the FUNC \p Id says; nothing if it is no FUNC.
std::optional<BtfSignature> functionSignature(const Btf &Types, uint32_t Id);
/// The same for the first FUNC of that name.
std::optional<BtfSignature> functionSignature(const Btf &Types,
                                              llvm::StringRef Name);

/// A parameter of a function that becomes global.
struct GlobalParam {
  enum FormType : uint8_t {
    Keep,        ///< as BTF has it
    Number,      ///< unsigned long long
    VoidPointer, ///< void *
  };
  FormType Form = Keep;
  /// Argument tags: "ctx", "nonnull". Kernels from 6.8 know them; libbpf
  /// leaves all such tags out for kernels before 5.16.
  llvm::SmallVector<llvm::StringRef, 1> Tags;
};

struct GlobalPrototype {
  /// Parameters in r1 and up; what BTF has beyond them is left out.
  llvm::SmallVector<GlobalParam, 5> Params;
  /// The result becomes unsigned long long.
  bool NewResult = false;
};

/// Gives the FUNC \p Id global linkage and that prototype; with \p Copy another
/// FUNC like it, as \p Id belongs to more functions than one. Returns the id of
/// the global FUNC. Types keep their numbers.
llvm::Expected<uint32_t> makeGlobalFunction(Btf &Types, uint32_t Id,
                                            const GlobalPrototype &Proto,
                                            bool Copy);

} // namespace prepatch

#endif
