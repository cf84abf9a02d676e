"""What browsers need of the simulator: the real CORS, WebSockets and server-sent events."""

import base64
import hashlib
import os
import re
import threading
import time
from pathlib import Path

from client import JOB_PATH, Connection, request, run_job
from waiting import wait_for

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
PAGE = ("Origin", "https://page.example")


def allowed(answer):
    return {k: v for k, v in answer.headers if k.startswith("Access-Control-") or k == "Vary"}


def preflight(instance, target=JOB_PATH, headers=()):
    fields = [PAGE, ("Access-Control-Request-Method", "POST"), *headers]
    return request(instance.port, "OPTIONS", target, fields)


def test_a_preflight_is_answered_as_by_starlette(lab):
    instance = lab.sim(1, ["--cors"]).instances[0]
    for target in (JOB_PATH, "/health", "/v1/jobs/17", "/nowhere"):
        answer = preflight(instance, target, [("Access-Control-Request-Headers", "x-a, x-b")])
        assert (answer.status, answer.body) == (200, b"OK")
        assert allowed(answer) == {
            "Access-Control-Allow-Origin": "https://page.example",
            "Access-Control-Allow-Credentials": "true",
            "Access-Control-Allow-Methods": "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT",
            "Access-Control-Allow-Headers": "x-a, x-b",
            "Access-Control-Max-Age": "600",
            "Vary": "Origin",
        }
    assert "Access-Control-Allow-Headers" not in allowed(preflight(instance))
    too_long = [("Access-Control-Request-Headers", "x" * 1025)]
    assert preflight(instance, headers=too_long).status == 400


def test_every_answer_to_another_origin_lets_its_page_read_it(lab):
    instance = lab.sim(1, ["--cors"]).instances[0]
    expected = {"Access-Control-Allow-Origin": "*", "Access-Control-Allow-Credentials": "true"}
    for answer in (
        run_job(instance.port, headers=[PAGE]),
        run_job(instance.port, headers=[PAGE, ("X-Sim-Response", "status:503")]),
        run_job(instance.port, headers=[PAGE, ("X-Sim-Response", "chunked")]),
        request(instance.port, "GET", "/v1/jobs/17", [PAGE]),
        request(instance.port, "GET", "/health", [PAGE]),
        request(instance.port, "OPTIONS", JOB_PATH, [PAGE]),
    ):
        assert allowed(answer) == expected, answer


def test_a_request_with_a_cookie_has_its_own_origin_allowed(lab):
    instance = lab.sim(1, ["--cors"]).instances[0]
    answer = request(instance.port, "GET", "/health", [PAGE, ("Cookie", "a=b")])
    assert allowed(answer)["Access-Control-Allow-Origin"] == "https://page.example"
    assert allowed(answer)["Vary"] == "Origin"


def test_there_is_no_cors_without_an_origin_or_without_the_option(lab):
    instance = lab.sim(1, ["--cors"]).instances[0]
    assert allowed(run_job(instance.port)) == {}
    assert request(instance.port, "OPTIONS", JOB_PATH).status == 405
    instance.set(cors=False)
    assert allowed(run_job(instance.port, headers=[PAGE])) == {}
    assert preflight(instance).status == 405


# --- WebSockets


