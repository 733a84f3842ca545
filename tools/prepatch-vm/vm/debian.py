# Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Kernels as Debian packages them, by apt; unpacked, not installed."""

import glob
import os
import re
import shutil
import subprocess
import sys

from vm.errors import VmError
from vm.locks import LockFile

# Of the modules all but most drivers.
MEMBERS = ["./boot/vmlinuz-*"] + ["./lib/modules/*/kernel/" + m for m in (
    "arch", "crypto", "fs", "lib", "net", "drivers/virtio", "drivers/net/*.ko*")]


def _version(name):
    """linux-image-6.1.0-9-amd64 is before linux-image-6.1.0-10-amd64."""
    return [int(n) for n in re.findall(r"\d+", name)]


def _find_package(series):
    """The newest of the series; not its flavours: cloud has no 9p."""
    pattern = rf"linux-image-{re.escape(series)}\.[^-]+(-[0-9]+)?-amd64"
    found = subprocess.run(["apt-cache", "pkgnames", f"linux-image-{series}."], text=True,
                           check=True, stdout=subprocess.PIPE).stdout.split()
    # What apt only remembers by name has no version to install.
    for name in sorted(filter(re.compile(pattern).fullmatch, found), key=_version, reverse=True):
        if subprocess.run(["apt-cache", "show", name], stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL).returncode == 0:
            return name
    return None


def _download(series, folder):
    """The path of the package, or None."""
    package = _find_package(series)
    if package is None:
        return None
    print(f"prepatch-vm: getting {package}", file=sys.stderr)
    # By the user who runs this: apt's own cannot write there.
    subprocess.run(["apt-get", "download", "-q", "-o", "APT::Sandbox::User=root", package],
                   cwd=folder, stdout=2)
    files = glob.glob(os.path.join(folder, "*.deb"))
    return files[0] if files else None


def _unpack(package, folder):
    with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", package],
                          stdout=subprocess.PIPE) as archive:
        subprocess.run(["tar", "-x", "-C", folder, "--wildcards", "--no-wildcards-match-slash",
                        *MEMBERS], stdin=archive.stdout, check=True)
    os.unlink(package)


def _fetch(series, folder):
    os.makedirs(folder)
    package = _download(series, folder)
    if package is None and os.geteuid() == 0:
        # The lists may be missing, or name what has gone from the mirror.
        subprocess.run(["apt-get", "update", "-q"], stdout=2)
        package = _download(series, folder)
    if package is None:
        raise VmError(f"apt cannot get a kernel {series} (linux-image-{series}.*-amd64); give the "
                      "path of a kernel image instead")
    _unpack(package, folder)


def fetch_kernel(series, folder):
    """Into that folder, if it is not there yet."""
    if os.path.isdir(folder):
        return
    if not shutil.which("apt-get") or not shutil.which("dpkg-deb"):
        raise VmError(f"not Debian: no apt gets kernel {series}; give the path of an image")
    os.makedirs(os.path.dirname(folder), exist_ok=True)
    with LockFile(os.path.join(os.path.dirname(folder), ".lock")) as lock:
        lock.take()
        if os.path.isdir(folder):
            return
        new = folder + ".new"
        shutil.rmtree(new, ignore_errors=True)
        try:
            _fetch(series, new)
            os.rename(new, folder)
        except subprocess.SubprocessError as error:
            raise VmError(f"kernel {series}: {error}") from None
        finally:
            shutil.rmtree(new, ignore_errors=True)
