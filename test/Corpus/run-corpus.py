#!/usr/bin/env python3
# run-corpus.py - lowers every object of the corpus and lets the kernel judge.
# Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Lowers the objects that build-corpus.sh made and lets the kernel judge.

For every object: is the identity right, does it lower for the goals balanced
and patches, does all that loaded before load after and do the same on random
inputs? With --tune the same for what `prepatch tune` makes of it, and whether it
is proved that only no-ops were added. Then, one at a time, load and run times of
what changed. The state of
every object is kept in the work folder, so that a run that was interrupted
goes on where it was; new tools or options start it afresh.

Exit code 0 only if there are no problems. Too slow counts as one.
"""
import argparse
import concurrent.futures
import fnmatch
import hashlib
import json
import os
import sys
import time

sys.dont_write_bytecode = True
import corpusrun.checks  # noqa: E402
from corpusrun.checks import TUNED, check_object, check_tuned  # noqa: E402
from corpusrun.process import kill_running  # noqa: E402
from corpusrun.summary import BAD, write_csv, write_markdown  # noqa: E402
from corpusrun.timing import SLOWER, time_object  # noqa: E402


# What is timed, and where its times stand in a state.
TIMED = {"balanced": "times", TUNED: "tuned_times"}


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--corpus", required=True, help="the folder of build-corpus.sh")
    parser.add_argument("--work", required=True, help="folder for states and lowered objects")
    parser.add_argument("--bin", required=True, help="folder of prepatch and prepatch-kload")
    parser.add_argument("--csv", help="a row for each program (default: WORK/[part-]programs.csv)")
    parser.add_argument("--markdown", help="the tables (default: WORK/[part-]results.md)")
    parser.add_argument("--only", action="append", default=[], metavar="PATTERN",
                        help="only these objects, as 6.12/*")
    parser.add_argument("--inputs", type=int, default=20, help="random inputs (default 20)")
    parser.add_argument("--run-repeat", type=int, default=1000,
                        help="iterations of a timed run (default 1000)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="default: one per CPU")
    parser.add_argument("--seconds", type=int, default=300,
                        help="limit for one step of one object (default 300)")
    parser.add_argument("--no-timing", action="store_true", help="verdicts and behaviour only")
    parser.add_argument("--tune", type=int, default=0, metavar="SECONDS",
                        help="tune each object too, searching for so long (default 0: do not)")
    arguments = parser.parse_args()
    arguments.prepatch = os.path.join(arguments.bin, "prepatch")
    arguments.kload = os.path.join(arguments.bin, "prepatch-kload")
    for tool in (arguments.prepatch, arguments.kload):
        if not os.access(tool, os.X_OK):
            parser.error(f"no program '{tool}'")
    # A part must not pass for the whole.
    part = "part-" if arguments.only else ""
    arguments.csv = arguments.csv or os.path.join(arguments.work, part + "programs.csv")
    arguments.markdown = arguments.markdown or os.path.join(arguments.work, part + "results.md")
    return arguments


def find_objects(corpus, patterns):
    """Names relative to the corpus, sorted; sources and states are not looked at."""
    names = []
    for folder in sorted(os.listdir(corpus)):
        path = os.path.join(corpus, folder)
        if folder in ("src", "include", "packages") or folder.startswith(".") \
                or not os.path.isdir(path):
            continue
        for base, _, files in os.walk(path):
            names += [os.path.relpath(os.path.join(base, f), corpus)
                      for f in files if f.endswith(".o")]
    if patterns:
        names = [n for n in names if any(fnmatch.fnmatch(n, p) for p in patterns)]
    return sorted(names)


def file_hash(path):
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def forget_tuned(state):
    """Leaves what an earlier run with --tune found out of this one's results."""
    for entry in ("tuned", TIMED[TUNED]):
        state.pop(entry, None)
    state["checks"]["goals"].pop(TUNED, None)
    for program in state["checks"]["programs"]:
        program["goals"].pop(TUNED, None)


class Progress:
    """A line that stays in place on a terminal, now and then a line elsewhere."""

    def __init__(self, what, total):
        self.what, self.total, self.done = what, total, 0
        self.start = self.last = time.monotonic()

    def step(self, name):
        self.done += 1
        now = time.monotonic()
        text = f"{self.what}: {self.done}/{self.total}, {now - self.start:.0f} s, {name}"
        if sys.stderr.isatty():
            print(f"\r\033[K{text[:110]}", end="" if self.done < self.total else "\n",
                  file=sys.stderr, flush=True)
        elif now - self.last >= 15 or self.done == self.total:
            self.last = now
            print(text, file=sys.stderr, flush=True)


