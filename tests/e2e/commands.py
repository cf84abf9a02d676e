"""The operator's program, as it is typed: leastjobs COMMAND …"""

import fcntl
import os
import pty
import select
import struct
import subprocess
import termios
import time

from processes import SLOWNESS, assert_no_sanitizer_report, build_directory, environment, run

TERMINAL_DEADLINE = 30


def leastjobs(farm, *words, **variables):
    """Runs it to its end, with the farm's variables; what it said is text."""
    done = run([build_directory() / "leastjobs", *words], farm.variables | variables)
    done.stdout, done.stderr = done.stdout.decode(), done.stderr.decode()
    assert_no_sanitizer_report(done.stderr, f"leastjobs {words}")
    return done


def start(farm, *words, **options):
    """The same in the background."""
    return subprocess.Popen(
        [str(part) for part in (build_directory() / "leastjobs", *words)],
        env=environment(farm.variables),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


class Terminal:
    """A terminal of so many columns and rows in which the program runs; what it shows is bytes."""

    def __init__(self, farm, *words, columns=80, rows=24, **variables):
        self.shown = b""
        self.master, slave = pty.openpty()
        self.resize(columns, rows, slave)
        self.before = termios.tcgetattr(slave)
        self.slave = slave
        self.process = subprocess.Popen(
            [str(part) for part in (build_directory() / "leastjobs", *words)],
            env=environment(farm.variables | {"TERM": "xterm"} | variables),
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self.slave)
        os.close(self.master)

    def resize(self, columns, rows, fd=None):
        size = struct.pack("HHHH", rows, columns, 0, 0)
        fcntl.ioctl(self.master if fd is None else fd, termios.TIOCSWINSZ, size)

    def read_until(self, is_enough, what):
        end = time.monotonic() + TERMINAL_DEADLINE * SLOWNESS
        while not is_enough(self.shown):
            assert time.monotonic() < end, f"no {what} in {self.shown[-2000:]!r}"
            if select.select([self.master], [], [], 0.1)[0]:
                self.shown += os.read(self.master, 65536)
        return self.shown

    def read_to_the_end(self):
        self.read_until(lambda _: self.process.poll() is not None, "end")
        while select.select([self.master], [], [], 0)[0]:
            self.shown += os.read(self.master, 65536)
        return self.shown

    def type(self, keys):
        os.write(self.master, keys)

    def settings(self):
        return termios.tcgetattr(self.slave)
