#!/usr/bin/env python3
"""compile-samples.py COMPILER FOLDER OUT: compiles every *.bpf.c of FOLDER as its
README says, three times: for cpu v3, big endian, and without debug information
(which CO-RE cannot do without). Flags of a file's "// CFLAGS:" line come last."""
import glob
import os
import re
import shlex
import subprocess
import sys

compiler, folder, out = shlex.split(sys.argv[1]), sys.argv[2], sys.argv[3]
running = []
for path in sorted(glob.glob(os.path.join(folder, "*.bpf.c"))):
    text = open(path).read()
    found = re.search(r"^// CFLAGS:(.*)$", text, re.M)
    own = shlex.split(found.group(1)) if found else []
    name = os.path.basename(path)[:-len(".bpf.c")]
    for variant, flags in (("el", []), ("eb", ["-target", "bpfeb"]), ("nodebug", ["-g0"])):
        if variant == "nodebug" and "bpf_core_read.h" in text:
            continue
        command = compiler + ["-mcpu=v3"] + flags + own + ["-c", path, "-o",
                              os.path.join(out, name + "-" + variant + ".o")]
        running.append((command, subprocess.Popen(command)))
        if len(running) % 2 == 0:
            running[-2][1].wait()
for command, process in running:
    if process.wait():
        sys.exit("failed: " + " ".join(command))
