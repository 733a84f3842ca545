//===- KernelProfile.h - what one kernel rewrites, and what it costs ------===//
//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// After the verifier has accepted a program the kernel rewrites it, and which
// rewrites it does differs from kernel to kernel. A KernelProfile holds that
// knowledge for one kernel as data: the length of the rewrite of every context
// access, helper call, kfunc call and ALU form, what the kernel offers, its
// limits and its cost constants. Passes ask the profile and never a version
// number. A profile is a JSON file (docs/kernel-profiles.md); those shipped
// with prepatch are compiled into the library. A profile never changes after
// it has been read.
//
//===----------------------------------------------------------------------===//

#ifndef PREPATCH_KERNEL_KERNELPROFILE_H
#define PREPATCH_KERNEL_KERNELPROFILE_H

#include "CostModel.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace llvm {
class raw_ostream;
} // namespace llvm

namespace prepatch {

/// How a program touches its context.
enum class AccessKind : uint8_t {
  Read,           ///< LDX, zero-extending
  ReadSignExtend, ///< LDX with BPF_MEMSX
  Write,          ///< STX
  WriteImm        ///< ST
};

/// A wider read that the kernel itself turns a context read into. The value of
/// the original read is `sext<SignBits>((full >> Shift) & Mask)`, where `full`
/// is the zero-extended read of Size bytes at Offset. It is offered only where
/// the kernel's own sequence for the original is its sequence for the full read
/// followed by exactly this tail, so writing the tail in the program changes
/// nothing.
struct CtxWidening {
  uint16_t Offset = 0;
  uint8_t Size = 0;
  uint8_t Shift = 0;     ///< 0 when the value is in the low bits already
  bool NeedsMask = true; ///< false: a full field, only the extension stays
  uint8_t SignBits = 0;  ///< 8, 16 or 32 for a sign-extending read, else 0
  uint64_t Mask = 0;     ///< ones of the width of the original read

  bool operator==(const CtxWidening &) const = default;
};

/// What becomes of one context access.
struct CtxRewrite {
  uint8_t Insns = 1; ///< instructions after the rewrite; 1 means in place
  /// The same when the destination register is the context register (some
  /// sequences then need a spill). Only differs from Insns for reads.
  uint8_t InsnsDestIsCtx = 1;
  /// If not negative: when the program also reads the field at this offset,
  /// the access takes AltInsns instead (tstamp and tstamp_type).
  int32_t AltTrigger = -1;
  uint8_t AltInsns = 1;
  std::optional<CtxWidening> Widening; ///< reads only

  unsigned insns(bool DestIsCtx) const {
    return DestIsCtx ? InsnsDestIsCtx : Insns;
  }
  unsigned growth(bool DestIsCtx = false) const { return insns(DestIsCtx) - 1; }
};

/// The rewrites of one kind of context, or of one kind of socket pointer.
class ContextTable {
public:
  /// One (offset, size); a count of 0 says that the access is not allowed (or
  /// was not seen while measuring).
  struct Row {
    uint16_t Offset = 0;
    uint8_t Size = 0;
    uint8_t Read = 0;
    uint8_t ReadDestIsCtx = 0;
    uint8_t ReadSignExtend = 0;
    uint8_t Write = 0;
    uint8_t WriteImm = 0;
    /// Widening of the zero-extending read; WideSize 0 means none.
    uint16_t WideOffset = 0;
    uint8_t WideSize = 0;
    uint8_t Shift = 0;
    uint64_t Mask = 0;

    bool operator==(const Row &) const = default;
  };
  /// See CtxRewrite::AltTrigger.
  struct Alternative {
    uint16_t Offset = 0;
    uint8_t Size = 0;
    AccessKind Kind = AccessKind::Read;
    uint8_t Insns = 1;
    uint16_t Trigger = 0;
    bool operator==(const Alternative &) const = default;
  };

  llvm::StringRef name() const { return Name; }
  /// False for program types whose context the kernel never rewrites (kprobe,
  /// tracepoint, raw_tracepoint, ...): every access is then in place.
  bool converts() const { return Converts; }
  llvm::ArrayRef<Row> rows() const { return Rows; }
  llvm::ArrayRef<Alternative> alternatives() const { return Alternatives; }

