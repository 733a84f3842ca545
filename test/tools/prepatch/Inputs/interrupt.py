#!/usr/bin/env python3
"""interrupt.py LOG LINES COMMAND...: runs COMMAND, sends it SIGINT as soon as the
file LOG has so many lines, or the line LINES, and says how it ended."""
import os
import signal
import subprocess
import sys
import time

log, lines, command = sys.argv[1], sys.argv[2], sys.argv[3:]
child = subprocess.Popen(command)
deadline = time.time() + 120
while child.poll() is None and time.time() < deadline:
    said = open(log).read().splitlines() if os.path.exists(log) else []
    if lines in said or (lines.isdigit() and len(said) >= int(lines)):
        break
    time.sleep(0.01)
if child.poll() is not None:
    sys.exit("the command ended before it was interrupted")
child.send_signal(signal.SIGINT)
started = time.time()
code = child.wait()
print("ended with %d, %s" % (code, "at once" if time.time() - started < 20 else "late"))
sys.exit(0)
