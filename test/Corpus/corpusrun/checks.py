# checks.py - identity, lowering, verdicts and behaviour of one object.
# Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What is right or wrong, whatever the load of the machine.

The result of an object is a dictionary that goes into the state folder as it
is. Only differences that show again when looked at again count."""
import filecmp
import json
import os

from .process import LoaderError, kload, run
from .tune import TuneError, refused_for_size, tune

GOALS = ("balanced", "patches")
# Beside the goals of lowering, where it was asked for.
TUNED = "tuned"
FIGURES = ("insns", "xlated_insns", "verified_insns")
REWRITES = ("growths", "grown_insns", "deletions")


def check_object(path, scratch, tools):
    """path: the object; scratch: a prefix for the files that are made, the
    lowered ones being scratch.GOAL.o."""
    result = {"identity": check_identity(path, scratch, tools), "goals": {}, "programs": []}
    for goal in GOALS:
        result["goals"][goal] = lower(path, f"{scratch}.{goal}.o", goal, tools)
    changed = [g for g in GOALS if result["goals"][g].get("changed")]
    compare(path, {g: f"{scratch}.{g}.o" for g in changed}, result, tools)
    return result


def check_identity(path, scratch, tools):
    """The reason of a failure, or an empty string."""
    copy = scratch + ".identity.o"
    done = run([tools.prepatch, "lower", "--passes=none", path, "-o", copy], tools.seconds)
    if done.code != 0:
        return done.failure()
    same = filecmp.cmp(path, copy, shallow=False)
    os.unlink(copy)
    return "" if same else "other bytes"


def lower(path, output, goal, tools):
    report = output + ".json"
    done = run([tools.prepatch, "lower", "--goal=" + goal, "--verify-each", path, "-o", output,
                "--report", report], tools.seconds)
    if done.code != 0:
        return {"error": done.failure()}
    with open(report, encoding="utf-8") as file:
        said = json.load(file)
    os.unlink(report)
    changed = not filecmp.cmp(path, output, shallow=False)
    if not changed:
        os.unlink(output)
    return {"changed": changed, "frozen": said["frozen"] or "",
            "opaque": [f["reason"] for f in said["opaque"]],
            "taken": sum(p["taken"] for p in said["passes"]),
            "refused": sum(p["refused"] for p in said["passes"])}


def compare(path, lowered, result, tools):
    """Loads and runs; an object that lowering left as it is behaves as it did."""
    options = ["--repeat=1", "--rewrites", f"--run={tools.inputs}", "--timeout=60"]
    try:
        reports = kload(tools.kload, [path, *lowered.values()], tools.seconds, *options)
    except LoaderError as error:
        result["loader"] = str(error)
        return
    before = reports[0]
    after = dict(zip(lowered, reports[1:]))
    result["error"] = before.get("error", "")
    for goal, report in after.items():
        if report.get("error") and not result["error"]:
            result["goals"][goal]["load_error"] = report["error"]
    for key, program in before["programs"].items():
        row = describe(key, program)
        for goal in GOALS:
            if result["goals"][goal].get("error"):
                continue
            if goal in after:
                other = after[goal]["programs"].get(key)
                row["goals"][goal] = judge(program, other)
                recheck(path, lowered[goal], key, row["goals"][goal], tools)
            else:
                row["goals"][goal] = {"judgement": "unchanged", **figures(program)}
        result["programs"].append(row)


def check_tuned(path, scratch, result, tools):
    """Adds the goal TUNED to what check_object found: searches for a short time,
    has it proved that only known no-ops were added, and compares."""
    output = f"{scratch}.{TUNED}.o"
    result["goals"][TUNED] = goal = {"changed": False}
    rows = {(row["section"], row["name"]): row for row in result["programs"]}
    if not any(row["verdict"] == "loaded" or refused_for_size(row) for row in rows.values()):
        return
    try:
        tune(tools.prepatch, path, output, tools.tune, "--jobs=1")
        goal["changed"] = not filecmp.cmp(path, output, shallow=False)
        if goal["changed"]:
            goal["error"] = prove(path, output, tools)
            judge_tuned(path, output, rows, tools)
    except (TuneError, LoaderError) as error:
        goal["error"] = str(error)
        return
    if not goal["changed"]:
        os.unlink(output)
        for row in rows.values():
            row["goals"][TUNED] = {"judgement": "unchanged", **row["before"]}


def prove(path, output, tools):
    """Why it is not proved, or an empty string."""
    done = run([tools.prepatch, "compare", "--proof", path, output], tools.seconds)
    return "" if done.code == 0 else "proof: " + done.failure()


def judge_tuned(path, output, rows, tools):
    before, after = kload(tools.kload, [path, output], tools.seconds, "--repeat=1",
                          f"--run={tools.inputs}", "--timeout=60")
    for key, row in rows.items():
        if key not in before["programs"]:
            raise LoaderError("other programs than before")
        row["goals"][TUNED] = judge(before["programs"][key], after["programs"].get(key))
        recheck(path, output, key, row["goals"][TUNED], tools)


def describe(key, program):
    return {"section": key[0], "name": key[1], "type": program["type"],
            "verdict": program.get("verdict", "unknown"), "reason": program.get("reason", ""),
            "failed": program.get("failed", ""), "before": figures(program),
            "load_us": max(program.get("load_us") or [0]),
            "runs": runs_text(program), "goals": {}}


def figures(program):
    known = {name: program[name] for name in FIGURES if name in program}
    rewrites = program.get("rewrites", {})
    if "error" not in rewrites:
        known.update({name: rewrites[name] for name in REWRITES if name in rewrites})
    return known


def runs_text(program):
    """"yes" where random inputs were run, or why not."""
    runs = program.get("runs")
    if not runs:
        return ""
    if runs.get("unsupported"):
        return runs["unsupported"]
    if not runs["done"]:
        return "refused: " + runs.get("first_error", "")
    return "yes"


def judge(before, after):
    if after is None:
        return {"judgement": "missing"}
    row = figures(after)
    loaded = before.get("verdict") == "loaded"
    if after.get("failed") or before.get("failed"):
        row["judgement"] = "unknown"
        row["reason"] = before.get("failed") or after["failed"]
    elif after.get("verdict") != "loaded":
        row["judgement"] = "refused after" if loaded else "never loaded"
        row["reason"] = after.get("reason", "")
    elif not loaded:
        row["judgement"] = "loads now"
    else:
        runs = after.get("runs", {})
        if runs_text(before) != "yes":
            row["judgement"] = "not runnable"
        elif runs.get("different"):
            row["judgement"] = "different"
            row["reason"] = json.dumps(runs.get("first_difference", {}))[:1000]
        elif "same" in runs:
            row["judgement"] = "same"
        else:
            row["judgement"], row["reason"] = "unknown", "no runs to compare"
    return row


def recheck(path, lowered, key, row, tools):
    """Looks again at what went wrong, three times and with the object before as
    its own second rival: what that one does other than itself is no fault of
    lowering. The inputs stay the same: others could miss the one that tells."""
    if row["judgement"] == "unknown":
        recheck_shorter(path, lowered, key, row, tools)
    if row["judgement"] not in ("different", "refused after"):
        return
    for _ in range(3):
        programs = look_again([path, path, lowered], key, tools.inputs, row, tools)
        if not programs:
            return
        if judge(programs[0], programs[1])["judgement"] in ("different", "refused after"):
            row["judgement"] = "not runnable"
            row["reason"] = "differs from itself: " + row.get("reason", "")
            return
        verdict = judge(programs[0], programs[2])
        if verdict["judgement"] != row["judgement"]:
            row["first_reason"] = row.get("reason", "")
            row["judgement"], row["reason"] = verdict["judgement"], verdict.get("reason", "")
            return


def recheck_shorter(path, lowered, key, row, tools):
    """Programs that loop for as long as they may: two inputs are better than
    none."""
    programs = look_again([path, lowered], key, 2, row, tools)
    if programs:
        verdict = judge(*programs)
        row["first_reason"] = row.get("reason", "")
        row["judgement"] = verdict["judgement"]
        row["reason"] = verdict.get("reason", "two inputs only: the runs take long")


def look_again(objects, key, inputs, row, tools):
    """The program in each of the objects; None, and row changed, if it is gone."""
    try:
        reports = kload(tools.kload, objects, tools.seconds, "--repeat=1", "--prog=" + key[1],
                        f"--timeout={tools.seconds}", f"--run={inputs}")
    except LoaderError as error:
        row["judgement"], row["reason"] = "unknown", str(error)
        return None
    programs = [report["programs"].get(key) for report in reports]
    if None in programs:
        row["judgement"], row["reason"] = "unknown", "gone when looked at again"
        return None
    return programs
