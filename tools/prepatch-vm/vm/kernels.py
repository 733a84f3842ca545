# Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Kernel images, and the modules that belong to them."""

import glob
import hashlib
import os
import re
import struct

from vm.debian import fetch_kernel
from vm.errors import VmError
from vm.places import vm_folder


class Kernel:
    def __init__(self, name, image, modules):
        self.name = name        # also names a folder
        self.image = image
        self.modules = modules  # the folder lib/modules/RELEASE, or None


def image_release(path):
    """The release that an x86 image says to be; header of the boot protocol,
    Documentation/arch/x86/boot.rst: HdrS at 0x202, offset of the text at 0x20e."""
    try:
        with open(path, "rb") as file:
            head = file.read(1 << 16)
    except OSError as error:
        raise VmError(f"{path}: {error.strerror}") from None
    if head[0x202:0x206] != b"HdrS":
        raise VmError(f"{path}: no kernel image for x86 (bzImage)")
    start = struct.unpack_from("<H", head, 0x20E)[0] + 0x200
    return head[start:head.find(b"\0", start)].decode(errors="replace").split(" ")[0]


def _modules_of(image):
    release = image_release(image)
    root = os.path.dirname(os.path.dirname(image))
    for lib in (os.path.join(root, "lib"), os.path.join(root, "usr/lib"), "/lib"):
        folder = os.path.join(lib, "modules", release)
        if os.path.isdir(folder):
            return folder
    return None


def is_series(spec):
    """Whether it means a kernel of Debian's, as 6.12."""
    return re.fullmatch(r"\d+\.\d+", spec) is not None


def find_kernel(spec, modules=None, fetch=False):
    if is_series(spec):
        folder = os.path.join(vm_folder(), "kernels", spec)
        if fetch:
            fetch_kernel(spec, folder)
        images = glob.glob(os.path.join(folder, "boot", "vmlinuz-*"))
        if len(images) != 1:
            raise VmError(f"{folder}: no kernel {spec} there; './x vm {spec} -- true' gets it "
                          "from Debian")
        name, image = spec, images[0]
    else:
        if not os.path.exists(spec):
            raise VmError(f"{spec}: neither a release as 6.12 nor a kernel image")
        image = os.path.realpath(spec)
        name = re.sub(r"[^\w.+-]", "_", image_release(image))
        name += "-" + hashlib.sha256(image.encode()).hexdigest()[:8]
    if modules and not os.path.isdir(modules):
        raise VmError(f"{modules}: no folder of modules")
    return Kernel(name, image, os.path.abspath(modules) if modules else _modules_of(image))
