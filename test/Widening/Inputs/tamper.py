# Changes one byte of AFTER at a time, in code, .BTF.ext, relocations and data, and expects the proof to fail.
import random
import struct
import subprocess
import sys

tool, before, after, bad = sys.argv[1:]
data = open(after, "rb").read()
(shoff,) = struct.unpack_from("<Q", data, 0x28)
shentsize, shnum, shstrndx = struct.unpack_from("<HHH", data, 0x3A)

def section(i):
    fields = struct.unpack_from("<IIQQQQIIQQ", data, shoff + i * shentsize)
    return dict(zip(("name", "type", "flags", "addr", "offset", "size"), fields))

names = section(shstrndx)["offset"]
def name(s):
    start = names + s["name"]
    return data[start:data.index(b"\0", start)].decode()

sections = {name(s): s for s in map(section, range(shnum)) if s["size"] and s["type"] != 8}
random.seed(1)
accepted = []
for which in ("raw_tp/sys_enter", ".text", ".BTF.ext", ".BTF", ".maps", ".relraw_tp/sys_enter", "license"):
    s = sections[which]
    for at in random.sample(range(s["size"]), min(s["size"], 24)):
        place = s["offset"] + at
        changed = bytearray(data)
        changed[place] ^= 1 << random.randrange(8)
        open(bad, "wb").write(changed)
        result = subprocess.run([tool, "compare", "--proof", before, bad], capture_output=True)
        assert result.returncode in (0, 1), (which, at, result)
        if result.returncode == 0:
            accepted.append((which, at))
print("accepted:", accepted)
assert not accepted
