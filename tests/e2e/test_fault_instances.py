"""An instance killed, frozen or unreachable, under a steady stream of jobs."""

import pytest

import contextlib
import select
import signal
import socket
import threading
import time

from client import JOB_PATH, Connection, job_number
from load import (
    HANG,
    WAITING,
    Stream,
    drop_packets,
    own_namespaces,
    picks,
    separate_sims,
    start_sim_again,
    wait_for_share,
)
from waiting import wait_for

CONNECT_TIMEOUT_S = 0.5
# The first HAProxy known to answer every upload that its instance breaks off.
ALWAYS_ANSWERS = (3, 0)


@pytest.mark.quick("three failed checks")
def test_an_instance_killed_costs_only_the_requests_open_on_it(lab):
    farm = lab.start_farm(separate_sims(lab, 3))
    with Stream(farm, kinds=WAITING) as stream:
        begin = stream.fault("instance killed")
        farm.instances[2].sim.kill()
        killed = time.monotonic()
        stream.wait_for_new()
        farm.wait_until_unhealthy(2)
        down = time.monotonic()
        stream.wait_for_more(60)
        restarted = time.monotonic()
        farm.instances[2] = start_sim_again(lab, farm.instances[2])
        farm.wait_until_healthy(2)
        wait_for_share(farm, stream, 2)
        back = time.monotonic()
        stream.wait_for_more(120)
        stream.finish()
        lines = picks(farm)
        on_it = [
            task
            for task in stream.open_between(begin, killed)
            if lines[task.mark]["pick"] == "instance2"
        ]
        failed = stream.account(failed=on_it, lost={2})
    assert len(failed) >= 5
    for task in failed:
        assert task.is_json_error(502), task
    # Nobody's job went there, not even for a moment, nor was it tried once it was known.
    for task in stream.sent_between(killed, restarted):
        assert lines[task.mark]["pick"] != "instance2", task
        if task.sent > down:
            assert lines[task.mark]["tried"] == "-", task
    # Whether one meets the refused connection before the lost ones are held against it is chance.
    tried = [t for t in stream.sent_between(begin, down) if lines[t.mark]["tried"] != "-"]
    assert all(lines[task.mark]["tried"] == "2" for task in tried)
    share = [t.instance for t in stream.sent_between(back)].count(2)
    assert share >= 0.2 * len(stream.sent_between(back))


@pytest.mark.quick("three failed checks")
def test_an_instance_frozen_keeps_its_jobs_and_gets_no_more(lab):
    farm = lab.start_farm(separate_sims(lab, 3))
    sim = farm.instances[2].sim
    with Stream(farm) as stream:
        stream.fault("instance frozen (SIGSTOP), continued")
        sim.send_signal(signal.SIGSTOP)
        try:
            farm.wait_until_unhealthy(2)
            down = time.monotonic()
            stream.wait_for_new()
            held = farm.in_flight()[2]
            assert held >= 10, "nothing was open on the frozen instance"
            stream.wait_for_more(60)
            assert farm.in_flight()[2] == held
            until = time.monotonic()
        finally:
            sim.send_signal(signal.SIGCONT)
        farm.wait_until_healthy(2)
        wait_for_share(farm, stream, 2)
        stream.account()
    assert [t for t in stream.sent_between(down, until) if t.instance == 2] == []
    assert len([t for t in stream.open_at(until) if t.instance == 2]) >= held


