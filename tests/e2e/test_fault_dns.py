"""Names that don't resolve yet, that move, that two instances share: a DNS of the test's own."""

import signal
import socket
import struct
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from load import MS_BIND, Stream, mount, own_namespaces, picks, wait_for_about
from waiting import wait_for

TYPE_A = 1
NXDOMAIN = 3


class Dns:
    """Answers A questions from a table of addresses, or lists of them, if it isn't silent.

    The rest has no address, unknown names don't exist.
    """

    def __init__(self):
        self.is_silent = False
        self.addresses = {}
        self.asked = []
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 53))
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def close(self):
        # A question of no length ends it.
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
            last.sendto(b"", ("127.0.0.1", 53))
        self._thread.join()
        self._socket.close()

    def _run(self):
        while True:
            question, client = self._socket.recvfrom(4096)
            if not question:
                return
            answer = self._answer(question)
            if not self.is_silent:
                self._socket.sendto(answer, client)

    def _answer(self, question):
        end, labels = 12, []
        while length := question[end]:
            labels.append(question[end + 1 : end + 1 + length].decode().lower())
            end += 1 + length
        end += 5
        (kind,) = struct.unpack("!H", question[end - 4 : end - 2])
        name = ".".join(labels)
        self.asked.append(name)
        known = self.addresses.get(name, [])
        known = [known] if isinstance(known, str) else known
        found = known if kind == TYPE_A else []
        flags = 0x8180 | (0 if known else NXDOMAIN)
        head = question[:2] + struct.pack("!HHHHH", flags, 1, len(found), 0, 0)
        records = [
            struct.pack("!HHHIH", 0xC00C, TYPE_A, 1, 1, 4) + socket.inet_aton(a) for a in found
        ]
        return head + question[12:end] + b"".join(records)


@contextmanager
def own_dns(directory, options="timeout:1 attempts:1"):
    """A network whose only name server is ours; `options` as in resolv.conf(5)."""
    with own_namespaces():
        resolv_conf = directory / "resolv.conf"
        resolv_conf.write_text(f"nameserver 127.0.0.1\noptions {options}\n")
        mount(resolv_conf, "/etc/resolv.conf", flags=MS_BIND)
        dns = Dns()
        try:
            yield dns
        finally:
            dns.close()


def sim_at(lab, address, port):
    arguments = ["--slots", 1000, "--listen", f"{address}:{port}"]
    return lab.sim(1, arguments).instances[0]


@pytest.mark.quick("three failed checks")
def test_haproxy_and_the_agent_follow_names(lab):
    with own_dns(lab.directory) as dns:
        here, there, late_at = "127.0.0.3", "127.0.0.4", "127.0.0.2"
        port_one, port_two, port_late = (lab.ports.take() for _ in range(3))
        # Two instances on one name, on its first address and on its next one.
        old = {1: sim_at(lab, here, port_one), 2: sim_at(lab, here, port_two)}
        new = {1: sim_at(lab, there, port_one), 2: sim_at(lab, there, port_two)}
        late = sim_at(lab, late_at, port_late)
        fixed = lab.sim(1).instances[0]
        for number, instance in old.items():
            instance.set(external_jobs=number)
        urls = {
            1: f"http://two.test:{port_one}",
            2: f"http://two.test:{port_two}",
            3: f"http://late.test:{port_late}",
        }
        farm = lab.farm({1: old[1], 2: old[2], 3: late, 4: fixed})
        for number, url in urls.items():
            farm.instances[number].url = url
            farm.variables[f"INSTANCE_{number}_URL"] = url
        dns.addresses["two.test"] = here
        farm.write_config()
        farm.start_agent()
        farm.start_haproxy()
        farm.wait_for_agent()
        farm.wait_for_haproxy()
        # The name that isn't there keeps nobody from starting.
        farm.wait_for_health(3, is_healthy=False)
        assert "late.test" in farm.health_of(3)["error_message"]
        farm.wait_for_external({1: 1, 2: 2, 4: 0})
        with Stream(farm) as stream:
            begin = stream.fault("DNS: unresolvable at start, later there, address changes")
            dns.addresses["late.test"] = late_at
            farm.wait_until_healthy(3)
            wait_for(lambda: farm.in_flight()[3] >= 10, "the late instance to get its share")
            came = time.monotonic()
            stream.wait_for_more(20)
            dns.addresses["two.test"] = there
            for instance in new.values():
                wait_for(lambda i=instance: i.state()["running"] >= 5, f"jobs at {instance}")
            moved = time.monotonic()
            stream.wait_for_new()
            # The old machine goes, once its jobs are done. The agent has kept its connections.
            wait_for(lambda: [i.state()["running"] for i in old.values()] == [0, 0], "the old jobs")
            for number, instance in old.items():
                instance.set(listening=False)
                new[number].set(external_jobs=10 * number)
            wait_for_about(farm, {1: 10, 2: 20, 3: 0, 4: 0})
            stream.wait_for_new()
            for number in farm.instances:
                assert farm.health_of(number)["is_healthy"]
            farm.instances |= {11: new[1], 12: new[2]}
            stream.account()
            lines = picks(farm)
        for number, instance in new.items():
            hosts = {record.host for record in instance.requests()}
            assert hosts == {urls[number].removeprefix("http://")}
    numbers = {t.instance for t in stream.sent_between(begin, came)}
    assert numbers == {1, 2, 3, 4}
    assert {t.instance for t in stream.sent_between(moved)} == {11, 12, 3, 4}
    assert all(lines[t.mark]["tried"] == "-" for t in stream.tasks)
    assert set(dns.asked) == {"two.test", "late.test"}


