"""SIGHUP: the agent reads its files again."""

import errno
import re
import signal
import socket
import time

import pytest

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


@pytest.mark.quick("several checks of an idle farm")
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


@pytest.mark.quick("several checks of an idle farm")
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


def test_what_a_reload_cannot_change_is_warned_of_once(lab):
    both = FileFarm(lab, 2)
    both.start([1])
    agent = both.farm.agent
    both.write([1, 2], "THREADS=2", "LOG_LEVEL=DEBUG", "HEALTH_PATH=/health")
    both.reload()
    agent.wait_for_err(MOVED)
    both.reload()
    agent.wait_for_err(MOVED, count=2)
    warnings = [line for line in agent.err().splitlines() if " WARNING " in line]
    warnings = [line for line in warnings if "SIGHUP" in line]
    assert len(warnings) == 3
    for name, where in (
        ("THREADS", "doesn't put in force"),
        ("LOG_LEVEL", "in the agent alone"),
        ("INSTANCE_2_URL", "in the agent alone"),
    ):
        (line,) = [line for line in warnings if f" {name} has changed" in line]
        assert where in line and "leastjobs-genconf" in line and "reload HAProxy" in line


@pytest.mark.quick("several checks of an idle farm")
def test_a_file_that_is_gone_keeps_the_old_configuration(lab):
    both = FileFarm(lab, 2)
    both.start([1, 2])
    both.file.unlink()
    both.reload()
    both.farm.agent.wait_for_err(r"agent\.env")
    both.farm.wait_for_polls(2)
    assert both.farm.health()["total_instances"] == 2


@pytest.mark.parametrize("old, new", [("ERROR", "INFO"), ("INFO", "ERROR")])
def test_a_change_of_the_log_level_hides_nothing_of_the_reload(lab, old, new):
    both = FileFarm(lab, 2, LOG_LEVEL="")
    both.start([1], f"LOG_LEVEL={old}")
    both.write([1, 2], f"LOG_LEVEL={new}", "THREADS=3")
    both.reload()
    agent = both.farm.agent
    agent.wait_for_err("WARNING LOG_LEVEL has changed")
    agent.wait_for_err("WARNING THREADS has changed")
    agent.wait_for_err("configuration reloaded: 2 instances")
    # From then on it is the new one.
    both.write([1], f"LOG_LEVEL={new}", "THREADS=3")
    both.reload()
    both.wait_for_count(1)
    if new == "INFO":
        agent.wait_for_err("configuration reloaded: 1 instances")
    else:
        assert "configuration reloaded: 1 instances" not in agent.err()


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


class MovingFarm(FileFarm):
    """One whose two ports and their address stand in the file."""

    def __init__(self, lab):
        super().__init__(lab, 1)
        self.ports = self.farm.agent_port, self.farm.status_port
        del self.farm.variables["AGENT_PORT"], self.farm.variables["STATUS_PORT"]
        self.start([1], *self.lines("127.0.0.1", *self.ports))
        self.assert_answers("127.0.0.1", *self.ports)

    @staticmethod
    def lines(address, agent_port, status_port):
        return (
            f"AGENT_BIND_ADDRESS={address}",
            f"AGENT_PORT={agent_port}",
            f"STATUS_PORT={status_port}",
        )

    def move(self, address, agent_port, status_port):
        """Returns whether the agent took it."""
        before = self.farm.agent.err().count(MOVED) + self.farm.agent.err().count(REFUSED)
        self.write([1], *self.lines(address, agent_port, status_port))
        self.reload()
        *_, last = self.farm.agent.wait_for_err(f"{MOVED}|{REFUSED}", count=before + 1)
        return MOVED in last

    def assert_answers(self, host, agent_port, status_port):
        """Once and at once: no socket of the old ports may get a part of the clients."""
        for _ in range(20):
            with socket.create_connection((host, agent_port), 30) as connection:
                connection.sendall(b"instance1 external\n")
                assert connection.makefile("rb").read() in (b"up 100%\n", b"unknown\n")
            with socket.create_connection((host, status_port), 30) as connection:
                connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
                assert connection.makefile("rb").readline().split()[1] == b"200"


MOVED, REFUSED = "configuration reloaded", "the old one stays in force"