@pytest.mark.quick("three failed checks")
def test_an_instance_in_a_black_hole_costs_at_most_the_connect_time_limit(lab):
    with own_namespaces():
        farm = lab.start_farm(
            separate_sims(lab, 3),
            CONNECT_TIMEOUT=f"{CONNECT_TIMEOUT_S * 1000:.0f}ms",
            HEALTH_CHECK_INTERVAL="500ms",
        )
        port = farm.instances[2].port
        with Stream(farm) as stream:
            stream.fault("instance blackholed")
            begin = time.monotonic()
            drop_packets(port)
            # The jobs that it keeps would make it look as full as the others.
            for number in (1, 3):
                farm.instances[number].set(external_jobs=40)
            farm.wait_until_unhealthy(2)
            down = time.monotonic()
            stream.wait_for_more(60)
            drop_packets(port, drop=False)
            for number in (1, 3):
                farm.instances[number].set(external_jobs=0)
            farm.wait_until_healthy(2)
            wait_for_share(farm, stream, 2)
            stream.account()
            lines = picks(farm)
        waited = [t for t in stream.tasks if lines[t.mark]["tried"] != "-"]
        assert waited, "no job met the black hole"
        for task in waited:
            assert lines[task.mark]["tried"] == "2", lines[task.mark]
            assert begin - CONNECT_TIMEOUT_S < task.sent < down + HANG
            assert task.overhead >= 0.9 * CONNECT_TIMEOUT_S, task
            assert task.overhead < CONNECT_TIMEOUT_S + HANG, task
        later = [t for t in stream.sent_between(down) if lines[t.mark]["tried"] != "-"]
        assert later == [], "known to be down, and tried nevertheless"


def test_all_instances_killed_is_503_and_over_when_one_is_back(lab):
    farm = lab.start_farm(separate_sims(lab, 2))
    with Stream(farm, kinds=WAITING) as stream:
        begin = stream.fault("every instance killed")
        for instance in farm.instances.values():
            instance.sim.kill()
        killed = time.monotonic()
        wait_for(
            lambda: sum(t.status == 503 for t in list(stream.tasks)) >= 60, "60 answers of 503"
        )
        farm.instances[1] = start_sim_again(lab, farm.instances[1])
        farm.wait_until_healthy(1)
        back = time.monotonic()
        stream.wait_for_new()
        stream.finish()
        doomed = [t for t in stream.tasks if t.ended > begin and t.sent < back]
        failed = stream.account(failed=doomed, lost={1, 2}, least_open=0)
    for task in failed:
        if task.sent < killed:
            assert task.is_json_error(502) or task.is_json_error(503), task
        else:
            assert task.is_json_error(503), task
            assert int(task.headers["retry-after"]) >= 1


class Upload(threading.Thread):
    """A job whose body goes on, as fast as it goes, until somebody breaks it off."""

    def __init__(self, port):
        super().__init__()
        self.mark = job_number()
        self.response = None
        self._connection = Connection(port)

    def run(self):
        with self._connection as connection:
            fields = [("Host", "balancer"), ("Content-Length", 1 << 40), ("X-Job", self.mark)]
            connection.send_head("POST", JOB_PATH, fields)
            with contextlib.suppress(OSError):
                while not select.select([connection.socket], [connection.socket], [])[0]:
                    connection.socket.send(bytes(1 << 16), socket.MSG_DONTWAIT)
            with contextlib.suppress(OSError, EOFError):
                self.response = connection.read_response("POST")


def test_an_upload_whose_instance_breaks_off_is_answered_502(lab):
    farm = lab.start_farm(1)
    instance = farm.instances[1]
    uploads = []
    for _ in range(8):
        latest = [Upload(farm.port) for _ in range(4)]
        for upload in latest:
            upload.start()
        wait_for(lambda: instance.state()["uploading"] == len(latest), "the uploads")
        instance.set(listening=False, drop=True)
        for upload in latest:
            upload.join()
        uploads += latest
        instance.set(listening=True)
        farm.wait_until_healthy(1)
        farm.wait_for_server(1, "UP")
    for upload in uploads:
        if upload.response is None:
            # HAProxy 2.6 forgets its 502 if it was writing when the reset came.
            assert farm.haproxy_version() < ALWAYS_ANSWERS, "closed without an answer"
        else:
            assert upload.response.status == 502, upload.response
            assert isinstance(upload.response.json()["detail"], str)
    marks = [record.mark for record in instance.requests()]
    assert sorted(marks) == sorted(upload.mark for upload in uploads)
