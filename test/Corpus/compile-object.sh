#!/bin/bash
# compile-object.sh - make one corpus object and record how it went.
# Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# usage: compile-object.sh JOB
#   JOB: "number<TAB>object<TAB>origin<TAB>inputs<TAB>command"; paths are
#   relative to the working directory, in the command %o is the object to write
#   and %i are the inputs. build-corpus.sh runs this through xargs, with
#   CORPUS_KEY (a digest of compilers and headers) and CORPUS_TOTAL (the number
#   of jobs) in the environment.
#
# The outcome is kept in .state/OBJECT: line 1 the digest of everything the
# object depends on, line 2 its manifest row. An object whose digest is
# unchanged is not made again, and neither is one that failed.
#
# A program that uses a type which the running kernel lacks, or a field that it
# has no more, is compiled again with the types of Debian's kernel of the
# program's own version (see make_headers), and its origin says so.
set -u
IFS=$'\t' read -r number object origin inputs command <<<"$1"

state=.state/$object
log=$state.log
mkdir -p "$(dirname "$state")" "$(dirname "$object")"
if [ $((number % 50)) -eq 0 ]; then
  echo "corpus: $number of $CORPUS_TOTAL: $object"
fi

# Inputs and command are lists of words without blanks: splitting is intended.
# shellcheck disable=SC2086
digest=$({
  echo "$CORPUS_KEY $command"
  sha256sum $inputs 2>&1
} | sha256sum | cut -d' ' -f1)

if [ -f "$state" ] && [ "$(head -n1 "$state")" = "$digest" ]; then
  # A recorded success still needs its object: someone may have deleted it.
  case $(sed -n 2p "$state" | cut -f3) in
  ok) [ -s "$object" ] && exit 0 ;;
  *) exit 0 ;;
  esac
fi

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
printf '%s\n%s\t%s\t%s\n' "$digest" "$object" "$origin" "$outcome" \
  >"$state.tmp" && mv -f "$state.tmp" "$state"
