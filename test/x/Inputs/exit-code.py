"""Runs a command and checks its exit code: exit-code.py CODE COMMAND..."""
import subprocess
import sys

found = subprocess.run(sys.argv[2:]).returncode
if found != int(sys.argv[1]):
    sys.exit(f"exit code {found}, not {sys.argv[1]}: {sys.argv[2:]}")
