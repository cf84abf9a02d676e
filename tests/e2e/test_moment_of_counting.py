"""External jobs: what an instance reports, less what HAProxy has open at that moment."""

import json
import socket
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from waiting import wait_for

OTHERS = 1000


class Stage:
    """An instance and a runtime socket of HAProxy's in one place.

    With each health check one more of our own jobs is open, and both say so from then on: an agent
    that subtracts what HAProxy has open now always finds OTHERS; one that subtracts what it has
    read earlier finds more.
    """

    def __init__(self, lab):
        self.checks = 0
        self.queries = []
        self._http = self._serve_http(lab)
        self._unix = socket.socket(socket.AF_UNIX)
        self._threads = [
            threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02}),
            threading.Thread(target=self._serve_unix),
        ]
        self.farm = lab.farm(
            {1: f"http://127.0.0.1:{self._http.server_address[1]}"},
            HEALTH_CHECK_INTERVAL="400ms",
        )
        self._unix.bind(str(self.farm.socket))
        self._unix.listen(100)

    def _serve_http(self, lab):
        stage = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                stage.checks += 1
                body = json.dumps({"active_jobs": OTHERS + stage.checks}).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        return ThreadingHTTPServer(("127.0.0.1", lab.ports.take()), Handler)

    def _serve_unix(self):
        while True:
            connection, _ = self._unix.accept()
            with connection:
                query = connection.recv(1000)
                if query == b"":
                    return
                self.queries.append(query.decode())
                answer = f"# pxname,svname,scur,status,\nfarm,instance1,{self.checks},UP,\n\n"
                connection.sendall(answer.encode())

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._http.shutdown()
        # An empty query ends the other one.
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(str(self.farm.socket))
            connection.shutdown(socket.SHUT_WR)
            for thread in self._threads:
                thread.join()
        self._http.server_close()
        self._unix.close()


@pytest.fixture
def stage(lab):
    with Stage(lab) as stage:
        yield stage


def test_what_is_subtracted_is_read_after_the_instance_has_reported(stage):
    farm = stage.farm
    farm.start_agent()
    farm.wait_for_agent()
    found = {}

    def six_reports():
        health = farm.health_of(1)
        if health["active_jobs"] > OTHERS:
            found[health["active_jobs"]] = health["external_jobs"]
        return len(found) >= 6

    wait_for(six_reports, "six reports")
    # A report that comes while HAProxy is just answering may share that answer: on a busy machine
    # one does.
    values = Counter(found.values())
    assert values[OTHERS] >= len(found) - 1, found


def test_the_agent_only_reads(stage):
    stage.farm.start_agent()
    stage.farm.wait_for_agent()
    wait_for(lambda: len(stage.queries) >= 5, "queries")
    for query in stage.queries:
        assert query.startswith("show "), query
