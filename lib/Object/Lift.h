//===- Lift.h - Sections -> Program --------------------------------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef PREPATCH_OBJECT_LIFT_H
#define PREPATCH_OBJECT_LIFT_H

#include "Object/Object.h"

namespace prepatch {

/// Fills Obj.Prog from the sections of Obj. An error means that the input is
/// broken. What is valid but cannot be represented makes a function opaque or,
/// where it reaches across functions, sets Obj.FrozenReason.
llvm::Error lift(Object &Obj);

} // namespace prepatch

#endif
