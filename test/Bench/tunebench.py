# tunebench.py - the figures of prepatch tune over the heavy programs.
# Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Finds the programs of the corpus that are heavy for the verifier, tunes their
objects, and measures what came of it.

Each object is tuned three times: as it is, and twice after `lower`, to see
whether the search ends in the same place; the first two are one where `lower`
changes nothing. Searches take an hour and more over
both corpora: what was found is kept in the work folder, and taken from there as
long as the tools, the object, the budget and the kernel are the same."""
import concurrent.futures
import csv
import fnmatch
import hashlib
import json
import os
import shutil
import statistics
import sys
import time

from corpusrun.process import LoaderError, kload, run
from corpusrun.summary import geometric_mean
from corpusrun.timing import RECHECK_RUNS, load_series, ratio, time_runs
from corpusrun.tune import (TuneError, gain_time, meant_to_load,
                            refused_for_size, tune)

HEAVY = 10000          # verified instructions: more than these
SLOWEST = 1.02         # verification time, after / before
SHORT_LOAD_US = 500000  # of the programs whose search has a limit of its own
TOO_SHORT_US = 200.0   # shorter verification is not worth a recheck
REPLAYS = 11
# For one program: refused ones may take a minute until they are.
LOAD_SECONDS = 200
SAMPLES_TARGET = 0.10
VARIANTS = ("alone", "lowered", "again")


def file_hash(*paths):
    digest = hashlib.sha256()
    for path in paths:
        with open(path, "rb") as file:
            digest.update(file.read())
    return digest.hexdigest()


class Store:
    """Results that take long, as JSON files that name what they depend on."""

    def __init__(self, folder):
        self.folder = folder

    def path(self, name):
        path = os.path.join(self.folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        return path

    def get(self, name, key):
        try:
            with open(self.path(name), encoding="utf-8") as file:
                kept = json.load(file)
            return kept["result"] if kept["key"] == key else None
        except (OSError, ValueError, KeyError):
            return None

    def put(self, name, key, result):
        path = self.path(name)
        with open(path + ".tmp", "w", encoding="utf-8") as file:
            json.dump({"key": key, "result": result}, file)
        os.replace(path + ".tmp", path)
        return result


class Program:
    """One heavy program: figures by variant, None where there are none."""

    def __init__(self, name, path, key, before):
        self.object, self.path, self.key = name, path, key
        self.loads = before["verdict"] == "loaded"
        self.verified = before.get("verified_insns")
        self.load_us = (before.get("load_us") or [0])[0]
        self.after = {}     # verified instructions, by variant
        self.searched = {}  # what tune said, by variant
        self.times = {}     # microseconds of verification: before, lower, both, alone
        self.run_ratios = {}
        self.is_sample = name.startswith("samples/")
        # Others are looked at because tune changed them beside a heavy one.
        self.is_heavy = not self.loads or self.verified > HEAVY

    def share(self, variant):
        after = self.after.get(variant)
        return ratio(self.verified, after) if self.loads and after else None


class TuneBench:
    def __init__(self, arguments, figures):
        self.arguments, self.figures = arguments, figures
        self.store = Store(os.path.join(arguments.work, "tune"))
        self.tools = file_hash(arguments.prepatch, arguments.kload) + os.uname().release
        self.programs = []
        self.wall = {}    # seconds of a whole run of tune, by (object, variant)
        self.replays = []  # milliseconds, object
        self.unlike = []  # programs that replay did not make as tune had

    def load(self, path, *options):
        (report,) = kload(self.arguments.kload, [path], self.arguments.seconds,
                          f"--timeout={LOAD_SECONDS}", *options)
        return report

    # --- What is heavy ------------------------------------------------------

    def objects(self):
        """(name, path) of what there is to look at, without loading anything."""
        folders = [(folder, os.path.join(self.arguments.corpus, folder))
                   for folder in ("6.1", "6.12")]
        if self.arguments.samples:
            folders.append(("samples", self.arguments.samples))
        for folder, path in folders:
            for file in sorted(os.listdir(path)):
                name = f"{folder}/{file}"
                if file.endswith(".o") and (not self.arguments.only or any(
                        fnmatch.fnmatch(name, p) for p in self.arguments.only)):
                    yield name, os.path.join(path, file)

    def scan(self, name, path):
        """Programs by "section name": those that load heavily or are too large."""
        key = file_hash(self.arguments.kload, path) + os.uname().release
        kept = self.store.get(f"scan/{name}.json", key)
        if kept is not None:
            return kept
        try:
            report = self.load(path)
        except LoaderError as error:
            print(f"error: {name}: {error}", file=sys.stderr)
            return {}
        late = [k for k, p in report["programs"].items() if p.get("failed")]
        for key in late:
            print(f"error: {name}, {key[1]}: {report['programs'][key]['failed']}",
                  file=sys.stderr)
        found = {" ".join(k): p for k, p in report["programs"].items()
                 if p.get("verdict") == "loaded" and p["verified_insns"] > HEAVY
                 or refused_for_size(p)}
        return found if late else self.store.put(f"scan/{name}.json", key, found)

    def find(self):
        names = list(self.objects())
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            found = list(pool.map(lambda entry: self.scan(*entry), names))
        for (name, path), programs in zip(names, found):
            self.programs += [Program(name, path, tuple(key.rsplit(" ", 1)), p)
                              for key, p in programs.items()]

    # --- Tuning -------------------------------------------------------------

    def output(self, name, variant):
        return self.store.path(f"{variant}/{name}")

    def lower(self, name, path):
        output = self.store.path(f"lower/{name}")
        done = run([self.arguments.prepatch, "lower", "--goal=" + self.arguments.goal, path,
                    "-o", output], self.arguments.seconds)
        if done.code != 0:
            raise TuneError(f"lower: {done.failure()}")
        return output

    def tune(self, name, source, variant):
        output = self.output(name, variant)
        key = f"{self.tools} {file_hash(source)} {self.arguments.budget}"
        kept = self.store.get(output + ".json", key)
        if kept is not None and os.path.exists(output) and not self.arguments.fresh:
            return kept
        twin = self.output(name, "alone")
        if variant == "lowered" and self.store.get(twin + ".json", key) is not None:
            # Lowering left it as it is: the search was this one.
            for suffix in ("", ".decisions", ".json"):
                if os.path.exists(twin + suffix):
                    shutil.copy(twin + suffix, self.store.path(output + suffix))
            return self.store.get(output + ".json", key)
        found = tune(self.arguments.prepatch, source, output, self.arguments.budget,
                     "--decisions", output + ".decisions", *self.arguments.tune_option)
        return self.store.put(output + ".json", key, found)

    def tune_object(self, name, path, programs):
        lowered = self.lower(name, path)
        for variant in VARIANTS:
            if variant in self.arguments.without:
                continue
            found = self.tune(name, path if variant == "alone" else lowered, variant)
            self.wall[name, variant] = found["seconds"]
            report = self.load(self.output(name, variant))
            self.add_changed(name, path, programs, found["programs"])
            for p in programs:
                after = report["programs"].get(p.key, {})
                if after.get("verdict") == "loaded":
                    p.after[variant] = after["verified_insns"]
                elif p.loads:
                    self.complain(p, f"{variant}: "
                                     f"{after.get('reason') or after.get('failed', 'is gone')}")
                p.searched[variant] = found["programs"].get(p.key[1], {})

    def add_changed(self, name, path, programs, searched):
        known = {p.key[1] for p in programs}
        new = {n for n, said in searched.items() if said["changed"]} - known
        if not new:
            return
        report = self.load(path, *(f"--prog={n}" for n in sorted(new)))
        for key, before in report["programs"].items():
            if key[1] in new and before.get("verdict") == "loaded":
                programs.append(Program(name, path, key, before))
                self.programs.append(programs[-1])

    def complain(self, program, text):
        """Goes on: one bad program must not hide what the others show."""
        self.figures.missed += 1
        print(f"error: {program.object}, {program.key[1]}: {text}", file=sys.stderr)

    # --- Times --------------------------------------------------------------

    def time_object(self, name, path, programs):
        variants = [v for v in ("lowered", "alone") if v not in self.arguments.without]
        files = [path, self.store.path(f"lower/{name}"),
                 *(self.output(name, v) for v in variants)]
        labels = ["before", "lower", *variants]
        for p in programs:
            if not p.loads or not all(v in p.after for v in variants):
                continue
            p.times = self.time_program(p, files, labels, self.arguments.runs)
            if self.is_slower(p):
                p.times = self.time_program(p, files, labels, RECHECK_RUNS) or p.times
        keys = [p.key for p in programs if p.times]
        for key, found in time_runs(files, keys, self.arguments).items() if keys else ():
            (program,) = (p for p in programs if p.key == key)
            means = dict(zip(labels, found["run_ns"]))
            if "alone" in means:
                program.run_ratios["alone"] = ratio(means["before"], means["alone"])
            if "lowered" in means:
                program.run_ratios["lowered"] = ratio(means["lower"], means["lowered"])

    def time_program(self, program, files, labels, runs):
        # As many as the time limit allows, but not fewer than three.
        each = len(files) * program.load_us / 1e6
        runs = max(3, min(runs, int(self.arguments.seconds / (1.5 * each)) if each else runs))
        found = load_series(self.arguments.kload, files, program.key, runs,
                            self.arguments.seconds)
        if not found:
            self.complain(program, "does not load any more")
            return {}
        return {label: statistics.median(f["verification_us"])
                for label, f in zip(labels, found)}

    @staticmethod
    def time_ratios(program):
        return {v: ratio(program.times["before"], program.times[v])
                for v in ("alone", "lowered") if v in program.times}

    def is_slower(self, program):
        return program.times.get("before", 0) >= TOO_SHORT_US and \
            any(r > SLOWEST for r in self.time_ratios(program).values())

    # --- Replay -------------------------------------------------------------

    def replay(self, name, path, programs):
        """Decisions were made on the lowered object, and lower applies them last."""
        decisions = self.output(name, "lowered") + ".decisions"
        if not any(p.searched.get("lowered", {}).get("changed") for p in programs):
            return
        output = self.store.path(f"replayed/{name}")
        command = [self.arguments.prepatch, "lower", "--goal=" + self.arguments.goal,
                   "--decisions", decisions, path, "-o", output]
        times = []
        for _ in range(REPLAYS):
            start = time.monotonic()
            done = run(command, self.arguments.seconds)
            times.append((time.monotonic() - start) * 1000)
            if done.code != 0:
                raise TuneError(f"replay: {done.failure()}")
        self.replays.append((statistics.median(times), name))
        report = self.load(output)
        for p in programs:
            after = report["programs"].get(p.key, {})
            if after.get("verified_insns") != p.after.get("lowered") and "lowered" in p.after:
                self.unlike.append(p)

    # --- Figures ------------------------------------------------------------

    def report_programs(self):
        columns = ["object", "program", "verified"] + [f"verified {v}" for v in VARIANTS] + \
            ["us before", "us lower", "us lowered", "us alone", "run alone", "run lowered",
             "search s", "nine tenths s", "stopped", "reason"]
        path = self.store.path("programs.csv")
        with open(path, "w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(columns)
            for p in self.programs:
                said = p.searched.get("lowered", {})
                writer.writerow([p.object, p.key[1], p.verified if p.loads else "refused",
                                 *(p.after.get(v, "") for v in VARIANTS),
                                 *(p.times.get(t, "")
                                   for t in ("before", "lower", "lowered", "alone")),
                                 p.run_ratios.get("alone", ""), p.run_ratios.get("lowered", ""),
                                 said.get("seconds", ""), gain_time(said) if said else "",
                                 said.get("stopped_early", ""), said.get("reason", "")])
        self.figures.note(f"each program: {path}")

    def report(self):
        corpus = [p for p in self.programs if not p.is_sample]
        heavy = [p for p in corpus if p.loads and p.is_heavy]
        self.report_verified(heavy)
        self.report_times(heavy)
        self.report_refused([p for p in corpus if not p.loads])
        self.report_search()
        self.report_samples([p for p in self.programs if p.is_sample])
        self.report_programs()

    def report_verified(self, heavy):
        for folder in ("6.1", "6.12"):
            self.figures.note(f"{folder}: {sum(p.object.startswith(folder + '/') for p in heavy)}"
                              f" programs verify more than {HEAVY} instructions")
        for variant, text in (("alone", "tune"), ("lowered", "lower, tune")):
            done = [p for p in heavy if variant in p.after]
            if not done:
                continue
            before = sum(p.verified for p in done)
            target = 0.30 if variant == "alone" else None
            self.figures.add(f"{text}: verified instructions of {len(done)}, after / before",
                             sum(p.after[variant] for p in done) / before, target, str(before))
            self.figures.add(f"{text}: the same, geometric mean",
                             geometric_mean([p.share(variant) for p in done]))

    def report_times(self, heavy):
        timed = [p for p in heavy if p.times]
        for label, text, total_target, mean_target in (
                ("lower", "lower", None, None), ("alone", "tune", None, None),
                ("lowered", "lower, tune", 0.40, 0.45)):
            done = [p for p in timed if label in p.times]
            if not done:
                continue
            before = sum(p.times["before"] for p in done)
            self.figures.add(f"{text}: verification time of {len(done)}, after / before",
                             sum(p.times[label] for p in done) / before, total_target,
                             f"{before / 1000:.0f} ms")
            self.figures.add(f"{text}: the same, geometric mean", geometric_mean(
                [ratio(p.times["before"], p.times[label]) for p in done]), mean_target)
        ratios = [(r, v, p.object, p.key[1]) for p in self.programs
                  if p.times.get("before", 0) >= TOO_SHORT_US
                  for v, r in self.time_ratios(p).items()]
        if ratios:
            worst = max(ratios)
            self.figures.add("slowest verification, after / before", worst[0], SLOWEST)
            self.figures.note(f"{worst[2]}, {worst[3]}, {worst[1]}; of {len(ratios)}")
        for variant, text in (("alone", "tune"), ("lowered", "lower, tune / lower")):
            runs = [p.run_ratios[variant] for p in self.programs
                    if variant in p.run_ratios and p.searched.get(variant, {}).get("changed")]
            self.figures.add(f"{text}: test_run of {len(runs)} tuned programs, geometric mean",
                             geometric_mean(runs), 1.02)

    def report_refused(self, refused):
        meant = [p for p in refused if meant_to_load(p.path, p.key[1])]
        left = [p for p in meant if not any(v in p.after for v in ("alone", "lowered"))]
        self.figures.add(f"refused for size, meant to load, of {len(meant)}: still refused",
                         len(left), len(meant) // 2, decimals=0)
        for p in left:
            self.figures.note(f"{p.object}, {p.key[1]}: "
                              f"{p.searched.get('lowered', {}).get('reason', '')}")

    def report_search(self):
        walls = [(seconds, *what) for what, seconds in self.wall.items()]
        if walls:
            worst = max(walls)
            self.figures.add(f"tune, seconds for an object, median of {len(walls)}",
                             statistics.median(w[0] for w in walls), decimals=1)
            self.figures.add("tune, seconds for an object, longest", worst[0], decimals=1)
            self.figures.note(f"{worst[1]}, {worst[2]}")
        said = [s for p in self.programs for s in p.searched.values()
                if s and p.loads and p.load_us <= SHORT_LOAD_US]
        if said:
            self.figures.add("tune, seconds for a program that loads in 500 ms, longest",
                             max(s["seconds"] for s in said), 60, decimals=1)
        gains = sorted(g for g in map(gain_time, said) if g is not None)
        if gains:
            self.figures.add("the same, until nine tenths of the gain, median",
                             statistics.median(gains), decimals=1)
            self.figures.add("the same, longest", gains[-1], 20, decimals=1)
        ends = [(max(a, b) / min(a, b) - 1, p) for p in self.programs if p.is_heavy
                for a, b in [(p.after.get("lowered"), p.after.get("again"))] if a and b]
        if ends:
            worst, program = max(ends, key=lambda e: e[0])
            self.figures.add(f"two searches of {len(ends)} programs, verified: farthest apart",
                             worst, 0.05)
            self.figures.note(f"{program.object}, {program.key[1]}")
        if self.replays:
            self.figures.add("lower --decisions, ms, slowest object", max(self.replays)[0], 100,
                             decimals=1)
            self.figures.note(max(self.replays)[1])
            self.figures.add("programs that replay leaves unlike the tuned ones",
                             len(self.unlike), 0, decimals=0)
            for p in self.unlike:
                self.figures.note(f"{p.object}, {p.key[1]}")

    def report_samples(self, samples):
        for p in samples:
            for variant in ("alone", "lowered"):
                if variant in p.after:
                    text = "tune" if variant == "alone" else "lower, tune"
                    self.figures.add(f"{p.key[1]}, {text}: verified, after / before",
                                     p.share(variant), SAMPLES_TARGET, str(p.verified))

    # --- All ----------------------------------------------------------------

    def measure(self):
        """Whether all was done."""
        self.find()
        by_object = {}
        for p in self.programs:
            by_object.setdefault((p.object, p.path), []).append(p)
        if not by_object:
            raise LoaderError("no heavy program in the corpus")
        good = True
        steps = [self.tune_object]
        if not self.arguments.no_timing:
            steps.append(self.time_object)
        if "lowered" not in self.arguments.without:
            steps.append(self.replay)
        # All searches first: times are measured one after the other at the end.
        for step in steps:
            for i, ((name, path), programs) in enumerate(by_object.items()):
                print(f"{step.__name__}: {i + 1}/{len(by_object)} {name}", file=sys.stderr,
                      flush=True)
                try:
                    step(name, path, programs)
                except (LoaderError, TuneError) as error:
                    print(f"error: {name}: {error}", file=sys.stderr)
                    good = False
        self.report()
        return good
