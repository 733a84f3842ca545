# tune.py - prepatch tune on one object, and what it says of each program.
# Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Runs the search and reads its report. What a result is worth is judged by
others: this module measures and compares nothing."""
import json
import os
import time

from .process import run

# Of a search that was told to stop: the loads under way, the check of the result.
GRACE_SECONDS = 300

TOO_LARGE = ("BPF program is too large. Processed", "jumps is too complex")
# Refused for their size, and meant to be: the kernel's own tests expect it
# (loop3 in prog_tests/bpf_verif_scale.c, the others by __failure). Until 6.12.
MEANT_TO_FAIL = {("loop3.bpf.o", "while_true"),
                 ("verifier_loops1.bpf.o", "loop_after_a_conditional_jump"),
                 ("verifier_search_pruning.bpf.o", "short_loop1")}


class TuneError(Exception):
    pass


def refused_for_size(program):
    """program: of the loader's report."""
    return program.get("verdict") == "refused" and \
        any(text in program.get("reason", "") for text in TOO_LARGE)


def meant_to_load(path, name):
    return (os.path.basename(path).removeprefix("alone-"), name) not in MEANT_TO_FAIL


def tune(tool, source, output, budget, *options):
    """{"seconds": of the whole process, "programs": by name, as reported}."""
    report = output + ".tune.json"
    start = time.monotonic()
    done = run([tool, "tune", source, "-o", output, f"--budget={budget}", "--report", report,
                "--quiet", *options], budget + GRACE_SECONDS)
    seconds = time.monotonic() - start
    if done.code != 0:
        raise TuneError(f"tune: {done.failure()}")
    # An object that must stay as it is gets no report.
    programs = []
    if os.path.exists(report):
        with open(report, encoding="utf-8") as file:
            programs = json.load(file)["programs"]
        os.unlink(report)
    return {"seconds": seconds, "programs": {p["name"]: p for p in programs}}


def gain_time(program, share=0.9):
    """Seconds of the search until share of what was gained in the end was
    gained; None if nothing was. A program that loads only afterwards has gained
    when it first loads."""
    steps = program.get("trajectory") or []
    if not steps:
        return None
    first = program["kernels"][0]
    last = min(verified for _, verified in steps)
    if not first["loads_before"]:
        return steps[0][0]
    gain = first["verified_before"] - last
    if gain <= 0:
        return None
    enough = first["verified_before"] - share * gain
    return next(seconds for seconds, verified in steps if verified <= enough)
