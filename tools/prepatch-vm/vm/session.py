# Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""One command in a VM: its streams and exit code are ours. agent/Frames.h says
what goes over the connection."""

import errno
import os
import select
import signal
import socket
import struct
import sys
import time

from vm.errors import VmError

# The agent says every two seconds that it is alive. An emulated machine among
# others may be late.
SILENCE_SECONDS = float(os.environ.get("PREPATCH_VM_SILENCE") or 60)
# After a signal the command gets this time to end, unless there is another one;
# those that come at once are one, sent to us and to our group.
SIGNAL_SECONDS = 5
SAME_SIGNAL_SECONDS = 0.5
HEADER = struct.Struct("<cI")
CHUNK = 65536


def _frame(kind, data=b""):
    return HEADER.pack(kind, len(data)) + data


def _request(token, arguments):
    environment = {k: v for k, v in os.environb.items() if k != b"TMPDIR"}
    environment[b"TMPDIR"] = b"/run"
    strings = [token.encode(), os.getcwdb(), b"%d" % len(arguments)]
    strings += [os.fsencode(a) for a in arguments]
    strings += [k + b"=" + v for k, v in environment.items()]
    return _frame(b"r", b"".join(s + b"\0" for s in strings))


def _connect(address, seconds):
    connection = socket.create_connection(address, timeout=seconds)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def answers(address, seconds):
    """Whether an agent that knows the token is there within that time."""
    place, token = address
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            with _connect(place, 5) as connection:
                connection.sendall(_request(token, []))
                if connection.recv(HEADER.size)[:1] == b"x":
                    return True
        except OSError:
            pass
        time.sleep(0.1)
    return False


def _write_all(fd, data):
    while data:
        try:
            data = data[os.write(fd, data):]
        except BlockingIOError:
            select.select([], [fd], [])


class Session:
    def __init__(self, connection, machine):
        self.connection, self.machine = connection, machine
        self.received = b""
        self.to_send = bytearray()
        self.code = None
        self.heard = time.monotonic()
        self.interrupted = None  # when, and by what signal
        self.wake_read, self.wake_write = os.pipe()
        os.set_blocking(self.wake_write, False)

    # --- What the agent says ------------------------------------------------

    def take(self):
        try:
            data = self.connection.recv(CHUNK)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            raise VmError(f"the VM {self.machine.name} has ended: {self.machine.why_died()}; "
                          f"its console: {self.machine.path('console')}")
        self.received += data
        while self.code is None and len(self.received) >= HEADER.size:
            kind, size = HEADER.unpack_from(self.received)
            if len(self.received) < HEADER.size + size:
                break
            content = self.received[HEADER.size:HEADER.size + size]
            self.received = self.received[HEADER.size + size:]
            self.handle(kind, content)
        self.heard = time.monotonic()

    def handle(self, kind, content):
        if kind in (b"o", b"e"):
            _write_all(1 if kind == b"o" else 2, content)
        elif kind == b"x":
            self.code = content[0]
        elif kind == b"f":
            self.code = content[0]
            print(f"error: {content[1:].decode(errors='replace')}", file=sys.stderr)

    # --- What we say --------------------------------------------------------

    def send(self):
        try:
            del self.to_send[:self.connection.send(self.to_send, socket.MSG_NOSIGNAL)]
        except BlockingIOError:
            pass
        except OSError as error:
            # What it said before it went is still to be read.
            if error.errno not in (errno.EPIPE, errno.ECONNRESET):
                raise
            self.to_send.clear()

    def read_input(self):
        """False at the end."""
        try:
            data = os.read(0, CHUNK)
        except BlockingIOError:
            return True
        except OSError:
            data = b""
        self.to_send += _frame(b"i", data)
        return bool(data)

    def on_signal(self, number, _):
        now = time.monotonic()
        if not self.interrupted:
            self.to_send += _frame(b"s", bytes([number]))
            self.interrupted = (now, number)
        elif now - self.interrupted[0] > SAME_SIGNAL_SECONDS:
            self.code = 128 + number

    def check_time(self):
        now = time.monotonic()
        if self.interrupted and now - self.interrupted[0] > SIGNAL_SECONDS:
            self.code = 128 + self.interrupted[1]
        if now - self.heard > SILENCE_SECONDS:
            self.machine.stop()
            raise VmError(f"the VM {self.machine.name} has not answered for {SILENCE_SECONDS:g} "
                          f"seconds and was stopped; its console: {self.machine.path('console')}")

    def pump(self):
        self.connection.setblocking(False)
        fd, has_input = self.connection.fileno(), True
        while self.code is None:
            poll = select.poll()
            poll.register(fd, select.POLLIN | (select.POLLOUT if self.to_send else 0))
            poll.register(self.wake_read, select.POLLIN)
            # No more input than the other end takes.
            if has_input and not self.to_send:
                poll.register(0, select.POLLIN)
            events = dict(poll.poll(1000))
            if events.get(self.wake_read):
                os.read(self.wake_read, CHUNK)
            if events.get(fd, 0) & ~select.POLLOUT:
                self.take()
            if events.get(0):
                has_input = has_input and self.read_input()
            if self.to_send:
                self.send()
            self.check_time()
        return self.code


def run(address, machine, arguments):
    """The exit code of the command."""
    place, token = address
    try:
        connection = _connect(place, 10)
    except OSError:
        raise VmError(f"the VM {machine.name} has ended: {machine.why_died()}; its console: "
                      f"{machine.path('console')}") from None
    with connection:
        session = Session(connection, machine)
        signal.set_wakeup_fd(session.wake_write, warn_on_full_buffer=False)
        # Our reader has gone: end as any command does.
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
            if signal.getsignal(number) != signal.SIG_IGN:
                signal.signal(number, session.on_signal)
        connection.settimeout(30)
        connection.sendall(_request(token, arguments))
        return session.pump()
