//===- Representation.cpp - Speed and size of the representation ---------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Instructions in a second and bytes of heap for each. If they stay the same
// from ten thousand to a million, but for what caches do, the work is linear.
//===----------------------------------------------------------------------===//

#include "BigObject.h"
#include "IR/Builder.h"
#include "Object/Emit.h"
#include "Object/Object.h"
#include "llvm/Support/MemoryBuffer.h"
#include <benchmark/benchmark.h>
#include <malloc.h>

using namespace llvm;
using namespace prepatch;

static size_t heapInUse() {
  struct mallinfo2 Info = mallinfo2();
  return Info.uordblks + Info.hblkhd; // small blocks and mapped ones
}

/// The benchmarks' own input: anything wrong with it is a bug of theirs.
static std::unique_ptr<Object> readObject(const std::string &Bytes) {
  return cantFail(Object::read(MemoryBufferRef(Bytes, "big.o")));
}

static void setInsnRate(benchmark::State &State) {
  State.SetItemsProcessed(State.range(0) * State.iterations());
}

/// ELF, lift, and the emission that read() compares with the input.
static void BM_Read(benchmark::State &State) {
  std::string Bytes = makeBigObject(State.range(0));
  size_t Heap = 0, Nodes = 0;
  for (auto _ : State) {
    State.PauseTiming();
    size_t Before = heapInUse();
    State.ResumeTiming();
    std::unique_ptr<Object> Obj = readObject(Bytes);
    State.PauseTiming();
    if (Obj->isFrozen())
      State.SkipWithError("the object is frozen");
    Heap = heapInUse() - Before;
    Nodes = Obj->Prog.bytesAllocated();
    Obj.reset();
    State.ResumeTiming();
  }
  setInsnRate(State);
  State.counters["heap B/insn"] = double(Heap) / double(State.range(0));
  State.counters["nodes B/insn"] = double(Nodes) / double(State.range(0));
}

static void BM_Emit(benchmark::State &State) {
  std::string Bytes = makeBigObject(State.range(0));
  std::unique_ptr<Object> Obj = readObject(Bytes);
  for (auto _ : State) {
    Image Result = cantFail(emit(*Obj));
    benchmark::DoNotOptimize(Result.Codes.data());
  }
  setInsnRate(State);
}

/// A new instruction before every one, and every old one deleted.
static void BM_ReplaceAll(benchmark::State &State) {
  std::string Bytes = makeBigObject(State.range(0));
  for (auto _ : State) {
    State.PauseTiming();
    std::unique_ptr<Object> Obj = readObject(Bytes);
    State.ResumeTiming();
    Builder B(Obj->Prog);
    for (BasicBlock &BB : *Obj->Prog.findFunction("big"))
      for (auto It = BB.begin(); It != BB.end();) {
        Insn &I = *It++;
        // Branches stay: their blocks need them.
        B.setInsertPoint(I);
        B.movImm(3, 1);
        if (!isTerminator(I.kind()) && It != BB.end())
          B.erase(BB, I);
      }
    State.PauseTiming();
    Obj.reset();
    State.ResumeTiming();
  }
  setInsnRate(State);
}

/// Every block cut in two behind its first instruction.
static void BM_SplitAll(benchmark::State &State) {
  std::string Bytes = makeBigObject(State.range(0));
  size_t Splits = 0;
  for (auto _ : State) {
    State.PauseTiming();
    std::unique_ptr<Object> Obj = readObject(Bytes);
    State.ResumeTiming();
    Builder B(Obj->Prog);
    Function &F = *Obj->Prog.findFunction("big");
    Splits = 0;
    for (auto It = F.begin(); It != F.end();) {
      BasicBlock &BB = *It++;
      if (BB.front() == BB.back())
        continue;
      B.splitBefore(BB, *BB.front()->next());
      ++Splits;
    }
    State.PauseTiming();
    Obj.reset();
    State.ResumeTiming();
  }
  State.SetItemsProcessed(int64_t(Splits) * State.iterations());
}

#define SIZES                                                                  \
  ->Arg(10000)->Arg(100000)->Arg(1000000)->Unit(benchmark::kMillisecond)
BENCHMARK(BM_Read) SIZES;
BENCHMARK(BM_Emit) SIZES;
BENCHMARK(BM_ReplaceAll) SIZES;
BENCHMARK(BM_SplitAll) SIZES;
BENCHMARK_MAIN();