def refuses(host, port):
    with socket.socket() as client:
        return client.connect_ex((host, port)) == errno.ECONNREFUSED


def test_the_address_changes_to_all_and_back_on_the_same_ports(lab):
    both = MovingFarm(lab)
    assert all(refuses("127.0.0.2", port) for port in both.ports)
    assert both.move("*", *both.ports)
    both.assert_answers("127.0.0.1", *both.ports)
    both.assert_answers("127.0.0.2", *both.ports)
    assert both.move("127.0.0.1", *both.ports)
    both.assert_answers("127.0.0.1", *both.ports)
    assert all(refuses("127.0.0.2", port) for port in both.ports)


def test_the_two_ports_change_places(lab):
    both = MovingFarm(lab)
    agent_port, status_port = both.ports
    assert both.move("127.0.0.1", status_port, agent_port)
    both.assert_answers("127.0.0.1", status_port, agent_port)
    assert both.move("*", agent_port, status_port)
    both.assert_answers("127.0.0.2", agent_port, status_port)
    # One takes the other's old port, which moves on.
    another = lab.ports.take()
    assert both.move("*", status_port, another)
    both.assert_answers("127.0.0.1", status_port, another)
    assert refuses("127.0.0.1", agent_port)


def test_a_port_in_a_strangers_hands_keeps_both_old_ones(lab):
    both = MovingFarm(lab)
    agent_port, status_port = both.ports
    # The stranger has the one that is opened last.
    with socket.create_server(("127.0.0.2", status_port)):
        assert not both.move("*", *both.ports)
        both.assert_answers("127.0.0.1", *both.ports)
        assert refuses("127.0.0.2", agent_port)
    assert both.move("*", *both.ports)


def listen_and_share(address):
    """As HAProxy listens: another of the same user that does the same gets a part of the clients."""
    server = socket.socket()
    for option in (socket.SO_REUSEADDR, socket.SO_REUSEPORT):
        server.setsockopt(socket.SOL_SOCKET, option, 1)
    server.bind(address)
    server.listen()
    return server


def test_a_port_that_a_stranger_would_share_stays_the_strangers(lab):
    both = MovingFarm(lab)
    agent_port, status_port = both.ports
    taken = lab.ports.take()
    with listen_and_share(("127.0.0.1", taken)):
        assert not both.move("127.0.0.1", status_port, taken)
    both.assert_answers("127.0.0.1", *both.ports)
    # What was tried is undone: the same two can still be exchanged.
    assert both.move("127.0.0.1", status_port, agent_port)
    both.assert_answers("127.0.0.1", status_port, agent_port)


def test_reloads_faster_than_the_interval_starve_no_instance(lab):
    both = FileFarm(lab, 24, HEALTH_CHECK_INTERVAL="2s")
    farm = both.farm
    both.start(farm.instances)
    (sim,) = farm.sims()
    wait_for(lambda: all(i["last_check"] for i in farm.health_of_all().values()), "first checks")
    before = [state["health_requests"] for state in sim.states()]
    begin = time.monotonic()
    reloads = 0

    def reload_and_count():
        """How often each instance was checked by now; a reload more has come."""
        nonlocal reloads
        both.reload()
        reloads += 1
        farm.agent.wait_for_err(MOVED, count=reloads)
        states = sim.states()
        return [state["health_requests"] - b for state, b in zip(states, before)]

    def all_have_three():
        counts = reload_and_count()
        assert min(counts) >= 3, f"after {reloads} reloads: {counts}"
        return counts

    counts = wait_for(all_have_three, "three checks of each instance, between reloads")
    # Nor is one checked faster for them: what a reload gave up is asked again after JOBS_INTERVAL.
    assert max(counts) <= (time.monotonic() - begin) / 1.0 + 2, counts
    assert reloads > 24


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
    wait_for(lambda: farm.instances[2].state()["health_requests"], "the second one's first check")
    wait_for(lambda: set(farm.health_of_all()) == {1, 2}, "the second instance")
    file.write_text("intsances = ();\n")
    agent.send_signal(signal.SIGHUP)
    agent.wait_for_err(r'intsances.*"?instances')
    assert set(farm.health_of_all()) == {1, 2}
