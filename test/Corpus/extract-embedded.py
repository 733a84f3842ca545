#!/usr/bin/env python3
# extract-embedded.py - find BPF objects that programs carry inside themselves.
# Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# usage: extract-embedded.py OUTDIR PREFIX FILE...
#
# A libbpf skeleton is an ELF object in the read-only data of its user-space
# tool. This looks for ELF headers with machine EM_BPF at any offset of FILE and
# writes each as OUTDIR/PREFIX-NAME[.N].bpf.o, NAME being the name of FILE. The
# end of an object is that of its section header table, or of the section that
# reaches furthest, since an ELF file states its own size in no other way.
import os
import struct
import sys

EM_BPF = 247
SHT_NOBITS = 8


def object_size(data, at):
    """Size of the ELF object at offset `at`, or None if it is not a BPF one."""
    header = data[at : at + 64]
    if len(header) < 64 or header[4] != 2 or header[5] not in (1, 2):
        return None
    order = "<" if header[5] == 1 else ">"
    kind, machine = struct.unpack_from(order + "HH", header, 16)
    if machine != EM_BPF or kind != 1:
        return None
    (table,) = struct.unpack_from(order + "Q", header, 40)
    entry_size, entries = struct.unpack_from(order + "HH", header, 58)
    end = table + entry_size * entries
    if entry_size != 64 or at + end > len(data):
        return None
    for index in range(entries):
        entry = at + table + index * entry_size
        (section_type,) = struct.unpack_from(order + "I", data, entry + 4)
        offset, size = struct.unpack_from(order + "QQ", data, entry + 24)
        if section_type != SHT_NOBITS:
            end = max(end, offset + size)
    return end if at + end <= len(data) else None


def extract(path, outdir, prefix):
    with open(path, "rb") as file:
        data = file.read()
    found = []
    at = data.find(b"\x7fELF", 1)
    while at != -1:
        size = object_size(data, at)
        if size:
            found.append(data[at : at + size])
        at = data.find(b"\x7fELF", at + (size or 4))
    for index, contents in enumerate(found):
        number = f".{index + 1}" if len(found) > 1 else ""
        name = f"{prefix}-{os.path.basename(path)}{number}.bpf.o"
        with open(os.path.join(outdir, name), "wb") as out:
            out.write(contents)
        print(name)


def main():
    if len(sys.argv) < 4:
        sys.exit("usage: extract-embedded.py OUTDIR PREFIX FILE...")
    for path in sys.argv[3:]:
        extract(path, sys.argv[1], sys.argv[2])


main()