def test_an_outage_of_dns_keeps_the_addresses(lab):
    with own_dns(lab.directory) as dns:
        instances = lab.sim(2).instances
        farm = lab.farm(instances)
        for number, instance in farm.instances.items():
            instance.url = f"http://gpu.test:{instance.port}"
            farm.variables[f"INSTANCE_{number}_URL"] = instance.url
        dns.addresses["gpu.test"] = "127.0.0.1"
        farm.start()
        with Stream(farm) as stream:
            stream.fault("DNS: the name is gone")
            del dns.addresses["gpu.test"]
            asked = len(dns.asked)
            # HAProxy holds an answer for five seconds, so does the agent.
            wait_for(lambda: len(dns.asked) >= asked + 4, "HAProxy to hear that the name is gone")
            stream.wait_for_new()
            for number in farm.instances:
                assert farm.servers()[number]["status"].startswith("UP")
            stream.account()


def test_a_dns_that_never_answers_costs_few_threads_and_no_time_at_the_end(lab):
    def count_threads():
        return len(list(Path("/proc", str(farm.agent.pid), "task").iterdir()))

    def failures():
        return [farm.health_of(number)["consecutive_failures"] for number in names]

    def wait_for_further_failures():
        begin = failures()
        wait_for(
            lambda: all(now >= before + 10 for now, before in zip(failures(), begin)),
            "ten checks of each name",
        )

    # A look-up hangs for longer than any test waits.
    with own_dns(lab.directory, "timeout:30 attempts:5") as dns:
        dns.is_silent = True
        names = {number: f"http://name{number}.test" for number in range(1, 6)}
        farm = lab.farm(names | {6: lab.sim(1).instances[0]})
        # The regime in which 269 threads were seen. Without HAProxy, whose start would hang.
        farm.variables |= {"HEALTH_CHECK_INTERVAL": "100ms", "CHECK_TIMEOUT": "100ms"}
        farm.start_agent()
        farm.wait_for_agent()
        wait_for_further_failures()
        assert count_threads() <= 5
        assert "name1.test still under way after 0.1 s" in farm.health_of(1)["error_message"]
        for reloads in range(1, 6):
            farm.agent.send_signal(signal.SIGHUP)
            farm.agent.wait_for_err("configuration reloaded", count=reloads)
            wait_for_further_failures()
            assert count_threads() <= 5
        assert farm.health_of(6)["is_healthy"]
        assert farm.agent.stop() == []


@pytest.mark.quick("names that move are seen with the next check")
def test_addresses_that_get_no_jobs_are_warned_of(lab):
    with own_dns(lab.directory) as dns:
        port = lab.ports.take()
        used = sim_at(lab, "127.0.0.3", port)
        farm = lab.farm({1: used})
        used.url = farm.variables["INSTANCE_1_URL"] = f"http://gpu.test:{port}"
        dns.addresses["gpu.test"] = ["127.0.0.3", "127.0.0.3", "127.0.0.4"]
        farm.start_agent()
        farm.wait_for_agent()
        farm.wait_for_health(1, is_healthy=True)
        warning = "WARNING instance=instance1 name gpu.test has %d addresses: 127.0.0.3 is used, %s"
        farm.agent.wait_for_err(warning % (2, "1 is not"))
        dns.addresses["gpu.test"] = ["127.0.0.5", "127.0.0.4", "127.0.0.3"]
        farm.agent.wait_for_err(warning % (3, "2 are not"))
        farm.wait_for_polls(3)
        assert farm.agent.err().count("WARNING") == 2


@pytest.mark.quick("names that move are seen with the next check")
def test_the_agent_asks_the_address_that_haproxy_uses(lab):
    with own_dns(lab.directory) as dns:
        port = lab.ports.take()
        first, used = (sim_at(lab, address, port) for address in ("127.0.0.3", "127.0.0.4"))
        farm = lab.farm({1: used})
        used.url = farm.variables["INSTANCE_1_URL"] = f"http://gpu.test:{port}"
        dns.addresses["gpu.test"] = "127.0.0.4"
        farm.write_config()
        farm.start_haproxy()
        farm.wait_for_haproxy()
        # HAProxy stays where it is; the agent by itself would take the first one.
        dns.addresses["gpu.test"] = ["127.0.0.3", "127.0.0.4"]
        farm.start_agent()
        farm.wait_for_agent()
        farm.agent.wait_for_err("gpu.test has 2 addresses: 127.0.0.4 is used, 1 is not")
        farm.wait_for_polls(1)
        before = first.state()["health_requests"]
        farm.wait_for_polls(3)
        assert first.state()["health_requests"] == before
