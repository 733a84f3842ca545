//===- ProgramTypes.h - names and kinds of program types ------------------===//
//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What libbpf's own tables do not say: section names from before libbpf 1.0.
//
//===----------------------------------------------------------------------===//

#ifndef PREPATCH_LOAD_PROGRAMTYPES_H
#define PREPATCH_LOAD_PROGRAMTYPES_H

#include <bpf/bpf.h>
#include <string>

namespace prepatch {

struct LegacySection {
  bpf_prog_type Type = BPF_PROG_TYPE_UNSPEC;
  bpf_attach_type Attach = BPF_CGROUP_INET_INGRESS; // zero: none
};

/// The type that libbpf before 1.0, which compared only the start of a
/// section's name, would have given to a program. UNSPEC if none.
LegacySection guessLegacySection(const std::string &Section);

/// "xdp", or the number if this libbpf knows no name.
std::string programTypeName(bpf_prog_type Type);

/// Empty if the type has no attach types that matter.
std::string attachTypeName(bpf_prog_type Type, uint32_t Attach);

} // namespace prepatch

#endif
