# Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Where things are: kernels, VMs, the program that runs inside them."""

import os
import sys

HERE = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
AGENT = "prepatch-vm-agent"


def _build_folder():
    named = os.environ.get("PREPATCH_BUILD_DIR")
    if named:
        return os.path.abspath(named)
    # BUILD/bin/prepatch-vm is a link to this source.
    beside = os.path.dirname(os.path.abspath(sys.argv[0]))
    if os.path.exists(os.path.join(beside, AGENT)):
        return os.path.dirname(beside)
    return os.path.join(os.path.dirname(os.path.dirname(HERE)), "build")


def agent():
    """The path of the agent; it need not exist."""
    beside = os.path.join(HERE, AGENT)
    return beside if os.path.exists(beside) else os.path.join(_build_folder(), "bin", AGENT)


def vm_folder():
    """Holds kernels/RELEASE and run/NAME."""
    named = os.environ.get("PREPATCH_VM_DIR")
    if named:
        return os.path.abspath(named)
    if os.path.exists(os.path.join(HERE, AGENT)):  # installed
        cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
        return os.path.join(cache, "prepatch-vm")
    return os.path.join(_build_folder(), "vm")
