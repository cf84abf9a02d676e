"""An operator's word outlives HAProxy's processes and the agent's, at the shipped settings."""

import re

from client import http_request
from load import reload_and_wait
from waiting import wait_for

ANSWERED = re.compile(r"^leastjobs_agent_checks_answered_total (\d+)$", re.MULTILINE)


# But for the operator's word everything speaks for the first instance.
REPORTED = {1: 0, 2: 20, 3: 20}


def start(lab):
    return lab.start_farm(3, REPORTED)


def drain(farm, number):
    farm.set_state(number, "drain")
    farm.wait_for_weights({number: 0})


def agent_checks(farm):
    """How many the agent has answered, for all instances together."""
    text = http_request(farm.status_port, target="/metrics").body.decode()
    return int(ANSWERED.search(text).group(1))


def wait_for_agent_checks(farm, rounds):
    wanted = agent_checks(farm) + rounds * len(farm.instances)
    wait_for(lambda: agent_checks(farm) >= wanted, f"{rounds} agent-checks of each")


def assert_first_gets_nothing(farm):
    """At once, and while the agent speaks of it again and again."""
    for _ in range(3):
        assert set(farm.run_jobs(4, job_time=0)) <= {2, 3}
        wait_for_agent_checks(farm, 1)
    assert farm.weights()[1] == 0


def assert_ready_undoes_it(farm):
    farm.set_state(1, "ready")
    farm.wait_for_external(REPORTED)
    assert farm.run_jobs(3, job_time=0) == [1] * 3


def restart_haproxy(farm):
    assert farm.haproxy.stop() == []
    farm.start_haproxy()
    farm.wait_for_haproxy()


def test_a_drain_is_in_force_with_the_next_agent_checks(lab):
    farm = start(lab)
    begin = agent_checks(farm)
    farm.set_state(1, "drain")

    def nobody_comes():
        # One that is answered just now may not know of it yet.
        assert agent_checks(farm) < begin + 3 * len(farm.instances)
        return farm.run_jobs(1, job_time=0) != [1] and farm.weights()[1] == 0

    wait_for(nobody_comes, "the drain", 10)


def test_a_drain_outlives_a_reload(lab):
    farm = start(lab)
    drain(farm, 1)
    reload_and_wait(farm)
    assert_first_gets_nothing(farm)
    assert_ready_undoes_it(farm)


def test_a_drain_outlives_a_second_reload_and_so_does_its_end(lab):
    farm = start(lab)
    drain(farm, 1)
    reload_and_wait(farm)
    reload_and_wait(farm)
    assert_first_gets_nothing(farm)
    assert_ready_undoes_it(farm)
    reload_and_wait(farm)
    farm.wait_for_external(REPORTED)
    assert farm.run_jobs(3, job_time=0) == [1] * 3


def test_a_drain_outlives_a_restart_of_haproxy(lab):
    farm = start(lab)
    drain(farm, 1)
    restart_haproxy(farm)
    assert_first_gets_nothing(farm)
    assert_ready_undoes_it(farm)


def test_a_drain_outlives_a_restart_of_the_agent(lab):
    farm = start(lab)
    drain(farm, 1)
    assert farm.agent.stop() == []
    assert set(farm.run_jobs(4, job_time=0)) <= {2, 3}
    farm.start_agent()
    farm.wait_for_agent()
    assert_first_gets_nothing(farm)
    assert_ready_undoes_it(farm)


def test_a_drain_outlives_a_restart_of_both(lab):
    farm = start(lab)
    drain(farm, 1)
    farm.agent.kill()
    assert farm.haproxy.stop() == []
    farm.start_haproxy()
    farm.start_agent()
    farm.wait_for_agent()
    farm.wait_for_haproxy()
    assert_first_gets_nothing(farm)


def test_a_drain_outlives_a_restart_of_both_with_the_agent_first(lab):
    """As systemd and docker compose start them."""
    farm = start(lab)
    drain(farm, 1)
    assert farm.haproxy.stop() == []
    assert farm.agent.stop() == []
    farm.start_agent()
    farm.wait_for_agent()
    # What a HAProxy's first agent-checks are told, before it has been met.
    assert farm.agent_check("instance1 external\n") == b"up 0%\n"
    farm.start_haproxy()
    farm.wait_for_haproxy()
    for _ in range(10):
        assert set(farm.run_jobs(2, job_time=0)) <= {2, 3}
    assert_first_gets_nothing(farm)
    assert_ready_undoes_it(farm)


def test_a_drain_outlives_a_reload_that_the_agent_does_not_live_to_see(lab):
    farm = start(lab)
    drain(farm, 1)
    # It has had its time to write it down.
    wait_for_agent_checks(farm, 1)
    farm.agent.kill()
    reload_and_wait(farm)
    for _ in range(10):
        assert set(farm.run_jobs(1, job_time=0)) <= {2, 3}


def test_maintenance_outlives_a_reload(lab):
    farm = start(lab)
    farm.set_state(1, "maint")
    wait_for_agent_checks(farm, 2)
    reload_and_wait(farm)
    assert set(farm.run_jobs(5, job_time=0)) <= {2, 3}
    assert farm.servers()[1]["status"].startswith("MAINT")
    farm.set_state(1, "ready")
    farm.wait_for_server(1, "UP")
    farm.wait_for_external(REPORTED)
    assert farm.run_jobs(3, job_time=0) == [1] * 3


def test_with_the_agent_dead_maintenance_works(lab):
    farm = start(lab)
    farm.agent.kill()
    farm.set_state(1, "maint")
    assert set(farm.run_jobs(5, job_time=0)) <= {2, 3}
    farm.set_state(1, "ready")
    farm.wait_for_server(1, "UP")
    assert farm.run_jobs(3, job_time=0) == [1] * 3


def test_the_jobs_of_a_drained_instance_go_on_over_a_reload(lab):
    farm = start(lab)
    job = farm.open_job().send()
    assert farm.wait_until_running(job) == 1
    drain(farm, 1)
    reload_and_wait(farm)
    assert set(farm.run_jobs(4, job_time=0)) <= {2, 3}
    farm.instances[1].release()
    assert job.response().status == 200
