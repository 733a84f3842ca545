#!/bin/bash
# compile-through-ir.sh - compile as samples/bpf of the kernel does.
# Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# usage: compile-through-ir.sh OBJECT SOURCE FLAG...
#
# Programs that include the kernel's own headers cannot be compiled for bpf
# directly, because those headers hold x86 assembler. The kernel's Makefile lets
# clang compile for the host without optimising, and BPF's optimiser and back
# end take it from there. Such objects differ from others: no CO-RE, kernel
# types at fixed offsets.
set -eu -o pipefail
object=$1 source=$2
shift 2
version=${CORPUS_CLANG:-clang-22}
version=${version#clang}
"clang$version" "$@" -O2 -emit-llvm -Xclang -disable-llvm-passes -c "$source" -o - |
  "opt$version" -O2 -mtriple=bpf-pc-linux | "llvm-dis$version" |
  "llc$version" -march=bpf -mcpu=v3 -filetype=obj -o "$object"
