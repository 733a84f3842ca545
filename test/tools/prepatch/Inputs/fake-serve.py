#!/usr/bin/env python3
"""Answers as `prepatch-kload --serve OBJECT` does, without a kernel.

fake-serve.py MODE --serve OBJECT: programs and sizes are those of the object
(functions of the section "xdp" are programs, those of .text their subprograms,
one after the other); what the verifier did is made up:
  loads      every instruction was visited 100 times, those after the first
             point 1000 times, by 900 states that differ in r6
  big        the same until the limit of a million instructions
  wrong      refused at instruction 2
  slow       interrupted
"""
import json
import sys

sys.dont_write_bytecode = True
from elf_functions import functions  # noqa: E402


mode, path = sys.argv[1], sys.argv[3]
code = [(section, name, slots) for section, _, name, slots in functions(path)]
subprograms = [f for f in code if f[0] == ".text"]
programs = {}
for section, name, slots in code:
    if section == ".text":
        continue
    parts, start = [], 0
    for _, part, length in [(section, name, slots)] + subprograms:
        parts.append({"name": part, "start": start, "insns": length})
        start += length
    programs[name] = {"name": name, "section": section, "type": "xdp", "insns": start,
                      "functions": parts}


def say(value):
    print(json.dumps(value), flush=True)


def location(where, values, merge, precise=3):
    return dict(where, scalar=True, values=values, precise=precise, known=0, umin="0",
                umax="4096", merge=merge)


REFUSALS = {"loads": (0, ""), "slow": (-11, "interrupted"),
            "big": (-7, "BPF program is too large. Processed 1000001 insn"),
            "wrong": (-13, "R1 invalid mem access 'scalar' <&>")}
errno, reason = REFUSALS[mode]
say({"kernel": "6.18.0-fake", "libbpf": "1.5", "programs": list(programs.values())})
for line in sys.stdin:
    verb, *words = line.split()
    if verb == "quit":
        break
    insns = programs[words[0]]["insns"]
    options = dict(w.split("=", 1) for w in words[1:] if "=" in w)
    points = [int(p) for p in options.get("points", "").split(",") if p]
    hot = points[0] if points else insns
    visits = [100 if i < hot else 1000 for i in range(insns)]
    verified = 1000001 if mode == "big" else sum(visits) * 2
    answer = {"errno": errno, "verified": verified, "reason": reason}
    if verb == "try":
        answer.update(states=7, verification_us=verified * 2, load_us=verified * 3,
                      timeout=mode == "slow")
    elif verb == "profile":
        answer.update(timeout=mode == "slow", truncated=False, visits=visits,
                      safe=[4] * insns, points=[
                          {"at": p, "visits": 1000, "frame": 0, "states": 900,
                           "locations": [location({"slot": -16}, 5, 0),
                                         location({"reg": 6}, 47, 812),
                                         location({"reg": 7}, 99, 850, precise=0)]}
                          for p in points])
    elif verb == "trace":
        answer.update(path=[0, 1, 2], tail=["2: (71) r1 = *(u8 *)(r1 +0)", reason])
    say(answer)
