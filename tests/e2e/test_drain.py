"""The operator's commands at HAProxy's runtime socket."""

import pytest

from waiting import wait_for


def test_a_drained_instance_gets_nothing_more_until_it_is_ready(lab):
    farm = lab.start_farm(2, {1: 0, 2: 50})
    job = farm.open_job().send()
    assert farm.wait_until_running(job) == 1
    farm.set_state(1, "drain")
    farm.wait_for_weights({1: 0})
    assert farm.run_jobs(5) == [2] * 5
    # What it has, it keeps.
    farm.instances[1].release()
    assert job.response().status == 200
    farm.set_state(1, "ready")
    farm.wait_for_external({1: 0, 2: 50})
    assert farm.run_jobs(3) == [1] * 3


def test_the_agent_says_zero_for_a_drained_instance_and_shows_it(lab):
    farm = lab.start_farm(2, {1: 3})
    farm.set_state(1, "drain")
    farm.wait_for_weights({1: 0})
    wait_for(
        lambda: farm.agent_check("instance1 external\n") == b"up\n",
        "the agent to know that HAProxy has the weight",
    )
    assert farm.agent_check("instance1\n") == b"up\n"
    assert farm.agent_check("instance2 external\n") == b"up 100%\n"
    assert farm.health_of(1)["weight"] == 0
    farm.set_state(1, "ready")
    farm.wait_for_external({1: 3})
    assert farm.agent_check("instance1 external\n") == b"up 97%\n"


@pytest.mark.quick("several checks of an idle farm")
def test_a_drained_instance_stays_drained_over_many_checks(lab):
    farm = lab.start_farm(2, {1: 0, 2: 9})
    farm.set_state(1, "drain")
    farm.wait_for_weights({1: 0})
    for _ in range(4):
        farm.wait_for_polls(1)
        assert farm.weights()[1] == 0
        assert farm.servers()[1]["status"].startswith("DRAIN")
        assert farm.run_jobs(1) == [2]
    # HAProxy up to 2.8 says so each time that it is told a drained server's weight.
    assert farm.haproxy.err().count("remains in forced drain mode") <= 2


def test_all_drained_is_503(lab):
    farm = lab.start_farm(2)
    for number in farm.instances:
        farm.set_state(number, "drain")
    farm.wait_for_weights({1: 0, 2: 0})
    response = farm.run_job()
    assert response.status == 503
    assert response.json() == {"detail": "No healthy backend instances available"}
    assert int(response.header("Retry-After")) >= 1
    farm.set_state(2, "ready")
    farm.wait_for_external({2: 0})
    assert farm.run_jobs(1) == [2]


def test_maintenance_is_respected_at_once_and_undone_by_ready(lab):
    farm = lab.start_farm(2, {1: 0, 2: 50})
    farm.set_state(1, "maint")
    assert farm.run_jobs(5) == [2] * 5
    farm.set_state(1, "ready")
    farm.wait_for_server(1, "UP")
    farm.wait_for_external({1: 0, 2: 50})
    assert farm.run_jobs(3) == [1] * 3


@pytest.mark.quick("several checks of an idle farm")
def test_the_agent_does_not_undo_maintenance(lab):
    farm = lab.start_farm(2)
    farm.set_state(1, "maint")
    farm.wait_for_polls(3)
    assert farm.servers()[1]["status"].startswith("MAINT")
    assert farm.run_jobs(3) == [2] * 3


@pytest.mark.quick("three failed checks")
def test_an_instance_drained_while_it_is_down_is_drained_when_it_comes_back(lab):
    farm = lab.start_farm(2, {1: 0, 2: 9})
    farm.instances[1].set(health="500")
    farm.wait_until_unhealthy(1)
    farm.set_state(1, "drain")
    farm.instances[1].set(health="ok")
    farm.wait_for_health(1, is_healthy=True)
    farm.wait_for_weights({1: 0})
    farm.wait_for_polls(2)
    assert farm.run_jobs(4) == [2] * 4
    farm.set_state(1, "ready")
    farm.wait_for_external({1: 0, 2: 9})
    farm.wait_for_server(1, "UP")
    assert farm.run_jobs(2) == [1] * 2