  /// The rewrite of an access, nullopt if the profile has no such access. For
  /// a context that is not converted every access is in place.
  std::optional<CtxRewrite> lookup(int64_t Offset, unsigned Size,
                                   AccessKind Kind) const;

  /// Most instructions any access of this table becomes; 1 means that reading
  /// and writing it is always free.
  unsigned maxInsns() const;

private:
  friend class ProfileReader;
  const Row *findRow(int64_t Offset, unsigned Size) const;

  std::string Name;
  bool Converts = true;
  std::vector<Row> Rows; ///< sorted by (Offset, Size)
  std::vector<Alternative> Alternatives;
};

/// Pointers to socket structures; reads through them are rewritten too.
enum class SocketKind : uint8_t { SockCommon, Sock, TcpSock, XdpSock };
constexpr unsigned NumSocketKinds = 4;

/// What r0 holds after a helper call.
enum class HelperReturn : uint8_t {
  Void,
  Scalar,
  MapValueOrNull,
  MapValue,
  MemOrNull,        ///< sized memory (ringbuf record, dynptr slice)
  SocketOrNull,     ///< full socket
  SockCommonOrNull, ///< struct bpf_sock_common
  TcpSockOrNull,
  BtfPtrOrNull,
  BtfPtr,
  MemOrBtfPtr,       ///< bpf_this_cpu_ptr
  MemOrBtfPtrOrNull, ///< bpf_per_cpu_ptr
  Unknown
};

/// What a helper takes in one argument register.
enum class HelperArg : uint8_t {
  None,
  Scalar,
  Ctx,
  CtxOrSocket,
  Map,
  MapKey,   ///< memory of the map's key size, read
  MapValue, ///< memory of the map's value size, read or written
  Mem,      ///< memory whose size is in the next argument, must be
            ///< initialised; some helpers also write it
  MemOut,   ///< memory whose size is in the next argument, written
  FixedMem, ///< memory of a size the helper fixes, read or written
  Size,     ///< size of the memory in the argument before
  Callback,
  CallbackCtx, ///< pointer handed to the callback, usually the caller's stack
  Socket,
  BtfPtr,
  Dynptr,
  AllocMem, ///< reserved memory given back
  SpinLock,
  Timer,
  Kptr,
  ConstStr,
  PercpuPtr,
  Unknown
};

/// Facts about one helper of the uapi, the same on every kernel that has it.
struct HelperInfo {
  uint32_t Id = 0;
  llvm::StringRef Name; ///< without "bpf_"; empty for an unknown helper
  HelperReturn Return = HelperReturn::Unknown;
  std::array<HelperArg, 5> Args{};
  /// Invalidates packet pointers (bpf_helper_changes_pkt_data).
  bool ChangesPacket = false;
  /// Has no effect besides its result and gives the same result at every call
  /// of one run of a program: two calls can share one result.
  bool ConstantPerRun = false;
  /// Has no effect besides its result (which may differ from call to call): a
  /// call whose result is unused can go.
  bool Pure = false;
  bool CallsBack = false; ///< runs a function of the program, now or later
  bool MaySleep = false;  ///< sleepable programs only
  bool Acquires = false;  ///< result is a reference that must be released
  bool Releases = false;
  bool MayWriteCtx = false; ///< may change fields seen through the context
                            ///< (packet length, mark, socket state ...)

  unsigned numArgs() const;
  bool takesMap() const;
};

/// One helper call with all that the length of its rewrite depends on.
struct HelperCall {
  uint32_t Id = 0;
  uint32_t ProgType = 0;
  uint32_t AttachType = 0;
  /// Type of the map in the call, if it is one known map. Leave it empty for
  /// calls that see several maps at one place: the kernel then keeps the
  /// generic helper.
  std::optional<uint32_t> MapType;
  uint32_t MapFlags = 0;
  /// The map was created by a loader without CAP_PERFMON (index masking).
  bool MapMasked = false;
  bool OneCallback = false; ///< exactly one function can be the callback
  bool ZeroFlags = false;   ///< the flags argument is proved 0
  bool PercpuKptr = false;  ///< the argument is a percpu kptr, not a ksym
};

/// A rewrite of a helper call and its conditions; the first rule that matches
/// a call decides. Empty lists match anything.
struct HelperRule {
  enum Need : uint8_t {
    OneCallback = 1,
    ZeroFlags = 2,
    PercpuKptr = 4,
    MapMasked = 8
  };
  uint32_t Helper = 0;
  uint8_t Insns = 1;
  uint8_t InsnsMasked = 0; ///< if not 0: length when the map is masked
  std::vector<uint32_t> Maps;
  std::vector<uint32_t> Progs;
  std::vector<uint32_t> Attach;
  uint32_t NotMapFlags = 0; ///< does not apply if the map has any of these
  uint8_t Needs = 0;

