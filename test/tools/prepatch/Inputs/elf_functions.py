"""What the loaders that tests make up need to know of an object."""
import struct


def functions(path):
    """[(section, value, name, slots)]; little endian ELF64 only."""
    data = open(path, "rb").read()
    shoff, = struct.unpack_from("<Q", data, 40)
    size, count, names = struct.unpack_from("<HHH", data, 58)
    headers = [struct.unpack_from("<IIQQQQIIQQ", data, shoff + i * size)
               for i in range(count)]

    def text(table, at):
        start = headers[table][4] + at
        return data[start:data.index(b"\0", start)].decode()

    found = []
    for h in headers:
        if h[1] != 2:  # SHT_SYMTAB
            continue
        for at in range(h[4], h[4] + h[5], 24):
            name, info, _, shndx, value, bytes_ = struct.unpack_from("<IBBHQQ", data, at)
            if info & 15 == 2 and shndx < count:  # STT_FUNC
                found.append((text(names, headers[shndx][0]), value, text(h[6], name),
                              bytes_ // 8))
    return sorted(found)
