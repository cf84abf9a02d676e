"""Another configuration by reloads: an instance added, one removed, one moved, jobs going on."""

import signal
import time

from load import Stream, picks, reload_and_wait, separate_sims, wait_for_about, wait_for_share
from processes import genconf_command, run
from waiting import wait_for


class Changing:
    """A farm whose instances stand in a file."""

    def __init__(self, lab, instances):
        self.farm = lab.farm(instances)
        self.file = lab.directory / "farm.env"
        for number in instances:
            del self.farm.variables[f"INSTANCE_{number}_URL"]

    def genconf(self):
        farm = self.farm
        command = genconf_command() + ["--env-file", self.file, "--check", "-o", farm.config_path]
        return run(command, {"LOG_LEVEL": "DEBUG"} | farm.variables)

    def write(self, instances):
        self.farm.instances = dict(instances)
        lines = [f"INSTANCE_{number}_URL={i.url}\n" for number, i in instances.items()]
        self.file.write_text("".join(lines))
        result = self.genconf()
        assert result.returncode == 0, result.stderr.decode()

    def start(self, instances):
        self.write(instances)
        self.farm.start_agent(["--env-file", self.file])
        self.farm.start_haproxy()
        self.farm.wait_for_agent()
        self.farm.wait_for_haproxy()

    def apply(self, instances):
        """As the README says: the file, haproxy.cfg, and both are told."""
        self.write(instances)
        begin = time.monotonic()
        reload_and_wait(self.farm)
        self.farm.agent.send_signal(signal.SIGHUP)
        wait_for(
            lambda: set(self.farm.health_of_all()) == set(instances), "the agent to know them all"
        )
        for number in instances:
            self.farm.wait_until_healthy(number)
        return begin, time.monotonic()


def test_instances_added_removed_and_moved_disturb_nobody(lab):
    one, two, three, elsewhere = separate_sims(lab, 4)
    changing = Changing(lab, {1: one, 2: two})
    farm = changing.farm
    changing.start({1: one, 2: two})
    wait_for_about(farm, {1: 0, 2: 0}, tolerance=0)
    held = farm.open_jobs(8)
    assert farm.in_flight() == {1: 4, 2: 4}
    with Stream(farm) as stream:
        stream.fault("configuration: instance added, removed, moved")
        changing.apply({1: one, 2: two, 3: three})
        wait_for_share(farm, stream, 3)
        _, removed = changing.apply({2: two, 3: three})
        stream.wait_for_new()
        # What it has it keeps, without anybody who polls it.
        assert one.state()["running"] == 4
        _, moved = changing.apply({2: elsewhere, 3: three})
        wait_for_share(farm, stream, 2)
        stream.wait_for_new()
        assert set(farm.health_of_all()) == {2, 3}
        one.release()
        two.release()
        for job in held:
            assert job.response().status == 200
        # For the accounts: everybody who ever was one of them.
        farm.instances = {1: one, 2: two, 3: three, 4: elsewhere}
        stream.account()
        lines = picks(farm)
    assert [t for t in stream.sent_between(removed) if t.instance == 1] == []
    after = stream.sent_between(moved)
    assert {t.instance for t in after} == {3, 4}
    assert {lines[t.mark]["pick"] for t in after} == {"instance2", "instance3"}
    assert all(lines[t.mark]["tried"] == "-" for t in stream.tasks)
    hosts = {record.host for record in elsewhere.requests()}
    assert hosts == {f"127.0.0.1:{elsewhere.port}"}
    assert "configuration reloaded: 2 instances" in farm.agent.err()


def test_a_bad_configuration_changes_nothing(lab):
    one, two = separate_sims(lab, 2)
    changing = Changing(lab, {1: one, 2: two})
    farm = changing.farm
    changing.start({1: one, 2: two})
    good = farm.config_path.read_bytes()
    with Stream(farm) as stream:
        stream.fault("configuration: a bad one")
        changing.file.write_text(f"INSTANCE_1_URL={one.url}\nINSTANCE_2_URL=ftp://{two.url}\n")
        result = changing.genconf()
        assert result.returncode == 2
        assert b"INSTANCE_2_URL" in result.stderr
        assert farm.config_path.read_bytes() == good
        farm.agent.send_signal(signal.SIGHUP)
        farm.agent.wait_for_err("the new configuration is bad: the old one stays in force")
        # And should somebody break the file by hand, the master keeps the worker that it has.
        before = farm.haproxy.children()
        farm.config_path.write_bytes(good[: len(good) // 2] + b"\n    what is this\n")
        farm.haproxy.send_signal(signal.SIGUSR2)
        farm.haproxy.wait_for_err(r"\[ALERT\] .*config")
        stream.wait_for_new()
        assert set(before) & set(farm.haproxy.children())
        farm.config_path.write_bytes(good)
        reload_and_wait(farm)
        stream.wait_for_new()
        stream.account()
    assert {t.instance for t in stream.tasks} == {1, 2}
