# shellcheck shell=bash disable=SC2154 # variables are those of build-corpus.sh
# fetch.sh - packages, kernel sources and generated headers of the corpus.
# Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Sourced by build-corpus.sh, whose working directory is the corpus.

# Installs what is missing when root, else says what is.
require_packages() {
  local package missing=()
  # A package of yesterday's list may be gone from the mirror.
  if [ "$(id -u)" -eq 0 ] &&
    [ -z "$(find /var/lib/apt/lists -name '*_Packages*' -mtime -1 -print -quit)" ]; then
    apt-get -qq update || say "apt-get update failed, going on"
  fi
  local needed=("$clang" bpftool python3 xz-utils zstd linux-source-6.12
    linux-source-6.1 linux-libc-dev libc6-dev)
  if wants kernel; then needed+=("llvm${clang#clang}"); fi
  if wants clang-14; then needed+=(clang-14); fi
  if wants gcc; then needed+=(gcc-bpf); fi
  for package in "${needed[@]}"; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null |
      grep -q ' installed$' || missing+=("$package")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  if [ "$(id -u)" -ne 0 ]; then
    echo "error: missing packages: ${missing[*]}" >&2
    exit 1
  fi
  say "installing ${missing[*]}"
  apt-get install -qq -y --no-install-recommends "${missing[@]}" >/dev/null
}

# unpack_package NAME: the Debian package's files to packages/NAME, without
# installing it. Fails when the package cannot be had.
unpack_package() {
  local version
  version=$(apt-cache policy "$1" | awk '$1 == "Candidate:" { print $2 }')
  [ -n "$version" ] && [ "$version" != "(none)" ] || return 1
  [ "$(cat "packages/$1.version" 2>/dev/null)" != "$version" ] || return 0
  rm -rf "packages/$1" "packages/$1.version" packages/.download
  mkdir -p packages/.download
  # apt's own user may not enter this directory, so download as ourselves.
  (cd packages/.download &&
    apt-get -o APT::Sandbox::User="$(id -un)" -qq download "$1" >/dev/null) &&
    dpkg -x packages/.download/*.deb "packages/$1" &&
    echo "$version" >"packages/$1.version"
  local status=$?
  rm -rf packages/.download
  return $status
}

# unpack_source VERSION: the parts of linux-source-VERSION that BPF programs
# are in or include, to src/linux-source-VERSION.
unpack_source() {
  local name=linux-source-$1 version
  version=$(dpkg-query -W "$name")
  [ "$(cat "src/$1.version" 2>/dev/null)" != "$version" ] || return 0
  say "unpacking $version"
  rm -rf "src/$name" "src/$1.version"
  tar xf "/usr/src/$name.tar.xz" -C src "$name"/{tools,samples,scripts} \
    "$name"/include/uapi "$name"/drivers/hid/bpf "$name"/kernel/bpf/preload
  echo "$version" >"src/$1.version"
}

# write_if_changed FILE: standard input to FILE, whose time stays when its
# contents do.
write_if_changed() {
  mkdir -p "$(dirname "$1")"
  cat >"$1.tmp"
  if cmp -s "$1.tmp" "$1"; then rm "$1.tmp"; else mv "$1.tmp" "$1"; fi
}

# make_headers VERSION: libbpf's headers of that source, and vmlinux.h of the
# running kernel and of Debian's cloud kernel of that version.
make_headers() {
  local source=src/linux-source-$1 header image
  for header in bpf_core_read bpf_endian bpf_helpers bpf_tracing usdt.bpf; do
    write_if_changed "include/$1/bpf/$header.h" <"$source/tools/lib/bpf/$header.h"
  done
  python3 "$source/scripts/bpf_doc.py" --header \
    --file "$source/tools/include/uapi/linux/bpf.h" |
    write_if_changed "include/$1/bpf/bpf_helper_defs.h"
  bpftool btf dump file /sys/kernel/btf/vmlinux format c |
    write_if_changed include/running/vmlinux.h

  image=$(newest_image "$1")
  [ "$(cat "include/debian-$1/package" 2>/dev/null)" != "$image" ] || return 0
  if ! unpack_package "$image"; then
    say "no package $image: programs whose types this kernel lacks will fail"
    return 0
  fi
  say "types of $image"
  bash "$source/scripts/extract-vmlinux" "packages/$image"/boot/vmlinuz-* >.vmlinux
  bpftool btf dump file .vmlinux format c |
    write_if_changed "include/debian-$1/vmlinux.h"
  rm .vmlinux
  echo "$image" >"include/debian-$1/package"
}

# newest_image VERSION: Debian's newest cloud kernel of that version.
newest_image() {
  apt-cache pkgnames "linux-image-$1." | grep -E '[0-9]-cloud-amd64$' | sort -V | tail -n1
}

# kernel_headers VERSION: the folders of that kernel's headers, fetched.
kernel_headers() {
  local headers common
  headers=$(newest_image "$1")
  headers=${headers/image/headers}
  common=${headers/-cloud-amd64/-common}
  unpack_package "$headers" && unpack_package "$common" || return 1
  echo "packages/$common/usr/src/$common packages/$headers/usr/src/$headers"
}
