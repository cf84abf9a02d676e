"""A DNS server of the test's own, by UDP and TCP, in a network where there is no other."""

import ipaddress
import socket
import struct
import threading
from contextlib import contextmanager

from load import MS_BIND, mount, own_namespaces

TYPE_A, TYPE_AAAA = 1, 28
SERVFAIL, NXDOMAIN = 2, 3
TRUNCATED = 0x0200
DATAGRAM_MAX = 512


class NameServer:
    """Answers from a table: name -> addresses, IPv4 and IPv6. Unknown names don't exist.

    `failing`: (name, family) for SERVFAIL, family 4 or 6. `silent`: names that aren't answered for.
    `asked` is every question, by UDP.
    """

    def __init__(self, ttl=0):
        self.ttl = ttl
        self.addresses = {}
        self.failing = set()
        self.silent = set()
        self.asked = []
        self.by_tcp = 0
        self._udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._udp.bind(("127.0.0.1", 53))
        self._tcp = socket.create_server(("127.0.0.1", 53))
        self._threads = [threading.Thread(target=run) for run in (self._run_udp, self._run_tcp)]
        for thread in self._threads:
            thread.start()

    def close(self):
        # A question of no length ends them.
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
            last.sendto(b"", ("127.0.0.1", 53))
        socket.create_connection(("127.0.0.1", 53)).close()
        for thread in self._threads:
            thread.join()
        self._udp.close()
        self._tcp.close()

    def fail(self, name):
        self.failing |= {(name, 4), (name, 6)}

    def mend(self, name):
        self.failing -= {(name, 4), (name, 6)}

    def _run_udp(self):
        while True:
            question, client = self._udp.recvfrom(4096)
            if not question:
                return
            answer = self._answer(question, self.asked)
            if self.asked[-1][0] in self.silent:
                continue
            if len(answer) > DATAGRAM_MAX:
                flags = struct.unpack("!H", answer[2:4])[0] | TRUNCATED
                answer = answer[:2] + struct.pack("!HHHHH", flags, 1, 0, 0, 0) + question[12:]
            self._udp.sendto(answer, client)

    def _run_tcp(self):
        while True:
            connection, _ = self._tcp.accept()
            with connection, connection.makefile("rwb") as stream:
                head = stream.read(2)
                if not head:
                    return
                while head:
                    question = stream.read(struct.unpack("!H", head)[0])
                    self.by_tcp += 1
                    answer = self._answer(question, [])
                    stream.write(struct.pack("!H", len(answer)) + answer)
                    stream.flush()
                    head = stream.read(2)

    def _answer(self, question, asked):
        end, labels = 12, []
        while length := question[end]:
            labels.append(question[end + 1 : end + 1 + length].decode().lower())
            end += 1 + length
        end += 5
        (kind,) = struct.unpack("!H", question[end - 4 : end - 2])
        family = {TYPE_A: 4, TYPE_AAAA: 6}.get(kind)
        name = ".".join(labels)
        asked.append((name, family))
        known = [ipaddress.ip_address(a) for a in self.addresses.get(name, [])]
        code = SERVFAIL if (name, family) in self.failing else 0 if known else NXDOMAIN
        found = [a.packed for a in known if a.version == family] if code == 0 else []
        head = question[:2] + struct.pack("!HHHHH", 0x8180 | code, 1, len(found), 0, 0)
        records = [struct.pack("!HHHIH", 0xC00C, kind, 1, self.ttl, len(a)) + a for a in found]
        return head + question[12:end] + b"".join(records)


@contextmanager
def own_name_server(directory):
    """A network whose only name server is this one; names of one label are looked up in .test."""
    with own_namespaces():
        resolv_conf = directory / "resolv.conf"
        resolv_conf.write_text("nameserver 127.0.0.1\nsearch test\noptions timeout:1 attempts:1\n")
        mount(resolv_conf, "/etc/resolv.conf", flags=MS_BIND)
        server = NameServer()
        try:
            yield server
        finally:
            server.close()
