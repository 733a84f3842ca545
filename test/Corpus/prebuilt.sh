# shellcheck shell=bash disable=SC2154 # variables are those of build-corpus.sh
# prebuilt.sh - BPF objects that Debian packages bring.
# Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Sourced by build-corpus.sh. These are compiled by other compilers, years and
# build systems than ours: what users have. Found by unpacking the packages that
# depend on libbpf or speak of BPF: libxdp's and xdp-tools' programs, decoders
# of infrared remote controls, the libbpf-tools and modules of pcp and
# programs of knot and qemu with their objects inside, and test data of
# cilium/ebpf, made by several clangs in both byte orders, some of it invalid.
prebuilt_packages="libxdp1 xdp-tools xdp-tests ir-keytable libbpf-tools pcp
  libknot13 qemu-system-x86 golang-github-cilium-ebpf-dev"

# is_bpf FILE: an ELF file for machine 247, in either byte order.
is_bpf() {
  local machine
  machine=$(od -An -tx1 -j18 -N2 "$1" | tr -d ' ')
  [ "$machine" = f700 ] || [ "$machine" = 00f7 ]
}

# record_prebuilt OBJECT PACKAGE OUTCOME REASON: as compile-object.sh records.
record_prebuilt() {
  mkdir -p .state/prebuilt
  printf 'prebuilt\n%s\t%s\t%s\t%s\n' "$1" "$2" "$3" "$4" >".state/$1"
}

# Of objects with equal contents only the first is kept: many programs carry
# the same dispatcher.
collect_prebuilt() {
  local package file name sum stamp missing=
  local -A seen=()
  # shellcheck disable=SC2086 # a list of names
  stamp=$({
    apt-cache policy $prebuilt_packages | grep -E '^[^ ]|Candidate'
    cat "$here"/{prebuilt.sh,extract-embedded.py}
  } | sha256sum)
  [ "$(cat .state/prebuilt/.stamp 2>/dev/null)" != "$stamp" ] || return 0
  say "collecting objects of Debian packages"
  rm -rf prebuilt .state/prebuilt
  mkdir -p prebuilt .state/prebuilt
  for package in $prebuilt_packages; do
    if ! unpack_package "$package"; then
      record_prebuilt "prebuilt/$package" "$package" failed "package not available"
      missing=yes
      continue
    fi
    while IFS= read -r file; do
      is_bpf "$file" || continue
      name=$(basename "$file")
      name=${name%.elf}
      cp "$file" "prebuilt/$package-${name%.o}.bpf.o"
    done < <(find "packages/$package" -type f \( -name '*.o' -o -name '*.elf' \) | sort)
    find "packages/$package" -type f -size +8k ! -name '*.o' ! -name '*.elf' |
      LC_ALL=C sort | xargs -r "$here/extract-embedded.py" prebuilt "$package" >/dev/null
    for file in prebuilt/"$package"-*.bpf.o; do
      [ -e "$file" ] || continue
      sum=$(sha256sum <"$file")
      if [ -n "${seen[$sum]:-}" ]; then
        rm "$file"
      else
        seen[$sum]=$file
        record_prebuilt "$file" "$package $(cat "packages/$package.version")" ok ""
      fi
    done
  done
  # Packages that could not be had are asked for again next time.
  [ -n "$missing" ] || echo "$stamp" >.state/prebuilt/.stamp
}
