//===- Helpers.cpp - decodes the helper table -----------------------------===//
//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Turns the letters of Helpers.def into HelperInfo records.
//
//===----------------------------------------------------------------------===//

#include "Helpers.h"
#include <cstring>
#include <iterator>

using namespace llvm;
using namespace prepatch;

namespace {
struct Entry {
  uint32_t Id;
  const char *Name;
  HelperReturn Return;
  const char *Args;
  const char *Flags;
};

constexpr Entry Table[] = {
#define PREPATCH_HELPER(ID, NAME, RETURN, ARGS, FLAGS)                         \
  {ID, NAME, HelperReturn::RETURN, ARGS, FLAGS},
#include "Helpers.def"
};

constexpr HelperArg argKind(char Letter) {
  switch (Letter) {
  case 's':
    return HelperArg::Scalar;
  case 'c':
    return HelperArg::Ctx;
  case 'e':
    return HelperArg::CtxOrSocket;
  case 'm':
    return HelperArg::Map;
  case 'k':
    return HelperArg::MapKey;
  case 'v':
    return HelperArg::MapValue;
  case 'r':
    return HelperArg::Mem;
  case 'w':
    return HelperArg::MemOut;
  case 'f':
    return HelperArg::FixedMem;
  case 'z':
    return HelperArg::Size;
  case 'F':
    return HelperArg::Callback;
  case 'x':
    return HelperArg::CallbackCtx;
  case 'S':
    return HelperArg::Socket;
  case 'b':
    return HelperArg::BtfPtr;
  case 'd':
    return HelperArg::Dynptr;
  case 'a':
    return HelperArg::AllocMem;
  case 'l':
    return HelperArg::SpinLock;
  case 't':
    return HelperArg::Timer;
  case 'p':
    return HelperArg::Kptr;
  case 'C':
    return HelperArg::ConstStr;
  case 'P':
    return HelperArg::PercpuPtr;
  }
  return HelperArg::Unknown;
}

/// Ids without gaps from 1, known letters, at most five arguments, no size
/// without its memory: checked while compiling.
constexpr bool tableIsSound() {
  uint32_t Id = 1;
  for (const Entry &E : Table) {
    if (E.Id != Id++)
      return false;
    unsigned Args = 0;
    for (const char *A = E.Args; *A; ++A, ++Args) {
      if (argKind(*A) == HelperArg::Unknown)
        return false;
      if (*A == 'z' && (A == E.Args || (A[-1] != 'r' && A[-1] != 'w')))
        return false;
    }
    if (Args > 5)
      return false;
    for (const char *F = E.Flags; *F; ++F)
      if (*F != 'K' && *F != 'P' && *F != 'B' && *F != 'L' && *F != 'A' &&
          *F != 'R' && *F != 'W')
        return false;
  }
  return true;
}
static_assert(tableIsSound(), "Helpers.def is wrong");
} // namespace

unsigned prepatch::numKnownHelpers() { return std::size(Table); }

HelperInfo prepatch::helperFacts(uint32_t Id) {
  HelperInfo Info;
  Info.Id = Id;
  if (Id == 0 || Id > std::size(Table))
    return Info;
  const Entry &E = Table[Id - 1];
  auto has = [&](char Flag) { return std::strchr(E.Flags, Flag) != nullptr; };
  Info.Name = E.Name;
  Info.Return = E.Return;
  for (unsigned I = 0; E.Args[I]; ++I)
    Info.Args[I] = argKind(E.Args[I]);
  Info.ConstantPerRun = has('K');
  Info.Pure = has('K') || has('P');
  Info.CallsBack = has('B');
  Info.MaySleep = has('L');
  Info.Acquires = has('A');
  Info.Releases = has('R');
  Info.MayWriteCtx = has('W');
  return Info;
}

unsigned HelperInfo::numArgs() const {
  unsigned N = 0;
  while (N < Args.size() && Args[N] != HelperArg::None)
    ++N;
  return N;
}

bool HelperInfo::takesMap() const {
  for (HelperArg Arg : Args)
    if (Arg == HelperArg::Map)
      return true;
  return false;
}
