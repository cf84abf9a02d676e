"""External jobs: what an instance reports, less what HAProxy has open at that moment."""

import json
import re
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
        self.commands = []
        self._tables = {"jobs": {}, "failed": {}}
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
            commands = 0
            with connection, connection.makefile("r") as lines:
                for line in lines:
                    commands += 1
                    self.commands.append(line.strip())
                    connection.sendall(f"{self._answer(line.split())}\n> ".encode())
            if commands == 0:
                return

    def _answer(self, words):
        """As HAProxy 2.6 words it (management guide, section 9.3)."""
        if words[:2] == ["show", "stat"]:
            fields = "pxname,svname,scur,stot,econ,eresp,status,hrsp_2xx"
            row = f"farm,instance1,{self.checks},{self.checks},0,0,UP,0"
            return f"# {fields},\n{row},\n"
        if words[:2] == ["show", "servers"]:
            return "1\n# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state\n"
        if words[:2] == ["show", "table"]:
            entries = [
                f"0x1: key={key} use=0 exp=1 gpt0={value} gpc0=0\n"
                for key, value in self._tables[words[2]].items()
            ]
            return f"# table: {words[2]}, type: integer, size:65536\n{''.join(entries)}"
        if words[:2] == ["set", "table"]:
            data = dict(zip(words[5::2], words[6::2]))
            self._tables[words[2]][words[4]] = data["data.gpt0"]
        return ""

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._http.shutdown()
        # A connection without a command ends the other one.
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


OWN = re.compile(r"prompt|show [ -~]+|set table (jobs|failed) key \d+ data\.gpt0 \d+")


def test_the_agent_reads_and_writes_its_own_tables_and_does_nothing_else(stage):
    stage.farm.start_agent()
    stage.farm.wait_for_agent()
    wait_for(lambda: len(stage.commands) >= 20, "commands")
    assert [command for command in stage.commands if not OWN.fullmatch(command)] == []
