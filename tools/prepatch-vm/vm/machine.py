# Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""A VM as commands see it: started when needed, kept, stopped.

Its folder holds
  lock      held by the supervisor as long as the VM may run; its content is the
            process id of the supervisor
  users     held, shared, by each command; the supervisor stops an idle VM only
            when it gets it for itself
  start     held by who starts the VM, so that one does
  options   for the supervisor: what to run
  state     how to reach the VM; there once it takes commands
  died      why the VM has ended
  console   what the kernel said
"""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time

from vm.errors import VmError
from vm.locks import LockFile, is_locked
from vm.places import agent, vm_folder

QEMU = "qemu-system-x86_64"
# Emulated on a busy machine, a boot takes its time.
START_SECONDS = 300
STOP_SECONDS = 10


def all_machines():
    run = os.path.join(vm_folder(), "run")
    names = sorted(os.listdir(run)) if os.path.isdir(run) else []
    return [Machine(n) for n in names if n[0] != "."]


def _stamp(path):
    try:
        info = os.stat(path)
    except OSError as error:
        hint = "; './x build prepatch-vm-agent' builds it" if path == agent() else ""
        raise VmError(f"{path}: {error.strerror}{hint}") from None
    return [os.path.realpath(path), info.st_size, info.st_mtime_ns]


class Machine:
    def __init__(self, name, kernel=None):
        if not name or name[0] == "." or "/" in name:
            raise VmError(f"'{name}' cannot name a VM")
        self.name, self.kernel = name, kernel
        self.folder = os.path.join(vm_folder(), "run", name)

    def path(self, name):
        return os.path.join(self.folder, name)

    def read_json(self, name):
        try:
            with open(self.path(name)) as file:
                return json.load(file)
        except (OSError, ValueError):
            return {}

    def runs(self):
        return is_locked(self.path("lock"))

    def status(self):
        state = self.read_json("state")
        if not self.runs():
            return "stopped"
        if not state:
            return "starting"
        return f"runs {state['release']} by {state['accel']}, process {state['pid']}"

    def why_died(self, seconds=5.0):
        """What to say of a VM that does not answer any more."""
        end = time.monotonic() + seconds
        while self.runs() and time.monotonic() < end:
            time.sleep(0.05)
        if self.runs():
            return "it does not answer"
        return self.read_json("died").get("reason", "its supervisor was killed")

    # --- Starting -----------------------------------------------------------

    def _wanted(self):
        """What the VM is made of; another one is needed when this changes."""
        return {
            "image": _stamp(self.kernel.image), "agent": _stamp(agent()),
            "modules": self.kernel.modules,
            "memory": int(os.environ.get("PREPATCH_VM_MEMORY") or 2048),
            "accel": os.environ.get("PREPATCH_VM_ACCEL") or None,
        }

    @contextlib.contextmanager
    def use(self, idle):
        """The address of the running VM, which stays as long as it is used."""
        os.makedirs(self.folder, mode=0o700, exist_ok=True)
        wanted = self._wanted()
        with LockFile(self.path("users")) as users, LockFile(self.path("start")) as start:
            start.take()
            self._stop_if_outdated(users, wanted)
            users.share()
            if not self.runs() or not self.read_json("state"):
                self._start(wanted, idle)
            start.give_back()
            state = self.read_json("state")
            try:
                yield ("127.0.0.1", state["port"]), state["token"]
            finally:
                os.utime(self.path("users"))

    def _stop_if_outdated(self, users, wanted):
        if self.runs() and self.read_json("options").get("wanted") != wanted and users.try_take():
            users.give_back()
            self.stop()

    def _start(self, wanted, idle):
        if not shutil.which(QEMU):
            raise VmError(f"{QEMU} is not there; './x vm' installs it, or as root: "
                          "apt-get install qemu-system-x86")
        for name in ("state", "died"):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self.path(name))
        with open(self.path("options"), "w") as file:
            json.dump({"wanted": wanted, "idle": idle}, file)
        if sys.stderr.isatty():
            print(f"prepatch-vm: starting {self.name}", file=sys.stderr)
        main = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))),
                            "prepatch-vm")
        with open(self.path("supervisor.log"), "w") as log:
            process = subprocess.Popen(
                [sys.executable, main, "--supervise", self.folder], cwd="/",
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        end = time.monotonic() + START_SECONDS
        while not self.read_json("state"):
            if process.poll() is not None:
                reason = self.read_json("died").get("reason")
                raise VmError(f"the VM {self.name} does not start: "
                              f"{reason or 'see ' + self.path('supervisor.log')}")
            if time.monotonic() > end:
                process.terminate()
                raise VmError(f"the VM {self.name} does not start in {START_SECONDS} seconds; "
                              f"its console: {self.path('console')}")
            time.sleep(0.05)

    # --- Stopping -----------------------------------------------------------

    def stop(self):
        """Returns when it is gone; also one that hangs."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            self._signal_supervisor(number)
            end = time.monotonic() + STOP_SECONDS
            while self.runs():
                if time.monotonic() > end:
                    break
                time.sleep(0.02)
            else:
                return
        raise VmError(f"the VM {self.name} does not stop")

    def _signal_supervisor(self, number):
        try:
            with open(self.path("lock")) as file:
                pidfd = os.pidfd_open(int(file.read()))
        except (OSError, ValueError):
            return
        try:
            # The process that the descriptor is for is the supervisor if the
            # lock is held now: nobody else has written its number there.
            if self.runs():
                signal.pidfd_send_signal(pidfd, number)
        except ProcessLookupError:
            pass
        finally:
            os.close(pidfd)
