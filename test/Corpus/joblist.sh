# shellcheck shell=bash disable=SC2154 # variables are those of build-corpus.sh
# joblist.sh - which source becomes which object by which command.
# Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Sourced by build-corpus.sh. Writes jobs for compile-object.sh. The flags are
# those of each source's own Makefile, without its warnings: a newer compiler
# has more of them, and they are not what these objects are for.

# The programs that stress a verifier most: first, as others wait for them.
heavy='^(pyperf|strobemeta|loop[0-9]|test_verif_scale|profiler)'
# The instruction set flavours: hand-written instructions, and heavy code.
flavoured="^verifier_|$heavy"
# Some of many kinds that need no BTF to be compiled, and others.
plain='^(pyperf(50|180|_subprogs)|strobemeta|loop[0-9]|test_verif_scale[12]|test_l4lb|test_xdp|test_global_func[1-4]|verifier_[ac])'
mixed="$plain|^(test_core_reloc_(arr|bit|exi)|verifier_b|bpf_cubic|linked_list)"

# job OBJECT ORIGIN INPUTS COMMAND
job() { printf '%s\t%s\t%s\t%s\n' "$@"; }

# common_flags VERSION: where every program of that source finds its headers.
common_flags() {
  echo "-w -D__TARGET_ARCH_x86 -Iinclude/$1 -Iinclude/running" \
    "-Isrc/linux-source-$1/tools/include/uapi"
}

# system_headers COMPILER: the host's headers behind all others, as the
# selftests' Makefile has it.
system_headers() {
  "$1" -v -E - </dev/null 2>&1 | sed -n \
    '/<...> search starts here:/,/End of search list./{ s| \(/.*\)|-idirafter \1|p }' |
    tr '\n' ' '
}

# own_flags NAME: what the selftests' Makefile adds for single programs.
own_flags() {
  case $1 in
  test_l4lb_noinline | test_xdp_noinline) echo "-fno-inline" ;;
  bind4_prog | bind6_prog | dynptr_fail | linked_list_fail | map_kptr_fail | \
    syscall | test_pkt_md_access | test_sk_lookup | timer_crash | \
    test_global_func9 | verifier_nocsr) echo "-fno-strict-aliasing" ;;
  esac
}

