# Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Checks that the visits of every program add up to what the kernel counted,
and that the functions' counts are as long as the functions."""

import json
import sys

checked = 0
for item in json.load(open(sys.argv[1]))["objects"]:
    for program in item["programs"]:
        visits = program["visits"]
        total = sum(sum(f["counts"]) for f in visits["functions"])
        assert total == visits["sum"] == visits["processed"] == program["verified_insns"], program["name"]
        lengths = [len(f["counts"]) for f in visits["functions"]]
        assert lengths == [f["insns"] for f in program["functions"]], program["name"]
        checked += 1
assert checked == 3, checked
