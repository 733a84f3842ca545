//===- TrapsTest.cpp - What goes wrong when code moves --------------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One test for each thing in a file that says where code is.
//===----------------------------------------------------------------------===//

#include "IR/Builder.h"
#include "IR/Verifier.h"
#include "TestObject.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Endian.h"
#include <gtest/gtest.h>

using namespace llvm;
using namespace prepatch;
using namespace prepatch::test;

namespace {

using Strings = std::vector<std::string>;

constexpr RawInsn Exit{OpExit, 0, 0, 0, 0};
RawInsn mov(int32_t V) { return {OpMov64Imm, 0, 0, 0, V}; }
RawInsn call(int32_t Imm) { return {OpCall, 0, CallBpf, 0, Imm}; }

Insn &insnAt(prepatch::Function &F, unsigned N) {
  for (BasicBlock &BB : F)
    for (Insn &I : BB)
      if (N-- == 0)
        return I;
  std::abort();
}

/// Puts \p N instructions before instruction \p At of \p F.
void insert(Object &Obj, StringRef F, unsigned At, unsigned N) {
  Builder B(Obj.Prog);
  B.setInsertPoint(insnAt(*Obj.Prog.findFunction(F), At));
  for (unsigned I = 0; I < N; ++I)
    B.movImm(9, 900 + I);
}

void erase(Object &Obj, StringRef F, unsigned At) {
  prepatch::Function &Fn = *Obj.Prog.findFunction(F);
  Insn &I = insnAt(Fn, At);
  for (BasicBlock &BB : Fn)
    for (Insn &J : BB)
      if (&J == &I) {
        Builder(Obj.Prog).erase(BB, I);
        return;
      }
}

File functions(StringRef Text, bool BigEndian = false) {
  return assemble(Text, "v4", BigEndian);
}

std::string function(StringRef Name, StringRef Body,
                     StringRef Binding = ".globl") {
  return (Binding + " " + Name + "\n.type " + Name + ",@function\n" + Name +
          ":\n" + Body + ".size " + Name + ", .-" + Name + "\n")
      .str();
}

TEST(Traps, AJumpReachesTheStartOfWhatReplacesItsTarget) {
  File In = functions(".section xdp,\"ax\"\n" +
                      function("main", "if r1 == 0 goto Here\nr0 = 1\n"
                                       "Here:\nr0 = 2\nexit\n"));
  auto Obj = read(In);
  prepatch::Function &F = *Obj->Prog.findFunction("main");
  BasicBlock &Here = *F.entry().back()->target();
  Insn &Old = *Here.front();
  Builder B(Obj->Prog);
  B.setInsertPoint(Old);
  B.movImm(0, 20);
  B.movImm(0, 21);
  B.setInsertPoint(Here);
  B.erase(Here, Old);
  EXPECT_EQ(listing(write(*Obj), "xdp"), "if r1 == 0 goto +1\n"
                                         "r0 = 1\n"
                                         "r0 = 20\n"
                                         "r0 = 21\n"
                                         "exit\n");
}

TEST(Traps, CallsAndFunctionPointersByRelocationFollow) {
  // By the symbol of the function, and by that of the section with an addend.
  ObjectSpec Spec;
  Spec.Code = {{".text", {mov(1), Exit, mov(2), Exit}, {}, {}, {}, {}},
               {"xdp",
                {call(-1),
                 call(1),
                 {OpLdImm64, 2, 0, 0, 0},
                 {},
                 {OpLdImm64, 3, 0, 0, 16},
                 {},
                 Exit},
                {{0, "second", "R_BPF_64_32"},
                 {8, "text", "R_BPF_64_32"},
                 {16, "second", "R_BPF_64_64"},
                 {32, "text", "R_BPF_64_64"}},
                {},
                {},
                {}}};
  Spec.Symbols = {{"text", ".text", 0, 0, "STT_SECTION", "STB_LOCAL"},
                  {"first", ".text", 0, 16},
                  {"second", ".text", 16, 16},
                  {"main", "xdp", 0, 56}};
  File In = Spec.build();
  auto Obj = read(In);
  ASSERT_EQ(Obj->FrozenReason, "");
  prepatch::Function &Main = *Obj->Prog.findFunction("main");
  for (unsigned I = 0; I < 4; ++I)
    EXPECT_EQ(insnAt(Main, I).callee(), Obj->Prog.findFunction("second"));
  insert(*Obj, "first", 0, 3);
  File Out = write(*Obj);
  // What the symbol says stays; what counts from the section grows.
  EXPECT_EQ(listing(Out, "xdp"), "call pc-1\n"
                                 "call pc+4\n"
                                 "r2 = 0x0 ll\n"
                                 "r3 = 0x28 ll\n"
                                 "exit\n");
  EXPECT_TRUE(is_contained(symbols(Out), "second .text 40 16"));
}

TEST(Traps, CallsInsideASectionWithoutRelocationFollow) {
  ObjectSpec Spec;
  Spec.Code = {{".text",
                {call(2), mov(1), Exit, mov(2), call(-5), Exit},
                {},
                {},
                {},
                {}}};
  Spec.Symbols = {{"first", ".text", 0, 24}, {"second", ".text", 24, 24}};
  File In = Spec.build();
  auto Obj = read(In);
  insert(*Obj, "first", 1, 2);
  EXPECT_EQ(listing(write(*Obj), ".text"),
            "call pc+4\nr9 = 900\nr9 = 901\nr0 = 1\nexit\n"
            "r0 = 2\ncall pc-7\nexit\n");
}

TEST(Traps, JumpTablesFollow) {
  for (endianness Order : {endianness::little, endianness::big}) {
    ObjectSpec Spec;
    Spec.Endian = Order;
    // Entry 1 is reached through the table alone.
    Spec.Code = {{"xdp",
                  {{OpLdImm64, 1, 0, 0, 0},
                   {},
                   {OpGotox, 1, 0, 0, 0},
                   mov(1),
                   Exit,
                   mov(2),
                   Exit},
                  {{0, "table", "R_BPF_64_64"}},
                  {},
                  {},
                  {}}};
    std::vector<uint8_t> Entries(16);
    support::endian::write<uint64_t>(Entries.data(), 24, Order);
    support::endian::write<uint64_t>(Entries.data() + 8, 40, Order);
    Spec.Data = {{".jumptables", Entries, {}}};
    Spec.Symbols = {{"table", ".jumptables", 0, 16, "STT_OBJECT", "STB_LOCAL"},
                    {"main", "xdp", 0, 56}};
    File In = Spec.build();
    auto Obj = read(In);
    ASSERT_EQ(Obj->FrozenReason, "");
    insert(*Obj, "main", 2, 3); // before r0 = 1
    File Out = write(*Obj);
    ByteVector Table = contents(Out, ".jumptables");
    EXPECT_EQ(support::endian::read<uint64_t>(Table.data(), Order), 24u);
    EXPECT_EQ(support::endian::read<uint64_t>(Table.data() + 8, Order), 64u);
  }
}

TEST(Traps, AnErasedJumpTargetIsAnErrorNotAWrongTable) {
  ObjectSpec Spec;
  Spec.Code = {
      {"xdp",
       {{OpLdImm64, 1, 0, 0, 0}, {}, {OpGotox, 1, 0, 0, 0}, mov(1), Exit},
       {{0, "table", "R_BPF_64_64"}},
       {},
       {},
       {}}};
  Spec.Data = {{".jumptables", {24, 0, 0, 0, 0, 0, 0, 0}, {}}};
  Spec.Symbols = {{"table", ".jumptables", 0, 8, "STT_OBJECT", "STB_LOCAL"},
                  {"main", "xdp", 0, 40}};
  File In = Spec.build();
  auto Obj = read(In);
  Builder(Obj->Prog).erase(*std::next(Obj->Prog.findFunction("main")->begin()));
  EXPECT_EQ(writeError(*Obj), "jump table at offset 0: entry 0 names a block "
                              "that was erased");
}

/// Two functions of three lines each, with CO-RE records.
ObjectSpec withRecords(endianness Order = endianness::little) {
  ObjectSpec Spec;
  Spec.Endian = Order;
  Spec.Code = {{"xdp",
                {mov(1), mov(2), mov(3), Exit, mov(4), mov(5), Exit},
                {},
                {0, 4},
                {{0, 10}, {1, 11}, {3, 12}, {4, 20}, {6, 21}},
                {{1, 7}, {5, 8}}}};
  Spec.Symbols = {{"first", "xdp", 0, 32}, {"second", "xdp", 32, 24}};
  return Spec;
}

/// What \p Obj writes against what \p Expected says.
void expectWritten(Object &Obj, const ObjectSpec &Expected) {
  File Out = write(Obj);
  for (const CodeSpec &C : Expected.Code)
    EXPECT_EQ(toHex(contents(Out, C.Name)), toHex(Expected.code(C)));
  EXPECT_EQ(toHex(contents(Out, ".BTF.ext")), toHex(Expected.btfExt()));
  EXPECT_EQ(symbols(Out), symbols(Expected.build()));
}

TEST(Traps, RecordsFollowInsertedCode) {
  for (endianness Order : {endianness::little, endianness::big}) {
    File In = withRecords(Order).build();
    auto Obj = read(In);
    insert(*Obj, "first", 1, 1);
    ObjectSpec Expected = withRecords(Order);
    CodeSpec &C = Expected.Code[0];
    C.Slots.insert(C.Slots.begin() + 1, {OpMov64Imm, 9, 0, 0, 900});
    C.FuncStarts = {0, 5};
    C.Lines = {{0, 10}, {1, 11}, {4, 12}, {5, 20}, {7, 21}};
    C.Cores = {{2, 7}, {6, 8}}; // on its instruction, not on the new one
    Expected.Symbols = {{"first", "xdp", 0, 40}, {"second", "xdp", 40, 24}};
    expectWritten(*Obj, Expected);
  }
}

TEST(Traps, DeletingInstructionsKeepsLines) {
  File In = withRecords().build();
  auto Obj = read(In);
  erase(*Obj, "first", 0); // line 10 is gone: the next starts its own
  erase(*Obj, "first", 0); // line 11 and its CO-RE record: goes to r0 = 3
  ObjectSpec Expected = withRecords();
  CodeSpec &C = Expected.Code[0];
  C.Slots.erase(C.Slots.begin(), C.Slots.begin() + 2);
  C.FuncStarts = {0, 2};
  C.Lines = {{0, 11}, {1, 12}, {2, 20}, {4, 21}};
  C.Cores = {{3, 8}};
  Expected.Symbols = {{"first", "xdp", 0, 16}, {"second", "xdp", 16, 24}};
  expectWritten(*Obj, Expected);
}

TEST(Traps, DeletingAWholeLineKeepsTheOthers) {
  File In = withRecords().build();
  auto Obj = read(In);
  erase(*Obj, "first", 1); // line 11: r0 = 2 and r0 = 3
  erase(*Obj, "first", 1);
  ObjectSpec Expected = withRecords();
  CodeSpec &C = Expected.Code[0];
  C.Slots.erase(C.Slots.begin() + 1, C.Slots.begin() + 3);
  C.FuncStarts = {0, 2};
  C.Lines = {{0, 10}, {1, 12}, {2, 20}, {4, 21}};
  C.Cores = {{3, 8}};
  Expected.Symbols = {{"first", "xdp", 0, 16}, {"second", "xdp", 16, 24}};
  expectWritten(*Obj, Expected);
}

TEST(Traps, DeletingAFunctionTakesItsRecordsAndSymbol) {
  File In = withRecords().build();
  auto Obj = read(In);
  Obj->Prog.eraseFunction(*Obj->Prog.findFunction("first"));
  File Out = write(*Obj);
  EXPECT_EQ(listing(Out, "xdp"), "r0 = 4\nr0 = 5\nexit\n");
  EXPECT_EQ(symbols(Out), (Strings{"second xdp 0 24"}));
  auto Again = read(Out);
  ASSERT_TRUE(Again);
  EXPECT_EQ(Again->FrozenReason, "");
  auto &Tables = Again->Ext->Tables;
  ASSERT_EQ(Tables[BtfExt::FuncInfo].Groups.size(), 1u);
  ASSERT_EQ(Tables[BtfExt::FuncInfo].Groups[0].Records.size(), 1u);
  const BtfExtRecord &R = Tables[BtfExt::FuncInfo].Groups[0].Records[0];
  EXPECT_EQ(R.InsnOff, 0u);
  EXPECT_EQ(R.Words[0], 3u); // the FUNC of second; that of first stays in .BTF
  EXPECT_EQ(Tables[BtfExt::LineInfo].Groups[0].Records.size(), 2u);
  EXPECT_EQ(Tables[BtfExt::CoreRelo].Groups[0].Records.size(), 1u);
  EXPECT_EQ(Again->Types->numTypes(), Obj->Types->numTypes());
}

TEST(Traps, DeletingTheLastRecordsOfASectionDropsItsGroup) {
  ObjectSpec Spec = withRecords();
  Spec.Code.push_back({"tc", {mov(1), Exit}, {}, {0}, {{0, 30}}, {}});
  Spec.Symbols.push_back({"third", "tc", 0, 16});
  File In = Spec.build();
  auto Obj = read(In);
  Obj->Prog.eraseFunction(*Obj->Prog.findFunction("third"));
  File Out = write(*Obj);
  auto Again = read(Out);
  EXPECT_EQ(Again->FrozenReason, "");
  EXPECT_EQ(Again->Ext->Tables[BtfExt::FuncInfo].Groups.size(), 1u);
  EXPECT_EQ(contents(Out, "tc").size(), 0u);
}

TEST(Traps, AReferenceToADeletedFunctionIsAnError) {
  ObjectSpec Spec;
  Spec.Code = {
      {".text", {mov(1), Exit}, {}, {}, {}, {}},
      {"xdp", {call(-1), Exit}, {{0, "sub", "R_BPF_64_32"}}, {}, {}, {}}};
  Spec.Symbols = {{"sub", ".text", 0, 16}, {"main", "xdp", 0, 16}};
  File In = Spec.build();
  auto Obj = read(In);
  Obj->Prog.eraseFunction(*Obj->Prog.findFunction("sub"));
  EXPECT_EQ(writeError(*Obj), "section 'xdp': insn 0: a reference to 'sub', "
                              "which was erased");
}

TEST(Traps, ARelocationOfDataThatNamesADeletedFunctionIsAnError) {
  ObjectSpec Spec;
  Spec.Code = {{"struct_ops/init", {mov(1), Exit}, {}, {}, {}, {}}};
  Spec.Data = {
      {".struct_ops", std::vector<uint8_t>(16), {{8, "init", "R_BPF_64_64"}}}};
  Spec.Symbols = {{"init", "struct_ops/init", 0, 16}};
  File In = Spec.build();
  auto Obj = read(In);
  Obj->Prog.eraseFunction(*Obj->Prog.findFunction("init"));
  EXPECT_EQ(writeError(*Obj), "section '.rel.struct_ops': relocation at offset "
                              "8 names symbol 'init', which was removed");
}

TEST(Traps, AddressesOfFunctionsInDataFollow) {
  ObjectSpec Spec;
  Spec.Code = {{"struct_ops", {mov(1), Exit, mov(2), Exit}, {}, {}, {}, {}}};
  // By symbol; and by section, with the offset in the data.
  std::vector<uint8_t> Bytes(16);
  Bytes[8] = 16;
  Spec.Data = {
      {".struct_ops.link",
       Bytes,
       {{0, "second", "R_BPF_64_ABS64"}, {8, "code", "R_BPF_64_ABS64"}}}};
  Spec.Symbols = {{"code", "struct_ops", 0, 0, "STT_SECTION", "STB_LOCAL"},
                  {"first", "struct_ops", 0, 16},
                  {"second", "struct_ops", 16, 16}};
  File In = Spec.build();
  auto Obj = read(In);
  ASSERT_EQ(Obj->FrozenReason, "");
  insert(*Obj, "first", 0, 4);
  File Out = write(*Obj);
  EXPECT_TRUE(is_contained(symbols(Out), "second struct_ops 48 16"));
  Bytes[8] = 48;
  EXPECT_EQ(toHex(contents(Out, ".struct_ops.link")), toHex(Bytes));
}

TEST(Traps, MapsAndExternsAreNotTouched) {
  ObjectSpec Spec;
  Spec.Code = {{"xdp",
                {mov(1),
                 {OpLdImm64, 1, 0, 0, 0},
                 {},
                 {OpLdImm64, 2, 0, 0, 0},
                 {},
                 {OpLdImm64, 3, 0, 0, 4},
                 {},
                 {OpCall, 0, CallBpf, 0, -1},
                 Exit},
                {{8, "outer", "R_BPF_64_64"},
                 {24, "CONFIG_HZ", "R_BPF_64_64"},
                 {40, "rodata", "R_BPF_64_64"},
                 {56, "bpf_rdonly_cast", "R_BPF_64_32"}},
                {},
                {},
                {}}};
  // A map of maps: its definition holds the address of another.
  Spec.Data = {
      {".maps", std::vector<uint8_t>(64), {{24, "inner", "R_BPF_64_ABS64"}}},
      {".rodata", std::vector<uint8_t>(8), {}}};
  Spec.Symbols = {{"rodata", ".rodata", 0, 0, "STT_SECTION", "STB_LOCAL"},
                  {"main", "xdp", 0, 72},
                  {"outer", ".maps", 0, 32, "STT_OBJECT"},
                  {"inner", ".maps", 32, 32, "STT_OBJECT"},
                  {"CONFIG_HZ", "", 0, 0, "STT_NOTYPE"},
                  {"bpf_rdonly_cast", "", 0, 0, "STT_NOTYPE", "STB_WEAK"}};
  File In = Spec.build();
  auto Obj = read(In);
  ASSERT_EQ(Obj->FrozenReason, "");
  Insn &Kfunc = insnAt(*Obj->Prog.findFunction("main"), 4);
  EXPECT_EQ(Kfunc.callee(), nullptr);
  insert(*Obj, "main", 1, 2);
  File Out = write(*Obj);
  EXPECT_EQ(relocations(Out, "xdp"),
            (Strings{"24 outer 1", "40 CONFIG_HZ 1", "56 rodata 1",
                     "72 bpf_rdonly_cast 10"}));
  EXPECT_EQ(relocations(Out, ".maps"), (Strings{"24 inner 2"}));
  EXPECT_EQ(contents(Out, ".maps"), contents(In, ".maps"));
}

TEST(Traps, SeveralProgramsInOneSectionMoveApart) {
  File In = functions(
      ".section tc,\"ax\"\n" + function("one", "r0 = 1\nexit\n") +
      function("two", "r0 = 2\nexit\n") + function("three", "r0 = 3\nexit\n"));
  auto Obj = read(In);
  insert(*Obj, "two", 0, 1);
  erase(*Obj, "one", 0);
  File Out = write(*Obj);
  EXPECT_EQ(listing(Out, "tc"), "exit\nr9 = 900\nr0 = 2\nexit\nr0 = 3\nexit\n");
  EXPECT_TRUE(is_contained(symbols(Out), "one tc 0 8"));
  EXPECT_TRUE(is_contained(symbols(Out), "two tc 8 24"));
  EXPECT_TRUE(is_contained(symbols(Out), "three tc 32 16"));
}

TEST(Traps, WeakAndHiddenSymbolsStayWhatTheyAre) {
  File In =
      functions(".text\n" + function("weak", "r0 = 1\nexit\n", ".weak") +
                ".hidden hidden\n" + function("hidden", "r0 = 2\nexit\n") +
                function("local", "r0 = 3\nexit\n", ".local"));
  auto Obj = read(In);
  EXPECT_TRUE(Obj->Prog.findFunction("weak")->isGlobal());
  EXPECT_FALSE(Obj->Prog.findFunction("hidden")->isGlobal());
  EXPECT_FALSE(Obj->Prog.findFunction("local")->isGlobal());
  insert(*Obj, "weak", 0, 1);
  File Out = write(*Obj);
  auto Elf = ElfFile::read(MemoryBufferRef(Out, "test.o"));
  ASSERT_TRUE(bool(Elf));
  auto find = [&](StringRef Name) -> const ElfSymbol & {
    return *find_if(Elf->Symbols,
                    [&](const ElfSymbol &S) { return S.Name == Name; });
  };
  EXPECT_EQ(find("weak").binding(), 2);
  EXPECT_EQ(find("hidden").binding(), 1);
  EXPECT_EQ(find("hidden").visibility(), 2);
  EXPECT_EQ(find("local").binding(), 0);
  EXPECT_EQ(find("hidden").Value, 24u);
}

TEST(Traps, TwoNamesOfOneFunctionMoveTogether) {
  File In = functions(".text\n" + function("first", "r0 = 1\nexit\n") +
                      ".globl alias\n.type alias,@function\nalias:\n" +
                      function("second", "r0 = 2\nexit\n"));
  auto Obj = read(In);
  insert(*Obj, "first", 0, 1);
  File Out = write(*Obj);
  EXPECT_TRUE(is_contained(symbols(Out), "second .text 24 16"));
  EXPECT_TRUE(is_contained(symbols(Out), "alias .text 24 0"));
}

TEST(Traps, LabelsInsideFunctionsFollowTheirInstruction) {
  ObjectSpec Spec;
  Spec.Code = {{"xdp", {mov(1), mov(2), Exit}, {}, {}, {}, {}}};
  Spec.Symbols = {{"LBB0_1", "xdp", 8, 0, "STT_NOTYPE", "STB_LOCAL"},
                  {"LBB0_2", "xdp", 16, 0, "STT_NOTYPE", "STB_LOCAL"},
                  {"end", "xdp", 24, 0, "STT_NOTYPE", "STB_LOCAL"},
                  {"main", "xdp", 0, 24}};
  File In = Spec.build();
  auto Obj = read(In);
  ASSERT_EQ(Obj->FrozenReason, "");
  insert(*Obj, "main", 0, 1);
  erase(*Obj, "main", 2); // that LBB0_1 names
  EXPECT_EQ(symbols(write(*Obj)),
            (Strings{"LBB0_2 xdp 16 0", "end xdp 24 0", "main xdp 0 24"}));
}

TEST(Traps, StaleDebugInformationIsDroppedWithANote) {
  ObjectSpec Spec = withRecords();
  Spec.Data = {{".debug_line", {1, 2, 3}, {}},
               {".debug_info",
                std::vector<uint8_t>(8),
                {{0, "first", "R_BPF_64_ABS64"}}},
               {".rodata", {1, 2, 3}, {}}};
  File In = Spec.build();
  auto Obj = read(In);
  insert(*Obj, "first", 0, 1);
  File Out = write(*Obj);
  EXPECT_EQ(Obj->Notes,
            (Strings{"dropped .debug_* sections: they describe the code before "
                     "lowering (source lines stay in .BTF.ext)"}));
  auto Elf = ElfFile::read(MemoryBufferRef(Out, "test.o"));
  ASSERT_TRUE(bool(Elf));
  EXPECT_FALSE(Elf->findSection(".debug_line"));
  EXPECT_FALSE(Elf->findSection(".rel.debug_info"));
  EXPECT_TRUE(Elf->findSection(".rodata"));
  EXPECT_TRUE(Elf->findSection(".BTF.ext"));
}

TEST(Traps, AnUnchangedObjectKeepsItsDebugInformation) {
  ObjectSpec Spec = withRecords();
  Spec.Data = {{".debug_line", {1, 2, 3}, {}}};
  File In = Spec.build(), Out;
  auto Obj = read(In);
  raw_svector_ostream OS(Out);
  ASSERT_FALSE(bool(Obj->write(OS, false)));
  EXPECT_EQ(Out, In);
  EXPECT_TRUE(Obj->Notes.empty());
}

TEST(Traps, BigEndianObjectsAreEdited) {
  File In = functions(".section xdp,\"ax\"\n" +
                          function("main", "r1 = 0x123456789abcdef0 ll\n"
                                           "if r1 != 5 goto End\nr0 = 1\n"
                                           "End:\nexit\n"),
                      true);
  auto Obj = read(In);
  ASSERT_EQ(Obj->FrozenReason, "");
  insert(*Obj, "main", 2, 2);
  File Out = write(*Obj);
  EXPECT_EQ(toHex(contents(Out, "xdp")),
            "181000009ABCDEF00000000012345678" // r1 = ... ll
            "5510000300000005"                 // if r1 != 5 goto +3
            "B790000000000384"                 // r9 = 900
            "B790000000000385"                 // r9 = 901
            "B700000000000001"                 // r0 = 1
            "9500000000000000");
}

TEST(Traps, NewSubprogramsGetSymbolAndBtf) {
  File In = withRecords().build();
  auto Obj = read(In);
  prepatch::Function &Sub = Obj->Prog.createSubprogram(
      "shared",
      {{{"a", ParamType::U64}, {"b", ParamType::Pointer}}, ParamType::U64});
  Builder B(Obj->Prog);
  B.setInsertPoint(B.createBlock(Sub));
  B.movImm(0, 7);
  B.exit();
  Insn &First = insnAt(*Obj->Prog.findFunction("first"), 0);
  B.attach(*Sub.entry().front(), *First.line());
  B.setInsertPoint(First);
  B.call(Sub);
  File Out = write(*Obj);
  EXPECT_EQ(listing(Out, ".text"), "r0 = 7\nexit\n");
  EXPECT_EQ(relocations(Out, "xdp"), (Strings{"0 shared 10"}));
  EXPECT_TRUE(is_contained(symbols(Out), "shared .text 0 16"));
  auto Again = read(Out);
  ASSERT_TRUE(Again);
  EXPECT_EQ(Again->FrozenReason, "");
  EXPECT_NE(Again->Prog.findFunction("shared")->btfId(), 0u);
}

TEST(Traps, BranchesToErasedBlocksAreAnError) {
  File In = functions(".section xdp,\"ax\"\n" +
                      function("main", "if r1 == 0 goto End\nr0 = 1\nexit\n"
                                       "End:\nr0 = 2\nexit\n"));
  auto Obj = read(In);
  prepatch::Function &F = *Obj->Prog.findFunction("main");
  Builder(Obj->Prog).erase(*F.entry().back()->target());
  EXPECT_EQ(writeError(*Obj),
            "function 'main': a branch to a block that was erased");
}

} // namespace
