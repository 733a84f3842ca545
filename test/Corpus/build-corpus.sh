#!/bin/bash
# build-corpus.sh - gather the BPF objects that the large tests run on.
# Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# usage: build-corpus.sh DEST [FOLDER...]
#
# Fills DEST/FOLDER/NAME.bpf.o; DEST/manifest.tsv tells of every object where it
# comes from and whether it could be made: object, origin, ok or failed, reason.
# Without FOLDER, everything:
#
#   6.12, 6.1     the kernel's BPF selftests of that version, -mcpu=v3
#   6.12-cpuv4    a selection of them as the selftests' cpuv4 flavour (v4)
#   6.12-no_alu32 the same selection without 32-bit arithmetic (v2)
#   big-endian    some of them for bpfeb
#   no-btf        some of them without -g
#   kernel        BPF programs elsewhere in the 6.12 source: samples, sched_ext,
#                 perf, HID, bpftool, selftests of other subsystems
#   linked        selftests that `bpftool gen object` joins to one object
#   clang-14      some of them compiled by Debian's clang 14
#   gcc           some of them compiled by gcc-bpf
#   prebuilt      objects found in Debian packages, also inside programs
#
# Sources are Debian's linux-source packages; nothing is fetched but Debian
# packages by apt, and those only by root. Types of the kernel come from the
# BTF of the running one, because there the objects are to be loaded.
# CORPUS_CLANG (clang-22) and CORPUS_JOBS (2) may be set.
#
# Incremental: see compile-object.sh. The sources are not modified.
set -eu -o pipefail
here=$(cd "$(dirname "$0")" && pwd)

if [ $# -lt 1 ]; then
  sed -n 's/^# usage: /usage: /p' "$0" >&2
  exit 2
fi
mkdir -p "$1"
cd "$1"
shift
all="6.12 6.1 6.12-cpuv4 6.12-no_alu32 big-endian no-btf
  kernel linked clang-14 gcc prebuilt"
wanted=${*:-$all}
clang=${CORPUS_CLANG:-clang-22}
jobs=${CORPUS_JOBS:-2}
mkdir -p .state src include

for folder in $wanted; do
  if [[ " ${all//$'\n'/ } " != *" $folder "* ]]; then
    echo "error: unknown folder '$folder', expected of: ${all//$'\n'/}" >&2
    exit 2
  fi
done
wants() { [[ " ${wanted//$'\n'/ } " == *" $1 "* ]]; }
say() { echo "corpus: $*"; }

# shellcheck source=fetch.sh
. "$here/fetch.sh"
# shellcheck source=joblist.sh
. "$here/joblist.sh"
# shellcheck source=prebuilt.sh
. "$here/prebuilt.sh"

# run_jobs FILE: numbers the jobs, a job once, and makes their objects.
run_jobs() {
  awk -F'\t' '!seen[$1]++ { print ++n "\t" $0 }' "$1" >"$1.numbered"
  cut -f2 "$1.numbered" >>.objects
  CORPUS_TOTAL=$(wc -l <"$1.numbered")
  export CORPUS_TOTAL
  say "$CORPUS_TOTAL objects to make or to find up to date, $jobs at a time"
  nice xargs -r -d '\n' -n 1 -P "$jobs" "$here/compile-object.sh" <"$1.numbered"
  rm "$1" "$1.numbered"
}

# remove_stale: what earlier versions of the job list made in these folders.
remove_stale() {
  local folder object
  for folder in $wanted; do
    if [ "$folder" = prebuilt ] || [ ! -d ".state/$folder" ]; then continue; fi
    find ".state/$folder" -type f ! -name '*.log' | sed 's,^.state/,,' |
      LC_ALL=C sort | LC_ALL=C comm -23 - <(LC_ALL=C sort .objects) |
      while IFS= read -r object; do
        rm -f "$object" ".state/$object" ".state/$object.log"
      done
  done
}

exec 9>.lock
if ! flock -n 9; then
  echo "error: another build-corpus.sh is at work in $PWD" >&2
  exit 1
fi
require_packages
for version in 6.12 6.1; do
  unpack_source $version
  make_headers $version
done

# What every object depends on besides its own inputs and command. The headers
# of the sources are covered by the versions of their packages.
CORPUS_KEY=$({
  "$clang" --version
  bpftool --version
  cat src/*.version "$here"/compile-through-ir.sh
  find include -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum
} | sha256sum | cut -d' ' -f1)
# Apart, because they may be installed later than other folders are made.
CORPUS_KEY_clang_14=$(clang-14 --version 2>/dev/null | head -n1) || true
CORPUS_KEY_bpf_gcc=$(bpf-gcc --version 2>/dev/null | head -n1) || true
export CORPUS_KEY CORPUS_KEY_clang_14 CORPUS_KEY_bpf_gcc CORPUS_CLANG=$clang

: >.objects
list_jobs >.jobs
run_jobs .jobs
list_links >.links
if [ -s .links ]; then run_jobs .links; fi
remove_stale
if wants prebuilt; then collect_prebuilt; fi

# A row per object of this and earlier runs, in the order of their names.
{
  printf 'object\torigin\toutcome\treason\n'
  find .state -type f ! -name '*.log' ! -name '*.tmp' ! -name '.*' -print0 |
    LC_ALL=C sort -z | xargs -0 -r sed -s -n 2p
} >manifest.tsv
awk -F'\t' 'NR > 1 { split($1, part, "/"); folders[part[1]] = 1
                     if ($3 == "ok") ok[part[1]]++; else bad[part[1]]++ }
  END { for (f in folders)
          printf "corpus: %-14s %5d objects, %4d failed\n", f, ok[f], bad[f] }' \
  manifest.tsv | sort
say "$(awk -F'\t' '$3 == "ok"' manifest.tsv | wc -l) objects in $PWD"
