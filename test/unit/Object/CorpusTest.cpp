//===- CorpusTest.cpp - Objects of a folder, read and written -------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// For every *.o below the folder that PREPATCH_CORPUS names: reading and
// emitting it gives the same bytes in every section, and after an edit that
// moves nearly every instruction it reads again as the same functions.
//   PREPATCH_CORPUS_STRICT=1   a frozen object or opaque function is a failure
//   PREPATCH_CORPUS_OUT=DIR    keep the edited objects, for a kernel to judge
// Skipped where PREPATCH_CORPUS is not set.
//===----------------------------------------------------------------------===//

#include "IR/Builder.h"
#include "IR/Verifier.h"
#include "Object/Emit.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include <gtest/gtest.h>
#include <map>

using namespace llvm;
using namespace prepatch;

namespace {

struct Statistics {
  unsigned Files = 0, Refused = 0, Frozen = 0, Functions = 0, Opaque = 0,
           Unwritable = 0;
  std::map<std::string, unsigned> Reasons;

  void print() const {
    outs() << Files << " files, " << Refused << " refused, " << Frozen
           << " frozen; " << Functions << " functions, " << Opaque
           << " opaque; " << Unwritable << " not written after the edit\n";
    for (const auto &[Reason, Count] : Reasons)
      outs() << "  " << Count << " x " << Reason << '\n';
    outs().flush();
  }
};

/// Puts `rX = rX` before instructions that read rX, and `r0 = 0` at the start
/// of functions. That moves what follows and changes nothing else, but that a
/// function that reads r0 before it writes it is accepted by the verifier.
void insertHarmlessCode(Program &P) {
  Builder B(P);
  for (CodeSection &S : P.Sections)
    for (prepatch::Function &F : S.Functions) {
      if (F.isOpaque())
        continue;
      B.setInsertPoint(*F.entry().front());
      B.movImm(0, 0);
      for (BasicBlock &BB : F) {
        unsigned N = 0;
        for (Insn &I : BB) {
          bool Reads =
              I.kind() == InsnKind::Load || I.kind() == InsnKind::CondJump;
          unsigned Reg = I.kind() == InsnKind::Load ? I.src() : I.dst();
          if (!Reads || Reg == RegFp || I.isInserted() || N++ % 4)
            continue;
          B.setInsertPoint(I);
          B.movReg(Reg, Reg);
        }
      }
    }
}

std::vector<std::string> functionNames(Program &P) {
  std::vector<std::string> Names;
  for (CodeSection &S : P.Sections)
    for (prepatch::Function &F : S.Functions)
      Names.push_back(S.Name + "/" + F.name() + (F.isOpaque() ? "?" : ""));
  return Names;
}

/// Line text of every original instruction, in order.
std::vector<std::string> sourceLines(Object &Obj) {
  std::vector<std::string> Lines;
  for (CodeSection &S : Obj.Prog.Sections)
    for (prepatch::Function &F : S.Functions)
      for (BasicBlock &BB : F)
        for (Insn &I : BB)
          if (const LineRecord *L = I.line())
            Lines.push_back(Obj.describeLine(*L));
  return Lines;
}

class Corpus : public testing::Test {
protected:
  static std::vector<std::string> files() {
    std::vector<std::string> Paths;
    const char *Folder = std::getenv("PREPATCH_CORPUS");
    if (!Folder)
      return Paths;
    std::error_code EC;
    for (sys::fs::recursive_directory_iterator I(Folder, EC), E; I != E && !EC;
         I.increment(EC)) {
      if (sys::path::filename(I->path()).starts_with("."))
        I.no_push();
      else if (StringRef(I->path()).ends_with(".o") &&
               sys::fs::is_regular_file(I->path()))
        Paths.push_back(I->path());
    }
    llvm::sort(Paths);
    return Paths;
  }

  void checkIdentity(StringRef Path, MemoryBufferRef Buffer);
  void checkEdit(StringRef Path, MemoryBufferRef Buffer);

