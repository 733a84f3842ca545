#!/usr/bin/env python3
"""A loader for tests of prepatch tune: answers as `prepatch-kload --serve OBJECT`
does, without a kernel.

tune-serve.py --serve OBJECT, with the environment variables
  FAKE=MODE[:N]  what is wrong, from request N on (counted from 1)
  FAKE_LOG=FILE  every request is appended there

The verifier that is made up goes through fewer instructions the more there are:
no-ops pay. Modes:
  loads     all is well
  dies      ends by a signal
  ends      ends with an error on standard error
  hangs     does not answer
  garbage   answers what is no answer
  refuses   refuses every program that has something inserted
  wrong     refuses every program
  large     refuses for its size what has nothing inserted
  some      cannot load the first program at all
  guards    refuses every place that has code without a comparison
  slow      takes its time
  check     does not get to loading what is written, but notes that in FAKE_LOG
  rights    may not load programs
  truncated profiles end early, with lines that were not understood
  differs   what is written verifies otherwise than its trial did
  recheck   refuses what is written
"""
import json
import os
import signal
import sys
import time

sys.dont_write_bytecode = True
from elf_functions import functions  # noqa: E402


def say(value):
    print(json.dumps(value), flush=True)


mode, _, start = os.environ.get("FAKE", "loads").partition(":")
start = int(start or 1)
path = sys.argv[2]
written = path.endswith(".tuning.o")
programs = {}
for section, _, name, slots in functions(path):
    programs[name] = {"name": name, "section": section, "type": "xdp", "insns": slots,
                      "functions": [{"name": name, "start": 0, "insns": slots}]}
if mode == "rights":
    say({"error": "this kernel loads no programs: operation not permitted"})
    sys.exit(1)
if mode == "some":
    first = next(iter(programs.values()))
    first.update(error="attach target 'gone' is not there", insns=0, functions=[])
say({"kernel": "6.18.0-fake", "libbpf": "1.5", "programs": list(programs.values())})

if mode == "check" and written:
    with open(os.environ["FAKE_LOG"], "a") as log:
        log.write("checked\n")
    time.sleep(60)

LOCATIONS = [({"reg": r}, 40 + r) for r in range(6, 10)]
for number, line in enumerate(sys.stdin, 1):
    if "FAKE_LOG" in os.environ:
        with open(os.environ["FAKE_LOG"], "a") as log:
            log.write(line)
    verb, *words = line.split()
    if verb == "quit":
        break
    if number >= start:
        if mode == "dies":
            os.kill(os.getpid(), signal.SIGSEGV)
        elif mode == "ends":
            sys.exit("error: the machine is gone")
        elif mode == "hangs":
            time.sleep(3600)
        elif mode == "garbage":
            print('{"errno": "many"}', flush=True)
            continue
    if mode == "slow":
        time.sleep(0.05)
    program = programs[words[0]]
    inserted = [w for w in words[1:] if w.startswith("at=")]
    insns = program["insns"] + sum(1 + w.count(",") for w in inserted)
    verified = 90000 - 40 * insns
    errno, reason = 0, ""
    # 25: the opcode of "if r > imm goto".
    free = [k for k, w in enumerate(inserted)
            if not any(code.startswith("25") for code in w.split(":")[1].split(","))]
    if mode == "wrong" or (mode == "refuses" and inserted) or (mode == "recheck" and written) or (
            mode == "guards" and free):
        errno, reason = -13, "R1 invalid mem access 'scalar'"
    elif mode == "large" and insns == program["insns"] and not written:
        errno, reason = -7, "BPF program is too large. Processed 1000001 insn"
    if mode == "differs" and written:
        verified += 1
    answer = {"errno": errno, "verified": verified, "reason": reason}
    if verb == "try":
        answer.update(states=7, verification_us=verified * 2, load_us=verified * 3,
                      visited=None, timeout=False)
    elif verb == "profile":
        options = dict(w.split("=", 1) for w in words[1:])
        points = [int(p) for p in options.get("points", "").split(",") if p]
        if mode == "truncated":
            points = points[:1]
            answer.update(truncated=True, unknown_lines=17)
        answer.update(visits=[100] * program["insns"], safe=[4] * program["insns"], points=[
            {"at": p, "visits": 1000, "frame": 0, "states": 900,
             "locations": [dict(where, scalar=True, values=47, precise=3, known=0,
                                umin="0", umax="4096", merge=merge)
                           for where, merge in LOCATIONS]}
            for p in points])
    elif verb == "trace":
        answer.update(path=[0, 1, -1 - free[0]] if free else [0, 1, 2], tail=[reason])
    say(answer)
