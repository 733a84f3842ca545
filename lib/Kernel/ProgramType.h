//===- ProgramType.h - program, attach and map types, section names -------===//
//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The numbers of the uapi's program, attach and map types, and what the name
// of a program's ELF section says about the program, read the way libbpf reads
// it. The installed <linux/bpf.h> may be older than the kernels we know about,
// so the numbers are listed here (ProgTypes.def and so on).
//
//===----------------------------------------------------------------------===//

#ifndef PREPATCH_KERNEL_PROGRAMTYPE_H
#define PREPATCH_KERNEL_PROGRAMTYPE_H

#include "llvm/ADT/StringRef.h"
#include <cstdint>
#include <optional>

namespace prepatch {

/// BPF_PROG_TYPE_*, as plain numbers: ProgType::SchedCls.
namespace ProgType {
enum : uint32_t {
#define PREPATCH_PROG_TYPE(ID, NUM, NAME) ID = NUM,
#include "ProgTypes.def"
};
} // namespace ProgType

/// BPF_MAP_TYPE_*: MapType::PercpuArray.
namespace MapType {
enum : uint32_t {
#define PREPATCH_MAP_TYPE(ID, NUM, NAME) ID = NUM,
#include "MapTypes.def"
};
} // namespace MapType

/// enum bpf_attach_type: AttachType::XdpDevmap. Value 0 is a real one
/// (CgroupInetIngress) and also stands for "none".
namespace AttachType {
enum : uint32_t {
#define PREPATCH_ATTACH_TYPE(ID, NUM, NAME) ID = NUM,
#include "AttachTypes.def"
};
} // namespace AttachType

/// bpftool's names ("sched_cls", "percpu_array", "xdp_devmap"); empty if the
/// number is unknown.
llvm::StringRef progTypeName(uint32_t Type);
llvm::StringRef mapTypeName(uint32_t Type);
llvm::StringRef attachTypeName(uint32_t Type);
std::optional<uint32_t> progTypeNamed(llvm::StringRef Name);
std::optional<uint32_t> mapTypeNamed(llvm::StringRef Name);
std::optional<uint32_t> attachTypeNamed(llvm::StringRef Name);

/// What a section name says.
struct SectionInfo {
  uint32_t ProgType = 0;
  uint32_t AttachType = 0; ///< expected attach type, 0 if none
  bool Sleepable = false;
  bool XdpFrags = false;    ///< BPF_F_XDP_HAS_FRAGS
  bool AutoLoad = true;     ///< false with a leading '?'
  bool NeedsTarget = false; ///< loading needs a BTF id of Target
  llvm::StringRef Prefix;   ///< the part that was recognised, "fentry"
  llvm::StringRef Target;   ///< what follows the '/', may be empty
};

/// Decodes a section name; nullopt if libbpf would not know it. Prefix and
/// Target point into Name.
std::optional<SectionInfo> parseSectionName(llvm::StringRef Name);

/// Whether programs of this type get a struct __sk_buff as their context.
bool hasSkBuffContext(uint32_t Type);

/// Name of the context table that a program uses in a profile, such as
/// "sched_cls" or "sock_addr_connect4"; the program type's own name where the
/// attach type makes no difference, empty for an unknown type.
llvm::StringRef contextKey(uint32_t ProgType, uint32_t AttachType);

} // namespace prepatch

#endif // PREPATCH_KERNEL_PROGRAMTYPE_H
