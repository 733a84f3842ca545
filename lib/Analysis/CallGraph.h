//===- CallGraph.h - Who calls whom, and what is loaded together ---------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// An object is not what the kernel sees: a loader builds one program for each
// entry function and appends the subprograms that it reaches. LoadedProgram
// is that program; the place of an instruction in it decides what a patch
// there costs. A CallGraph is a snapshot of the Program.
//===----------------------------------------------------------------------===//
#ifndef PREPATCH_ANALYSIS_CALLGRAPH_H
#define PREPATCH_ANALYSIS_CALLGRAPH_H

#include "IR/Program.h"
#include "Kernel/ProgramType.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/SmallVector.h"
#include <vector>

namespace prepatch {

/// A call, or a place where a function's address is taken.
struct CallSite {
  Function *Caller;
  BasicBlock *BB;
  Insn *I;
  Function *Callee; ///< never null
  bool IsPointer;   ///< ld_imm64 of its address: a callback
};

/// What a function holds itself, its callees not counted.
struct FunctionFacts {
  unsigned Slots = 0;
  unsigned LineRecords = 0;
  bool HasTailCall = false;
  bool HasLegacyLoad = false; ///< LD_ABS, LD_IND
  bool HasMayGoto = false;
  bool HasThrow = false;        ///< bpf_throw
  bool HasLock = false;         ///< takes or gives back a lock of any kind
  bool HasCallbackCall = false; ///< a helper that runs a function pointer
  bool HasKfunc = false;
  bool HasRawBytes = false; ///< opaque, or an instruction nobody knows
  bool IsAddressTaken = false;
};

/// What a loader gives to the kernel for one entry function.
struct LoadedProgram {
  Function *Entry = nullptr;
  uint32_t ProgType = 0; ///< 0 if the section's name says nothing
  uint32_t AttachType = 0;
  bool Sleepable = false;
  bool AutoLoad = true; ///< false for sections that start with '?'
  /// The entry, then the subprograms in the order in which libbpf appends
  /// them (bpf_object__reloc_code): at the first call or address of each,
  /// walking the caller in layout order, and going into it at once.
  std::vector<Function *> Functions;
  std::vector<unsigned> Starts; ///< slot at which each begins
  unsigned Slots = 0;           ///< N
  unsigned LineRecords = 0;
  // Whether any function in it does so.
  bool HasTailCall = false, HasLegacyLoad = false, HasMayGoto = false,
       HasThrow = false, HasLock = false, HasCallback = false, HasKfunc = false,
       HasRawBytes = false;

  bool hasSubprograms() const { return Functions.size() > 1; }
};

class CallGraph {
public:
  /// Linear in the program, and in the sum of the loaded programs' functions.
  explicit CallGraph(Program &P);

  Program &program() const { return *Prog; }
  /// All functions, section by section in layout order.
  llvm::ArrayRef<Function *> functions() const { return Functions; }
  /// Place of \p F in functions().
  unsigned indexOf(const Function &F) const { return Index.lookup(&F); }

  const FunctionFacts &facts(const Function &F) const {
    return Facts[indexOf(F)];
  }
  /// Calls and address takings in \p F, in layout order.
  llvm::ArrayRef<CallSite> callees(const Function &F) const {
    return Out[indexOf(F)];
  }
  /// Those that name \p F, in order of their functions.
  llvm::ArrayRef<CallSite> callers(const Function &F) const {
    return In[indexOf(F)];
  }
  bool isCallback(const Function &F) const { return facts(F).IsAddressTaken; }

  llvm::ArrayRef<LoadedProgram> loadedPrograms() const { return Loaded; }
  /// Those that hold \p F, by their place in loadedPrograms(). Empty for a
  /// subprogram that nothing reaches.
  llvm::ArrayRef<unsigned> programsWith(const Function &F) const {
    return LoadedIn[indexOf(F)];
  }
  /// Slot at which \p F begins in \p L, or nothing if it is not part of it.
  std::optional<unsigned> startIn(const LoadedProgram &L,
                                  const Function &F) const;

private:
  void scan(Function &F, unsigned Number);
  void load(Function &Entry);

  Program *Prog;
  std::vector<Function *> Functions;
  llvm::DenseMap<const Function *, unsigned> Index;
  std::vector<FunctionFacts> Facts;
  std::vector<std::vector<CallSite>> Out, In;
  std::vector<LoadedProgram> Loaded;
  std::vector<llvm::SmallVector<unsigned, 2>> LoadedIn;
  /// For each function, its starts in the order of LoadedIn.
  std::vector<llvm::SmallVector<unsigned, 2>> StartIn;
};

/// Name of the kernel function that \p I calls: of a call of an extern by its
/// relocation, without the flavour ("___x") that libbpf cuts off. Empty if it
/// calls no kernel function that is known by name.
llvm::StringRef calledKfunc(const Insn &I);

} // namespace prepatch

#endif
