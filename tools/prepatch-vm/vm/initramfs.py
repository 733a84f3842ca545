# Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The initramfs: the agent, its options, and modules in the order to load."""

import gzip
import lzma
import os
import re
import subprocess

from vm.errors import VmError

# What the agent cannot do without, unless it is built in.
NEEDED = ("virtio_pci", "virtio_net", "9pnet_virtio", "9p")
# Part of any system that loads programs for them: kfuncs and kinds of programs.
WANTED = ("crc32c_generic", "nf_conntrack", "nf_nat", "nf_defrag_ipv4", "nf_defrag_ipv6", "fou",
          "xfrm_interface", "tcp_bbr", "tcp_dctcp", "veth", "dummy")
SUFFIX = re.compile(r"\.ko(\.xz|\.gz|\.zst)?$")


def _read_module(path):
    if path.endswith(".zst"):
        return subprocess.run(["zstd", "-dc", path], check=True, stdout=subprocess.PIPE).stdout
    with {".xz": lzma.open, ".gz": gzip.open}.get(path[-3:], open)(path, "rb") as file:
        return file.read()


def _dependencies(content):
    """Names in the 'depends' of .modinfo, which has NAME=VALUE ended by NUL."""
    found = re.search(rb"\0depends=([\w,-]*)\0", content)
    return [n for n in found.group(1).decode().split(",") if n] if found else []


class Modules:
    """The modules of a folder by name, for which - and _ are the same."""

    def __init__(self, folder):
        self.paths, self.loaded = {}, set()
        for parent, folders, files in os.walk(folder or os.devnull):
            folders.sort()
            for file in files:
                if SUFFIX.search(file):
                    name = SUFFIX.sub("", file).replace("-", "_")
                    self.paths[name] = os.path.join(parent, file)

    def load(self, name):
        """(name, content) of a module that is there, behind those it needs."""
        name = name.replace("-", "_")
        if name in self.loaded or name not in self.paths:
            return
        self.loaded.add(name)
        try:
            content = _read_module(self.paths[name])
        except (OSError, EOFError, lzma.LZMAError, subprocess.SubprocessError) as error:
            raise VmError(f"{self.paths[name]}: {error}") from None
        for other in _dependencies(content):
            yield from self.load(other)
        yield name, content


class Archive:
    """The newc format of cpio, Documentation/driver-api/early-userspace."""

    def __init__(self):
        self.parts, self.count = [], 0

    def _add(self, name, mode, content=b"", device=(0, 0)):
        self.count += 1
        fields = (self.count, mode, 0, 0, 1, 0, len(content), 0, 0, *device, len(name) + 1, 0)
        head = b"070701" + b"".join(b"%08x" % f for f in fields) + name.encode() + b"\0"
        for part in (head, content):
            self.parts.append(part + bytes(-len(part) % 4))

    def folder(self, name):
        self._add(name, 0o40755)

    def file(self, name, content, mode=0o644):
        self._add(name, 0o100000 | mode, content)

    def character_device(self, name, major, minor):
        self._add(name, 0o20600, device=(major, minor))

    def finish(self):
        self._add("TRAILER!!!", 0)
        return b"".join(self.parts)


def build_initramfs(agent, options, modules_folder):
    archive = Archive()
    for name in ("dev", "modules", "host"):
        archive.folder(name)
    archive.character_device("dev/console", 5, 1)
    try:
        with open(agent, "rb") as file:
            archive.file("init", file.read(), 0o755)
    except OSError:
        raise VmError(f"{agent}: not there; './x build prepatch-vm-agent' builds it") from None
    archive.file("options", options.encode())
    modules = Modules(modules_folder)
    for kind, names in (("needed", NEEDED), ("wanted", WANTED)):
        order = []
        for name in names:
            for module, content in modules.load(name):
                archive.file(f"modules/{module}", content)
                order.append(module)
        archive.file(f"modules/{kind}", "".join(f"{m}\n" for m in order).encode())
    return archive.finish()
