// Check that source lines and everything else that tools show of an object stay
// right when its code moves: instructions are put in everywhere, and LLVM's
// tools read the result.
// RUN: rm -rf %t && mkdir -p %t/in
// RUN: %clang-bpf -mcpu=v3 -c %s -o %t/in/lines.o
// RUN: env PREPATCH_CORPUS=%t/in PREPATCH_CORPUS_OUT=%t/out PREPATCH_CORPUS_STRICT=1 %unit/ObjectTests --gtest_filter=Corpus.*
// RUN: llvm-readelf -a %t/out/lines.o > %t/elf.txt 2> %t/warnings.txt
// RUN: count 0 < %t/warnings.txt
// RUN: FileCheck --check-prefix=ELF --implicit-check-not=.debug_ %s < %t/elf.txt
// RUN: llvm-objdump -S --no-show-raw-insn %t/out/lines.o | FileCheck --check-prefix=LINES %s

// ELF: FUNC GLOBAL DEFAULT {{.*}} classify

// The instructions that were put in belong to the line that they stand in.
// LINES-LABEL: <classify>:
// LINES: ; unsigned first = ctx->first;
// LINES-NEXT: r0 = 0x0
// LINES: *(u32 *)(r1 + 0x0)
// LINES: ; if (first == 7)
// LINES: goto
// LINES: ; return ctx->second;
// LINES: *(u32 *)(r1 + 0x4)
struct context {
  unsigned first, second;
};

__attribute__((section("socket"))) int classify(struct context *ctx) {
  unsigned first = ctx->first;
  if (first == 7)
    return ctx->second;
  return first & 1;
}
