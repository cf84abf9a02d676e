"""WebSockets and streams of events through the balancer: jobs, counted while they last."""

import os
import socket
import statistics
import time

import pytest

from client import JOB_PATH, TIMEOUT, Connection
from hand import HandInstance
from test_access_control import KEY, keys_file
from waiting import SLOWNESS, wait_for
from websocket import BINARY, CLOSE, PING, PONG, TEXT, WebSocket

PATHS = "whisperx,/v1/realtime,/v1/events"
EVENTS = 8
# The kernel's delay without http-no-delay is 200 ms.
AT_ONCE_S = 0.1 * SLOWNESS
UPGRADE = [
    ("Host", "a"),
    ("Upgrade", "websocket"),
    ("Connection", "Upgrade"),
    ("Sec-WebSocket-Version", "13"),
    ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
]
# HAProxy looks at the answer to the key, too: this is RFC 6455's own example.
SWITCHED = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
)


def open_events(port, response, method="POST", target=JOB_PATH):
    """A stream of events: its connection, of which the head has come."""
    connection = Connection(port)
    fields = [("Host", "a"), ("Content-Length", "0"), ("X-Sim-Response", response)]
    connection.send_head(method, target, fields)
    answer = connection.read_head()
    assert answer.status == 200
    assert answer.header("Content-Type") == "text/event-stream"
    return connection, connection._chunks(answer)


def wait_until_idle(farm):
    wait_for(lambda: set(farm.in_flight().values()) == {0}, "HAProxy to count no job")
    wait_for(
        lambda: {s["running"] for sim in farm.sims() for s in sim.states()} == {0},
        "no instance to have a job",
    )


def test_frames_go_both_ways_and_the_close_too(lab):
    farm = lab.start_farm(1, PROXY_PATHS=PATHS)
    socket = WebSocket(farm.port, "/v1/realtime?model=a%2Fb")
    status, fields = socket.answer
    assert status == 101
    assert fields["sec-websocket-accept"] == socket.expected
    for opcode, payload in ((TEXT, b"hello"), (BINARY, os.urandom(300_000)), (TEXT, b"")):
        socket.send(opcode, payload)
        assert socket.receive() == (opcode, payload, True)
    socket.send(PING, b"there?")
    assert socket.receive() == (PONG, b"there?", True)
    socket.send(CLOSE, (1000).to_bytes(2, "big"))
    assert socket.receive() == (CLOSE, (1000).to_bytes(2, "big"), True)
    assert socket.is_closed()
    (record,) = farm.instances[1].requests()
    assert record.target == "/v1/realtime?model=a%2Fb"
    assert record.host == f"127.0.0.1:{farm.instances[1].port}"
    wait_until_idle(farm)
    (line,) = farm.wait_for_log(1)
    assert (line["pick"], line["status"]) == ("instance1", "101")


OTHER_PROTOCOLS = [
    ("POST", "Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n"),
    ("GET", "Upgrade: foo\r\n"),
    ("GET", "Upgrade: websocket, h2c\r\n"),
    ("GET", "Upgrade: websocket\r\nUpgrade: h2c\r\n"),
    ("POST", "Upgrade: websocket\r\n"),
]


@pytest.mark.parametrize("method, fields", OTHER_PROTOCOLS)
def test_no_other_protocol_is_asked_for(lab, method, fields):
    """An instance that agreed to one would hear requests that no rule has seen."""
    with HandInstance(lab.ports.take()) as instance:
        farm = lab.start_farm({1: instance}, PROXY_PATHS=PATHS)
        target = JOB_PATH if method == "POST" else "/v1/realtime"
        head = f"{method} {target} HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\n{fields}"
        # HAProxy itself refuses a handshake without.
        head += "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        client = socket.create_connection(("127.0.0.1", farm.port), TIMEOUT)
        client.sendall((head + "Content-Length: 0\r\n\r\n").encode())
        connection, seen = instance.job()
        assert b"\r\nupgrade:" not in seen.lower(), seen
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        assert client.recv(12) == b"HTTP/1.1 200"
        client.close()


def test_an_open_websocket_counts_as_a_job(lab):
    farm = lab.start_farm(3, PROXY_PATHS=PATHS)
    sockets = [WebSocket(farm.port) for _ in range(3)]
    assert farm.in_flight() == {1: 1, 2: 1, 3: 1}
    # The instance that has lost its own is the emptiest.
    _, name = sockets[1].answer[0], sockets[1].answer[1]["x-sim-instance"]
    sockets[1].connection.close()
    wait_for(lambda: farm.in_flight()[int(name)] == 0, "HAProxy to see the close")
    assert farm.run_jobs(1) == [int(name)]
    sockets[1] = WebSocket(farm.port)
    assert sockets[1].answer[1]["x-sim-instance"] == name
    assert farm.in_flight() == {1: 1, 2: 1, 3: 1}
    for socket in sockets:
        socket.connection.close()
    wait_until_idle(farm)


def test_a_client_that_vanishes_ends_its_websocket_at_the_instance(lab):
    farm = lab.start_farm(1, PROXY_PATHS=PATHS)
    WebSocket(farm.port).connection.close()
    wait_for(lambda: farm.instances[1].state()["aborted"] == 1, "the instance to see the close")
    wait_until_idle(farm)


