# process.py - running the tools, with a limit of time.
# Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Child processes that cannot hang the run, and what prepatch-kload says."""
import json
import os
import signal
import subprocess


_running = set()


class Outcome:
    """What came of a process: code is None if it ran out of time."""

    def __init__(self, code, out, err):
        self.code, self.out, self.err = code, out, err

    def failure(self):
        """One line on why it failed."""
        if self.code is None:
            return "out of time"
        if self.code < 0:
            return "killed by " + signal.Signals(-self.code).name
        lines = self.err.strip().splitlines()
        return lines[0] if lines else f"exit status {self.code}"


def run(command, seconds):
    """Runs a command; at the limit it and its children are killed."""
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, start_new_session=True)
    _running.add(child)
    try:
        out, err = child.communicate(timeout=seconds)
        code = child.returncode
    except subprocess.TimeoutExpired:
        os.killpg(child.pid, signal.SIGKILL)
        out, err = child.communicate()
        code = None
    finally:
        _running.discard(child)
    return Outcome(code, out.decode(errors="replace"), err.decode(errors="replace"))


def kill_running():
    """Ends all children: they have sessions of their own, which an interrupt
    from the keyboard does not reach."""
    for child in list(_running):
        os.killpg(child.pid, signal.SIGKILL)


class LoaderError(Exception):
    pass


def kload(tool, objects, seconds, *options):
    """The objects of a report of prepatch-kload, each with the programs by
    (section, name)."""
    done = run([tool, *options, "--", *objects], seconds)
    if done.code != 0:
        raise LoaderError(done.failure())
    try:
        report = json.loads(done.out)
        for o in report["objects"]:
            o["programs"] = {(p["section"], p["name"]): p for p in o["programs"]}
        if len(report["objects"]) != len(objects):
            raise ValueError("other objects than asked for")
    except (ValueError, KeyError, TypeError) as error:
        raise LoaderError(f"malformed output: {error}") from error
    return report["objects"]
