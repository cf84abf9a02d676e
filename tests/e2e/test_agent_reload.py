"""SIGHUP: the agent reads its files again."""

import signal
import socket

from client import http_request
from waiting import wait_for


class FileFarm:
    """An agent whose instances stand in a file that the test rewrites."""

    def __init__(self, lab, count, **variables):
        self.farm = lab.farm(count, **variables)
        self.file = lab.directory / "agent.env"
        for number in self.farm.instances:
            del self.farm.variables[f"INSTANCE_{number}_URL"]

    def write(self, numbers, *lines):
        urls = [f"INSTANCE_{n}_URL={self.farm.instances[n].url}" for n in numbers]
        self.file.write_text("\n".join(urls + list(lines)) + "\n")

    def start(self, numbers, *lines):
        self.write(numbers, *lines)
        self.farm.start_agent(["--env-file", self.file])
        self.farm.wait_for_agent()

    def reload(self):
        self.farm.agent.send_signal(signal.SIGHUP)

    def wait_for_count(self, count):
        wait_for(lambda: self.farm.health()["total_instances"] == count, f"{count} instances")


def test_an_added_instance_is_polled_and_a_removed_one_no_more(lab):
    both = FileFarm(lab, 3)
    farm = both.farm
    farm.instances[2].set(external_jobs=6)
    both.start([1, 3])
    farm.instances[1].wait_for_polls(1)
    assert farm.instances[2].state()["health_requests"] == 0
    assert farm.agent_check("instance2 external\n") == b""
    both.write([1, 2])
    both.reload()
    farm.instances[2].wait_for_polls(1)
    farm.wait_for_health(2, active_jobs=6)
    assert set(farm.health_of_all()) == {1, 2}
    assert farm.agent_check("instance2 external\n") == b"up 94%\n"
    assert farm.agent_check("instance3 external\n") == b""
    polls = farm.instances[3].state()["health_requests"]
    farm.instances[1].wait_for_polls(3)
    assert farm.instances[3].state()["health_requests"] == polls


def test_a_bad_file_keeps_the_old_configuration_and_the_log_says_why(lab):
    both = FileFarm(lab, 2)
    farm = both.farm
    both.start([1, 2])
    both.write([1], "INSTANCE_7_URL=ftp://files.example", "LOG_LEVEL=LOUD")
    both.reload()
    farm.agent.wait_for_err(r"INSTANCE_7_URL.*ftp://files\.example")
    farm.agent.wait_for_err(r"LOG_LEVEL.*LOUD")
    assert set(farm.health_of_all()) == {1, 2}
    farm.wait_for_polls(2)
    # And a good one is taken after that.
    both.write([1])
    both.reload()
    both.wait_for_count(1)


def test_a_file_that_is_gone_keeps_the_old_configuration(lab):
    both = FileFarm(lab, 2)
    both.start([1, 2])
    both.file.unlink()
    both.reload()
    both.farm.agent.wait_for_err(r"agent\.env")
    both.farm.wait_for_polls(2)
    assert both.farm.health()["total_instances"] == 2


def test_a_file_without_instances_keeps_the_old_configuration(lab):
    both = FileFarm(lab, 2)
    both.start([1, 2])
    both.write([])
    both.reload()
    both.farm.agent.wait_for_err("At least one instance endpoint must be configured")
    assert both.farm.health()["total_instances"] == 2


def test_instances_that_stay_keep_their_health_history(lab):
    both = FileFarm(lab, 3)
    farm = both.farm
    del farm.variables["HEALTH_CHECK_INTERVAL"]
    farm.instances[1].set(health="500")
    farm.instances[2].set(external_jobs=5)
    both.start([1, 2], "HEALTH_CHECK_INTERVAL=300ms")
    wait_for(lambda: farm.health_of(1)["consecutive_failures"] >= 4, "four failures")
    farm.wait_for_health(2, active_jobs=5)
    # From here on nothing new can be learned of the second one.
    farm.instances[2].set(health="hang")
    before = farm.health_of(1)
    both.write([1, 2, 3], "HEALTH_CHECK_INTERVAL=1h")
    both.reload()
    both.wait_for_count(3)
    after = farm.health_of_all()
    assert after[1]["consecutive_failures"] >= before["consecutive_failures"] >= 4
    assert after[1]["is_healthy"] is False
    assert "500" in after[1]["error_message"]
    assert after[2]["active_jobs"] == 5
    assert after[2]["last_check"] is not None
    assert farm.agent_check("instance1 external\n").startswith(b"down #")
    assert farm.agent_check("instance2 external\n") == b"up 95%\n"