def test_an_instance_that_vanishes_ends_its_websocket_at_the_client(lab):
    farm = lab.start_farm(1, PROXY_PATHS=PATHS)
    socket = WebSocket(farm.port)
    farm.instances[1].set(listening=False, drop=True)
    with pytest.raises((EOFError, ConnectionResetError)):
        socket.receive()


def test_an_instance_that_heeds_no_close_is_left_after_a_while(lab):
    """Else a client that is gone would be counted there for as long as REQUEST_TIMEOUT."""
    with HandInstance(lab.ports.take()) as instance:
        farm = lab.start_farm({1: instance}, PROXY_PATHS=PATHS)
        if farm.haproxy_version() >= (2, 8):
            pytest.skip("HTTP's tunnels have no timeout server-fin there (sc_set_hcto() of HAProxy)")
        client = Connection(farm.port)
        client.send_head("GET", "/v1/realtime", UPGRADE)
        server, _ = instance.job()
        server.sendall(SWITCHED)
        assert client.read_line() == "HTTP/1.1 101 Switching Protocols"
        client.close()
        assert server.recv(100) == b""
        wait_for(lambda: farm.in_flight() == {1: 0}, "HAProxy to count no job", timeout=60)


def test_a_client_that_heeds_no_close_holds_no_job(lab):
    farm = lab.start_farm(1, PROXY_PATHS=PATHS)
    socket = WebSocket(farm.port)
    farm.instances[1].release()
    # It has the close, and stays.
    assert socket.receive() == (CLOSE, (1001).to_bytes(2, "big"), True)
    wait_until_idle(farm)
    assert socket.is_closed()


def test_a_silent_websocket_stays_open_beyond_the_times_of_other_things(lab):
    """timeout http-request, connect and check are over when that job is; 10 s is the longest."""
    farm = lab.start_farm(1, PROXY_PATHS=PATHS, CONNECT_TIMEOUT="1s", CHECK_TIMEOUT="1s")
    socket = WebSocket(farm.port)
    assert farm.run_job(job_time=11_000).status == 200
    socket.send(TEXT, b"still here")
    assert socket.receive() == (TEXT, b"still here", True)


def test_a_websocket_finds_another_instance_if_its_own_cannot_be_connected_to(lab):
    farm = lab.start_farm(2, {2: 9}, PROXY_PATHS=PATHS)
    farm.instances[1].set(listening=False)
    socket = WebSocket(farm.port)
    assert socket.answer[1]["x-sim-instance"] == "2"
    socket.send(TEXT, b"hello")
    assert socket.receive() == (TEXT, b"hello", True)
    assert farm.in_flight()[2] == 1
    socket.connection.close()
    wait_until_idle(farm)


def test_a_handshake_that_is_refused_is_an_answer_like_any_other(lab):
    farm = lab.start_farm(1, PROXY_PATHS=PATHS)
    socket = WebSocket(farm.port, headers=[("Sec-WebSocket-Version", "8")])
    assert socket.answer[0] == 426
    wait_until_idle(farm)


def test_a_websocket_needs_a_key_and_a_path(lab):
    farm = lab.start_farm(1, PROXY_PATHS=PATHS, API_KEYS_FILE=keys_file(lab, KEY))
    key = ("Authorization", f"Bearer {KEY}")
    assert WebSocket(farm.port).answer[0] == 401
    assert WebSocket(farm.port, "/v1/other", [key]).answer[0] == 404
    assert farm.instances[1].requests() == []
    assert WebSocket(farm.port, headers=[key]).answer[0] == 101


def test_a_full_house_refuses_websockets_too(lab):
    farm = lab.start_farm(1, PROXY_PATHS=PATHS, MAX_CONNECTIONS=10)
    sockets = [WebSocket(farm.port) for _ in range(10)]
    assert {socket.answer[0] for socket in sockets} == {101}
    refused = WebSocket(farm.port)
    assert refused.answer[0] == 503
    sockets[0].connection.close()
    wait_for(lambda: farm.in_flight() == {1: 9}, "HAProxy to see the close")
    assert WebSocket(farm.port).answer[0] == 101


@pytest.mark.parametrize(
    "method, target",
    [("POST", JOB_PATH), ("GET", "/v1/events")],
)
def test_events_come_at_once_and_are_a_job(lab, method, target):
    farm = lab.start_farm(1, PROXY_PATHS=PATHS)
    connection, events = open_events(farm.port, f"sse-pieces:{EVENTS}", method, target)
    assert next(events) == b'id: 1\ndata: {"event":1}\n\n'
    assert farm.in_flight() == {1: 1}
    times = []
    for number in range(2, EVENTS + 1):
        begin = time.monotonic()
        farm.instances[1].set(pieces=1)
        assert next(events) == b'id: %d\ndata: {"event":%d}\n\n' % (number, number)
        times.append(time.monotonic() - begin)
    assert statistics.median(times) < AT_ONCE_S, times
    assert list(events) == []
    connection.close()
    wait_until_idle(farm)


def test_a_client_that_leaves_a_silent_stream_ends_it_at_the_instance(lab):
    farm = lab.start_farm(1, PROXY_PATHS=PATHS)
    connection, events = open_events(farm.port, "sse-pieces:4", "GET", "/v1/events")
    next(events)
    connection.close()
    # Nothing is sent any more, so that only the close itself can tell.
    wait_for(lambda: farm.instances[1].state()["aborted"] == 1, "the instance to see the close")
    wait_until_idle(farm)
