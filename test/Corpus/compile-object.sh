#!/bin/bash
# compile-object.sh - make one corpus object and record how it went.
# Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# usage: compile-object.sh JOB
#   JOB: "number<TAB>object<TAB>origin<TAB>inputs<TAB>command"; paths are
#   relative to the working directory, in the command %o is the object to write
#   and %i are the inputs. build-corpus.sh runs this through xargs, with
#   CORPUS_KEY (a digest of clang and headers), CORPUS_KEY_COMPILER (for others
#   than clang) and CORPUS_TOTAL (the number of jobs) in the environment.
#
# The outcome is kept in .state/OBJECT: line 1 is everything the object depends
# on, line 2 its manifest row. An object whose line 1 is unchanged is not made
# again, and neither is one that failed. That is the common case and starts no
# other process.
#
# A program that uses a type which the running kernel lacks, or a field that it
# has no more, is compiled again with the types of Debian's kernel of the
# program's own version (see make_headers), and its origin says so.
set -u
IFS=$'\t' read -r number object origin inputs command <<<"$1"

state=.state/$object
log=$state.log
if [ $((number % 50)) -eq 0 ]; then
  echo "corpus: $number of $CORPUS_TOTAL: $object"
fi

# Sources are part of CORPUS_KEY, objects that are linked are not.
compiler_key=${command%% *}
compiler_key=CORPUS_KEY_${compiler_key//[^a-z0-9]/_}
depends="$CORPUS_KEY ${!compiler_key:-} $inputs $command"
if [[ $inputs == *.o ]]; then
  # Inputs and command are lists of words without blanks: splitting is intended.
  # shellcheck disable=SC2086
  depends+=" $(sha256sum $inputs 2>&1 | tr '\n' ' ')"
fi
if { IFS= read -r recorded && IFS=$'\t' read -r _ _ outcome _; } 2>/dev/null <"$state" &&
  [ "$recorded" = "$depends" ]; then
  # A recorded success still needs its object: someone may have deleted it.
  if [ "$outcome" = failed ] || [ -s "$object" ]; then exit 0; fi
fi
mkdir -p "${state%/*}" "${object%/*}"

# make COMMAND: runs it with its placeholders filled in.
make() {
  local words=${1//%o/$object.tmp}
  # shellcheck disable=SC2086
  timeout 300 ${words//%i/$inputs} >"$log" 2>&1 && mv -f "$object.tmp" "$object"
}

# The first error, since later ones often follow from it; without the tab that
# separates columns.
reason() {
  { grep -E 'error: |Error: |Segmentation' "$log" || cat "$log"; } |
    head -n1 | tr '\t' ' '
}

outcome="ok"$'\t'
if ! make "$command"; then
  why=$(reason)
  older=$(sed -E 's,-Iinclude/running,-Iinclude/debian-'"${origin##*-}"',' <<<"$command")
  if [ "$older" != "$command" ] && [ -f "include/debian-${origin##*-}/vmlinux.h" ] &&
    make "$older"; then
    origin="$origin, types of $(cat "include/debian-${origin##*-}/package")"
    outcome="ok"$'\t'"running kernel: $why"
  else
    rm -f "$object.tmp" "$object"
    outcome="failed"$'\t'$why
  fi
fi
printf '%s\n%s\t%s\t%s\n' "$depends" "$object" "$origin" "$outcome" \
  >"$state.tmp" && mv -f "$state.tmp" "$state"
