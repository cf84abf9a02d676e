"""The kernel's table of tracked connections.

Every connection of a benchmark is in it for two minutes, where a firewall has it tracked. Once it
is full the kernel drops what is new: clients wait a second for their next try, and the figures mean
nothing. Nothing but the kernel's log says so.
"""

import re
import subprocess
from pathlib import Path

DIRECTORY = Path("/proc/sys/net/netfilter")
STATISTICS = Path("/proc/net/stat/nf_conntrack")
WANTED = 1_048_576
NEAR = 0.8
FULL = re.compile(r"nf_conntrack: .*table full")


def make_room():
    """Raises the table's size to WANTED if connections are tracked and this user may."""
    count, size = _number("nf_conntrack_count"), _number("nf_conntrack_max")
    if not count or size >= WANTED:
        return
    try:
        (DIRECTORY / "nf_conntrack_max").write_text(str(WANTED))
        print(f"net.netfilter.nf_conntrack_max: {WANTED} instead of {size}, for the benchmark")
    except OSError:
        print(f"net.netfilter.nf_conntrack_max is {size}, and can't be raised from here")


class Watch:
    """warn() says whether the table was full, or nearly so, since this was made."""

    def __init__(self):
        self.drops = _drops()
        self.lines = _kernel_lines()

    def warn(self):
        count, size = _number("nf_conntrack_count"), _number("nf_conntrack_max")
        drops, lines = _drops() - self.drops, _kernel_lines() - self.lines
        if drops > 0 or lines > 0:
            print(f"WARNING: the kernel's table of connections was full and {drops} were dropped: "
                  f"these figures mean nothing. Raise net.netfilter.nf_conntrack_max "
                  f"({size})", flush=True)  # fmt: skip
        elif count and count > NEAR * size:
            print(f"WARNING: {count} of {size} connections are tracked: soon the kernel drops new "
                  f"ones. Raise net.netfilter.nf_conntrack_max", flush=True)  # fmt: skip


def _number(name):
    try:
        return int((DIRECTORY / name).read_text())
    except (OSError, ValueError):
        return None


def _drops():
    """New connections that were dropped, of all cores; 0 where the kernel doesn't say."""
    try:
        names, *rows = STATISTICS.read_text().splitlines()
    except (OSError, ValueError):
        return 0
    names = names.split()
    if "drop" not in names:
        return 0
    return sum(int(row.split()[names.index("drop")], 16) for row in rows)


def _kernel_lines():
    """Lines of the kernel's log about it; 0 where this user may not read that."""
    done = subprocess.run(["dmesg"], capture_output=True, text=True, check=False)
    return sum(FULL.search(line) is not None for line in done.stdout.splitlines())
