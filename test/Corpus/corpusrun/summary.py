# summary.py - what the corpus run found, as CSV and as Markdown.
# Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The tables are made from the states alone, so that they can be made again."""
import collections
import csv
import math
import re

from .checks import GOALS, REWRITES, TUNED
from .timing import SLOWER, TOO_SHORT_US

BAD = ("refused after", "different", "missing", "unknown")
COLUMNS = (["object", "section", "program", "type", "verdict", "reason", "runs", "insns",
            "xlated_insns", "verified_insns", *REWRITES]
           + [f"{goal}_{name}" for goal in GOALS
              for name in ("judgement", "reason", "insns", "xlated_insns", "verified_insns",
                           *REWRITES)]
           + ["load_runs", "load_us_before", "load_us_after", "load_ratio",
              "verification_ratio", "run_ns_before", "run_ns_after", "run_ratio"])
TUNED_COLUMNS = [f"{TUNED}_{name}" for name in ("judgement", "reason", "insns", "verified_insns",
                                                "verification_ratio", "run_ratio")]
# Verification time of a tuned program, after / before.
SLOWER_TUNED = 1.02


def write_csv(path, results):
    """results: by object, {"checks": ..., "times": [...]}."""
    with open(path, "w", newline="", encoding="utf-8") as file:
        columns = COLUMNS + (TUNED_COLUMNS if has_tuned(results) else [])
        writer = csv.DictWriter(file, columns, extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        for name, result in results.items():
            for row in program_rows(name, result):
                writer.writerow(row)


def has_tuned(results):
    return any(TUNED in result["checks"]["goals"] for result in results.values())


def program_rows(name, result):
    times, tuned = ({(t["section"], t["name"]): t for t in result.get(entry) or []}
                    for entry in ("times", "tuned_times"))
    for p in result["checks"]["programs"]:
        row = {"object": name, "section": p["section"], "program": p["name"], "type": p["type"],
               "verdict": p["verdict"], "reason": p["reason"] or p["failed"], "runs": p["runs"],
               **p["before"]}
        for goal, found in p["goals"].items():
            row.update({f"{goal}_{key}": value for key, value in found.items()})
        after = tuned.get((p["section"], p["name"]), {})
        row.update({f"{TUNED}_{key}": round(after[key], 4)
                    for key in ("verification_ratio", "run_ratio") if key in after})
        t = times.get((p["section"], p["name"]), {})
        if "load_ratio" in t:
            row.update(load_runs=t["runs"], load_us_before=round(t["load_us"][0], 1),
                       load_us_after=round(t["load_us"][1], 1),
                       load_ratio=round(t["load_ratio"], 4),
                       verification_ratio=round(t["verification_ratio"], 4))
        if "run_ratio" in t:
            row.update(run_ns_before=round(t["run_ns"][0], 1),
                       run_ns_after=round(t["run_ns"][1], 1), run_ratio=round(t["run_ratio"], 4))
        yield row


def geometric_mean(values):
    return math.exp(sum(map(math.log, values)) / len(values)) if values else None


class Totals:
    """Counts over some objects."""

    def __init__(self):
        self.n = collections.Counter()
        self.growths = collections.Counter()

    def add(self, result):
        checks = result["checks"]
        self.n["objects"] += 1
        self.n["identity failures"] += bool(checks["identity"])
        for goal in GOALS:
            self.n["lowering failures"] += "error" in checks["goals"][goal]
            self.n["changed " + goal] += bool(checks["goals"][goal].get("changed"))
        self.n["loader failures"] += "loader" in checks
        self.n["not opened"] += bool(checks.get("error"))
        for p in checks["programs"]:
            self.add_program(p)

    def add_program(self, p):
        self.n["programs"] += 1
        loaded = p["verdict"] == "loaded"
        self.n["loaded before"] += loaded
        self.n["run"] += p["runs"] == "yes"
        if not loaded:
            return
        self.growths["before"] += p["before"].get("growths", 0)
        for goal in GOALS:
            found = p["goals"].get(goal, {"judgement": "unknown"})
            self.n[f"{found['judgement']} {goal}"] += 1
            self.n["loaded " + goal] += found["judgement"] not in BAD or \
                found["judgement"] == "different"
            self.growths[goal] += found.get("growths", 0)

    def bad(self, *judgements):
        return sum(self.n[f"{j} {goal}"] for j in judgements for goal in GOALS)


def number(value, decimals=3):
    return "-" if value is None else f"{value:.{decimals}f}"


def table(lines, *columns):
    yield "| " + " | ".join(columns) + " |"
    yield "| --- |" + " ---: |" * (len(columns) - 1)
    for line in lines:
        yield "| " + " | ".join(str(cell).replace("|", "\\|") for cell in line) + " |"


def write_markdown(path, results, kernel):
    everything = Totals()
    folders = collections.defaultdict(Totals)
    for name, result in results.items():
        everything.add(result)
        folders[name.split("/")[0]].add(result)
    times = [(name, t) for name, result in results.items() for t in result.get("times") or []]
    with open(path, "w", encoding="utf-8") as file:
        for line in markdown(everything, folders, results, times, kernel):
            file.write(line + "\n")


def markdown(total, folders, results, times, kernel):
    n = total.n
    yield "# Results over the corpus"
    yield ""
    yield f"Made by `./x corpus` on Linux {kernel}; run it again instead of editing. A program"
    yield "counts as loaded if this kernel accepts it. \"Different\" is another result, packet,"
    yield "context or map content after a test run on the same random input, seen again each time"
    yield "and never between two instances of the original."
    yield "Objects that libbpf cannot load here (big-endian ones, maps that this kernel lacks)"
    yield "are checked for identity and lowered."
    yield ""
    loads = [(t["load_ratio"], name, t) for name, t in times if "load_ratio" in t]
    runs = [t["run_ratio"] for _, t in times if t.get("run_ratio")]
    slow = [entry for entry in loads if entry[0] > SLOWER]
    worst = max(loads, key=lambda entry: entry[0], default=(None, "", {}))
    rows = [("objects", n["objects"], ""),
            ("objects that libbpf cannot load here, before", n["not opened"], ""),
            ("programs of the others", n["programs"], ""),
            ("programs loaded before", n["loaded before"], ""),
            *((f"programs loaded after, {g}", n["loaded " + g], "") for g in GOALS),
            ("programs run on random inputs", n["run"], ""),
            ("refused or missing after", total.bad("refused after", "missing"), "0"),
            ("different results", total.bad("different"), "0"),
            ("not judged (out of time and the like)", total.bad("unknown"), "0"),
            ("identity failures", n["identity failures"], "0"),
            ("objects that could not be lowered", n["lowering failures"], "0"),
            ("objects over which the loader failed", n["loader failures"], "0"),
            *((f"objects changed, {g}", n["changed " + g], "") for g in GOALS),
            ("growing rewrites before", total.growths["before"], ""),
            *((f"growing rewrites after, {g}", total.growths[g], "") for g in GOALS)]
    if times:
        rows += [(f"changed programs of {TOO_SHORT_US / 1000} ms and more, timed", len(loads), ""),
                 ("load time after / before, geometric mean",
                  number(geometric_mean([entry[0] for entry in loads])), ""),
                 ("load time after / before, slowest", number(worst[0]), f"{SLOWER}"),
                 (f"programs slower than {SLOWER}", len(slow), "0"),
                 ("changed programs whose run time was measured", len(runs), ""),
                 ("run time after / before, geometric mean", number(geometric_mean(runs)), "1.01")]
    yield from table(rows, "", "found", "to reach")
    yield ""
    yield from by_folder(folders)
    yield from refusals(results)
    if slow:
        yield f"## Slower than {SLOWER}"
        yield ""
        yield from table([(name, t["name"], number(t["load_us"][0] / 1000), number(r), t["runs"])
                          for r, name, t in sorted(slow, key=lambda e: (-e[0], e[1]))],
                         "object", "program", "load before, ms", "ratio", "runs")
        yield ""
    if has_tuned(results):
        yield from of_tuned(results)
    yield from problems(results)


def of_tuned(results):
    """What a short search made of each object."""
    goals = [result["checks"]["goals"].get(TUNED, {}) for result in results.values()]
    found = [(p, p["goals"][TUNED]) for result in results.values()
             for p in result["checks"]["programs"] if TUNED in p["goals"]]
    judged = collections.Counter(goal["judgement"] for p, goal in found
                                 if p["verdict"] == "loaded")
    pairs = [(p["before"]["verified_insns"], goal["verified_insns"]) for p, goal in found
             if p["verdict"] == "loaded" and p["before"].get("verified_insns")
             and goal.get("verified_insns") and goal["judgement"] != "unchanged"]
    times = [t for result in results.values() for t in result.get("tuned_times") or []]
    slow = [t["verification_ratio"] for t in times if "verification_ratio" in t]
    runs = [t["run_ratio"] for t in times if t.get("run_ratio")]
    before, after = (sum(side) for side in zip(*pairs)) if pairs else (0, 0)
    yield "## Tuned"
    yield ""
    yield from table(
        [("objects changed", sum(bool(g.get("changed")) for g in goals), ""),
         ("objects for which tune or the proof failed", sum(bool(g.get("error"))
                                                            for g in goals), "0"),
         ("refused or missing after", judged["refused after"] + judged["missing"], "0"),
         ("different results", judged["different"], "0"),
         ("not judged", judged["unknown"], "0"),
         ("refused before, load now", sum(goal["judgement"] == "loads now"
                                          for _, goal in found), ""),
         ("programs of changed objects", len(pairs), ""),
         ("their verified instructions before", before, ""),
         ("their verified instructions after", after, ""),
         ("programs timed", len(slow), ""),
         ("verification time after / before, geometric mean", number(geometric_mean(slow)), ""),
         ("verification time after / before, slowest", number(max(slow, default=None)),
          f"{SLOWER_TUNED}"),
         ("programs whose run time was measured", len(runs), ""),
         ("run time after / before, geometric mean", number(geometric_mean(runs)), "1.02")],
        "", "found", "to reach")
    yield ""


def by_folder(folders):
    yield "## By origin"
    yield ""
    yield from table(
        [(name, t.n["objects"], t.n["programs"], t.n["loaded before"], t.growths["before"],
          *(t.growths[g] for g in GOALS),
          t.bad("refused after", "missing", "different", "unknown"))
         for name, t in sorted(folders.items())],
        "folder", "objects", "programs", "loaded", "growing", *GOALS, "problems")
    yield ""


def kind_of(reason):
    """A reason without the names and numbers of the one place."""
    return re.sub(r"\b\d+\b", "N", re.sub(r"'[^']*'", "'...'", reason))


def refusals(results):
    """Why functions and whole objects were left as they are."""
    reasons = collections.Counter()
    for result in results.values():
        lowered = result["checks"]["goals"]["balanced"]
        reasons.update(("function", kind_of(reason)) for reason in lowered.get("opaque", []))
        if lowered.get("frozen"):
            reasons["object", kind_of(lowered["frozen"])] += 1
    if not reasons:
        return
    yield "## Left as it is"
    yield ""
    yield from table([(what, reason, count) for (what, reason), count in
                      sorted(reasons.items(), key=lambda e: (-e[1], e[0]))],
                     "what", "reason", "count")
    yield ""


def problems(results):
    lines = []
    for name, result in results.items():
        checks = result["checks"]
        if checks["identity"]:
            lines.append((name, "", "identity", checks["identity"]))
        for goal, found in checks["goals"].items():
            for kind in ("error", "load_error"):
                if found.get(kind):
                    lines.append((name, "", goal, found[kind]))
        if "loader" in checks:
            lines.append((name, "", "loader", checks["loader"]))
        for p in checks["programs"]:
            for goal, found in p["goals"].items():
                if p["verdict"] == "loaded" and found["judgement"] in BAD:
                    lines.append((name, p["name"], goal,
                                  f"{found['judgement']}: {found.get('reason', '')}"[:300]))
    if lines:
        yield "## Problems"
        yield ""
        yield from table(lines, "object", "program", "goal", "what")