class WebSocket:
    """A client by hand: what it sends and gets is frames."""

    def __init__(self, port, target="/v1/realtime", headers=()):
        key = base64.b64encode(os.urandom(16)).decode()
        self.connection = Connection(port)
        fields = {
            "Host": "sim",
            "Upgrade": "websocket",
            "Connection": "keep-alive, Upgrade",
            "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": key,
            **dict(headers),
        }
        self.connection.send_head("GET", target, [(k, v) for k, v in fields.items() if v])
        self.answer = self._read_answer()
        magic = (key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()
        self.expected = base64.b64encode(hashlib.sha1(magic).digest()).decode()

    def _read_answer(self):
        status = int(self.connection.read_line().split()[1])
        headers = {}
        while line := self.connection.read_line():
            name, _, value = line.partition(": ")
            headers[name] = value
        return status, headers

    def send(self, opcode, payload=b"", fin=True, masked=True, first=0):
        length = len(payload)
        head = bytes([(0x80 if fin else 0) | first | opcode])
        mark = 0x80 if masked else 0
        if length < 126:
            head += bytes([mark | length])
        elif length < 65536:
            head += bytes([mark | 126]) + length.to_bytes(2, "big")
        else:
            head += bytes([mark | 127]) + length.to_bytes(8, "big")
        mask = os.urandom(4) if masked else b""
        sent = bytes(b ^ mask[i % 4] for i, b in enumerate(payload)) if masked else payload
        self.connection.send(head + mask + sent)

    def read(self, count):
        data = b""
        while len(data) < count:
            more = self.connection.read_some()
            if not more:
                raise EOFError(f"closed after {data!r}")
            data += more
        self.connection._buffer = data[count:]
        return data[:count]

    def receive(self):
        """(opcode, payload, last of its message)"""
        first, length = self.read(2)
        assert length < 128, "a server masks nothing"
        if length >= 126:
            length = int.from_bytes(self.read(2 if length == 126 else 8), "big")
        return first & 15, self.read(length), first & 0x80 != 0

    def is_closed(self):
        return self.connection.read_some() == b""


def counts(instance):
    state = instance.state()
    return state["running"], state["finished"], state["aborted"]


def test_a_websocket_sends_back_what_it_gets(lab):
    instance = lab.sim().instances[0]
    socket = WebSocket(instance.port, "/prefix/v1/realtime?model=x")
    assert socket.answer[0] == 101
    assert socket.answer[1]["Sec-WebSocket-Accept"] == socket.expected
    assert socket.answer[1]["X-Sim-Instance"] == "1"
    for opcode, payload in (
        (TEXT, b"hello"),
        (BINARY, b""),
        (BINARY, b"x" * 125),
        (TEXT, b"y" * 126),
        (BINARY, os.urandom(65535)),
        (BINARY, os.urandom(65536)),
        (BINARY, os.urandom(300_000)),
    ):
        socket.send(opcode, payload)
        assert socket.receive() == (opcode, payload, True)


def test_fragments_and_pings_between_them_come_back(lab):
    socket = WebSocket(lab.sim().instances[0].port)
    socket.send(TEXT, b"one", fin=False)
    socket.send(PING, b"are you there")
    socket.send(CONTINUATION, b"two", fin=False)
    socket.send(CONTINUATION, b"three")
    assert [socket.receive() for _ in range(4)] == [
        (TEXT, b"one", False),
        (PONG, b"are you there", True),
        (CONTINUATION, b"two", False),
        (CONTINUATION, b"three", True),
    ]


def test_an_open_websocket_is_a_job(lab):
    instance = lab.sim().instances[0]
    socket = WebSocket(instance.port)
    assert counts(instance) == (1, 0, 0)
    health = request(instance.port, "GET", "/health").json()
    assert health["concurrency"]["active_transcriptions"] == 1
    socket.send(CLOSE, (1000).to_bytes(2, "big") + b"bye")
    assert socket.receive() == (CLOSE, (1000).to_bytes(2, "big"), True)
    assert socket.is_closed()
    wait_for(lambda: counts(instance) == (0, 1, 0), "the job to end")
    (record,) = instance.requests()
    assert (record.values["status"], record.outcome) == (101, "answered")


def test_a_websocket_whose_client_vanishes_is_aborted(lab):
    instance = lab.sim().instances[0]
    socket = WebSocket(instance.port)
    socket.send(TEXT, b"x" * 10, fin=False)
    socket.connection.close()
    wait_for(lambda: counts(instance) == (0, 0, 1), "the job to end")


def test_a_websocket_is_closed_when_its_job_ends(lab):
    instance = lab.sim().instances[0]
    short = WebSocket(instance.port, headers=[("X-Sim-Job-Time", "50")])
    assert short.receive() == (CLOSE, (1001).to_bytes(2, "big"), True)
    assert short.is_closed()
    held = WebSocket(instance.port)
    instance.release()
    assert held.receive() == (CLOSE, (1001).to_bytes(2, "big"), True)
    wait_for(lambda: counts(instance) == (0, 2, 0), "both to end")


def test_a_websocket_closes_at_a_wrong_frame(lab):
    port = lab.sim().instances[0].port
    for wrong in (
        {"opcode": TEXT, "payload": b"x", "masked": False},
        {"opcode": CONTINUATION, "payload": b"x"},
        {"opcode": 3},
        {"opcode": 11},
        {"opcode": PING, "fin": False},
        {"opcode": PING, "payload": b"x" * 126},
        {"opcode": TEXT, "first": 0x40},
    ):
        socket = WebSocket(port)
        socket.send(**wrong)
        assert socket.receive() == (CLOSE, (1002).to_bytes(2, "big"), True), wrong


def test_a_handshake_that_lacks_something_is_refused(lab):
    instance = lab.sim().instances[0]
    for lacking, status in (
        (("Upgrade", ""), 426),
        (("Connection", "keep-alive"), 426),
        (("Sec-WebSocket-Version", "8"), 426),
        (("Sec-WebSocket-Key", "short"), 400),
    ):
        assert WebSocket(instance.port, headers=[lacking]).answer[0] == status, lacking
    assert request(instance.port, "POST", "/v1/realtime", body=b"").status == 405
    assert counts(instance)[0] == 0


def test_a_websocket_whose_client_reads_slowly_takes_little_memory(lab):
    sim = lab.sim()
    before = memory_of(sim)
    socket = WebSocket(sim.instances[0].port)
    # A mask of zeros: the payload as it is.
    frame = b"\x82\xff" + (1 << 20).to_bytes(8, "big") + bytes(4) + bytes(1 << 20)
    sent = []

    def send():
        for _ in range(64):
            socket.connection.send(frame)
            sent.append(1)

    thread = threading.Thread(target=send)
    thread.start()
    thread.join(1)
    assert len(sent) < 64, "all of it was taken although nobody read"
    for _ in range(64):
        assert len(socket.receive()[1]) == 1 << 20
    thread.join()
    assert memory_of(sim) - before < 8_000


def memory_of(process):
    """The most so far, in kB."""
    status = Path(f"/proc/{process.pid}/status").read_text(encoding="ascii")
    return int(re.search(r"VmHWM:\s+(\d+) kB", status).group(1))


# --- server-sent events


def read_events(connection, count):
    return [read_chunk(connection) for _ in range(count)]


def read_chunk(connection):
    size = int(connection.read_line(), 16)
    lines = b""
    while len(lines) < size + 2:
        lines += connection.read_some()
    connection._buffer = lines[size + 2 :]
    return lines[:size]


def event(number):
    return b'id: %d\ndata: {"event":%d}\n\n' % (number, number)


def open_stream(instance, name, method="POST", target=JOB_PATH):
    connection = Connection(instance.port)
    fields = [("Host", "sim"), ("Content-Length", "0")]
    connection.send_head(method, target, fields + ([("X-Sim-Response", name)] if name else []))
    answer = connection.read_head()
    assert answer.status == 200
    assert answer.header("Content-Type") == "text/event-stream"
    return connection


def test_events_come_one_after_the_other_while_the_job_runs(lab):
    instance = lab.sim().instances[0]
    begin = time.monotonic()
    connection = open_stream(instance, "sse:5")
    assert read_events(connection, 1) == [event(1)]
    assert counts(instance) == (1, 0, 0)
    assert read_events(connection, 4) == [event(n) for n in range(2, 6)]
    assert time.monotonic() - begin > 0.39
    assert connection.read_line() == "0"
    wait_for(lambda: counts(instance) == (0, 1, 0), "the job to end")


def test_events_are_released_one_by_one(lab):
    instance = lab.sim().instances[0]
    connection = open_stream(instance, "sse-pieces:4")
    assert read_events(connection, 1) == [event(1)]
    instance.set(pieces=1)
    assert read_events(connection, 1) == [event(2)]
    assert counts(instance) == (1, 0, 0)
    instance.release()
    assert read_events(connection, 2) == [event(3), event(4)]
    wait_for(lambda: counts(instance) == (0, 1, 0), "the job to end")
    assert len(instance.requests()) == 1


def test_a_stream_waits_for_its_slot_and_gives_it_back(lab):
    instance = lab.sim(1, ["--slots", 1]).instances[0]
    first = open_stream(instance, "sse-pieces:2")
    second = Connection(instance.port)
    fields = [("Host", "sim"), ("Content-Length", "0"), ("X-Sim-Response", "sse-pieces:2")]
    second.send_head("POST", JOB_PATH, fields)
    wait_for(lambda: instance.state()["queued"] == 1, "the second to wait")
    instance.set(pieces=-1)
    assert read_events(first, 2) == [event(1), event(2)]
    assert second.read_head().status == 200
    instance.set(pieces=-1)
    assert read_events(second, 2) == [event(1), event(2)]
    wait_for(lambda: counts(instance) == (0, 2, 0), "both to end")


def test_a_stream_whose_client_leaves_is_aborted(lab):
    instance = lab.sim().instances[0]
    open_stream(instance, "sse:1000").close()
    wait_for(lambda: counts(instance) == (0, 0, 1), "the job to end")


def test_a_page_has_a_path_of_events(lab):
    instance = lab.sim().instances[0]
    connection = open_stream(instance, None, "GET", "/v1/events")
    assert counts(instance) == (1, 0, 0)
    assert read_events(connection, 10) == [event(n) for n in range(1, 11)]


def test_the_next_request_of_a_streams_connection_is_left_alone(lab):
    instance = lab.sim().instances[0]
    connection = open_stream(instance, "sse:3")
    instance.set(pieces=-1)
    assert read_events(connection, 3) == [event(1), event(2), event(3)]
    assert (connection.read_line(), connection.read_line()) == ("0", "")
    fields = [("Host", "sim"), ("Content-Length", "0"), ("X-Sim-Response", "pieces:2")]
    connection.send_head("POST", JOB_PATH, fields)
    assert connection.read_head().status == 200
    assert read_events(connection, 1) == [b"piece 1\n"]
    # The timer of the stream's next event would have come by now.
    connection.socket.settimeout(0.3)
    try:
        assert connection.read_some() is None, "a piece that nobody released"
    except TimeoutError:
        pass
