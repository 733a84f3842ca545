# timing.py - load time and run time, one object at a time.
# Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Measured on a machine that does nothing else: before and after in turns, and
what seems slower once more with many runs."""
import statistics

from .process import LoaderError, kload

RUNS = 11
RECHECK_RUNS = 101
SLOWER = 1.03
TOO_SHORT_US = 200.0
# The first check loaded once, beside another object: leave a margin.
CANDIDATE_US = 0.6 * TOO_SHORT_US


def ratio(before, after):
    return after / before if before else None


def middle_mean(values):
    """The mean of the middle half: finer than a median of whole nanoseconds,
    and as deaf to single disturbances."""
    ordered = sorted(values)
    cut = len(ordered) // 4
    return statistics.mean(ordered[cut:len(ordered) - cut])


def load_series(tool, objects, key, runs, seconds):
    """Load and verification times of one program in several objects, loaded in
    turns; None if it does not load in all of them."""
    reports = kload(tool, objects, seconds, f"--repeat={runs}", "--prog=" + key[1],
                    f"--timeout={int(seconds)}")
    programs = [r["programs"].get(key, {}) for r in reports]
    if any(p.get("verdict") != "loaded" or not p.get("load_us") for p in programs):
        return None
    return programs


def load_times(tool, before, after, key, runs, seconds):
    """Medians of the load time and the verification time of one program in two
    objects, or None if it does not load in both."""
    programs = load_series(tool, [before, after], key, runs, seconds)
    if not programs:
        return None
    loads = [statistics.median(p["load_us"]) for p in programs]
    verifications = [statistics.median(p["verification_us"]) for p in programs]
    return {"runs": len(programs[0]["load_us"]), "load_us": loads,
            "load_ratio": ratio(*loads), "verification_us": verifications,
            "verification_ratio": ratio(*verifications)}


def time_loads(before, after, program, tools):
    """Load times of a program that the first check found long enough; an empty
    dictionary for one that is not."""
    if program["load_us"] < CANDIDATE_US:
        return {}
    key = (program["section"], program["name"])
    try:
        times = load_times(tools.kload, before, after, key, RUNS, tools.seconds)
        if not times or times["load_us"][0] < TOO_SHORT_US:
            return {}
        if times["load_ratio"] <= SLOWER:
            return times
        # As many as the time limit allows, all of them but for the longest.
        each = sum(times["load_us"]) / 1e6
        runs = max(RUNS, min(RECHECK_RUNS, int(tools.seconds / (1.5 * each))))
        again = load_times(tools.kload, before, after, key, runs, tools.seconds)
        return again or {"error": "loads no more"}
    except LoaderError as error:
        return {"error": str(error)}


def time_runs(objects, keys, tools):
    """Nanoseconds of a test run in each of the objects, by program; the ratio is
    that of the last to the first."""
    options = ["--repeat=1", f"--run-repeat={tools.run_repeat}", "--timeout=10"]
    options += sorted({"--prog=" + name for _, name in keys})
    try:
        reports = kload(tools.kload, objects, tools.seconds, *options)
    except LoaderError:
        return {}
    result = {}
    for key in keys:
        times = [r["programs"].get(key, {}).get("run_ns", []) for r in reports]
        # Zero stands for a run that the kernel refused.
        turns = [turn for turn in zip(*times) if all(turn)]
        if len(turns) >= 4:
            means = [middle_mean(side) for side in zip(*turns)]
            result[key] = {"run_ns": means, "run_ratio": ratio(means[0], means[-1])}
    return result


def time_object(path, lowered, checked, goal, tools):
    """Times of the object made for a goal, by program in the order of the checks."""
    programs = [p for p in checked["programs"] if p["verdict"] == "loaded"
                and p["goals"].get(goal, {}).get("judgement") in ("same", "not runnable")]
    runnable = [(p["section"], p["name"]) for p in programs if p["runs"] == "yes"]
    runs = time_runs([path, lowered], runnable, tools) if runnable else {}
    times = []
    for program in programs:
        key = (program["section"], program["name"])
        row = {"section": key[0], "name": key[1], **time_loads(path, lowered, program, tools),
               **runs.get(key, {})}
        if len(row) > 2:
            times.append(row)
    return times