  bool matches(const HelperCall &Call) const;
};

struct KfuncInfo {
  uint8_t Insns = 1;     ///< instructions a call becomes
  bool Fastcall = false; ///< the verifier removes bpf_fastcall spills around it
  bool Inlined = false;  ///< the call disappears (rdonly_cast becomes a move)
};

/// Divisions that get zero checks.
struct AluForm {
  enum OpKind : uint8_t { Div, Mod } Op = Div;
  uint8_t Width = 64; ///< 32 or 64
  bool Signed = false;
};

/// What the kernel offers to a pass. Every member has the name of its JSON key.
struct KernelFeatures {
  bool Bpf2BpfCalls = false;
  bool GlobalFunctions = false;
  bool Kfuncs = false;
  bool MayGoto = false;
  bool Gotol = false; ///< cpu v4
  bool Iterators = false;
  bool BpfLoop = false;
  bool RdonlyCast = false;
  bool Fastcall = false; ///< recognises bpf_fastcall patterns
  bool InsnArrays = false;
  bool Trampolines = false; ///< fentry, fexit, fmod_ret, lsm can be loaded
  bool TailCallsWithSubprogs = false;
  bool PercpuInsn = false;
  bool Arena = false;
  bool LoadAcquire = false;
  bool PrivStack = false;
  /// Static callees that read the caller's stack cost O(N) (live-stack pass).
  bool LiveStackPass = false;
  /// A lookup with a constant in-range key is known to be non-NULL.
  bool ConstKeyLookupNonNull = false;
  bool SignedDivZeroCheck = false; ///< sdiv/smod by register patched specially
};

struct KernelLimits {
  uint32_t Insns = 1000000;
  uint32_t VerifiedInsns = 1000000;
  uint32_t StackBytes = 512;
  uint32_t StackBytesTailCall = 256; ///< caller of a subprogram with tail calls
  uint32_t StackRounding = 16;       ///< each frame is rounded up to this
  uint32_t StackMinFrame = 16;       ///< an empty frame counts this much
  uint32_t CallFrames = 8;
  uint32_t Subprogs = 256;
  uint32_t JumpReach = 32767; ///< beyond this growth may fail with -ENOMEM
};

/// Rewrites that are tied to no table.
struct MiscRewrites {
  uint8_t LdAbs = 1, LdInd = 1, LdIndZeroImm = 1;
  uint8_t MayGoto = 1;
  uint8_t MayGotoPerSubprog = 0; ///< added once to each subprog that has one
  uint8_t MayGotoStack = 0;      ///< bytes of stack added to it
  uint8_t LoopStack = 0;         ///< bytes of stack bpf_loop inlining adds
  uint8_t CmpXchg32Zext = 1;     ///< cmpxchg32 whose r0 is read as 64 bit
  uint8_t Zext32 = 1;            ///< any 32-bit definition (arch dependent)
  uint8_t ThrowAdds = 0;         ///< appended once if bpf_throw is used
  uint8_t ProbeMem = 1;          ///< load through a BTF pointer
  uint8_t AddrSpaceCast = 1;
};

class KernelProfile {
public:
  // Identity.
  llvm::StringRef name() const { return Name; }
  llvm::StringRef release() const { return Release; }
  llvm::StringRef arch() const { return Arch; }
  llvm::ArrayRef<std::string> notes() const { return Notes; }
  bool isBigEndian() const { return BigEndian; }

