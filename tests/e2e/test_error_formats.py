"""HAProxy's own answers are JSON, but for those that it gives before it has a whole header."""

import socket

import pytest

from client import JOB_PATH

HEAD = f"POST {JOB_PATH} HTTP/1.1\r\nHost: a\r\n".encode()
# What HAProxy's parser itself refuses. Its answers are compiled in (its issue 3032): no http-error
# and no errorfile changes them in 2.6 and 3.0; 3.3 heeds an errorfile, which isn't one file.
EARLY = {
    "a bad request line": (b"NONSENSE\r\n\r\n", 400),
    "a bad header field": (HEAD + b"b@d field\r\n\r\n", 400),
    "a header that is too long": (HEAD + b"X: " + b"a" * 40_000 + b"\r\n\r\n", 400),
    "a target that is too long": (b"GET /" + b"a" * 40_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "too many fields": (HEAD + b"X: a\r\n" * 200 + b"\r\n", 400),
    "two lengths": (HEAD + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nab", 400),
    "a body of GET in HTTP/1.0": (b"GET / HTTP/1.0\r\nContent-Length: 2\r\n\r\nab", 413),
}


def answer_to(farm, data):
    with socket.create_connection(("127.0.0.1", farm.port), 30) as connection:
        connection.sendall(data)
        answer = b""
        while part := connection.recv(65536):
            answer += part
    return answer.partition(b"\r\n\r\n")


@pytest.mark.parametrize("name", EARLY)
def test_what_is_no_request_gets_a_plain_refusal_and_reaches_nobody(lab, name):
    data, status = EARLY[name]
    farm = lab.start_farm(1)
    head, _, body = answer_to(farm, data)
    # Versions that know them say 414 and 431.
    found = int(head.split(b" ")[1])
    assert found == status or (status == 400 and "too " in name and found in (414, 431))
    # Short, closed, and nothing of ours or of the request in it.
    assert len(head + body) < 400
    assert b"connection: close" in head.lower() or found == 413
    assert b"a" * 20 not in body and b"b@d" not in body
    assert farm.counts() == {1: 0}
    assert farm.run_job().status == 200


def test_what_haproxy_itself_refuses_later_is_json(lab):
    farm = lab.start_farm(1)
    # The beginning of HTTP/2 passes the parser of HTTP/1.
    head, _, body = answer_to(farm, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 ")
    assert body == b'{"detail":"Bad Request"}'
