//===- Assemble.cpp - BPF assembly to objects, in process -----------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "TestObject.h"
#include "llvm/MC/MCAsmBackend.h"
#include "llvm/MC/MCAsmInfo.h"
#include "llvm/MC/MCCodeEmitter.h"
#include "llvm/MC/MCContext.h"
#include "llvm/MC/MCInstrInfo.h"
#include "llvm/MC/MCObjectFileInfo.h"
#include "llvm/MC/MCObjectWriter.h"
#include "llvm/MC/MCParser/MCAsmParser.h"
#include "llvm/MC/MCParser/MCTargetAsmParser.h"
#include "llvm/MC/MCRegisterInfo.h"
#include "llvm/MC/MCStreamer.h"
#include "llvm/MC/MCSubtargetInfo.h"
#include "llvm/MC/MCTargetOptions.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Support/SourceMgr.h"

using namespace llvm;

extern "C" {
void LLVMInitializeBPFTargetInfo();
void LLVMInitializeBPFTargetMC();
void LLVMInitializeBPFAsmParser();
}

namespace prepatch::test {

File assemble(StringRef Text, StringRef Cpu, bool BigEndian) {
  static bool Ready = [] {
    LLVMInitializeBPFTargetInfo();
    LLVMInitializeBPFTargetMC();
    LLVMInitializeBPFAsmParser();
    return true;
  }();
  (void)Ready;
  Triple T(BigEndian ? "bpfeb" : "bpfel");
  std::string Problem;
  const Target *TheTarget = TargetRegistry::lookupTarget(T, Problem);
  if (!TheTarget)
    report_fatal_error(StringRef(Problem));
  MCTargetOptions Options;
  std::unique_ptr<MCRegisterInfo> Regs(TheTarget->createMCRegInfo(T));
  std::unique_ptr<MCAsmInfo> AsmInfo(
      TheTarget->createMCAsmInfo(*Regs, T, Options));
  std::unique_ptr<MCInstrInfo> Instrs(TheTarget->createMCInstrInfo());
  std::unique_ptr<MCSubtargetInfo> Subtarget(
      TheTarget->createMCSubtargetInfo(T, Cpu, ""));
  SourceMgr Sources;
  Sources.AddNewSourceBuffer(MemoryBuffer::getMemBufferCopy(Text, "test.s"),
                             SMLoc());
  MCContext Context(T, AsmInfo.get(), Regs.get(), Subtarget.get(), &Sources);
  std::unique_ptr<MCObjectFileInfo> FileInfo(
      TheTarget->createMCObjectFileInfo(Context, false));
  Context.setObjectFileInfo(FileInfo.get());
  File Out;
  raw_svector_ostream OS(Out);
  std::unique_ptr<MCAsmBackend> Backend(
      TheTarget->createMCAsmBackend(*Subtarget, *Regs, Options));
  std::unique_ptr<MCObjectWriter> ObjectWriter =
      Backend->createObjectWriter(OS);
  std::unique_ptr<MCStreamer> Streamer(TheTarget->createMCObjectStreamer(
      T, Context, std::move(Backend), std::move(ObjectWriter),
      std::unique_ptr<MCCodeEmitter>(
          TheTarget->createMCCodeEmitter(*Instrs, Context)),
      *Subtarget));
  std::unique_ptr<MCAsmParser> Parser(
      createMCAsmParser(Sources, Context, *Streamer, *AsmInfo));
  std::unique_ptr<MCTargetAsmParser> TargetParser(
      TheTarget->createMCAsmParser(*Subtarget, *Parser, *Instrs, Options));
  Parser->setTargetParser(*TargetParser);
  if (Parser->Run(false))
    report_fatal_error("the test's assembly does not assemble");
  return Out;
}

} // namespace prepatch::test
