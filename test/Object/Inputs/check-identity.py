#!/usr/bin/env python3
"""check-identity.py PREPATCH OBJECT...: `lower --passes=none` must give the same
file."""
import filecmp
import subprocess
import sys

for path in sys.argv[2:]:
    out = path + ".same"
    subprocess.run([sys.argv[1], "lower", "--passes=none", path, "-o", out], check=True)
    if not filecmp.cmp(path, out, shallow=False):
        sys.exit(path + ": other bytes")
print(len(sys.argv) - 2, "identical")