class Run:
    def __init__(self, arguments):
        self.arguments = arguments
        self.names = find_objects(arguments.corpus, arguments.only)
        # The states of other tools, kernels or checks say nothing.
        self.key = " ".join([os.uname().release, str(arguments.inputs),
                             *map(file_hash, (arguments.prepatch, arguments.kload,
                                              corpusrun.checks.__file__))])
        self.results = {}
        self.stopping = False

    def path(self, kind, name):
        path = os.path.join(self.arguments.work, kind, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        return path

    def load_state(self, name):
        key = self.key + " " + file_hash(os.path.join(self.arguments.corpus, name))
        try:
            with open(self.path("state", name + ".json"), encoding="utf-8") as file:
                state = json.load(file)
            if state["key"] == key:
                return state
        except (OSError, ValueError, KeyError):
            pass
        return {"key": key}

    def save_state(self, name, state):
        """Whole or not at all, as a run may be interrupted anywhere."""
        path = self.path("state", name + ".json")
        with open(path + ".tmp", "w", encoding="utf-8") as file:
            json.dump(state, file)
        os.replace(path + ".tmp", path)

    def check(self, name):
        state = self.load_state(name)
        if "checks" not in state:
            state["checks"] = check_object(os.path.join(self.arguments.corpus, name),
                                           self.path("out", name), self.arguments)
            state.pop("tuned", None)
            # What was found while the children were being killed is not true.
            if not self.stopping:
                self.save_state(name, state)
        if self.arguments.tune and state.get("tuned") != self.arguments.tune:
            check_tuned(os.path.join(self.arguments.corpus, name), self.path("out", name),
                        state["checks"], self.arguments)
            state["tuned"] = self.arguments.tune
            state.pop("tuned_times", None)
            if not self.stopping:
                self.save_state(name, state)
        if not self.arguments.tune:
            forget_tuned(state)
        return name, state

    def check_all(self):
        progress = Progress("checked", len(self.names))
        pool = concurrent.futures.ThreadPoolExecutor(self.arguments.jobs)
        try:
            jobs = [pool.submit(self.check, name) for name in self.names]
            for job in concurrent.futures.as_completed(jobs):
                name, state = job.result()
                self.results[name] = state
                progress.step(name)
        except BaseException:
            self.stopping = True
            pool.shutdown(wait=False, cancel_futures=True)
            kill_running()
            raise
        pool.shutdown()
        self.results = dict(sorted(self.results.items()))

    def time_all(self):
        for goal, entry in TIMED.items():
            changed = [name for name, state in self.results.items()
                       if state["checks"]["goals"].get(goal, {}).get("changed")]
            progress = Progress(f"timed {goal}", len(changed))
            for name in changed:
                state = self.results[name]
                if entry not in state:
                    state[entry] = time_object(os.path.join(self.arguments.corpus, name),
                                               f"{self.path('out', name)}.{goal}.o",
                                               state["checks"], goal, self.arguments)
                    self.save_state(name, state)
                progress.step(name)

    def is_good(self):
        for state in self.results.values():
            checks = state["checks"]
            if checks["identity"] or "loader" in checks or \
                    any(g.get("error") or g.get("load_error") for g in checks["goals"].values()):
                return False
            if any(p["verdict"] == "loaded" and found["judgement"] in BAD
                   for p in checks["programs"] for found in p["goals"].values()):
                return False
            if any(t.get("load_ratio", 0) > SLOWER
                   for entry in TIMED.values() for t in state.get(entry, [])):
                return False
        return True


def main():
    arguments = parse_arguments()
    run = Run(arguments)
    if not run.names:
        sys.exit(f"error: no objects in '{arguments.corpus}'")
    try:
        run.check_all()
        if not arguments.no_timing:
            run.time_all()
    except KeyboardInterrupt:
        kill_running()
        print("\ninterrupted; the next run goes on from here", file=sys.stderr)
        return 130
    write_csv(arguments.csv, run.results)
    write_markdown(arguments.markdown, run.results, os.uname().release)
    with open(arguments.markdown, encoding="utf-8") as file:
        print(file.read())
    return 0 if run.is_good() else 1


if __name__ == "__main__":
    sys.exit(main())
