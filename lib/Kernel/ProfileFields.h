//===- ProfileFields.h - the JSON keys of plain profile members -----------===//
//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Internal to lib/Kernel: reader and writer go through the same tables, in the
// order in which the writer prints.
//
//===----------------------------------------------------------------------===//

#ifndef PREPATCH_KERNEL_PROFILEFIELDS_H
#define PREPATCH_KERNEL_PROFILEFIELDS_H

#include "KernelProfile.h"

namespace prepatch {

template <class Struct, class Member> struct ProfileField {
  llvm::StringLiteral Key;
  Member Struct::*Ptr;
};

/// The only version of the format so far.
constexpr int64_t ProfileFormat = 1;

constexpr ProfileField<KernelFeatures, bool> FeatureFields[] = {
    {"bpf2bpfCalls", &KernelFeatures::Bpf2BpfCalls},
    {"globalFunctions", &KernelFeatures::GlobalFunctions},
    {"kfuncs", &KernelFeatures::Kfuncs},
    {"mayGoto", &KernelFeatures::MayGoto},
    {"gotol", &KernelFeatures::Gotol},
    {"iterators", &KernelFeatures::Iterators},
    {"bpfLoop", &KernelFeatures::BpfLoop},
    {"rdonlyCast", &KernelFeatures::RdonlyCast},
    {"fastcall", &KernelFeatures::Fastcall},
    {"insnArrays", &KernelFeatures::InsnArrays},
    {"trampolines", &KernelFeatures::Trampolines},
    {"tailCallsWithSubprogs", &KernelFeatures::TailCallsWithSubprogs},
    {"percpuInsn", &KernelFeatures::PercpuInsn},
    {"arena", &KernelFeatures::Arena},
    {"loadAcquire", &KernelFeatures::LoadAcquire},
    {"privStack", &KernelFeatures::PrivStack},
    {"liveStackPass", &KernelFeatures::LiveStackPass},
    {"constKeyLookupNonNull", &KernelFeatures::ConstKeyLookupNonNull},
    {"signedDivZeroCheck", &KernelFeatures::SignedDivZeroCheck},
};

constexpr ProfileField<KernelLimits, uint32_t> LimitFields[] = {
    {"insns", &KernelLimits::Insns},
    {"verifiedInsns", &KernelLimits::VerifiedInsns},
    {"stackBytes", &KernelLimits::StackBytes},
    {"stackBytesTailCall", &KernelLimits::StackBytesTailCall},
    {"stackRounding", &KernelLimits::StackRounding},
    {"stackMinFrame", &KernelLimits::StackMinFrame},
    {"callFrames", &KernelLimits::CallFrames},
    {"subprogs", &KernelLimits::Subprogs},
    {"jumpReach", &KernelLimits::JumpReach},
};

constexpr ProfileField<MiscRewrites, uint8_t> MiscFields[] = {
    {"ldAbs", &MiscRewrites::LdAbs},
    {"ldInd", &MiscRewrites::LdInd},
    {"ldIndZeroImm", &MiscRewrites::LdIndZeroImm},
    {"mayGoto", &MiscRewrites::MayGoto},
    {"mayGotoPerSubprog", &MiscRewrites::MayGotoPerSubprog},
    {"mayGotoStack", &MiscRewrites::MayGotoStack},
    {"loopStack", &MiscRewrites::LoopStack},
    {"cmpXchg32Zext", &MiscRewrites::CmpXchg32Zext},
    {"zext32", &MiscRewrites::Zext32},
    {"throwAdds", &MiscRewrites::ThrowAdds},
    {"probeMem", &MiscRewrites::ProbeMem},
    {"addrSpaceCast", &MiscRewrites::AddrSpaceCast},
};

constexpr ProfileField<CostConstants, CostLine> CostLineFields[] = {
    {"growthSmall", &CostConstants::GrowthSmall},
    {"growthLarge", &CostConstants::GrowthLarge},
    {"deletion", &CostConstants::DeletionLine},
};

constexpr ProfileField<CostConstants, uint32_t> CostLimitFields[] = {
    {"smallLimit", &CostConstants::SmallLimit},
    {"largeLimit", &CostConstants::LargeLimit},
};

constexpr ProfileField<CostConstants, double> CostFields[] = {
    {"extraInsnPerInsn", &CostConstants::ExtraInsnPerInsn},
    {"linePerPatch", &CostConstants::LinePerPatch},
    {"lineOnce", &CostConstants::LineOnce},
    {"readStackPerInsn", &CostConstants::ReadStackPerInsn},
    {"writeStackCall", &CostConstants::WriteStackCall},
    {"ownStackCall", &CostConstants::OwnStackCall},
    {"argMove", &CostConstants::ArgMove},
    {"firstSubprogPerInsn", &CostConstants::FirstSubprogPerInsn},
    {"kfuncFirstUse", &CostConstants::KfuncFirstUse},
};

/// Index = VisitClass.
constexpr llvm::StringLiteral VisitKeys[NumVisitClasses] = {
    "mov",     "alu",     "stackAccess", "ctxLoad",
    "memLoad", "btfLoad", "btfPtrLoad",  "trustedPtrLoad",
    "helper",  "kfunc",   "staticCall",  "globalCall"};

/// [op][width 64][signed], as KernelProfile keeps them.
constexpr llvm::StringLiteral AluKeys[2][2][2] = {
    {{"div32", "sdiv32"}, {"div64", "sdiv64"}},
    {{"mod32", "smod32"}, {"mod64", "smod64"}}};

/// Index = SocketKind.
constexpr llvm::StringLiteral SocketKeys[NumSocketKinds] = {
    "sock_common", "sock", "tcp_sock", "xdp_sock"};

struct NeedKey {
  llvm::StringLiteral Key;
  uint8_t Bit;
};
constexpr NeedKey NeedKeys[] = {
    {"oneCallback", HelperRule::OneCallback},
    {"zeroFlags", HelperRule::ZeroFlags},
    {"percpuKptr", HelperRule::PercpuKptr},
    {"mapMasked", HelperRule::MapMasked},
};

struct KindKey {
  llvm::StringLiteral Key;
  AccessKind Kind;
};
constexpr KindKey KindKeys[] = {{"R", AccessKind::Read},
                                {"RSX", AccessKind::ReadSignExtend},
                                {"W", AccessKind::Write},
                                {"WI", AccessKind::WriteImm}};

} // namespace prepatch

#endif // PREPATCH_KERNEL_PROFILEFIELDS_H
