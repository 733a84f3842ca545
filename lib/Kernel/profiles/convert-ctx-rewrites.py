#!/usr/bin/env python3
# Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Turns measured context rewrites into the context part of a kernel profile.

  convert-ctx-rewrites.py MEASURED PROFILE.json

MEASURED has one line per (program type, offset, size, access):
  sched_cls +9 sz1 R n=3 pro=0: r2 = *(u32 *)(r6 +164) ; w2 >>= 8 ; w2 &= 255
with the access R (read), Rs (read into the context register), RSX
(sign-extending read), W (STX) and WI (ST), the number of instructions after
the rewrite, the prologue and the instructions themselves. The keys "shapes",
"contexts", "unconverted" and "sockets" of PROFILE.json are replaced; the rest
of the file is written by hand and kept.

A narrow read gets a *widening* only if its sequence is, instruction for
instruction, the sequence of a wider read followed by the shift and mask that
its place in the wider field calls for. Nothing is derived from field names or
sizes, so a kernel that does something else for one field keeps that field out.
"""

import json
import re
import sys

ROW = re.compile(r"(\S+) \+(\d+) sz([1248]) (R|Rs|RSX|W|WI) n=(\d+) pro=(\d+): (.*)")


def read_measured(path):
    """{context: {(offset, size): {kind: [insn, ...]}}}, in file order."""
    contexts = {}
    for number, line in enumerate(open(path), 1):
        if line.startswith("====="):
            continue
        match = ROW.fullmatch(line.rstrip("\n"))
        if not match:
            sys.exit(f"{path}:{number}: not a measured row")
        name, offset, size, kind, count, prologue, text = match.groups()
        insns = [i.strip() for i in text.split(" ; ")]
        if len(insns) != int(count):
            sys.exit(f"{path}:{number}: n={count}, but {len(insns)} instructions")
        if prologue != "0":
            sys.exit(f"{path}:{number}: a prologue needs a key of its own")
        rows = contexts.setdefault(name, {})
        kinds = rows.setdefault((int(offset), int(size)), {})
        if kind in kinds:
            sys.exit(f"{path}:{number}: row repeated")
        kinds[kind] = insns
    return contexts


def is_converted(rows):
    """False if every access stays one instruction at its own offset."""
    for (offset, _), kinds in rows.items():
        for kind, insns in kinds.items():
            if len(insns) != 1 or f"(r6 +{offset})" not in insns[0]:
                return True
    return False


def tail(offset, size, full_offset, full_size):
    """What follows the full read, as the dump prints it; little endian."""
    shift = 8 * (offset - full_offset)
    mask = -1 if size == 4 else (1 << (8 * size)) - 1
    insns = []
    if shift:
        insns.append(f"{'r' if full_size == 8 else 'w'}2 >>= {shift}")
    return insns + [f"w2 &= {mask}"], shift


def widening(rows, offset, size):
    """(relative offset, size, shift, bits) or None; the widest that fits."""
    narrow = rows[offset, size].get("R")
    if narrow is None:
        return None
    for full_size in (8, 4, 2):
        for full_offset in range(offset, offset - full_size, -1):
            full = rows.get((full_offset, full_size), {}).get("R")
            if full is None or full_size <= size or offset + size > full_offset + full_size:
                continue
            insns, shift = tail(offset, size, full_offset, full_size)
            if narrow == full + insns:
                return full_offset - offset, full_size, shift, 8 * size
    return None


def check_sign_extension(name, rows):
    """The reader derives the sign-extending form from the plain one."""
    for (offset, size), kinds in rows.items():
        if "RSX" in kinds and kinds["RSX"] != kinds["R"] + [f"r2 = r2 off={8 * size} imm=0"]:
            sys.exit(f"{name} +{offset} sz{size}: RSX is not R and a sign extension")


def compact(rows):
    """[[offset, size, R, Rs, RSX, W, WI(, widening x 4)]]"""
    out = []
    for (offset, size), kinds in sorted(rows.items()):
        row = [offset, size] + [len(kinds.get(k, ())) for k in ("R", "Rs", "RSX", "W", "WI")]
        wide = widening(rows, offset, size)
        out.append(row + list(wide) if wide else row)
    return out


def moved(rows, begin, end, by):
    """The rows with begin <= offset < end, at another place."""
    return [[r[0] + by] + r[1:] for r in rows if begin <= r[0] < end]


def without(rows, *words):
    return [r for r in rows if r[0] // 4 * 4 not in words]


def read_only(rows):
    return [r[:5] + [0, 0] + r[7:] for r in rows if r[2]]


# Tables that the measured file lacks, built from rows it has: the kernel
# converts these fields by the same code. Every row of them was then compared
# with what a 6.18.44 kernel makes of the access.
def add_related(tables):
    # egress_ifindex, only with expected attach type BPF_XDP_DEVMAP.
    tables["xdp_devmap"] = tables["xdp"] + [[20, 4, 3, 3, 4, 0, 0]]
    # msg_src_ip4 of sendmsg4 is rewritten as user_ip4 is.
    inet = tables["sock_addr_connect4"]
    tables["sock_addr_sendmsg4"] = sorted(inet + moved(inet, 4, 8, 36))
    tables["sock_addr_unix"] = without(inet, 4)
    # After bind the source is readable, as the destination is; bound_dev_if,
    # mark and priority are not.
    sock = tables["cgroup_sock"]
    bound = without(sock, 0, 16, 20) + moved(sock, 4, 8, 40)
    tables["cgroup_sock_post_bind4"] = sorted(bound + moved(sock, 52, 56, -28))
    tables["cgroup_sock_post_bind6"] = sorted(bound + moved(sock, 56, 72, -28))


def sockets(tables):
    """struct bpf_sock and its relatives through a pointer."""
    sock = read_only(tables["cgroup_sock"])
    sock = sorted(sock + moved(sock, 52, 72, -28) + moved(sock, 4, 8, 40))
    # snd_cwnd .. sacked_out, bytes_received, bytes_acked, dsack_dups ..
    tcp = [[o, 4, 1, 1, 2, 0, 0] for o in [*range(0, 80, 4), *range(96, 112, 4)]]
    tcp += [[o, 8, 1, 1, 0, 0, 0] for o in (80, 88)]
    return {
        # type, protocol, mark and priority need a full socket.
        "sock_common": without(sock, 8, 12, 16, 20),
        "sock": sock,
        "tcp_sock": sorted(tcp),
        "xdp_sock": [[0, 4, 1, 1, 2, 0, 0]],
    }


def shape_of(rows, shapes):
    """Splits rows into aligned words; equal words share one shape."""
    fields, words = [], {}
    for row in rows:
        words.setdefault(row[0] // 4 * 4, []).append([row[0] % 4] + row[1:])
    for offset, word in sorted(words.items()):
        if word not in shapes:
            shapes.append(word)
        fields += [offset, shapes.index(word)]
    return fields


def dump(profile):
    """One line per shape and table; ProfileWriter.cpp writes the same text."""
    def line(value):
        return json.dumps(value, separators=(",", ":"), ensure_ascii=False)

    parts = []
    for key, value in profile.items():
        nested = key in ("notes", "shapes", "contexts", "sockets", "kfuncs")
        if key == "helpers":
            inner = []
            for k, v in value.items():
                if k == "rules":
                    v = "[\n" + ",\n".join("    " + line(r) for r in v) + "]"
                else:
                    v = line(v)
                inner.append(f"  {line(k)}:{v}")
            text = "{\n" + ",\n".join(inner) + "}"
        elif nested and isinstance(value, list):
            text = "[\n" + ",\n".join("  " + line(v) for v in value) + "]"
        elif nested or key in ("misc", "features", "limits", "costs"):
            text = "{\n" + ",\n".join(f"  {line(k)}:{line(v)}" for k, v in value.items()) + "}"
        else:
            text = line(value)
        parts.append(f"{line(key)}:{text}")
    return "{" + ",\n".join(parts) + "}\n"


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    measured = read_measured(sys.argv[1])
    profile = json.load(open(sys.argv[2]))
    tables, unconverted = {}, []
    for name, rows in measured.items():
        if is_converted(rows):
            check_sign_extension(name, rows)
            tables[name] = compact(rows)
        else:
            unconverted.append(name)
    add_related(tables)

    # Facts about tables that are no rows stay: what an access becomes if the
    # program reads another field too, and types known to have no converter.
    old = {c["name"]: c for c in profile.get("contexts", [])}
    keep = [n for n in profile.get("unconverted", []) if n not in unconverted]
    shapes, contexts = [], []
    for name, rows in sorted(tables.items()):
        entry = {"name": name, "fields": shape_of(rows, shapes)}
        if "alternatives" in old.get(name, {}):
            entry["alternatives"] = old[name]["alternatives"]
        contexts.append(entry)
    profile["contexts"] = contexts
    profile["unconverted"] = sorted(unconverted + keep)
    profile["sockets"] = {n: shape_of(r, shapes) for n, r in sockets(tables).items()}
    profile["shapes"] = shapes
    text = dump(profile)
    open(sys.argv[2], "w").write(text)


main()