  Statistics Stats;
  bool Strict = std::getenv("PREPATCH_CORPUS_STRICT");
};

void Corpus::checkIdentity(StringRef Path, MemoryBufferRef Buffer) {
  ++Stats.Files;
  auto Read = Object::read(Buffer);
  if (!Read) {
    ++Stats.Refused;
    std::string Text = toString(Read.takeError());
    ++Stats.Reasons["refused: " + Text];
    outs() << Path << ": refused: " << Text << '\n';
    EXPECT_FALSE(Strict) << Path.str();
    return;
  }
  Object &Obj = **Read;
  if (Obj.isFrozen()) {
    ++Stats.Frozen;
    ++Stats.Reasons["frozen: " + Obj.FrozenReason];
    outs() << Path << ": frozen: " << Obj.FrozenReason << '\n';
    EXPECT_FALSE(Strict) << Path.str();
  }
  for (CodeSection &S : Obj.Prog.Sections)
    for (prepatch::Function &F : S.Functions) {
      ++Stats.Functions;
      if (F.isOpaque()) {
        ++Stats.Opaque;
        ++Stats.Reasons["opaque: " + F.opaqueReason()];
        outs() << Path << ": " << S.Name << '/' << F.name()
               << ": opaque: " << F.opaqueReason() << '\n';
        EXPECT_FALSE(Strict) << Path.str() << ' ' << F.name();
      }
    }
  if (Error E = verify(Obj.Prog))
    ADD_FAILURE() << Path.str() << ": " << toString(std::move(E));
  std::string Out;
  raw_string_ostream OS(Out);
  if (Error E = Obj.write(OS, false))
    ADD_FAILURE() << Path.str() << ": " << toString(std::move(E));
  EXPECT_TRUE(Out == Buffer.getBuffer()) << Path.str();
}

void Corpus::checkEdit(StringRef Path, MemoryBufferRef Buffer) {
  auto Read = Object::read(Buffer);
  if (!Read) {
    consumeError(Read.takeError());
    return;
  }
  Object &Obj = **Read;
  if (Obj.isFrozen())
    return;
  ++Stats.Files;
  std::vector<std::string> Names = functionNames(Obj.Prog);
  std::vector<std::string> Lines = sourceLines(Obj);
  insertHarmlessCode(Obj.Prog);
  if (Error E = verify(Obj.Prog)) {
    ADD_FAILURE() << Path.str() << ": " << toString(std::move(E));
    return;
  }
  std::string Out;
  raw_string_ostream OS(Out);
  if (Error E = Obj.write(OS, true)) {
    std::string Text = toString(std::move(E));
    ++Stats.Unwritable;
    ++Stats.Reasons["not written: " + Text];
    ADD_FAILURE() << Path.str() << ": " << Text;
    return;
  }
  auto Again = Object::read(MemoryBufferRef(Out, Path));
  if (!Again) {
    ADD_FAILURE() << Path.str() << ": " << toString(Again.takeError());
    return;
  }
  EXPECT_EQ((*Again)->FrozenReason, "") << Path.str();
  EXPECT_EQ(functionNames((*Again)->Prog), Names) << Path.str();
  EXPECT_EQ(sourceLines(**Again), Lines) << Path.str();
  const char *OutFolder = std::getenv("PREPATCH_CORPUS_OUT");
  if (!OutFolder)
    return;
  SmallString<128> OutPath(OutFolder);
  sys::path::append(OutPath,
                    Path.drop_front(strlen(std::getenv("PREPATCH_CORPUS"))));
  ASSERT_FALSE(sys::fs::create_directories(sys::path::parent_path(OutPath)));
  std::error_code EC;
  raw_fd_ostream File(OutPath, EC);
  ASSERT_FALSE(EC) << OutPath.c_str();
  File << Out;
}

TEST_F(Corpus, IsIdenticalAfterReadingAndEmitting) {
  std::vector<std::string> Paths = files();
  if (Paths.empty())
    GTEST_SKIP() << "PREPATCH_CORPUS names no folder with objects";
  for (const std::string &Path : Paths) {
    auto Buffer = MemoryBuffer::getFile(Path, false, false);
    ASSERT_TRUE(bool(Buffer)) << Path;
    checkIdentity(Path, **Buffer);
  }
  Stats.print();
}

TEST_F(Corpus, StaysReadableAfterAnEdit) {
  std::vector<std::string> Paths = files();
  if (Paths.empty())
    GTEST_SKIP() << "PREPATCH_CORPUS names no folder with objects";
  for (const std::string &Path : Paths) {
    auto Buffer = MemoryBuffer::getFile(Path, false, false);
    ASSERT_TRUE(bool(Buffer)) << Path;
    checkEdit(Path, **Buffer);
  }
  Stats.print();
}

} // namespace