def test_an_instance_whose_url_changed_starts_anew(lab):
    both = FileFarm(lab, 3)
    farm = both.farm
    del farm.variables["HEALTH_CHECK_INTERVAL"]
    farm.instances[1].set(health="500")
    farm.instances[3].set(health="hang")
    both.start([1, 2], "HEALTH_CHECK_INTERVAL=300ms")
    farm.wait_for_health(1, is_healthy=False)
    # A check that hangs fails after 5 seconds now: until then nothing is known.
    moved = f"INSTANCE_1_URL={farm.instances[3].url}"
    both.write([2], moved, "HEALTH_CHECK_INTERVAL=1h")
    both.reload()
    wait_for(lambda: 3 in farm.health_of_all(), "the new URL")
    farm.wait_for_health(3, is_healthy=True, consecutive_failures=0, last_check=None)
    assert farm.agent_check("instance1 external\n") == b"unknown\n"


def test_the_interval_changes_by_a_reload(lab):
    both = FileFarm(lab, 1)
    del both.farm.variables["HEALTH_CHECK_INTERVAL"]
    both.start([1], "HEALTH_CHECK_INTERVAL=1h")
    both.farm.instances[1].set(external_jobs=3)
    both.write([1], "HEALTH_CHECK_INTERVAL=100ms")
    both.reload()
    both.farm.wait_for_health(1, active_jobs=3)
    both.farm.wait_for_polls(3)


def test_the_ports_move_by_a_reload(lab):
    both = FileFarm(lab, 1)
    farm = both.farm
    del farm.variables["AGENT_PORT"], farm.variables["STATUS_PORT"]
    old_agent, old_status = farm.agent_port, farm.status_port
    both.start([1], f"AGENT_PORT={old_agent}", f"STATUS_PORT={old_status}")
    farm.agent_port, farm.status_port = lab.ports.take(), lab.ports.take()
    both.write([1], f"AGENT_PORT={farm.agent_port}", f"STATUS_PORT={farm.status_port}")
    both.reload()
    farm.wait_for_agent()
    wait_for(lambda: farm.agent_check("instance1 external\n") == b"up 100%\n", "the new port")
    for port in (old_agent, old_status):
        try:
            http_request(port)
        except ConnectionRefusedError:
            continue
        raise AssertionError(f"something still listens on port {port}")


def test_a_port_that_is_taken_keeps_the_old_configuration(lab):
    both = FileFarm(lab, 2)
    farm = both.farm
    del farm.variables["AGENT_PORT"]
    both.start([1, 2], f"AGENT_PORT={farm.agent_port}")
    taken = lab.ports.take()
    with socket.create_server(("127.0.0.1", taken)):
        both.write([1], f"AGENT_PORT={taken}")
        both.reload()
        farm.agent.wait_for_err(rf"AGENT_PORT.*{taken}")
    assert farm.health()["total_instances"] == 2
    wait_for(lambda: farm.agent_check("instance2 external\n") == b"up 100%\n", "the old port")


def test_a_reload_under_haproxy_is_unnoticed(lab):
    both = FileFarm(lab, 2)
    farm = both.farm
    both.write([1, 2])
    for number, instance in farm.instances.items():
        farm.variables[f"INSTANCE_{number}_URL"] = instance.url
        instance.set(external_jobs=number)
    farm.write_config()
    for number in farm.instances:
        del farm.variables[f"INSTANCE_{number}_URL"]
    farm.start_agent(["--env-file", both.file])
    farm.start_haproxy()
    farm.wait_for_agent()
    farm.wait_for_haproxy()
    farm.wait_for_external({1: 1, 2: 2})
    for round in range(5):
        both.write([1, 2], f"# {round}", f"LOG_LEVEL={'INFO' if round % 2 else 'DEBUG'}")
        both.reload()
        assert farm.run_job().status == 200
        farm.wait_for_polls(1)
    farm.wait_for_external({1: 1, 2: 2})
    for server in farm.servers().values():
        assert server["status"] == "UP"
        assert server["chkdown"] == "0"


def test_the_libconfig_file_is_read_again_too(lab):
    farm = lab.farm(2)
    file = lab.directory / "agent.conf"
    for number in farm.instances:
        del farm.variables[f"INSTANCE_{number}_URL"]

    def write(numbers):
        items = [f'{{ number = {n}; url = "{farm.instances[n].url}"; }}' for n in numbers]
        file.write_text(f"instances = ( {', '.join(items)} );\n")

    write([1])
    agent = farm.start_agent(["-c", file])
    farm.wait_for_agent()
    assert set(farm.health_of_all()) == {1}
    write([1, 2])
    agent.send_signal(signal.SIGHUP)
    farm.instances[2].wait_for_polls(1)
    wait_for(lambda: set(farm.health_of_all()) == {1, 2}, "the second instance")
    file.write_text("intsances = ();\n")
    agent.send_signal(signal.SIGHUP)
    agent.wait_for_err(r'intsances.*"?instances')
    assert set(farm.health_of_all()) == {1, 2}
