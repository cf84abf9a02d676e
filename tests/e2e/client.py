"""HTTP clients: a raw one that shows what came byte for byte, and http.client for the rest."""

import hashlib
import http.client
import itertools
import json as json_module
import os
import socket
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from waiting import wait_for

JOB_PATH = "/v1/audio/transcriptions"
TIMEOUT = 60
HOP_BY_HOP = {"connection", "keep-alive", "date"}
_numbers = itertools.count(1)


class Response:
    def __init__(self, status, reason, headers, body=b"", length=None, sha256=None, complete=True):
        self.status = status
        self.reason = reason
        self.headers = headers
        self.body = body
        self.length = len(body) if length is None else length
        self.sha256 = hashlib.sha256(body).hexdigest() if sha256 is None else sha256
        self.complete = complete

    def header(self, name):
        """The only value of a field, or None."""
        values = self.all(name)
        assert len(values) <= 1, f"{name} came {len(values)} times"
        return values[0] if values else None

    def all(self, name):
        return [value for key, value in self.headers if key.lower() == name.lower()]

    def end_to_end(self):
        """Header fields in order, without those that belong to one connection."""
        return [(k.lower(), v) for k, v in self.headers if k.lower() not in HOP_BY_HOP]

    def json(self):
        return json_module.loads(self.body)

    def __repr__(self):
        return f"<{self.status} {self.headers} {self.body[:200]!r}>"


def job_number():
    """A mark by which the simulator's record of a request is found."""
    return f"{os.getpid()}-{next(_numbers)}"


def multipart(file=b"RIFF", fields=None, boundary="leastjobs-e2e"):
    parts = []
    for name, value in (fields or {}).items():
        parts.append(
            f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        )
    head = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n'
        f"Content-Type: audio/wav\r\n\r\n"
    )
    body = "".join(parts).encode() + head.encode() + file + f"\r\n--{boundary}--\r\n".encode()
    return body, f"multipart/form-data; boundary={boundary}"


class Connection:
    """One request on one socket, sent and read by hand."""

    def __init__(self, port, address="127.0.0.1", timeout=TIMEOUT):
        self.socket = socket.create_connection((address, port), timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._buffer = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)

    def send_head(self, method, target, headers):
        lines = [f"{method} {target} HTTP/1.1"]
        lines += [f"{name}: {value}" for name, value in headers]
        self.send("\r\n".join(lines).encode() + b"\r\n\r\n")

    def _fill(self):
        data = self.socket.recv(1 << 18)
        self._buffer += data
        return len(data) > 0

    def read_line(self):
        while b"\n" not in self._buffer:
            if not self._fill():
                raise EOFError(f"closed within a line: {self._buffer!r}")
        line, _, self._buffer = self._buffer.partition(b"\n")
        assert line.endswith(b"\r"), f"a line ends without CR: {line!r}"
        return line[:-1].decode("latin-1")

    def read_some(self):
        """The next bytes, at least one; empty at the end."""
        if not self._buffer:
            self._fill()
        data, self._buffer = self._buffer, b""
        return data

    def read_rest(self):
        """Everything up to the end of the connection."""
        parts = []
        while data := self.read_some():
            parts.append(data)
        return b"".join(parts)

    def read_head(self):
        """Status, reason and header fields; interim responses (1xx) are passed over."""
        while True:
            version, status, reason = (self.read_line() + "  ").split(" ", 2)
            assert version == "HTTP/1.1", version
            headers = []
            while line := self.read_line():
                name, _, value = line.partition(":")
                headers.append((name, value.strip()))
            if not 100 <= int(status) < 200:
                return Response(int(status), reason.strip(), headers)

    def read_response(self, method="GET", keep=True):
        """A whole response. Large bodies (keep=False) are hashed and counted only."""
        response = self.read_head()
        digest, parts, length = hashlib.sha256(), [], 0
        for part in self._body_parts(response, method):
            digest.update(part)
            length += len(part)
            if keep:
                parts.append(part)
        response.body = b"".join(parts)
        response.length = length
        response.sha256 = digest.hexdigest()
        return response

    def _body_parts(self, response, method):
        if method == "HEAD" or response.status in (204, 304):
            return
        if response.header("Transfer-Encoding") == "chunked":
            yield from self._chunks(response)
        elif response.header("Content-Length") is not None:
            yield from self._counted(int(response.header("Content-Length")), response)
        else:
            while data := self._read_or_broken(response):
                yield data

    def _read_or_broken(self, response):
        try:
            return self.read_some()
        except ConnectionResetError:
            response.complete = False
            return b""

    def _counted(self, left, response):
        while left > 0:
            data = self._read_or_broken(response)
            if not data:
                response.complete = False
                return
            self._buffer = data[left:]
            data = data[:left]
            left -= len(data)
            yield data

    def _chunks(self, response):
        try:
            while size := int(self.read_line().partition(";")[0], 16):
                yield from self._counted(size, response)
                if not response.complete:
                    return
                assert self.read_line() == ""
            while self.read_line():
                pass
        except (EOFError, ConnectionResetError):
            response.complete = False


