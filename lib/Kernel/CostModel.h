//===- CostModel.h - what patches and visits cost at load time ------------===//
//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The kernel keeps a program as an array, so a patch that changes the length
// at position P of N instructions moves the tail (N-P), and scans all N
// instructions for branches. The constants of these lines are measured, belong
// to one kernel and come from its profile; the formulas are here.
//
// All times are microseconds of verification time; all positions and lengths
// count 8-byte slots.
//
//===----------------------------------------------------------------------===//

#ifndef PREPATCH_KERNEL_COSTMODEL_H
#define PREPATCH_KERNEL_COSTMODEL_H

#include <cstdint>

namespace prepatch {

/// Fixed + PerInsn * N + PerTail * (N - P), in microseconds.
struct CostLine {
  double Fixed = 0;
  double PerInsn = 0;
  double PerTail = 0;

  double at(uint64_t N, uint64_t Position) const {
    return Fixed + PerInsn * double(N) +
           PerTail * double(N > Position ? N - Position : 0);
  }
  bool operator==(const CostLine &) const = default;
};

/// What the verifier does at one visit of an instruction.
enum class VisitClass : uint8_t {
  Mov,            ///< move, immediate, jump
  Alu,            ///< arithmetic on unknown scalars
  StackAccess,    ///< one stack store or load
  CtxLoad,        ///< context access, before any rewriting
  MemLoad,        ///< map value, packet, untyped memory
  BtfLoad,        ///< scalar member through a BTF pointer
  BtfPtrLoad,     ///< pointer member, untrusted base
  TrustedPtrLoad, ///< pointer member, trusted base: scans the kernel's BTF
  Helper,
  Kfunc,
  StaticCall, ///< call and return, callee not counted, does not use the stack
  GlobalCall
};
constexpr unsigned NumVisitClasses = 12;

/// Measured constants of one kernel. The JSON keys are in
/// docs/kernel-profiles.md.
struct CostConstants {
  CostLine GrowthSmall;        ///< one growth patch, N <= SmallLimit
  CostLine GrowthLarge;        ///< the same, N >= LargeLimit
  CostLine DeletionLine;       ///< one deletion
  uint32_t SmallLimit = 0;     ///< where GrowthSmall was fitted up to
  uint32_t LargeLimit = 0;     ///< where the branch scan starts to run twice
  double ExtraInsnPerInsn = 0; ///< per grown insn beyond the first, times N
  double LinePerPatch = 0;     ///< per line record, per growth patch
  double LineOnce = 0;         ///< per line record, once
  double ReadStackPerInsn = 0; ///< static callee reading its caller's stack, *N
  double WriteStackCall = 0;   ///< static call, callee writes caller's stack
  double OwnStackCall = 0;     ///< static call, callee uses a stack of its own
  double ArgMove = 0;          ///< setting up one argument
  double FirstSubprogPerInsn =
      0;                    ///< JIT time moved into verification, not wall
  double KfuncFirstUse = 0; ///< once per distinct kfunc
  double Visit[NumVisitClasses] = {};

  bool operator==(const CostConstants &) const = default;
};

/// How the callee of a static call uses the stack.
enum class CalleeStack : uint8_t { None, Own, WritesCaller, ReadsCaller };

class CostModel {
public:
  explicit CostModel(const CostConstants &Costs) : C(Costs) {}

  /// One growth patch at Position of a program that is N long at that moment,
  /// adding Grown >= 1 instructions, with LineRecords line records. Between
  /// the two measured ranges the two lines are interpolated linearly in N.
  double growthUs(uint64_t N, uint64_t Position, unsigned Grown = 1,
                  uint64_t LineRecords = 0) const;
  /// One deletion, however many instructions it removes.
  double deletionUs(uint64_t N, uint64_t Position) const;
  /// Sites growth patches of Grown each, spread evenly over N, including that
  /// the program gets longer with each.
  double spreadGrowthUs(uint64_t N, uint64_t Sites, unsigned Grown = 1,
                        uint64_t LineRecords = 0) const;
  /// Line records are also checked once at load.
  double lineCheckUs(uint64_t LineRecords) const {
    return C.LineOnce * double(LineRecords);
  }

  /// One visit of one instruction.
  double visitUs(VisitClass Class) const { return C.Visit[unsigned(Class)]; }
  /// One visit of a static call and its return; the callee's own instructions
  /// come on top.
  double staticCallUs(CalleeStack Stack = CalleeStack::None) const;
  /// Cost per *site* (not per visit) of a static call in a caller of N
  /// instructions, on top of its visits: the live-stack fix-point.
  double staticCallSiteUs(CalleeStack Stack, uint64_t N) const;
  /// One visit of a call of a global function (which is verified once itself).
  double globalCallUs() const { return visitUs(VisitClass::GlobalCall); }
  double argMoveUs() const { return C.ArgMove; }
  /// Verification time that appears when a program of N gets its first
  /// subprogram. The JIT merely runs earlier: wall time does not change.
  double firstSubprogUs(uint64_t N) const {
    return C.FirstSubprogPerInsn * double(N);
  }
  double kfuncFirstUseUs() const { return C.KfuncFirstUse; }

private:
  CostConstants C;
};

} // namespace prepatch

#endif // PREPATCH_KERNEL_COSTMODEL_H
