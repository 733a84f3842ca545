//===- CallGraphTest.cpp - Who calls whom, and what is loaded together ---===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Above all the order in which a loader appends subprograms.
//===----------------------------------------------------------------------===//

#include "TestProgram.h"

using namespace llvm;
using namespace prepatch;

namespace {

// main calls b, then a; b calls c; c calls a. libbpf goes down at each first
// call: main b c a.
TEST(CallGraph, AppendsDepthFirst) {
  TestProgram T;
  Function &A = T.subprogram("a"), &Sub = T.subprogram("b"),
           &C = T.subprogram("c"), &Unused = T.subprogram("unused");
  Function &Main = T.entry("xdp", "main");
  for (Function *F : {&A, &Unused}) {
    T.block(*F);
    T.returnZero();
  }
  T.block(Sub);
  T.B.call(C);
  T.B.exit();
  T.block(C);
  T.B.call(A);
  T.B.exit();
  T.block(Main);
  T.B.call(Sub);
  T.B.call(A);
  T.B.exit();

  CallGraph G(T.P);
  ASSERT_EQ(G.loadedPrograms().size(), 1u);
  const LoadedProgram &L = G.loadedPrograms()[0];
  EXPECT_EQ(L.Functions, (std::vector<Function *>{&Main, &Sub, &C, &A}));
  EXPECT_EQ(L.Starts, (std::vector<unsigned>{0, 3, 5, 7}));
  EXPECT_EQ(L.Slots, 9u);
  EXPECT_EQ(L.ProgType, uint32_t(ProgType::Xdp));
  EXPECT_TRUE(L.AutoLoad);
  EXPECT_EQ(G.startIn(L, C), std::optional<unsigned>(5));
  EXPECT_EQ(G.startIn(L, Unused), std::nullopt);
  EXPECT_TRUE(G.programsWith(Unused).empty());
  EXPECT_EQ(G.callers(A).size(), 2u);
  EXPECT_EQ(G.callees(Main).size(), 2u);
}

TEST(CallGraph, CallbacksAreLoadedToo) {
  TestProgram T;
  Function &Callback = T.subprogram("callback");
  T.block(Callback);
  T.returnZero();
  Function &Main = T.entry("?tc");
  T.block(Main);
  T.loadFunction(2, Callback);
  T.B.callHelper(HelperLoop);
  T.B.exit();
  CallGraph G(T.P);
  const LoadedProgram &L = G.loadedPrograms()[0];
  EXPECT_EQ(L.Functions.size(), 2u);
  EXPECT_EQ(L.Slots, 6u) << "an ld_imm64 takes two slots";
  EXPECT_TRUE(L.HasCallback);
  EXPECT_TRUE(G.isCallback(Callback));
  EXPECT_FALSE(G.isCallback(Main));
  EXPECT_FALSE(L.AutoLoad);
}

TEST(CallGraph, Facts) {
  TestProgram T;
  Function &Main = T.entry("tc"), &Other = T.entry("tc", "other");
  BasicBlock &BB = T.block(Main);
  T.B.callHelper(HelperTailCall);
  T.B.create({ClassLd | SizeB | ModeAbs, 0, 0, 0, 0});
  T.callKfunc("bpf_rcu_read_lock___old");
  T.mayGoto(BB);
  T.block(Main);
  T.B.exit();
  T.block(Other);
  T.B.exit();
  CallGraph G(T.P);
  const FunctionFacts &Has = G.facts(Main);
  EXPECT_TRUE(Has.HasTailCall && Has.HasLegacyLoad && Has.HasLock &&
              Has.HasMayGoto && Has.HasKfunc);
  EXPECT_FALSE(Has.HasThrow || Has.HasRawBytes || Has.IsAddressTaken);
  EXPECT_TRUE(G.loadedPrograms()[0].HasTailCall);
  EXPECT_FALSE(G.loadedPrograms()[1].HasTailCall)
      << "programs of one section do not share facts";
}

TEST(CallGraph, RecursionEnds) {
  TestProgram T;
  Function &F = T.subprogram("f"), &Main = T.entry("xdp");
  T.block(F);
  T.B.call(F);
  T.B.exit();
  T.block(Main);
  T.B.call(F);
  T.B.exit();
  CallGraph G(T.P);
  EXPECT_EQ(G.loadedPrograms()[0].Functions.size(), 2u);
}

TEST(CallGraph, KfuncName) {
  TestProgram T;
  T.block(T.entry("xdp"));
  EXPECT_EQ(calledKfunc(*T.callKfunc("bpf_obj_new_impl")), "bpf_obj_new_impl");
  EXPECT_EQ(calledKfunc(*T.callKfunc("bpf_dynptr___v2")), "bpf_dynptr");
  EXPECT_EQ(calledKfunc(*T.B.callHelper(1)), "");
}

} // namespace
