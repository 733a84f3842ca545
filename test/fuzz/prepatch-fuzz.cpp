//===- prepatch-fuzz.cpp - Damaged objects, read and written --------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A libFuzzer target for the object reader. Whatever the bytes, reading them
// ends in an object or in an error. For an object:
//  - written unchanged, it has the bytes that it was read from;
//  - the representation satisfies its Verifier, unless the object is frozen;
//  - after an edit in every function that may be edited it is either refused
//    or written as a file that reads again.
//===----------------------------------------------------------------------===//

#include "IR/Builder.h"
#include "IR/Verifier.h"
#include "Object/Object.h"
#include "llvm/ADT/SmallString.h"
#include <cstdlib>

using namespace llvm;
using namespace prepatch;

[[noreturn]] static void broken(const Twine &What) {
  errs() << "broken promise: " << What << '\n';
  std::abort();
}

/// Makes every function longer at its start and at its end.
static void edit(Program &P) {
  Builder B(P);
  for (CodeSection &S : P.Sections)
    for (prepatch::Function &F : S.Functions) {
      if (F.isOpaque())
        continue;
      B.setInsertPoint(*F.entry().front());
      B.movImm(0, 0);
      B.setInsertPoint(*std::prev(F.end())->back());
      B.movImm(0, 1);
    }
}

static void checkIdentity(Object &Obj, StringRef Input) {
  Error E = verify(Obj.Prog);
  if (E && Obj.isFrozen())
    consumeError(std::move(E));
  else if (E)
    broken("lifted code: " + toString(std::move(E)));
  SmallString<0> Out;
  raw_svector_ostream OS(Out);
  if (Error E = Obj.write(OS, false))
    broken("identity: " + toString(std::move(E)));
  if (Out != Input)
    broken("identity: other bytes");
}

static void checkEdit(Object &Obj) {
  if (Obj.isFrozen())
    return;
  edit(Obj.Prog);
  if (Error E = verify(Obj.Prog))
    broken("edited code: " + toString(std::move(E)));
  SmallString<0> Out;
  raw_svector_ostream OS(Out);
  if (Error E = Obj.write(OS, true))
    return consumeError(std::move(E));
  auto Again = Object::read(MemoryBufferRef(Out, "edited"));
  if (!Again)
    broken("edited file: " + toString(Again.takeError()));
  if ((*Again)->isFrozen())
    broken("edited file is frozen: " + (*Again)->FrozenReason);
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *Data, size_t Size) {
  StringRef Input(reinterpret_cast<const char *>(Data), Size);
  for (bool Edit : {false, true}) {
    auto Obj = Object::read(MemoryBufferRef(Input, "input"));
    if (!Obj) {
      consumeError(Obj.takeError());
      return 0;
    }
    if (Edit)
      checkEdit(**Obj);
    else
      checkIdentity(**Obj, Input);
  }
  return 0;
}
