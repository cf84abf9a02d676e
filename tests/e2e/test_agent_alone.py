"""The agent with somebody's own haproxy.cfg, or with no HAProxy at all."""

import socket

import pytest

from waiting import wait_for


@pytest.mark.quick("several checks of an idle farm")
def test_without_haproxy_in_flight_counts_as_zero(lab):
    farm = lab.farm(2)
    farm.instances[1].set(external_jobs=3)
    farm.start_agent()
    farm.wait_for_agent()
    farm.wait_for_health(1, active_jobs=3, in_flight=0, external_jobs=3)
    farm.wait_for_health(2, active_jobs=0, in_flight=0, external_jobs=0)
    assert farm.agent_check("instance1\n") == b"up 25%\n"
    assert farm.agent_check("instance1 external\n") == b"up 97%\n"
    # Absence is nothing to warn of, again and again.
    farm.wait_for_polls(3)
    assert " WARNING " not in farm.agent.err() and " ERROR " not in farm.agent.err()


OWN_CONFIGURATION = """
global
    stats socket {socket}.admin level admin
defaults
    mode http
    timeout connect 5s
    timeout client 1m
    timeout server 1m
frontend in
    bind 127.0.0.1:{port}
    default_backend farm
backend farm
    balance roundrobin
    default-server check agent-check agent-port {agent_port} agent-inter 100ms weight 100
    server instance1 127.0.0.1:{one} agent-send "instance1\\n"
    server instance2 127.0.0.1:{two} agent-send "instance2\\n"
"""


@pytest.mark.quick("changes of an idle farm")
def test_an_own_haproxy_configuration_gets_inverse_weights(lab):
    farm = lab.farm(2)
    farm.instances[1].set(external_jobs=4)
    farm.config_path.write_text(
        OWN_CONFIGURATION.format(
            socket=farm.socket,
            port=farm.port,
            agent_port=farm.agent_port,
            one=farm.instances[1].port,
            two=farm.instances[2].port,
        )
    )
    farm.start_agent()
    farm.start_haproxy()
    farm.wait_for_agent()
    farm.wait_for_haproxy()
    farm.wait_for_weights({1: 20, 2: 100})
    # Over before a poll can see them: a job that is counted changes the weights.
    answers = farm.run_jobs(12, job_time=0)
    assert (answers.count(1), answers.count(2)) == (2, 10)
    farm.instances[2].set(health="500")
    farm.wait_for_server(2, "DOWN")
    assert farm.run_jobs(3) == [1] * 3
    farm.instances[2].set(health="ok")
    farm.wait_for_server(2, "UP")
    farm.wait_for_weights({1: 20, 2: 100})


def test_haproxy_may_come_and_go(lab):
    farm = lab.farm(1)
    farm.instances[1].set(external_jobs=2)
    farm.write_config()
    farm.start_agent()
    farm.wait_for_agent()
    farm.wait_for_health(1, active_jobs=2, in_flight=0, external_jobs=2)
    first = farm.start_haproxy()
    farm.wait_for_haproxy()
    job = farm.open_job().send()
    farm.wait_until_running(job)
    farm.wait_for_health(1, active_jobs=3, in_flight=1, external_jobs=2)
    assert first.stop() == []
    farm.wait_for_health(1, active_jobs=2, in_flight=0, external_jobs=2)
    farm.start_haproxy()
    farm.wait_for_haproxy()
    job = farm.open_job().send()
    farm.wait_until_running(job)
    farm.wait_for_health(1, active_jobs=3, in_flight=1, external_jobs=2)
    farm.wait_for_external({1: 2})


def test_the_agents_socket_can_change_nothing(lab):
    farm = lab.start_farm(1)
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(10)
        connection.connect(str(farm.socket))
        connection.sendall(b"set server farm/instance1 state maint\n")
        answer = connection.recv(65536).decode()
    assert "ermission denied" in answer
    assert farm.servers()[1]["status"] == "UP"


@pytest.mark.quick("several checks of an idle farm")
def test_a_socket_that_never_answers_stops_nothing(lab):
    farm = lab.farm(2)
    with socket.socket(socket.AF_UNIX) as mute:
        mute.bind(str(farm.socket))
        mute.listen(100)
        farm.instances[1].set(external_jobs=3)
        farm.start_agent()
        farm.wait_for_agent()
        farm.wait_for_health(1, active_jobs=3)
        farm.wait_for_polls(3)
        assert farm.agent_check("instance1\n") == b"up 25%\n"
        wait_for(lambda: " WARNING " in farm.agent.err(), "a warning")
