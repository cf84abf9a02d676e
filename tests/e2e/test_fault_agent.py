"""The agent killed, frozen, restarted, kept from its port: HAProxy goes on, and it comes back."""

import contextlib
import signal
import socket
import threading
import time

import pytest

from load import Stream, picks, wait_for_about, wrong_picks
from waiting import wait_for

pytestmark = pytest.mark.quick("an instance has to be known as down")

EXTERNAL = {1: 20, 2: 0}


def start_with_one_down(lab):
    """Instance 1 has other people's jobs, instance 3 is taken out by the agent."""
    farm = lab.start_farm(3, EXTERNAL)
    farm.instances[3].set(health="500")
    farm.wait_until_unhealthy(3)
    return farm


def lines_between(stream, lines, begin, end):
    return [lines[task.mark] for task in stream.sent_between(begin, end)]


def wait_until_haproxy_misses_the_agent(farm, numbers=(1, 2, 3)):
    wait_for(
        lambda: all(farm.servers()[n]["agent_status"] != "L7OK" for n in numbers),
        "HAProxy to miss the agent",
    )


def finish_recovered(farm, stream):
    """Everything is as if the agent had never been away."""
    farm.wait_until_healthy(3)
    wait_for_about(farm, {1: 0, 2: 40, 3: 0})
    back = time.monotonic()
    stream.wait_for_new()
    stream.account()
    assert {t.instance for t in stream.sent_between(back)} >= {1, 3}


def assert_routed_by_last_counts(farm, stream, begin, end):
    lines = lines_between(stream, picks(farm), begin, end)
    assert len(lines) >= 60
    assert wrong_picks(lines, among=(1, 2)) == []
    # And those were the counts of before: 20 other people's jobs at the first.
    for line in lines:
        external = int(line["loads"].split(",")[0].split("+")[1])
        assert abs(external - EXTERNAL[1]) <= 8, line["line"]
    for number in (1, 2):
        assert sum(line["pick"] == f"instance{number}" for line in lines) >= 10


def change_what_instances_report(farm):
    farm.instances[1].set(external_jobs=0)
    farm.instances[2].set(external_jobs=40)
    farm.instances[3].set(health="ok")


def test_the_agent_killed_and_started_again(lab):
    farm = start_with_one_down(lab)
    with Stream(farm) as stream:
        begin = stream.fault("agent: SIGKILL, started again")
        farm.agent.kill()
        wait_until_haproxy_misses_the_agent(farm)
        change_what_instances_report(farm)
        stream.wait_for_new()
        assert farm.servers()[3]["status"].startswith("DOWN")
        end = time.monotonic()
        farm.start_agent()
        farm.wait_for_agent()
        finish_recovered(farm, stream)
    assert_routed_by_last_counts(farm, stream, begin, end)


def test_the_agent_frozen_and_continued(lab):
    farm = start_with_one_down(lab)
    with Stream(farm) as stream:
        begin = stream.fault("agent: SIGSTOP, continued")
        farm.agent.send_signal(signal.SIGSTOP)
        try:
            wait_until_haproxy_misses_the_agent(farm)
            change_what_instances_report(farm)
            stream.wait_for_more(200)
            end = time.monotonic()
        finally:
            farm.agent.send_signal(signal.SIGCONT)
        finish_recovered(farm, stream)
    assert_routed_by_last_counts(farm, stream, begin, end)


def test_the_agent_restarted_again_and_again(lab):
    farm = start_with_one_down(lab)
    with Stream(farm) as stream:
        begin = stream.fault("agent: restarted five times")
        for _ in range(5):
            farm.agent.send_signal(signal.SIGTERM)
            assert farm.agent.wait() == 0
            stream.wait_for_more(20)
            farm.start_agent()
            farm.wait_for_agent()
            farm.wait_until_unhealthy(3)
            wait_for_about(farm, EXTERNAL)
        end = time.monotonic()
        change_what_instances_report(farm)
        finish_recovered(farm, stream)
        lines = picks(farm)
    found = lines_between(stream, lines, begin, end)
    # The third is as broken as before: an agent that is new doesn't know that it isn't.
    wrong = [line["line"] for line in found if line["pick"] == "instance3"]
    assert wrong == [], f"{len(wrong)} of {len(found)} jobs went to an instance known to be down"
    assert wrong_picks(found, among=(1, 2)) == []


@contextlib.contextmanager
def stranger_on(port, answer):
    """A server of somebody else's, which answers everybody and closes."""
    stop = threading.Event()

    def serve(listener):
        while not stop.is_set():
            with contextlib.suppress(OSError):
                connection, _ = listener.accept()
                with connection:
                    connection.settimeout(1)
                    connection.recv(4096)
                    connection.sendall(answer)

    with socket.create_server(("127.0.0.1", port)) as listener:
        listener.settimeout(0.1)
        thread = threading.Thread(target=serve, args=(listener,))
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()


def test_the_agents_port_is_taken(lab):
    farm = start_with_one_down(lab)
    with Stream(farm) as stream:
        begin = stream.fault("agent: port taken by a stranger")
        farm.agent.kill()
        answer = b"HTTP/1.0 400 Bad Request\r\nContent-Type: text/html\r\n\r\n<p>What?</p>\n"
        with stranger_on(farm.agent_port, answer):
            wait_until_haproxy_misses_the_agent(farm)
            change_what_instances_report(farm)
            agent = farm.start_agent()
            agent.expected = (2,)
            assert agent.wait() == 2
            assert f'AGENT_PORT="{farm.agent_port}"' in agent.err()
            assert "Address already in use" in agent.err()
            stream.wait_for_new()
            assert farm.servers()[3]["status"].startswith("DOWN")
            end = time.monotonic()
        farm.start_agent()
        farm.wait_for_agent()
        finish_recovered(farm, stream)
    assert_routed_by_last_counts(farm, stream, begin, end)
