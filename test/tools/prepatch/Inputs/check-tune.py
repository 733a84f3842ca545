#!/usr/bin/env python3
"""check-tune.py REPORT NAME=SHARE...: in a report of prepatch tune (JSON) program NAME loads after on every kernel and
verifies at most SHARE of what it did; with no SHARE (NAME=) it just did not get worse. Says the counts."""
import json
import sys

programs = {p["name"]: p for p in json.load(open(sys.argv[1]))["programs"]}
for want in sys.argv[2:]:
    name, _, share = want.partition("=")
    p = programs[name]
    for k in p["kernels"]:
        before, after = k["verified_before"], k["verified_after"]
        print("%s on %s: %d -> %d, %d no-ops" % (name, k["kernel"], before, after, p["no_ops"]))
        if not k["loads_after"] and k["loads_before"]:
            sys.exit("error: refused: %s" % k.get("refused_after"))
        if k["loads_before"] and after > before * float(share or 1):
            sys.exit("error: that is %.3f of it; %s" % (after / before, p["reason"]))
