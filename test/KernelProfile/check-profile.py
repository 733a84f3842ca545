#!/usr/bin/env python3
# Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Compares a kernel profile with the running kernel, one tiny program a row.

  check-profile.py contexts|sockets|lookups|insns|packet PROFILE.json HELPERS.def

A program is loaded and the length of its translated form taken; nothing is
attached or kept. Prints every difference and a closing count, exits 1 if there
was a difference. Knows nothing about libbpf and the rest of prepatch on
purpose: it judges them.
"""

import ctypes
import json
import os
import re
import struct
import sys

LIBC = ctypes.CDLL(None, use_errno=True)
SYS_BPF = {"x86_64": 321, "aarch64": 280, "riscv64": 280, "s390x": 351}[os.uname().machine]
MAP_CREATE, PROG_LOAD, OBJ_INFO = 0, 5, 15

LDX = {1: 0x71, 2: 0x69, 4: 0x61, 8: 0x79}
LDSX = {1: 0x91, 2: 0x89, 4: 0x81}
STX = {1: 0x73, 2: 0x6B, 4: 0x63, 8: 0x7B}
ST = {1: 0x72, 2: 0x6A, 4: 0x62, 8: 0x7A}

# Key in the profile: (program type, expected attach type); several names may
# share a table.
CONTEXTS = [
    ("sched_cls", 3, 0), ("sched_cls", 3, 46), ("sched_cls", 4, 0), ("socket_filter", 1, 0),
    ("cgroup_skb", 8, 0), ("cgroup_skb", 8, 1), ("lwt_xmit", 10, 0), ("lwt_xmit", 11, 0),
    ("lwt_xmit", 12, 0), ("lwt_xmit", 19, 0), ("sk_skb", 14, 0), ("sk_skb", 14, 4),
    ("sk_skb", 14, 38), ("flow_dissector", 22, 17), ("xdp", 6, 0), ("xdp", 6, 37),
    ("xdp", 6, 35), ("xdp_devmap", 6, 33), ("sock_ops", 13, 3), ("sk_msg", 16, 7),
    ("sk_lookup", 30, 36), ("sk_reuseport", 21, 39), ("sk_reuseport", 21, 40),
    ("perf_event", 7, 0), ("cgroup_sock", 9, 2), ("cgroup_sock", 9, 34),
    ("cgroup_sock_post_bind4", 9, 12), ("cgroup_sock_post_bind6", 9, 13), ("sysctl", 23, 18),
    ("sockopt_get", 25, 21), ("sockopt_set", 25, 22),
    ("sock_addr_connect4", 18, 8), ("sock_addr_connect4", 18, 10), ("sock_addr_connect4", 18, 19),
    ("sock_addr_connect4", 18, 29), ("sock_addr_connect4", 18, 31),
    ("sock_addr_connect6", 18, 9), ("sock_addr_connect6", 18, 11), ("sock_addr_connect6", 18, 20),
    ("sock_addr_connect6", 18, 30), ("sock_addr_connect6", 18, 32),
    ("sock_addr_sendmsg4", 18, 14), ("sock_addr_sendmsg6", 18, 15),
    ("sock_addr_unix", 18, 49), ("sock_addr_unix", 18, 50), ("sock_addr_unix", 18, 51),
    ("sock_addr_unix", 18, 52), ("sock_addr_unix", 18, 53),
]


def insn(op, dst=0, src=0, off=0, imm=0):
    return struct.pack("<BBhi", op, dst | src << 4, off, imm)


def call(helper):
    return insn(0x85, imm=helper)


EXIT = [insn(0xB7, 0, imm=1), insn(0x95)]


def bpf(command, attr):
    buffer = ctypes.create_string_buffer(attr.ljust(128, b"\0"), 128)
    return LIBC.syscall(SYS_BPF, command, buffer, 128)


def load(prog_type, attach, insns):
    """(slots of the translated program or None, verifier log)"""
    code = ctypes.create_string_buffer(b"".join(insns))
    gpl, log = ctypes.create_string_buffer(b"GPL"), ctypes.create_string_buffer(1 << 16)
    fd = bpf(PROG_LOAD, struct.pack(
        "<IIQQIIQII16sII", prog_type, len(b"".join(insns)) // 8, ctypes.addressof(code),
        ctypes.addressof(gpl), 1, len(log), ctypes.addressof(log), 0, 0, b"", 0, attach))
    if fd < 0:
        return None, log.value.decode(errors="replace")
    info = ctypes.create_string_buffer(256)
    bpf(OBJ_INFO, struct.pack("<IIQ", fd, len(info), ctypes.addressof(info)))
    os.close(fd)
    return struct.unpack_from("<I", info.raw, 20)[0] // 8, ""


def create_map(map_type, key, value, entries, flags=0, inner=0):
    return bpf(MAP_CREATE, struct.pack("<IIIIII", map_type, key, value, entries, flags, inner))


class Check:
    def __init__(self, profile, helpers):
        self.profile, self.helpers = profile, helpers
        self.count = self.wrong = 0

    def rows(self, fields):
        """{(offset, size): [R, Rs, RSX, W, WI]}"""
        table = {}
        for offset, shape in zip(fields[::2], fields[1::2]):
            for row in self.profile["shapes"][shape]:
                table[offset + row[0], row[1]] = row[2:7]
        return table

    def expect(self, what, want, found, log=""):
        self.count += 1
        if want != found:
            self.wrong += 1
            print(f"{what}: profile {want}, kernel {found} {log[-300:]}")

    def length(self, what, want, insns, prog_type=3, attach=0):
        """The one patched instruction of insns becomes `want` long."""
        length, log = load(prog_type, attach, insns)
        self.expect(what, want, None if length is None else length - len(insns) + 1, log)

    def contexts(self):
        tables = {c["name"]: c for c in self.profile["contexts"]}
        for name in tables:
            if name not in [c[0] for c in CONTEXTS]:
                self.expect(f"context {name}", "a program type to check it with", None)
        for name, prog_type, attach in CONTEXTS:
            table = self.rows(tables[name]["fields"])
            for size in (1, 2, 4, 8):
                for offset in range(0, 232, min(size, 4)):
                    want = table.get((offset, size), [0] * 5)
                    accesses = (insn(LDX[size], 2, 6, offset), insn(LDX[size], 6, 6, offset),
                                insn(LDSX.get(size, 0), 2, 6, offset),
                                insn(STX[size], 6, 7, offset), insn(ST[size], 6, 0, offset, 5))
                    for kind, access in enumerate(accesses):
                        program = [insn(0xBF, 6, 1), insn(0xB7, 7, imm=1), access] + EXIT
                        length, _ = load(prog_type, attach, program)
                        found = 0 if length is None else length - len(program) + 1
                        self.expect(f"{name} (type {prog_type} attach {attach}) +{offset} size "
                                    f"{size} {('R', 'Rs', 'RSX', 'W', 'WI')[kind]}", want[kind], found)
            for offset, size, kind, want, trigger in tables[name].get("alternatives", []):
                op = {"R": insn(LDX[size], 2, 6, offset), "W": insn(STX[size], 6, 7, offset),
                      "WI": insn(ST[size], 6, 0, offset, 5)}[kind]
                start = [insn(0xBF, 6, 1), insn(0xB7, 7, imm=1), insn(LDX[1], 0, 6, trigger)]
                base, _ = load(prog_type, attach, start + EXIT)
                length, log = load(prog_type, attach, start + [op] + EXIT)
                self.expect(f"{name} +{offset} {kind} beside +{trigger}", want,
                            length and length - base, log)

    def sockets(self):
        xsk = create_map(17, 4, 4, 4)

        def program(kind, access):
            if kind == "xdp_sock":
                key = [insn(0x62, 10, 0, -4, 0), insn(0xBF, 2, 10), insn(0x07, 2, imm=-4)]
                return key + [insn(0x18, 1, 1, 0, xsk), insn(0), call(1), insn(0x15, 0, 0, 1),
                              access] + EXIT
            get = {"sock_common": [insn(0xBF, 0, 1)], "sock": [call(95), insn(0x15, 0, 0, 1)],
                   "tcp_sock": [call(96), insn(0x15, 0, 0, 1)]}[kind]
            return [insn(0x79, 1, 1, 168), insn(0x15, 1, 0, len(get) + 1)] + get + [access] + EXIT

        for kind, prog_type, attach in (("sock_common", 3, 0), ("sock", 3, 0), ("tcp_sock", 3, 0),
                                        ("xdp_sock", 6, 37)):
            table = self.rows(self.profile["sockets"][kind])
            base, log = load(prog_type, attach, program(kind, insn(0xB7, 2)))
            if base is None:
                self.expect(kind, "a program", None, log)
                continue
            for size in (1, 2, 4, 8):
                for offset in range(0, 160):
                    want = table.get((offset, size), [0] * 5)
                    accesses = (insn(LDX[size], 2, 0, offset), insn(LDX[size], 0, 0, offset),
                                insn(LDSX.get(size, 0), 2, 0, offset), insn(STX[size], 0, 10, offset))
                    for number, access in enumerate(accesses):
                        length, _ = load(prog_type, attach, program(kind, access))
                        self.expect(f"{kind} +{offset} size {size} {number}", want[number],
                                    0 if length is None else length - base + 1)

    def lookups(self):
        rules = [r for r in self.profile["helpers"]["rules"] if r["helper"] == 1]
        inner = create_map(2, 4, 8, 1)
        # type, key, value, flags, inner map, program type
        maps = [(2, 4, 8, 0, 0, 3), (2, 4, 12, 0, 0, 3), (2, 4, 8, 0x400, 0, 3), (6, 4, 8, 0, 0, 3),
                (2, 4, 8, 0x1000, 0, 3), (1, 8, 8, 0, 0, 3), (1, 8, 8, 1, 0, 3), (5, 8, 8, 0, 0, 3),
                (9, 8, 8, 0, 0, 3), (10, 8, 8, 0, 0, 3), (11, 8, 8, 1, 0, 3), (12, 4, 4, 0, inner, 3),
                (13, 4, 4, 0, inner, 3), (14, 4, 4, 0, 0, 6), (15, 4, 8, 0, 0, 3), (17, 4, 4, 0, 0, 6),
                (18, 4, 8, 0, 0, 3), (25, 4, 4, 0, 0, 6)]
        for map_type, key, value, flags, inner_fd, prog_type in maps:
            want = next((r["insns"] for r in rules
                         if map_type in r["maps"] and not flags & r.get("notMapFlags", 0)), 1)
            fd = create_map(map_type, key, value, 4, flags, inner_fd)
            if fd < 0:
                self.expect(f"map type {map_type}", "a map", None)
                continue
            release = [insn(0xBF, 1, 0), insn(0x15, 1, 0, 1), call(86)] if map_type in (15, 18) else []
            self.length(f"lookup in map type {map_type} flags {flags:#x}", want,
                        [insn(0x7A, 10, 0, -8), insn(0xBF, 2, 10), insn(0x07, 2, imm=-8),
                         insn(0x18, 1, 1, 0, fd), insn(0), call(1)] + release + EXIT, prog_type)
            os.close(fd)

    def insns(self):
        misc, alu = self.profile["misc"], self.profile["alu"]
        rules = {r["helper"]: r["insns"] for r in self.profile["helpers"]["rules"] if len(r) == 2}
        for helper in (5, 7, 8, 14, 15, 35, 42, 80, 118, 125, 158, 160, 208):
            for prog_type in (2, 3):
                if load(prog_type, 0, [call(helper)] + EXIT)[0] is not None:
                    self.length(f"helper {helper}", rules.get(helper, 1), [call(helper)] + EXIT,
                                prog_type)
        self.length("get_branch_snapshot", rules[176],
                    [insn(0xBF, 1, 10), insn(0x07, 1, imm=-24), insn(0xB7, 2, imm=24),
                     insn(0xB7, 3), call(176)] + EXIT, 2)
        numbers = [call(7), insn(0xBF, 6, 0), call(7)]
        for key, want in alu.items():
            signed, op, width = re.fullmatch(r"(s?)(div|mod)(32|64)", key).groups()
            code = (0x30 if op == "div" else 0x90) | 0x08 | (7 if width == "64" else 4)
            self.length(key, want, numbers + [insn(code, 0, 6, 1 if signed else 0)] + EXIT)
        ctx = [insn(0xBF, 6, 1), insn(0xB7, 7)]
        self.length("LD_ABS", misc["ldAbs"], ctx + [insn(0x28, imm=12)] + EXIT)
        self.length("LD_IND", misc["ldInd"], ctx + [insn(0x48, 0, 7, 0, 12)] + EXIT)
        self.length("LD_IND, no offset", misc["ldIndZeroImm"], ctx + [insn(0x48, 0, 7)] + EXIT)
        self.length("may_goto", misc["mayGoto"] + misc["mayGotoPerSubprog"],
                    [call(7), insn(0xE5, 0, 0, 1), insn(0xB7, 0, imm=2)] + EXIT)
        exchange = [insn(0x7A, 10, 0, -8, 1), call(7), insn(0xB7, 1, imm=3),
                    insn(0xC3, 10, 1, -8, 0xF1)]
        self.length("cmpxchg32", misc["cmpXchg32Zext"], exchange + [insn(0xBF, 2, 0)] + EXIT)
        self.length("cmpxchg32, result unread", 1, exchange + EXIT)
        growth = dict(self.profile["directWritePrologue"])
        for prog_type, data_end in ((3, 1), (4, 1), (12, 1), (14, 5), (6, 1)):
            fields = (76, 80) if prog_type != 6 else (0, 4)
            self.length(f"direct write, type {prog_type}", growth.get(prog_type, 0) + data_end,
                        [insn(0x61, 2, 1, fields[0]), insn(0x61, 3, 1, fields[1]), insn(0xBF, 4, 2),
                         insn(0x07, 4, imm=1), insn(0x2D, 4, 3, 1), insn(0x72, 2, 0, 0, 1)] + EXIT,
                        prog_type)
        # A spill and a fill around a call are deleted only where the kernel
        # knows the call to be fast.
        for helper in (5, 7, 8, 14, 42, 118):
            length, _ = load(3, 0, [insn(0xB7, 1, imm=7), insn(0x7B, 10, 1, -8), call(helper),
                                    insn(0x79, 1, 10, -8), insn(0xBF, 0, 1), insn(0x95)])
            found = length is not None and length < 6 + rules.get(helper, 1) - 1
            self.expect(f"fastcall helper {helper}", helper in self.profile["helpers"]["fastcall"], found)

    def packet(self):
        """Which helpers end the life of packet pointers."""
        maps = [create_map(*m) for m in ((3, 4, 4, 4), (15, 4, 8, 4), (1, 4, 8, 4), (18, 4, 8, 4),
                                         (8, 4, 4, 4), (4, 4, 4, 4), (14, 4, 4, 4), (27, 0, 0, 4096),
                                         (22, 0, 8, 4))]
        # type, attach type, load of data and data_end, their offsets
        programs = ((3, 0, 0x61, 76, 80), (6, 37, 0x61, 0, 4), (14, 4, 0x61, 76, 80),
                    (16, 7, 0x79, 0, 8), (12, 0, 0x61, 76, 80), (19, 0, 0x61, 76, 80),
                    (10, 0, 0x61, 76, 80), (13, 3, 0x79, 192, 200), (8, 0, 0x61, 76, 80),
                    (21, 39, 0x79, 0, 8))
        listed = set(self.profile["helpers"]["changesPacket"])
        # 12: what a tail call changes is seen by callers of the function that
        # contains it, not after it. 202: only with a dynptr of a packet.
        for helper, name, args in self.helpers:
            if helper in (12, 202):
                continue
            changes = None
            for prog_type, attach, op, data, data_end in programs:
                for fd in maps if "m" in args else [0]:
                    setup = [insn(0x7A, 10, 0, slot) for slot in range(-64, 0, 8)]
                    for reg, kind in enumerate(args, 1):
                        if kind in "ce":
                            setup.append(insn(0xBF, reg, 6))
                        elif kind == "m":
                            setup += [insn(0x18, reg, 1, 0, fd), insn(0)]
                        elif kind in "rwfkv":
                            setup += [insn(0xBF, reg, 10), insn(0x07, reg, imm=-64)]
                        else:
                            setup.append(insn(0xB7, reg, imm=16 if kind == "z" else 0))
                    head = [insn(0xBF, 6, 1), insn(op, 7, 6, data), insn(op, 8, 6, data_end),
                            insn(0xBF, 1, 7), insn(0x07, 1, imm=1)]

                    def accepted(tail):
                        check = [insn(0x2D, 1, 8, sum(map(len, setup + tail)) // 8)]
                        return load(prog_type, attach, head + check + setup + tail + EXIT)[0]

                    if accepted([call(helper)]) is not None:
                        lost = accepted([call(helper), insn(0x71, 0, 7)]) is None
                        changes = lost or bool(changes)
            if changes is None:
                if helper in listed:
                    self.expect(f"helper {helper} {name}", "a program that calls it", None)
                continue
            self.expect(f"helper {helper} {name} changes the packet", helper in listed, changes)


def main():
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    table = re.findall(r'PREPATCH_HELPER\((\d+), "(\w+)", \w+, "(\w*)"', open(sys.argv[3]).read())
    check = Check(json.load(open(sys.argv[2])), [(int(i), n, a) for i, n, a in table])
    getattr(check, sys.argv[1])()
    print(f"{check.count} compared, {check.wrong} different")
    sys.exit(1 if check.wrong else 0)


main()
