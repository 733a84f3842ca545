//===- MapAccess.h - bpf() on map elements --------------------------------===//
//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Element access through the raw system call. All return 0 or a negative errno.
//
//===----------------------------------------------------------------------===//

#ifndef PREPATCH_LOAD_MAPACCESS_H
#define PREPATCH_LOAD_MAPACCESS_H

#include "BpfSyscall.h"

namespace prepatch {

int lookupElement(int Fd, const void *Key, void *Value);
int updateElement(int Fd, const void *Key, const void *Value);
int deleteElement(int Fd, const void *Key);
/// Key null: the first one.
int nextKey(int Fd, const void *Key, void *Next);
/// Takes an element out of a queue or stack.
int popElement(int Fd, void *Value);
/// The first Count elements of an array; Keys holds 0, 1, 2...
int updateArray(int Fd, const uint32_t *Keys, const void *Values,
                uint32_t Count);
int lookupArray(int Fd, uint32_t *Keys, void *Values, uint32_t Count);

} // namespace prepatch

#endif
