#!/usr/bin/env python3
"""Prints the functions of an object's .BTF, one a line, for tests:

    global int numbers(u32 n, u32 unused)
    global u64 record(struct totals *t [nonnull], u32 bytes)

Reads little endian ELF64 objects. Integers and typedefs are printed by name.
"""
import struct
import sys

PTR, ARRAY, STRUCT, UNION, ENUM, FWD, TYPEDEF = 2, 3, 4, 5, 6, 7, 8
VOLATILE, CONST, RESTRICT, FUNC, PROTO, VAR, DATASEC = 9, 10, 11, 12, 13, 14, 15
INT, FLOAT, DECL_TAG, TYPE_TAG, ENUM64 = 1, 16, 17, 18, 19
EXTRA = {INT: (4, 0), ARRAY: (12, 0), STRUCT: (0, 12), UNION: (0, 12), ENUM: (0, 8),
         PROTO: (0, 8), VAR: (4, 0), DATASEC: (0, 12), DECL_TAG: (4, 0), ENUM64: (0, 12)}


def section(data, wanted):
    shoff, = struct.unpack_from("<Q", data, 40)
    size, count, names = struct.unpack_from("<HHH", data, 58)
    headers = [struct.unpack_from("<IIQQQQIIQQ", data, shoff + i * size) for i in range(count)]
    for h in headers:
        at = headers[names][4] + h[0]
        if data[at:data.index(b"\0", at)].decode() == wanted:
            return data[h[4]:h[4] + h[5]]
    sys.exit(f"no section {wanted}")


btf = section(open(sys.argv[1], "rb").read(), ".BTF")
_, _, _, header, type_off, type_len, str_off, _ = struct.unpack_from("<HBBIIIII", btf)
types, at = [(0, 0, 0, 0, b"")], header + type_off
while at < header + type_off + type_len:
    name, info, size = struct.unpack_from("<III", btf, at)
    kind, vlen = info >> 24 & 31, info & 0xffff
    fixed, each = EXTRA.get(kind, (0, 0))
    extra = fixed + each * vlen
    types.append((kind, name, vlen, size, btf[at + 12:at + 12 + extra]))
    at += 12 + extra


def string(off):
    at = header + str_off + off
    return btf[at:btf.index(b"\0", at)].decode()


def text(number):
    kind, name, _, to, _ = types[number]
    if number == 0:
        return "void"
    if kind == PTR:
        inner = text(to)
        return inner + ("*" if inner.endswith("*") else " *")
    if kind == CONST:
        return "const " + text(to)
    prefix = {STRUCT: "struct ", UNION: "union ", ENUM: "enum "}.get(kind, "")
    return prefix + string(name)


for number, (kind, name, linkage, proto, _) in enumerate(types):
    if kind != FUNC:
        continue
    params = []
    for i in range(types[proto][2]):
        param, of = struct.unpack_from("<II", types[proto][4], i * 8)
        tags = [string(t[1]) for t in types if t[0] == DECL_TAG and t[3] == number
                and struct.unpack("<i", t[4])[0] == i]
        sep = "" if text(of).endswith("*") else " "
        params.append(text(of) + sep + string(param) + "".join(f" [{t}]" for t in tags))
    result = text(types[proto][3])
    print(["static", "global", "extern"][linkage], result + ("" if result.endswith("*") else " ")
          + string(name) + "(" + ", ".join(params) + ")")
