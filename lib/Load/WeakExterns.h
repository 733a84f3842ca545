//===- WeakExterns.h - make an object's externs optional ------------------===//
//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// libbpf refuses a whole object when one extern of one program is missing from
// the kernel. Made weak, the extern resolves to nothing, and the verifier
// refuses exactly the programs that cannot do without it.
//
//===----------------------------------------------------------------------===//

#ifndef PREPATCH_LOAD_WEAKEXTERNS_H
#define PREPATCH_LOAD_WEAKEXTERNS_H

#include <string>
#include <vector>

namespace prepatch {

/// Makes every undefined global symbol of the ELF image weak. Returns the names
/// of those changed; an image that is not ELF64 of this byte order is left
/// alone.
std::vector<std::string> makeExternsWeak(std::string &Image);

} // namespace prepatch

#endif
