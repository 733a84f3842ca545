# Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Files that are locked: what a lock says ends with the process that holds it,
so that nothing stale is ever believed."""

import fcntl
import os
import time


class LockFile:
    """A lock by flock(2); released when the object is closed or the process ends."""

    def __init__(self, path):
        self.fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def close(self):
        if self.fd >= 0:
            os.close(self.fd)
        self.fd = -1

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def share(self):
        fcntl.flock(self.fd, fcntl.LOCK_SH)

    def take(self):
        fcntl.flock(self.fd, fcntl.LOCK_EX)

    def try_take(self, seconds=0.0):
        """Whether it could be had in that time."""
        end = time.monotonic() + seconds
        while True:
            try:
                fcntl.flock(self.fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return True
            except BlockingIOError:
                if time.monotonic() >= end:
                    return False
            time.sleep(0.01)

    def give_back(self):
        fcntl.flock(self.fd, fcntl.LOCK_UN)


def is_locked(path):
    """Whether somebody holds it for himself; asking disturbs for an instant."""
    try:
        fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
        return False
    except BlockingIOError:
        return True
    finally:
        os.close(fd)
