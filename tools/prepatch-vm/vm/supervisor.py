# Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The process in the background that starts QEMU, waits for it, and ends it
when nobody has used the VM for a time. QEMU does not outlive it."""

import contextlib
import ctypes
import json
import os
import re
import resource
import secrets
import signal
import socket
import subprocess
import sys
import time

from vm import session
from vm.errors import VmError
from vm.initramfs import build_initramfs
from vm.kernels import image_release
from vm.locks import LockFile
from vm.machine import QEMU

# QEMU emulates "rep movsb" byte by byte. A kernel that is told not to use it
# moves words, and loads programs more than twice as fast (QEMU 7.2).
PROCESSORS = {"kvm": "host", "tcg": "max,erms=off"}
# An oops or a panic ends QEMU, which does not restart. On a busy machine, an
# emulated timer may be late for the check that it works.
KERNEL_OPTIONS = "console=ttyS0 quiet panic=-1 oops=panic no_timer_check"
ADDRESS, NETMASK, PORT = "10.0.2.15", "255.255.255.0", 1024
PR_SET_PDEATHSIG = 1
READY = "prepatch-vm: ready"
BOOT_SECONDS = {"kvm": 45, "tcg": 240}
LIBC = ctypes.CDLL(None)


class Stopped(Exception):
    """Somebody wants the VM to end."""


def _stop(*_):
    raise Stopped


def _before_qemu():
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _boot_id():
    with open("/proc/sys/kernel/random/boot_id") as file:
        return file.read()


def _free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Supervisor:
    def __init__(self, folder):
        self.folder, self.qemu = folder, None
        with open(self.path("options")) as file:
            options = json.load(file)
        self.idle, self.wanted = options["idle"], options["wanted"]
        self.no_kvm = os.path.join(os.path.dirname(folder), ".no-kvm")

    @staticmethod
    def read(path):
        try:
            with open(path, errors="replace") as file:
                return file.read()
        except OSError:
            return ""

    def path(self, name):
        return os.path.join(self.folder, name)

    def write_json(self, name, content):
        """Whole or not at all, and for nobody else to read."""
        with open(os.open(self.path(name + ".new"), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600),
                  "w") as file:
            json.dump(content, file)
        os.replace(self.path(name + ".new"), self.path(name))

    # --- QEMU ---------------------------------------------------------------

    def start_qemu(self, accel, port):
        # A comma is doubled in values of QEMU's options.
        console = self.path("console").replace(",", ",,")
        command = [
            QEMU, "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
            "-machine", "pc", "-smp", "2", "-m", str(self.wanted["memory"]),
            "-accel", {"kvm": "kvm", "tcg": "tcg,thread=multi"}[accel],
            "-cpu", PROCESSORS[accel],
            "-kernel", self.wanted["image"][0], "-initrd", self.path("initramfs"),
            "-append", KERNEL_OPTIONS,
            "-chardev", f"file,id=console,path={console}", "-serial", "chardev:console",
            "-fsdev", "local,id=host,path=/,security_model=none,readonly=on,multidevs=remap",
            "-device", "virtio-9p-pci,fsdev=host,mount_tag=host",
            "-netdev", "user,id=net,restrict=on,ipv6=off,"
            f"hostfwd=tcp:127.0.0.1:{port}-{ADDRESS}:{PORT}",
            "-device", "virtio-net-pci,netdev=net,romfile=",
        ]
        self.qemu = subprocess.Popen(command, cwd="/", stdin=subprocess.DEVNULL,
                                     preexec_fn=_before_qemu)

    def stop_qemu(self):
        if self.qemu and self.qemu.poll() is None:
            self.qemu.kill()
            self.qemu.wait()

    def console(self):
        return self.read(self.path("console"))

    def why_ended(self):
        """In a few words, from what the kernel said last."""
        text = self.console()
        found = (re.search(r"prepatch-vm: error: (.*)", text) or
                 re.search(r"Kernel panic - not syncing: .*", text))
        if found:
            return found.group(found.lastindex or 0).strip()
        code = self.qemu.returncode
        if code < 0:
            return f"QEMU was ended by signal {-code}"
        said = [l for l in self.read(self.path("supervisor.log")).splitlines() if QEMU in l]
        return said[-1] if said and code else f"QEMU ended with exit code {code}"

    # --- Booting ------------------------------------------------------------

    def boot(self, accel, token):
        """The port of the VM that is ready."""
        port = _free_port()
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.path("console"))
        self.start_qemu(accel, port)
        end = time.monotonic() + BOOT_SECONDS[accel]
        while READY not in self.console():
            if self.qemu.poll() is not None:
                raise VmError(self.why_ended())
            if time.monotonic() > end:
                self.stop_qemu()
                raise VmError(f"no boot in {BOOT_SECONDS[accel]} seconds; see "
                              + self.path("console"))
            time.sleep(0.05)
        if not session.answers((("127.0.0.1", port), token), 30):
            self.stop_qemu()
            raise VmError("it does not answer over its network")
        return port

    def accelerators(self):
        """What to try, in this order. That KVM can be opened does not say that
        it can run a usual kernel."""
        chosen = self.wanted["accel"]
        if chosen:
            if chosen not in BOOT_SECONDS:
                raise VmError(f"PREPATCH_VM_ACCEL is '{chosen}', neither kvm nor tcg")
            return [chosen]
        try:
            os.close(os.open("/dev/kvm", os.O_RDWR))
        except OSError:
            return ["tcg"]
        return ["tcg"] if self.read(self.no_kvm) == _boot_id() else ["kvm", "tcg"]

    def remember_no_kvm(self):
        """That is so until this machine boots again."""
        with open(self.no_kvm, "w") as file:
            file.write(_boot_id())

    def start(self):
        token = secrets.token_hex(16)
        options = f"{PORT} {ADDRESS} {NETMASK} {token}\n"
        with open(os.open(self.path("initramfs"), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600),
                  "wb") as file:
            file.write(build_initramfs(self.wanted["agent"][0], options, self.wanted["modules"]))
        accelerators = self.accelerators()
        for accel in accelerators:
            try:
                port = self.boot(accel, token)
                break
            except VmError as error:
                print(f"{accel}: {error}", flush=True)
                if accel == accelerators[-1]:
                    raise
        if accel != accelerators[0]:
            self.remember_no_kvm()
        os.unlink(self.path("initramfs"))
        self.write_json("state", {
            "port": port, "token": token, "accel": accel, "pid": self.qemu.pid,
            "release": image_release(self.wanted["image"][0])})

    # --- Waiting ------------------------------------------------------------

    def wait_idle(self, users):
        """Returns why the VM has ended or is to end, then with users taken."""
        busy = time.monotonic()
        while self.qemu.poll() is None:
            time.sleep(min(1, self.idle / 4))
            if not users.try_take():
                busy = time.monotonic()
                continue
            unused = min(time.monotonic() - busy, time.time() - os.fstat(users.fd).st_mtime)
            if unused >= self.idle:
                return f"it was idle for {self.idle:g} seconds"
            users.give_back()
        return self.why_ended()

    def run(self):
        os.chmod(self.folder, 0o700)
        with LockFile(self.path("users")) as users, LockFile(self.path("lock")) as lock:
            if not lock.try_take(5):
                raise VmError("it runs already")
            os.truncate(lock.fd, 0)
            os.pwrite(lock.fd, str(os.getpid()).encode(), 0)
            try:
                self.start()
                reason = self.wait_idle(users)
            except Stopped:
                reason = "it was stopped"
            except (VmError, OSError) as error:
                reason = str(error)
            # From here on nothing may interrupt.
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            self.stop_qemu()
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self.path("state"))
            self.write_json("died", {"reason": reason})
            # Before users, behind which commands wait to find it free.
            lock.close()


def supervise(folder):
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, _stop)
    try:
        Supervisor(folder).run()
    except (VmError, Stopped) as error:
        print(error or "stopped", file=sys.stderr)
        return 1
    return 0
