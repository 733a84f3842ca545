# Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The command line of prepatch-vm."""

import argparse
import os
import sys

from vm import session
from vm.errors import VmError
from vm.kernels import find_kernel, is_series
from vm.machine import Machine, all_machines
from vm.places import vm_folder
from vm.supervisor import supervise

USAGE = """prepatch-vm [options] KERNEL [--] COMMAND [ARGUMENT...]
       prepatch-vm [options] KERNEL --stop | --status
       prepatch-vm --stop | --status"""

DESCRIPTION = """\
Runs COMMAND under another kernel. KERNEL is a release as 6.1 or 6.12, which
./x vm gets from Debian, or a kernel image. The VM is started when it does not
run, and stays for the next command. The command sees the files of the host,
read-only, and starts in the same folder with the same environment; /proc, /sys,
/dev and /run are those of the VM, and $TMPDIR is a folder in its memory.
Standard input, output and error and the exit code are those of COMMAND; what
goes wrong with the VM is an error on standard error and exit code 125.
"""

EPILOG = """\
PREPATCH_VM_DIR names the folder of kernels and VMs; without it, vm in the build
folder. PREPATCH_VM_ACCEL is kvm or tcg; without it, KVM where it works.
PREPATCH_VM_MEMORY is the memory of a VM in MiB, 2048 without it.
"""


def parse(arguments):
    parser = argparse.ArgumentParser(
        prog="prepatch-vm", usage=USAGE, description=DESCRIPTION, epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False)
    parser.add_argument("--modules", metavar="DIR",
                        help="the modules of a kernel image; without it, they are looked for "
                        "beside the image and in /lib/modules")
    parser.add_argument("--name", help="a VM of this name apart from others of the same kernel")
    parser.add_argument("--idle", type=float, default=600, metavar="SECONDS",
                        help="how long an unused VM that is started now stays (default 600)")
    parser.add_argument("--fetch", action="store_true",
                        help="get KERNEL from Debian by apt if it is not there; without COMMAND, "
                        "do only that")
    parser.add_argument("--stop", action="store_true", help="stop the VM, or all that run")
    parser.add_argument("--status", action="store_true", help="say what runs")
    parser.add_argument("kernel", nargs="?", metavar="KERNEL", help=argparse.SUPPRESS)
    parser.add_argument("command", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.command[:1] in (["--stop"], ["--status"]) and len(options.command) == 1:
        setattr(options, options.command.pop()[2:], True)
    if options.command[:1] == ["--"]:
        del options.command[0]
    if options.stop or options.status:
        if options.command:
            parser.error("--stop and --status take no COMMAND")
    elif not options.kernel:
        parser.error("no KERNEL")
    elif not options.command and not options.fetch:
        parser.error("no COMMAND")
    return options


def machines_of(options):
    """Those that --stop and --status are about."""
    if not options.kernel and not options.name:
        return all_machines()
    if not options.name and not is_series(options.kernel):
        return [Machine(find_kernel(options.kernel).name)]
    return [Machine(options.name or options.kernel)]


def work(options):
    if options.stop:
        for machine in machines_of(options):
            machine.stop()
    elif options.status:
        for machine in machines_of(options):
            print(f"{machine.name}: {machine.status()}")
    else:
        kernel = find_kernel(options.kernel, options.modules, options.fetch)
        if options.command:
            machine = Machine(options.name or kernel.name, kernel)
            with machine.use(options.idle) as address:
                return session.run(address, machine, options.command)
    return 0


def open_standard_streams():
    """So that no file of ours gets the number of one that is closed."""
    fd = os.open(os.devnull, os.O_RDWR)
    while fd < 3:
        fd = os.dup(fd)
    os.close(fd)


def main(argv):
    open_standard_streams()
    if argv[1:2] == ["--supervise"]:
        return supervise(argv[2])
    options = parse(argv[1:])
    try:
        return work(options)
    except VmError as error:
        print(f"error: {error}", file=sys.stderr)
        return 125
    except OSError as error:
        print(f"error: {vm_folder()}: {error}", file=sys.stderr)
        return 125
    except KeyboardInterrupt:
        return 130
