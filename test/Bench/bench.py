#!/usr/bin/env python3
# bench.py - measures the figures that prepatch is to reach, beside the targets.
# Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Measures the figures that prepatch is to reach and prints them beside the targets.

Needs a kernel that loads programs, the corpus of build-corpus.sh (of which
6.12 and 6.1 are enough), and a machine that does nothing else. What the corpus
run has measured already is taken from its work folder.
"""
import argparse
import csv
import json
import os
import statistics
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(HERE, os.pardir, "Corpus"))
from corpusrun.process import LoaderError, kill_running, kload, run  # noqa: E402
from corpusrun.summary import geometric_mean  # noqa: E402
from corpusrun.timing import load_times  # noqa: E402
from figures import Figures  # noqa: E402
from tunebench import VARIANTS, TuneBench  # noqa: E402

PYPERF = "6.12/pyperf{}.bpf.o"
VERIFICATION_TARGETS = {100: 0.40, 180: 0.75, 50: 0.68}
LOWER_RUNS = 11


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--corpus", required=True, help="the folder of build-corpus.sh")
    parser.add_argument("--work", required=True, help="the work folder of run-corpus.py")
    parser.add_argument("--bin", required=True, help="folder of the tools")
    parser.add_argument("--goal", default="balanced", help="goal for pyperf (default: balanced)")
    parser.add_argument("--lower-option", action="append", default=[], metavar="OPTION",
                        help="for prepatch lower on pyperf, as --lower-option=--measure")
    parser.add_argument("--runs", type=int, default=21, help="interleaved loads (default 21)")
    parser.add_argument("--seconds", type=int, default=600, help="limit for one step")
    parser.add_argument("--no-selftests", action="store_true",
                        help="do not lower and load all selftests")
    parser.add_argument("--no-micro", action="store_true", help="no microbenchmarks")
    parser.add_argument("--tune", action="store_true",
                        help="measure prepatch tune instead, over the heavy programs")
    of_tune = parser.add_argument_group("with --tune")
    of_tune.add_argument("--budget", type=int, default=60,
                         help="seconds of search for one object (default 60)")
    of_tune.add_argument("--only", action="append", default=[], metavar="PATTERN",
                         help="only these objects, as 6.12/pyperf*")
    of_tune.add_argument("--samples", help="folder of compiled samples that are heavy")
    of_tune.add_argument("--without", action="append", default=[], choices=VARIANTS,
                         help="do not tune in this way; again is the second search")
    of_tune.add_argument("--tune-option", action="append", default=[], metavar="OPTION",
                         help="for prepatch tune, as --tune-option=--kernels=6.1")
    of_tune.add_argument("--run-repeat", type=int, default=1000,
                         help="iterations of a timed run (default 1000)")
    of_tune.add_argument("--fresh", action="store_true",
                         help="search again where a result is kept")
    of_tune.add_argument("--no-timing", action="store_true", help="searches only")
    arguments = parser.parse_args()
    arguments.prepatch = os.path.join(arguments.bin, "prepatch")
    arguments.kload = os.path.join(arguments.bin, "prepatch-kload")
    os.makedirs(arguments.work, exist_ok=True)
    return arguments


def rewrites_of(tool, path, seconds):
    programs = kload(tool, [path], seconds, "--rewrites")[0]["programs"].values()
    found = [p.get("rewrites", {}) for p in programs]
    if any("growths" not in r for r in found):
        raise LoaderError(f"{path}: no rewrites were counted")
    return sum(r["growths"] for r in found), sum(r["deletions"] for r in found)


def measure_pyperf(figures, size, arguments):
    before = os.path.join(arguments.corpus, PYPERF.format(size))
    after = os.path.join(arguments.work, f"bench-pyperf{size}.o")
    done = run([arguments.prepatch, "lower", "--goal=" + arguments.goal,
                *arguments.lower_option, before, "-o", after], arguments.seconds)
    if done.code != 0:
        raise LoaderError(f"lower: {done.failure()}")
    old, _ = rewrites_of(arguments.kload, before, arguments.seconds)
    new, deletions = rewrites_of(arguments.kload, after, arguments.seconds)
    figures.add(f"pyperf{size}: growing rewrites", new, 20 if size == 100 else None, str(old), 0)
    figures.add(f"pyperf{size}: deletions", deletions, decimals=0)
    (key,) = kload(arguments.kload, [before], arguments.seconds)[0]["programs"]
    times = load_times(arguments.kload, before, after, key, arguments.runs, arguments.seconds)
    if not times:
        raise LoaderError(f"pyperf{size} does not load")
    figures.add(f"pyperf{size}: verification time, after / before", times["verification_ratio"],
                VERIFICATION_TARGETS[size], f"{times['verification_us'][0] / 1000:.1f} ms")
    figures.add(f"pyperf{size}: load time (wall), after / before", times["load_ratio"], None,
                f"{times['load_us'][0] / 1000:.1f} ms")


def measure_lower(figures, arguments):
    """Start to end of a process that lowers pyperf100, and its peak memory."""
    source = os.path.join(arguments.corpus, PYPERF.format(100))
    output = os.path.join(arguments.work, "bench-lower.o")
    command = [arguments.prepatch, "lower", "--goal=" + arguments.goal, source, "-o", output]
    milliseconds, kibibytes = [], []
    for _ in range(LOWER_RUNS):
        start = time.monotonic()
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(child.pid, 0)
        milliseconds.append((time.monotonic() - start) * 1000)
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode != 0:
            raise LoaderError(f"{' '.join(command)}: exit status {child.returncode}")
        kibibytes.append(usage.ru_maxrss)
    figures.add("pyperf100: prepatch lower, ms", statistics.median(milliseconds), 100,
                decimals=1)
    figures.add("pyperf100: prepatch lower, MB at the peak", max(kibibytes) * 1024 / 1e6, 100,
                decimals=1)


def measure_selftests(figures, arguments):
    """Growing rewrites for the goal patches; the checks are those of the corpus
    run, which does again only what has changed."""
    table = os.path.join(arguments.work, "selftests.csv")
    command = [sys.executable, os.path.join(HERE, os.pardir, "Corpus", "run-corpus.py"),
               "--corpus", arguments.corpus, "--work", arguments.work, "--bin", arguments.bin,
               "--no-timing", "--only", "6.1/*", "--only", "6.12/*", "--csv", table,
               "--markdown", os.path.join(arguments.work, "selftests.md")]
    if subprocess.run(command, stdout=subprocess.DEVNULL, check=False).returncode not in (0, 1):
        raise LoaderError("run-corpus.py failed")
    rows = [r for r in read_csv(table) if r["verdict"] == "loaded"]
    before = sum(int(r["growths"] or 0) for r in rows)
    after = sum(int(r["patches_growths"] or 0) for r in rows)
    lost = sum(r["patches_judgement"] not in ("same", "not runnable", "unchanged") for r in rows)
    figures.add("selftests of 6.1 and 6.12, patches: growing rewrites", after, 1500, str(before), 0)
    figures.add("selftests that do not load any more or differ", lost, 0, str(len(rows)), 0)


def read_csv(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def report_corpus(figures, arguments):
    """Load and run times are of the last complete corpus run."""
    path = os.path.join(arguments.work, "programs.csv")
    if not os.path.exists(path):
        figures.note("load and run times over the corpus: ./x corpus measures them")
        return
    if os.path.getmtime(path) < os.path.getmtime(arguments.prepatch):
        figures.note("prepatch has changed since the corpus run that follows")
    rows = read_csv(path)
    loads = [(float(r["load_ratio"]), r["object"], r["program"]) for r in rows if r["load_ratio"]]
    runs = [float(r["run_ratio"]) for r in rows if r["run_ratio"]]
    worst = max(loads, default=(None, "", ""))
    figures.add(f"corpus: slowest load of {len(loads)} changed programs, after / before",
                worst[0], 1.03)
    if loads:
        figures.note(f"{worst[1]}, {worst[2]}")
    figures.add(f"corpus: run time of {len(runs)} changed programs, geometric mean",
                geometric_mean(runs), 1.01)


def run_microbenchmarks(arguments):
    tool = os.path.join(arguments.bin, "prepatch-microbench")
    if not os.access(tool, os.X_OK):
        print("no prepatch-microbench here: build it by its name", file=sys.stderr)
        return
    done = run([tool, "--benchmark_format=json", "--benchmark_min_time=0.2"], arguments.seconds)
    if done.code != 0:
        print(f"prepatch-microbench: {done.failure()}", file=sys.stderr)
        return
    print(f"\n{'representation, per insn or split':34} {'insns':>9} {'ns':>8} {'heap bytes':>11}")
    for b in json.loads(done.out)["benchmarks"]:
        name, size = b["name"].split("/")
        nanoseconds = 1e9 / b["items_per_second"]
        heap = b.get("heap B/insn")
        what = name.removeprefix("BM_")
        bytes_text = "" if heap is None else f"{heap:.1f}"
        print(f"{what:34} {size:>9} {nanoseconds:>8.1f} {bytes_text:>11}")


def measure_tune(figures, arguments):
    try:
        good = TuneBench(arguments, figures).measure()
    except LoaderError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        kill_running()
        print("\ninterrupted; the next run takes what was found from here", file=sys.stderr)
        return 130
    if figures.missed:
        print(f"\n{figures.missed} figures are not reached")
    return 0 if good else 1


def main():
    arguments = parse_arguments()
    figures = Figures()
    if arguments.tune:
        return measure_tune(figures, arguments)
    steps = [lambda size=size: measure_pyperf(figures, size, arguments) for size in (100, 180, 50)]
    steps.append(lambda: measure_lower(figures, arguments))
    if not arguments.no_selftests:
        steps.append(lambda: measure_selftests(figures, arguments))
    steps.append(lambda: report_corpus(figures, arguments))
    failed = False
    for step in steps:
        try:
            step()
        except LoaderError as error:
            print(f"error: {error}", file=sys.stderr)
            failed = True
    if not arguments.no_micro:
        run_microbenchmarks(arguments)
    if figures.missed:
        print(f"\n{figures.missed} figures are not reached")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
