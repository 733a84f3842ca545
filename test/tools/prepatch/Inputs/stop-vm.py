#!/usr/bin/env python3
"""stop-vm.py FOLDER PREPATCH-VM... tune COMMAND: runs the command (from "prepatch" on) with VMs in FOLDER, which has
the kernels of PREPATCH_VM_DIR, and stops the one of 6.12 a moment after it runs."""
import os
import subprocess
import sys
import time

folder = os.path.abspath(sys.argv[1])
start = next(i for i, a in enumerate(sys.argv) if os.path.basename(a) == "prepatch")
runner, command = sys.argv[2:3], sys.argv[start:]
kernels = os.path.join(os.environ["PREPATCH_VM_DIR"], "kernels")
for kernel in os.listdir(kernels):
    there = os.path.join(folder, "kernels", kernel)
    if not os.path.exists(there):
        os.symlink(os.path.abspath(os.path.join(kernels, kernel)), there)
env = dict(os.environ, PREPATCH_VM_DIR=folder)
child = subprocess.Popen(command, env=env)
deadline = time.time() + 200
while child.poll() is None and time.time() < deadline:
    said = subprocess.run(runner + ["6.12", "--status"], env=env, stdout=subprocess.PIPE).stdout
    if b": runs " in said:
        break
    time.sleep(0.1)
subprocess.run(runner + ["6.12", "--stop"], env=env, stdout=subprocess.DEVNULL)
print("ended with", child.wait(), flush=True)
