"""HAProxy reloaded and restarted under load."""

import signal
import time

from client import http_request
from load import (
    LONG,
    WAITING,
    Stream,
    picks,
    reload_and_wait,
    wait_for_about,
    worker_of,
    wrong_picks,
)
from waiting import wait_for

RELOADS = 10
HELD = 20


def test_ten_reloads_during_long_uploads_and_responses_lose_nothing(lab):
    farm = lab.start_farm(3, {2: 50, 3: 50})
    held = farm.open_jobs(HELD)
    assert farm.in_flight() == {1: HELD, 2: 0, 3: 0}
    for number in (2, 3):
        farm.instances[number].set(external_jobs=0)
    farm.wait_for_external({1: 0, 2: 0, 3: 0})
    with Stream(farm, kinds=LONG) as stream:
        stream.fault("HAProxy: ten reloads during uploads and responses")
        for _ in range(RELOADS):
            reload_and_wait(farm)
            stream.wait_for_more(5)
        # Only the first process has the held jobs: to the newest they are other people's.
        wait_for_about(farm, {1: HELD, 2: 0, 3: 0})
        begin = time.monotonic()
        stream.wait_for_new()
        end = time.monotonic()
        assert farm.health_of(1)["in_flight"] + HELD // 2 < farm.health_of(2)["in_flight"]
        farm.release_all()
        for job in held:
            assert job.response().status == 200
        wait_for_about(farm, {1: 0, 2: 0, 3: 0})
        stream.wait_for_new(20)
        stream.account()
        lines = picks(farm)
    assert wrong_picks([lines[t.mark] for t in stream.tasks], among=(1, 2, 3)) == []
    counts = [0, 0, 0, 0]
    for task in stream.sent_between(begin, end):
        counts[task.instance] += 1
    assert counts[1] < counts[2] and counts[1] < counts[3], counts
    # Every old process has ended by itself.
    worker_of(farm.haproxy)
    assert "can't be asked" not in farm.agent.err()


def wait_until_routing_is_right(farm, stream):
    farm.wait_for_haproxy()
    wait_for_about(farm, {1: 20, 2: 0, 3: 0})
    begin = time.monotonic()
    stream.wait_for_new()
    return begin


def assert_recovered(farm, stream, begin):
    lines = picks(farm)
    found = [lines[task.mark] for task in stream.sent_between(begin)]
    assert len(found) >= 60
    assert wrong_picks(found, among=(1, 2, 3)) == []
    # The agent lost one HAProxy, and found the next.
    farm.agent.wait_for_err("HAProxy answers on", count=2)


def wait_until_missed(farm):
    """Until the agent has seen that HAProxy is gone: it says so when it is back."""
    wait_for(
        lambda: b"leastjobs_haproxy_present 0" in http_request(farm.status_port, target="/metrics").body,
        "the agent to miss HAProxy",
    )


def test_a_restart_loses_what_is_open_and_nothing_else(lab):
    farm = lab.start_farm(3, {1: 20})
    with Stream(farm, kinds=WAITING) as stream:
        begin = stream.fault("HAProxy: stopped (SIGTERM), started")
        first = farm.haproxy
        first.expected = (0, 143)
        first.send_signal(signal.SIGTERM)
        first.wait()
        stopped = time.monotonic()
        # What its clients can't get any more isn't worked on.
        wait_for(
            lambda: sum(s["running"] + s["uploading"] for s in farm.sims()[0].states()) == 0,
            "the instances to give the lost jobs up",
        )
        wait_until_missed(farm)
        started = time.monotonic()
        farm.start_haproxy()
        right = wait_until_routing_is_right(farm, stream)
        stream.finish()
        lost = stream.open_between(begin, stopped)
        refused = [t for t in stream.tasks if t.ended > begin and t.problem and t.sent > stopped]
        failed = stream.account(failed=lost + refused, least_open=0, log=False)
        assert_recovered(farm, stream, right)
    assert len([t for t in failed if t.sent < stopped]) >= 50
    # Nobody was served wrongly, and nothing failed once it listened again.
    for task in failed:
        assert "no response" in task.problem or "cut short" in task.problem, task
    listening = next(t.sent for t in stream.sent_between(started) if t.ok)
    assert [t for t in failed if t.sent > listening] == []


def test_a_gentle_restart_lets_every_open_job_end(lab):
    farm = lab.start_farm(3, {1: 20})
    with Stream(farm) as stream:
        stream.fault("HAProxy: stopped gently (SIGUSR1), started")
        farm.haproxy.send_signal(signal.SIGUSR1)
        assert farm.haproxy.wait(30) in (0, 143)
        farm.haproxy.expected = (0, 143)
        wait_until_missed(farm)
        farm.start_haproxy()
        right = wait_until_routing_is_right(farm, stream)
        stream.finish()
        # While nobody listens connections are refused; no request was lost.
        refused = [t for t in stream.tasks if t.problem and "Connection refused" in t.problem]
        stream.account(failed=refused, least_open=0, log=False)
        assert_recovered(farm, stream, right)
