#!/usr/bin/env python3
"""Checks that prepatch refuses a damaged object as it should.

  check-refused.py PREPATCH FILE TEXT    FILE as it is; the error holds TEXT
  check-refused.py PREPATCH FILE --truncate
                                         FILE cut at many lengths

Refusing is: exit code 1 (no signal), nothing on standard output, exactly one
line on standard error that starts with "error: " and names the file, and no
output file. A run that takes ten seconds has hung.
"""
import os
import subprocess
import sys


def refuse(prepatch, path, text):
    out = path + ".out"
    if os.path.exists(out):
        os.remove(out)
    run = subprocess.run([prepatch, "lower", "--passes=none", path, "-o", out],
                         capture_output=True, timeout=10)
    lines = run.stderr.decode(errors="replace").splitlines()
    problems = []
    if run.returncode != 1:
        problems.append("exit code %d, expected 1" % run.returncode)
    if run.stdout:
        problems.append("something on standard output")
    if len(lines) != 1:
        problems.append("%d lines on standard error, expected 1" % len(lines))
    elif not lines[0].startswith("error: ") or os.path.basename(path) not in lines[0]:
        problems.append("the line does not start with 'error: ' or lacks the file")
    elif text not in lines[0]:
        problems.append("expected '%s'" % text)
    leftovers = [f for f in os.listdir(os.path.dirname(out) or ".")
                 if f.startswith(os.path.basename(out))]
    if leftovers:
        problems.append("left behind: %s" % leftovers)
    if problems:
        sys.exit("%s: %s\n%s" % (path, "; ".join(problems), "\n".join(lines)))


def main():
    prepatch, path, what = sys.argv[1:4]
    if what != "--truncate":
        refuse(prepatch, path, what)
        return
    data = open(path, "rb").read()
    cut = path + ".cut"
    # Every length in the ELF header, then some hundred more.
    lengths = list(range(0, 66)) + list(range(66, len(data), max(1, len(data) // 150)))
    for length in lengths + [len(data) - 1]:
        with open(cut, "wb") as f:
            f.write(data[:length])
        refuse(prepatch, cut, "")


main()
