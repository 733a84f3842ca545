"""Asks until a VM has stopped: until-stopped.py SECONDS COMMAND..."""
import subprocess
import sys
import time

end = time.monotonic() + float(sys.argv[1])
while b": stopped" not in subprocess.run(sys.argv[2:], stdout=subprocess.PIPE).stdout:
    if time.monotonic() > end:
        sys.exit("it still runs")
    time.sleep(0.5)
