"""Clients that go away, and clients that hold connections: the others don't notice."""

import resource
import selectors
import socket
import struct
import time

import pytest

from client import JOB_PATH, Connection, job_number
from load import HANG, Stream, hurry, records_by_mark, wait_until_in_use, worker_of
from processes import memory_kib
from waiting import wait_for

EACH = 6
IDLE = 2000
TRICKLING = 60
REQUEST_TIMEOUT_S = 4
MEMORY_PER_CONNECTION_KIB = 64


def start_job(farm, length, body, **fields):
    """The head and some of the body of a job; returns its mark and connection."""
    mark = job_number()
    connection = Connection(farm.port)
    headers = [("Host", "x"), ("Content-Length", str(length))]
    headers += [(name.replace("_", "-"), value) for name, value in fields.items()]
    connection.send_head("POST", f"{JOB_PATH}?job={mark}", headers)
    connection.send(body)
    return mark, connection


def vanish(connection, reset):
    if reset:
        connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


@pytest.mark.parametrize("reset", [False, True], ids=["closed", "reset"])
def test_jobs_of_clients_that_are_gone_are_given_up(lab, reset):
    farm = lab.start_farm(3)
    size = 1_000_000
    uploads = [start_job(farm, size, bytes(size // 2)) for _ in range(EACH)]
    waits = [start_job(farm, 4, b"RIFF", X_Sim_Job_Time="-1") for _ in range(EACH)]
    answer = {"X_Sim_Job_Time": "0", "X_Sim_Response": f"big:{size * 1000}"}
    responses = [start_job(farm, 4, b"RIFF", **answer) for _ in range(EACH)]
    everyone = uploads + waits + responses
    marks = {mark for mark, _ in everyone}
    for _, connection in responses:
        assert connection.read_head().status == 200
        assert connection.read_some()
    with Stream(farm) as stream:

        def outcomes():
            found = records_by_mark(farm)
            assert marks <= found.keys()
            return {mark: [record.outcome for _, record in found[mark]] for mark in marks}

        wait_for(outcomes, "every job to reach an instance")
        assert outcomes() == {mark: ["open"] for mark in marks}
        held = sum(farm.in_flight().values())
        assert held >= stream.count // 2 + len(everyone)
        stream.fault(f"clients gone ({'reset' if reset else 'closed'}) in upload, wait, response")
        for _, connection in everyone:
            vanish(connection, reset)
        wait_for(
            lambda: outcomes() == {mark: ["aborted"] for mark in marks},
            "the instances to give up what nobody waits for",
        )
        stream.wait_for_new()
        stream.account()
    wait_for(lambda: set(farm.in_flight().values()) == {0}, "HAProxy to have nothing open")
    for state in farm.sims()[0].states():
        assert state["active_jobs"] == 0
        assert state["uploading"] == 0


class Crowd:
    """Connections that say nothing, or one byte of a header a second."""

    def __init__(self, port, idle, trickling):
        self.open = {}
        self.answers = []
        self._selector = selectors.DefaultSelector()
        self._begin = time.monotonic()
        self._next_byte = 0
        self._trickle = f"POST {JOB_PATH} HTTP/1.1\r\nHost: a\r\nX-Slow: {'z' * 1000}".encode()
        for i in range(idle + trickling):
            connection = socket.create_connection(("127.0.0.1", port), 30)
            connection.setblocking(False)
            self.open[connection] = i >= idle
            self._selector.register(connection, selectors.EVENT_READ)

    def step(self):
        """What is due now; returns how many are still open."""
        for key, _ in self._selector.select(0.05):
            self._read(key.fileobj)
        if time.monotonic() - self._begin >= self._next_byte:
            for connection in [c for c, trickles in self.open.items() if trickles]:
                try:
                    connection.send(self._trickle[self._next_byte : self._next_byte + 1])
                except OSError:
                    self._read(connection)
            self._next_byte += 1
        return len(self.open)

    def _read(self, connection):
        try:
            data = connection.recv(65536)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if data:
            self.answers.append((self.open[connection], data))
            return
        self._selector.unregister(connection)
        connection.close()
        del self.open[connection]

    def seconds(self):
        return time.monotonic() - self._begin

    def close(self):
        for connection in self.open:
            connection.close()
        self._selector.close()


def test_idle_and_trickling_connections_end_and_disturb_nobody(lab):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    crowd = None
    try:
        farm = lab.farm(3)
        farm.write_config()
        hurry(farm, "timeout http-request", f"{REQUEST_TIMEOUT_S}s")
        farm.start_agent()
        farm.start_haproxy()
        wait_until_in_use(farm)
        worker = worker_of(farm.haproxy)
        with Stream(farm) as stream:
            before = memory_kib(worker, "VmRSS")
            stream.fault(f"{IDLE} idle connections, {TRICKLING} with a header byte a second")
            crowd = Crowd(farm.port, IDLE, TRICKLING)
            stream.wait_for_new()
            assert len(crowd.open) == IDLE + TRICKLING
            growth = memory_kib(worker, "VmRSS") - before
            wait_for(lambda: crowd.step() == 0, "HAProxy to be rid of them")
            seconds = crowd.seconds()
            stream.wait_for_new()
            stream.account()
    finally:
        if crowd:
            crowd.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert REQUEST_TIMEOUT_S * 0.9 < seconds < REQUEST_TIMEOUT_S + 2 * HANG
    assert growth < (IDLE + TRICKLING) * MEMORY_PER_CONNECTION_KIB
    # Those that had begun a request are told; no instance ever heard of any.
    told = [data for trickles, data in crowd.answers if trickles]
    assert len(told) == TRICKLING
    for data in told:
        assert data.startswith(b"HTTP/1.1 408 ")
    assert sum(farm.counts().values()) == len(stream.tasks)
    print(f"HAProxy: +{growth} KiB, all closed after {seconds:.1f} s")
