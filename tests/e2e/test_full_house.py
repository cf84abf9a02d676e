"""What still has to work when connections or files have run out."""

import socket

from client import Job
from load import start_agent
from processes import genconf_command, run
from waiting import wait_for

FEW_FILES = 64


def test_jobs_that_are_picked_anew_find_room_when_all_connections_are_taken(lab):
    farm = lab.farm(4, MAX_CONNECTIONS=10, HEALTH_CHECK_INTERVAL="1h")
    for number in (1, 2, 3):
        farm.instances[number].set(listening=False)
    farm.write_config()
    farm.start_agent()
    farm.start_haproxy()
    farm.wait_for_agent()
    farm.wait_for_haproxy()
    # More clients than connections: each takes one more for every instance that refuses.
    jobs = [Job(farm.port, job_time=50).send() for _ in range(30)]
    assert [job.response().status for job in jobs] == [200] * 30
    assert farm.counts()[4] == 30


def test_when_nobody_can_be_connected_all_clients_hear_so_at_once(lab):
    farm = lab.farm(2, MAX_CONNECTIONS=10, HEALTH_CHECK_INTERVAL="1h")
    for instance in farm.instances.values():
        instance.set(listening=False)
    farm.write_config()
    farm.start_agent()
    farm.start_haproxy()
    farm.wait_for_agent()
    farm.wait_for_haproxy()
    jobs = [farm.open_job().send() for _ in range(30)]
    assert [job.response().status for job in jobs] == [503] * 30


def test_idle_visitors_of_the_status_do_not_take_the_files_of_health_checks(lab):
    farm = lab.farm(1, HEALTH_CHECK_INTERVAL="1s")
    start_agent(farm, limits=f"ulimit -n {FEW_FILES}")
    farm.wait_for_agent()
    wait_for(lambda: farm.health_of(1)["last_check"], "the first health check")
    idle = []
    for port in (farm.status_port, farm.agent_port) * 60:
        stranger = socket.create_connection(("127.0.0.1", port), 30)
        idle.append(stranger)
    before = farm.instances[1].state()["health_requests"]
    wait_for(lambda: farm.instances[1].state()["health_requests"] > before + 2, "more checks")
    assert farm.health_of(1)["consecutive_failures"] == 0
    assert farm.agent_check("instance1 external\n") == b"up 100%\n"
    assert "accept" not in farm.agent.err()
    for stranger in idle:
        stranger.close()


def test_a_socket_that_may_not_be_asked_is_said_once(lab):
    folder = lab.short_directory / "not-a-folder"
    folder.write_text("")
    farm = lab.farm(1, HAPROXY_SOCKET=folder / "haproxy.sock", HEALTH_CHECK_INTERVAL="200ms")
    farm.start_agent()
    farm.wait_for_agent()
    farm.wait_for_polls(10)
    lines = [line for line in farm.agent.err().splitlines() if "can't be asked" in line]
    assert len(lines) == 1, lines


def test_a_dash_is_standard_output_and_only_files_are_replaced(tmp_path):
    variables = {"INSTANCE_1_URL": "http://127.0.0.1:1"}
    result = run(genconf_command() + ["-o", "-"], variables)
    assert result.returncode == 0
    assert result.stdout.startswith(b"# haproxy.cfg for 1 instance")
    for path in (tmp_path, "/dev/null"):
        result = run(genconf_command() + ["-o", path], variables)
        assert result.returncode == 1
        assert b"isn't a regular file" in result.stderr