# selftests FOLDER VERSION COMMAND [PATTERN]: a job for each selftest program
# whose name matches the extended regular expression PATTERN.
selftests() {
  local folder=$1 version=$2 command=$3 pattern=${4:-.} source name
  local tests=src/linux-source-$version/tools/testing/selftests/bpf
  for source in "$tests"/progs/*.c; do
    name=$(basename "$source" .c)
    [[ $name =~ $pattern ]] || continue
    job "$folder/$name.bpf.o" "linux-source-$version" "$source" \
      "$command $(common_flags "$version") -I$tests $(own_flags "$name") -c %i -o %o"
  done
}

# elsewhere VERSION PREFIX FLAGS SOURCE...: programs outside the BPF selftests,
# as kernel/PREFIX-NAME.bpf.o.
elsewhere() {
  local version=$1 prefix=$2 flags=$3 source name
  shift 3
  for source; do
    name=$(basename "$source" .c)
    job "kernel/$prefix-${name%.bpf}.bpf.o" "linux-source-$version" "$source" \
      "$bpfel -mcpu=v3 $flags $(common_flags "$version") $clang_headers -c %i -o %o"
  done
}

# samples_with_kernel_headers VERSION: samples/bpf/*_kern.c and parse_*.c.
samples_with_kernel_headers() {
  local tree=src/linux-source-$1 common headers flags source
  read -r common headers <<<"$(kernel_headers "$1")"
  if [ -z "${headers:-}" ]; then
    say "no linux-headers packages: samples that need them are left out" >&2
    return 0
  fi
  flags="-g -w -nostdinc -isystem $("$clang" -print-resource-dir)/include"
  flags+=" -I$common/arch/x86/include -I$headers/arch/x86/include/generated"
  flags+=" -I$common/include -I$headers/include -I$common/arch/x86/include/uapi"
  flags+=" -I$headers/arch/x86/include/generated/uapi -I$common/include/uapi"
  flags+=" -I$headers/include/generated/uapi -include linux/compiler-version.h"
  flags+=" -include linux/kconfig.h -I$tree/samples/bpf"
  flags+=" -I$tree/tools/testing/selftests/bpf -I$tree/tools/include"
  flags+=" -Iinclude/$1 -include asm_goto_workaround.h -D__KERNEL__"
  flags+=" -D__BPF_TRACING__ -D__TARGET_ARCH_x86 -fdebug-compilation-dir=/corpus"
  flags+=" -fno-asynchronous-unwind-tables -fno-stack-protector"
  for source in "$tree"/samples/bpf/{*_kern,parse_*}.c; do
    job "kernel/samples-$(basename "$source" .c).bpf.o" "linux-source-$1" \
      "$source" "$here/compile-through-ir.sh %o %i $flags"
  done
}

# kernel_programs: everything in the sources but the BPF selftests.
kernel_programs() {
  local tree=src/linux-source-6.12 old=src/linux-source-6.1
  local scx=$tree/tools/sched_ext/include
  samples_with_kernel_headers 6.12
  elsewhere 6.12 samples "-I$tree/include -I$tree/samples/bpf -I$tree/tools/include" \
    $tree/samples/bpf/{*.bpf,test_lwt_bpf}.c
  elsewhere 6.12 samples-hid "-I$tree/samples/hid" $tree/samples/hid/*.bpf.c
  elsewhere 6.12 hid "-I$tree/drivers/hid/bpf/progs" $tree/drivers/hid/bpf/progs/*.bpf.c
  elsewhere 6.12 selftests-hid "" $tree/tools/testing/selftests/hid/progs/*.c
  elsewhere 6.12 selftests-net "-I$tree/tools/testing/selftests/bpf" \
    $tree/tools/testing/selftests/net/*.bpf.c
  elsewhere 6.12 sched_ext "-I$scx -I$scx/bpf-compat -I$tree/include" \
    $tree/tools/sched_ext/*.bpf.c
  elsewhere 6.12 selftests-sched_ext "-I$scx -I$scx/bpf-compat -I$tree/include" \
    $tree/tools/testing/selftests/sched_ext/*.bpf.c
  elsewhere 6.12 perf "-I$tree/tools/include" $tree/tools/perf/util/bpf_skel/*.bpf.c
  elsewhere 6.12 runqslower "" $tree/tools/bpf/runqslower/*.bpf.c
  elsewhere 6.12 bpftool "-I$tree/tools/bpf/bpftool" $tree/tools/bpf/bpftool/skeleton/*.bpf.c
  elsewhere 6.12 preload "" $tree/kernel/bpf/preload/iterators/*.bpf.c
  elsewhere 6.1 samples-6.1 "-I$old/include -I$old/samples/bpf -I$old/tools/include" \
    $old/samples/bpf/*.bpf.c
}

list_jobs() {
  local clang_headers tests=-DENABLE_ATOMICS_TESTS
  clang_headers=$(system_headers "$clang")
  local bpfel="$clang -g -O2 --target=bpfel -fdebug-compilation-dir=/corpus"
  if wants 6.12; then
    selftests 6.12 6.12 "$bpfel -mcpu=v3 $tests $clang_headers" "$heavy"
    selftests 6.12 6.12 "$bpfel -mcpu=v3 $tests $clang_headers"
  fi
  if wants 6.1; then
    selftests 6.1 6.1 "$bpfel -mcpu=v3 $tests $clang_headers"
  fi
  if wants kernel; then kernel_programs; fi
  if wants 6.12-cpuv4; then
    selftests 6.12-cpuv4 6.12 "$bpfel -mcpu=v4 $tests $clang_headers" "$flavoured"
  fi
  if wants 6.12-no_alu32; then
    selftests 6.12-no_alu32 6.12 "$bpfel -mcpu=v2 $clang_headers" "$flavoured"
  fi
  if wants big-endian; then
    selftests big-endian 6.12 "${bpfel/bpfel/bpfeb} -mcpu=v3 $tests $clang_headers" "$mixed"
  fi
  if wants no-btf; then
    selftests no-btf 6.12 "${bpfel/-g /} -mcpu=v3 $tests $clang_headers" "$plain"
  fi
  if wants clang-14; then
    selftests clang-14 6.12 "${bpfel/$clang/clang-14} -mcpu=v3 $(system_headers clang-14)" \
      "$heavy|$mixed"
  fi
  if wants gcc; then
    local gcc="bpf-gcc -gbtf -mco-re -O2 -mcpu=v3 -gno-record-gcc-switches -fdebug-prefix-map=$PWD=/corpus"
    # As its Makefile says: this gcc has no such attribute.
    gcc+=" -DBPF_NO_PRESERVE_ACCESS_INDEX $(system_headers gcc)"
    selftests gcc 6.12 "$gcc" '^(test_[s-x]|loop[0-9])'
  fi
}

# links NAME INPUT...: a job that joins objects of 6.12 to linked/NAME.
links() {
  local name=$1 inputs
  shift
  inputs=$(printf ' 6.12/%s.bpf.o' "$@")
  job "linked/$name.bpf.o" "linux-source-6.12 linked by bpftool" "${inputs# }" \
    "bpftool gen object %o %i"
}

# The linked skeletons of the selftests' Makefile, and some objects passed
# through the linker alone: it lays out sections, symbols and BTF its own way.
list_links() {
  local name
  wants linked || return 0
  for name in test_static_linked linked_funcs linked_vars linked_maps; do
    links $name "${name}1" "${name}2"
  done
  links test_subskeleton test_subskeleton_lib2 test_subskeleton_lib test_subskeleton
  links test_subskeleton_lib test_subskeleton_lib2 test_subskeleton_lib
  links test_usdt test_usdt test_usdt_multispec
  for name in 6.12/*.bpf.o; do
    name=$(basename "$name" .bpf.o)
    if [[ $name =~ $mixed ]]; then links "alone-$name" "$name"; fi
  done
}
