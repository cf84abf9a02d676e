"""The agent away: HAProxy goes on by the last counts, and gets new ones when it is back."""

import signal
import socket

import pytest

from client import Load
from waiting import wait_for


def test_an_agent_killed_under_load_and_restarted_costs_no_client_an_error(lab):
    farm = lab.start_farm(3, {1: 2, 2: 30, 3: 4})
    with Load(farm.port) as load:
        load.wait_for_more(30)
        farm.agent.kill()
        load.wait_for_more(60)
        # What changes meanwhile is known after the restart.
        farm.instances[1].set(external_jobs=40)
        farm.instances[2].set(external_jobs=1)
        farm.start_agent()
        load.wait_for_more(60)
    assert load.problems == []
    farm.wait_for_external({1: 40, 2: 1, 3: 4})
    assert farm.run_jobs(3) == [2] * 3
    # Every job was sent once, and to somebody.
    assert sum(farm.counts().values()) == load.total() + 3
    assert farm.instances[3].state()["aborted"] == 0


def test_the_last_counts_stay_while_the_agent_is_away(lab):
    farm = lab.start_farm(2, {1: 7, 2: 3})
    farm.agent.kill()
    checks = {n: row["agent_status"] for n, row in farm.servers().items()}
    wait_for(
        lambda: all(row["agent_status"] == "L4CON" for row in farm.servers().values()),
        f"HAProxy to notice that the agent is away (was {checks})",
    )
    assert farm.weights() == {1: 93, 2: 97}
    assert farm.external() == {1: 7, 2: 3}
    for server in farm.servers().values():
        assert server["status"] == "UP"
    # What is in flight still counts: 7 against 3.
    assert [farm.open_job_and_see() for _ in range(4)] == [2] * 4


@pytest.mark.quick("three failed checks")
def test_an_instance_taken_out_by_the_agent_comes_back_after_its_restart(lab):
    farm = lab.start_farm(2, {2: 50})
    farm.instances[1].set(health="500")
    farm.wait_until_unhealthy(1)
    farm.agent.kill()
    farm.instances[1].set(health="ok")
    farm.start_agent()
    farm.wait_for_server(1, "UP")
    farm.wait_for_external({1: 0, 2: 50})
    assert farm.run_jobs(2) == [1] * 2


def test_jobs_open_during_the_restart_are_not_taken_for_other_peoples(lab):
    farm = lab.start_farm(2, {1: 1, 2: 0})
    farm.open_jobs(5)
    assert farm.in_flight() == {1: 2, 2: 3}
    farm.agent.kill()
    farm.start_agent()
    farm.wait_for_agent()
    farm.wait_for_health(1, active_jobs=3, in_flight=2, external_jobs=1)
    farm.wait_for_health(2, active_jobs=3, in_flight=3, external_jobs=0)
    farm.wait_for_external({1: 1, 2: 0})


def test_the_agent_ends_cleanly_on_sigterm_and_on_sigint(lab):
    farm = lab.farm(2)
    for instance in farm.instances.values():
        instance.set(health="hang")
    for number in (signal.SIGTERM, signal.SIGINT):
        agent = farm.start_agent()
        farm.wait_for_agent()
        # In the middle of things: checks under way, a client that says nothing.
        with socket.create_connection(("127.0.0.1", farm.agent_port)):
            agent.send_signal(number)
            assert agent.wait() == 0
