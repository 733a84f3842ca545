#!/usr/bin/env python3
"""patch-section.py IN OUT SECTION OFFSET VALUE: overwrites a 32-bit word of a
section of a little-endian 64-bit ELF file. OFFSET counts from the section's
start."""
import struct
import sys

path, out, name, offset, value = sys.argv[1:6]
data = bytearray(open(path, "rb").read())
table, = struct.unpack_from("<Q", data, 0x28)
count, names = struct.unpack_from("<HH", data, 0x3c)
headers = [struct.unpack_from("<IIQQQQIIQQ", data, table + 64 * i) for i in range(count)]
strings = headers[names][4]
for h in headers:
    start = strings + h[0]
    if data[start:data.index(0, start)].decode() == name:
        struct.pack_into("<I", data, h[4] + int(offset, 0), int(value, 0) & 0xffffffff)
        open(out, "wb").write(data)
        sys.exit(0)
sys.exit("no section " + name)
