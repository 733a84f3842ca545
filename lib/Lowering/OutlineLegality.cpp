//===- OutlineLegality.cpp - May a function call one more subprogram -----===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Each reason names what the kernel does (6.18):
// - a program with tail calls and subprograms is compiled in another way, and
//   frames before a tail call are limited (check_max_stack_depth_subprog);
// - LD_ABS in a program with subprograms has rules of its own (check_ld_abs);
// - calls are refused while some locks are held (check_func_call);
// - freplace programs take the place of a function, with its signature.
//===----------------------------------------------------------------------===//

#include "Lowering/OutlineLegality.h"

namespace prepatch {

std::string whyNoSubprogram(const LoadedProgram &L) {
  std::string Name = "program '" + L.Entry->name() + "' ";
  if (L.ProgType == 0)
    return Name + "is of a type that its section does not tell";
  if (L.ProgType == ProgType::Ext)
    return Name + "replaces a function of another program";
  if (L.HasTailCall)
    return Name + "has tail calls";
  if (L.HasLegacyLoad)
    return Name + "has legacy packet loads";
  if (L.HasLock)
    return Name + "holds locks";
  if (L.HasThrow)
    return Name + "throws exceptions";
  if (L.HasRawBytes)
    return Name + "has code that is not understood";
  return "";
}

std::string whyNoCall(const Function &F, unsigned StackBytes, Analyses &A) {
  if (F.isOpaque())
    return "the function is not understood: " + F.opaqueReason();
  if (A.Graph.programsWith(F).empty())
    return "nothing loads the function";
  for (unsigned N : A.Graph.programsWith(F))
    if (std::string Why = whyNoSubprogram(A.Graph.loadedPrograms()[N]);
        !Why.empty())
      return Why;
  if (!A.Stack.isKnown(F))
    return "its use of the stack is not known";
  if (!A.Stack.mayCall(F, StackBytes))
    return "no room on the stack for one more frame";
  return "";
}

} // namespace prepatch
