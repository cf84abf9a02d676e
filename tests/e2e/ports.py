"""Free ports that stay ours until the test's end."""

import random
import socket
from pathlib import Path

ATTEMPTS = 100
LOWEST = 10000


def _hold(port):
    """Binds a port without listening, if the kernel says that it is nobody else's.

    It is bound without SO_REUSEADDR, which another run's choice of the same port would need too;
    with that set afterwards, a server that sets it (all of ours do) can listen there.
    """
    holder = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        holder.bind(("0.0.0.0", port))
    except OSError:
        holder.close()
        raise
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    return holder


def _below_ephemeral_ports():
    """Where the kernel doesn't take source ports from, so that rows of free ports are found."""
    text = Path("/proc/sys/net/ipv4/ip_local_port_range").read_text()
    lowest_ephemeral = int(text.split()[0])
    return lowest_ephemeral if lowest_ephemeral > LOWEST + 5000 else 65536


class Ports:
    def __init__(self):
        self._holders = []

    def take(self):
        return self.take_row(1)

    def take_row(self, count):
        """The first of `count` neighbouring ports."""
        for _ in range(ATTEMPTS):
            first = random.randrange(LOWEST, _below_ephemeral_ports() - count)
            row = []
            try:
                for port in range(first, first + count):
                    row.append(_hold(port))
            except OSError:
                for holder in row:
                    holder.close()
                continue
            self._holders += row
            return first
        raise AssertionError(f"no row of {count} free ports found")

    def release(self):
        for holder in self._holders:
            holder.close()
        self._holders.clear()