def request(port, method="GET", target="/", headers=(), body=None, keep=True):
    """One raw request on its own connection."""
    fields = list(headers)
    if not any(name.lower() == "host" for name, _ in fields):
        fields.insert(0, ("Host", f"127.0.0.1:{port}"))
    if body is not None and not any(name.lower() == "content-length" for name, _ in fields):
        fields.append(("Content-Length", str(len(body))))
    with Connection(port) as connection:
        connection.send_head(method, target, fields)
        if body:
            connection.send(body)
        return connection.read_response(method, keep)


def http_request(port, method="GET", target="/", headers=None, body=None, timeout=TIMEOUT):
    """The same by the standard library, as most clients would do it."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        connection.request(method, target, body=body, headers=headers or {})
        answer = connection.getresponse()
        return Response(answer.status, answer.reason, answer.getheaders(), answer.read())
    finally:
        connection.close()


class Job:
    """One transcription request, sent now and answered later.

    `job_time`: milliseconds, -1 (until it is released), None (as its instance is set).
    """

    def __init__(self, port, job_time=0, headers=(), target=JOB_PATH, fields=None, file=b"RIFF"):
        self.mark = job_number()
        body, content_type = multipart(file, fields)
        self.connection = Connection(port)
        self._message = (
            f"POST {target} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
            f"Content-Type: {content_type}\r\nContent-Length: {len(body)}\r\n"
            f"X-Job: {self.mark}\r\n"
            + ("" if job_time is None else f"X-Sim-Job-Time: {job_time}\r\n")
            + "".join(f"{name}: {value}\r\n" for name, value in headers)
            + "\r\n"
        ).encode() + body

    def send(self):
        self.sent = time.time()
        self.connection.send(self._message)
        return self

    def send_slowly(self, seconds):
        """An upload that takes this long: the head and a part of the body, then the rest."""
        begun = self._message.index(b"\r\n\r\n") + 50
        self.connection.send(self._message[:begun])
        time.sleep(seconds)
        self.connection.send(self._message[begun:])
        return self

    def response(self):
        """Waits for the whole response, once."""
        try:
            return self.connection.read_response("POST")
        finally:
            self.connection.close()

    def close(self):
        self.connection.close()


def run_job(port, **options):
    """A job from its start to its end."""
    return Job(port, **options).send().response()


def run_at_rate(port, count, per_second, **options):
    """Jobs that come at this rate whatever becomes of the earlier ones; yields each, sent."""
    begin = time.monotonic()
    for number in range(count):
        # Arrivals are a clock's: nothing is waited for.
        time.sleep(max(0.0, begin + number / per_second - time.monotonic()))
        yield Job(port, **options).send()


def run_in_loop(port, count, clients, **options):
    """`count` jobs by clients that send one after the other; returns the responses."""
    with ThreadPoolExecutor(clients) as pool:
        return list(pool.map(lambda _: run_job(port, **options), range(count)))


class Load:
    """Clients that send short jobs one after the other until they are told to stop."""

    def __init__(self, port, clients=6, job_time=100):
        self.answers = Counter()
        self.problems = []
        self._port = port
        self._job_time = job_time
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._run) for _ in range(clients)]

    def _run(self):
        while not self._stop.is_set():
            try:
                response = run_job(self._port, job_time=self._job_time)
                assert response.status == 200, response
                assert response.complete, response
                self.answers[response.header("X-Sim-Instance")] += 1
            except Exception as problem:
                self.problems.append(problem)
                return

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def total(self):
        return sum(self.answers.values())

    def wait_for_more(self, count):
        begin = self.total()
        wait_for(lambda: self.problems or self.total() >= begin + count, f"{count} more answers")