  // Reading.
  /// Parses the JSON text of a profile. Errors name the path of the element
  /// that is wrong and what was expected: "profile.json: contexts[3].rows[7]:
  /// expected ...".
  static llvm::Expected<KernelProfile> parse(llvm::StringRef Json,
                                             llvm::StringRef FileName);
  static llvm::Expected<KernelProfile> load(llvm::StringRef Path);
  /// A profile compiled into the library; an unknown name is an error that
  /// lists the known ones.
  static llvm::Expected<KernelProfile> builtin(llvm::StringRef Name);
  static std::vector<llvm::StringRef> builtinNames(); ///< sorted
  static constexpr const char *DefaultName = "linux-6.18-x86_64";
  /// What a --profile option means: empty is the default, a builtin name is
  /// that profile, anything else is a path.
  static llvm::Expected<KernelProfile> open(llvm::StringRef NameOrPath);

  // Writing: the same data in the same layout; reading it back gives an equal
  // profile.
  void write(llvm::raw_ostream &OS) const;

  // Contexts.
  llvm::ArrayRef<ContextTable> contexts() const { return Contexts; }
  /// By table name ("sched_cls"); null if there is none.
  const ContextTable *contextNamed(llvm::StringRef Key) const;
  /// For a program; null if nothing is known about this program type.
  const ContextTable *context(uint32_t ProgType, uint32_t AttachType) const;
  const ContextTable &socket(SocketKind Kind) const {
    return Sockets[unsigned(Kind)];
  }
  /// Instructions added at the first instruction if the program writes to the
  /// packet directly (stores through packet pointers, writable packet memory
  /// given to helpers, bpf_dynptr_slice_rdwr); 0 if none.
  unsigned directWritePrologue(uint32_t ProgType) const;
  llvm::ArrayRef<std::pair<uint32_t, uint8_t>> prologues() const {
    return Prologues;
  }

  // Helpers.
  /// Null for ids the profile does not know.
  const HelperInfo *helper(uint32_t Id) const;
  const HelperInfo *helperNamed(llvm::StringRef Name) const; ///< no "bpf_"
  llvm::ArrayRef<HelperInfo> helpers() const { return Helpers; }
  llvm::ArrayRef<HelperRule> helperRules() const { return HelperRules; }
  /// Instructions that a helper call becomes; 1 means in place.
  unsigned helperInsns(const HelperCall &Call) const;
  /// The most it can become, whatever the conditions; for refusing.
  unsigned maxHelperInsns(uint32_t Id) const;
  bool isFastcallHelper(uint32_t Id) const;
  llvm::ArrayRef<uint32_t> fastcallHelpers() const { return FastcallHelpers; }

  // Kfuncs. Unlisted ones become one instruction.
  KfuncInfo kfunc(llvm::StringRef Name) const;
  const std::map<std::string, KfuncInfo> &kfuncs() const { return Kfuncs; }

  // ALU.
  /// Instructions a division by a register becomes.
  unsigned aluRegInsns(AluForm Form) const;

  const MiscRewrites &misc() const { return Misc; }
  const KernelFeatures &features() const { return Features; }
  const KernelLimits &limits() const { return Limits; }
  const CostConstants &costs() const { return Costs; }
  CostModel costModel() const { return CostModel(Costs); }

private:
  friend class ProfileReader;
  friend class ProfileWriter;

  std::string Name, Release, Arch;
  std::vector<std::string> Notes;
  bool BigEndian = false;
  std::vector<ContextTable> Contexts; ///< in file order
  std::array<ContextTable, NumSocketKinds> Sockets;
  std::vector<std::pair<uint32_t, uint8_t>> Prologues; ///< prog type, growth
  std::vector<HelperInfo> Helpers;                     ///< index = id, 0 empty
  std::vector<HelperRule> HelperRules;
  std::vector<uint32_t> FastcallHelpers; ///< sorted
  std::map<std::string, KfuncInfo> Kfuncs;
  /// [op][width 64][signed]
  uint8_t Alu[2][2][2] = {{{1, 1}, {1, 1}}, {{1, 1}, {1, 1}}};
  MiscRewrites Misc;
  KernelFeatures Features;
  KernelLimits Limits;
  CostConstants Costs;
};

} // namespace prepatch

#endif // PREPATCH_KERNEL_KERNELPROFILE_H
