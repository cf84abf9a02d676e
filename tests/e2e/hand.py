"""An instance that a test plays by hand, byte by byte; its health is good."""

import contextlib
import queue
import socket
import threading

from client import TIMEOUT

HEALTH = b'{"active_jobs":0}'


class HandInstance:
    """Use it as a context manager. Connections with jobs wait in `jobs`, their head read."""

    def __init__(self, port):
        self.url = f"http://127.0.0.1:{port}"
        self.port = port
        self.jobs = queue.Queue()
        self._server = socket.create_server(("127.0.0.1", port))
        self._thread = threading.Thread(target=self._run)
        self._open = []

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._server.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._server.close()
        for connection in self._open:
            connection.close()

    def job(self):
        """The next job's connection, and its head with what came behind it."""
        return self.jobs.get(timeout=TIMEOUT)

    def _run(self):
        while True:
            try:
                connection, _ = self._server.accept()
            except OSError:
                return
            connection.settimeout(TIMEOUT)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._open.append(connection)
            with contextlib.suppress(OSError):
                self._serve(connection)

    def _serve(self, connection):
        head = b""
        while b"\r\n\r\n" not in head:
            data = connection.recv(65536)
            if not data:  # HAProxy's own check
                connection.close()
                return
            head += data
        if not head.startswith(b"GET /health "):
            self.jobs.put((connection, head))
            return
        connection.sendall(
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n"
            b"Content-Length: %d\r\n\r\n%s" % (len(HEALTH), HEALTH)
        )
        connection.close()
