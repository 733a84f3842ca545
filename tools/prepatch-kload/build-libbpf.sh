#!/bin/sh
# Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Builds a static libbpf from a kernel source package, because Debian 12's own
# (1.1) cannot open objects that use newer features. Only tools/ and the few
# headers that tools/lib/bpf needs are unpacked. Give the DEST to cmake as
# -DPREPATCH_LIBBPF_PREFIX=DEST.
#
# usage: build-libbpf.sh TARBALL DEST
#   e.g. build-libbpf.sh /usr/src/linux-source-6.12.tar.xz build/libbpf
set -eu

if [ $# -ne 2 ]; then
  echo "usage: $0 TARBALL DEST" >&2
  exit 2
fi
tarball=$1
dest=$2
if [ ! -r "$tarball" ]; then
  echo "error: $tarball: cannot be read" >&2
  exit 1
fi
mkdir -p "$dest"
dest=$(cd "$dest" && pwd)
work=$(mktemp -d "${TMPDIR:-/tmp}/build-libbpf.XXXXXX")
trap 'rm -rf "$work"' EXIT

# The name of the top folder is the only thing that differs between releases.
tar -xJf "$tarball" -C "$work" --strip-components=1 --wildcards \
  '*/tools/lib/bpf' '*/tools/lib/*.c' '*/tools/include' '*/tools/scripts' \
  '*/tools/build' '*/tools/arch/*/include' '*/scripts/bpf_doc.py' \
  '*/include/uapi/linux/bpf.h'

mkdir "$work/out"
# Warnings of one compiler must not stop a build with another one.
make -s -C "$work/tools/lib/bpf" -j"$(nproc)" WERROR=0 EXTRA_CFLAGS="-O2 -fPIC" \
  OUTPUT="$work/out/" prefix= libdir=/lib DESTDIR="$dest" \
  install_headers "$work/out/libbpf.a" >"$work/log" 2>&1 || {
  tail -20 "$work/log" >&2
  echo "error: libbpf could not be built from $tarball" >&2
  exit 1
}
mkdir -p "$dest/lib" "$dest/include/linux"
cp "$work/out/libbpf.a" "$dest/lib/"
# The matching uapi headers: a newer libbpf needs enumerators that the
# distribution's linux/bpf.h does not have yet.
for h in bpf.h btf.h bpf_common.h; do
  if [ -f "$work/tools/include/uapi/linux/$h" ]; then
    cp "$work/tools/include/uapi/linux/$h" "$dest/include/linux/"
  fi
done
version=$(sed -n 's/^#define LIBBPF_M[A-Z]*_VERSION //p' \
  "$dest/include/bpf/libbpf_version.h" | paste -sd.)
echo "libbpf $version in $dest"
