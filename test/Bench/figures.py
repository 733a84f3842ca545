# figures.py - measured figures, printed beside their targets.
# Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What every measurement prints."""


class Figures:
    """What was measured, printed as it comes; one that misses its target says so."""

    def __init__(self):
        self.missed = 0
        print(f"{'figure':58} {'before':>9} {'measured':>9} {'to reach':>9}")

    def add(self, name, measured, target=None, before="", decimals=3):
        missed = target is not None and measured is not None and measured > target
        self.missed += missed
        text = "-" if measured is None else f"{measured:.{decimals}f}"
        goal = "" if target is None else f"{target:.{2 if isinstance(target, float) else 0}f}"
        print(f"{name:58} {before:>9} {text:>9} {goal:>9}{'  MISSED' if missed else ''}",
              flush=True)

    def note(self, text):
        print(f"  ({text})", flush=True)
