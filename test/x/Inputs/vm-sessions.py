"""Talks line by line with several commands in one VM: vm-sessions.py VM KERNEL"""
import signal
import subprocess
import sys

LOOP = 'trap "echo stopped; exit 9" TERM; while read -r line; do echo "$0 $line"; done'


def start(name):
    return subprocess.Popen([*sys.argv[1:], "--", "bash", "-c", LOOP, name], text=True, bufsize=1,
                            stdin=subprocess.PIPE, stdout=subprocess.PIPE)


def expect(what, wanted, found):
    if wanted != found:
        sys.exit(f"{what}: {found!r}, not {wanted!r}")


commands = {name: start(name) for name in ("first", "second", "third")}
for number in range(20):
    for name, command in commands.items():
        command.stdin.write(f"line {number}\n")
        # Blocks for ever if the line waits somewhere.
        expect("line", f"{name} line {number}\n", command.stdout.readline())

commands["first"].stdin.close()
expect("exit code at the end of the input", 0, commands["first"].wait())
commands["second"].send_signal(signal.SIGTERM)
expect("answer to a signal", "stopped\n", commands["second"].stdout.read())
expect("exit code after a signal", 9, commands["second"].wait())
# One that nobody wants any more.
commands["third"].kill()
commands["third"].wait()
