"""leastjobs check and reload: what is wrong with the configuration, and putting it in force."""

import os
import signal

import pytest

from commands import leastjobs
from processes import Process, build_directory
from waiting import wait_for


class Here:
    """A folder with a .env, as an operator has it; the commands are typed there."""

    def __init__(self, lab, monkeypatch):
        self.lab = lab
        self.folder = lab.directory / "here"
        self.folder.mkdir()
        self.socket = lab.short_directory / "haproxy.sock"
        self.variables = {}
        self.settings = {"HAPROXY_SOCKET": self.socket, "BIND_ADDRESS": "127.0.0.1"}
        for name in ("PORT", "ADMIN_PORT", "AGENT_PORT", "STATUS_PORT"):
            self.settings[name] = lab.ports.take()
        monkeypatch.chdir(self.folder)

    def write(self, instances, **more):
        urls = {f"INSTANCE_{n + 1}_URL": i.url for n, i in enumerate(instances)}
        lines = [f"{name}={value}\n" for name, value in (self.settings | urls | more).items()]
        (self.folder / ".env").write_text("".join(lines))

    def files(self):
        return {p: p.read_bytes() for p in self.folder.parent.rglob("*") if p.is_file()} | {
            p: None for p in self.lab.short_directory.rglob("*")
        }


@pytest.fixture
def here(lab, monkeypatch):
    return Here(lab, monkeypatch)


def test_a_good_configuration_is_said_to_be_good_once_and_nothing_is_written(here, lab):
    sim = lab.sim(2)
    here.write(sim.instances)
    before = here.files()
    done = leastjobs(here, "check")
    assert (done.returncode, done.stdout, done.stderr) == (0, "configuration OK: 2 instances\n", "")
    # Before the first start the socket's folder may not be there.
    here.write(sim.instances, HAPROXY_SOCKET=lab.short_directory / "later" / "h.sock")
    done = leastjobs(here, "check")
    assert (done.returncode, done.stdout, done.stderr) == (0, "configuration OK: 2 instances\n", "")
    here.write(sim.instances)
    assert here.files() == before


def test_what_is_wrong_is_said_once(here, lab):
    here.write(lab.sim(1).instances, PORT="x", HEALTH_CHECK_INTERVAL="soon")
    done = leastjobs(here, "check")
    assert (done.returncode, done.stdout) == (2, "")
    for name in ("PORT", "HEALTH_CHECK_INTERVAL"):
        assert done.stderr.count(f'{name}="') == 1
    os.unlink(here.folder / ".env")
    done = leastjobs(here, "check")
    assert done.returncode == 2 and done.stderr.count("INSTANCE_1_URL") == 1


def test_a_warning_is_said_once_and_what_only_the_agent_reads_is_read(here, lab, tmp_path):
    sim = lab.sim(1)
    headers = tmp_path / "headers"
    headers.write_text("no field\n")
    headers.chmod(0o600)
    here.write(sim.instances, HEALTH_HEADERS_FILE=headers)
    done = leastjobs(here, "check")
    assert (done.returncode, done.stdout) == (2, "")
    assert "HEALTH_HEADERS_FILE" in done.stderr
    key = tmp_path / "keys"
    key.write_text("secret-secret-secret\n")
    key.chmod(0o644)
    here.write(sim.instances, API_KEYS_FILE=key)
    done = leastjobs(here, "check")
    assert done.returncode == 0 and done.stdout == "configuration OK: 1 instances\n"
    assert done.stderr.count("warning: ") == done.stderr.count("API_KEYS_FILE") == 1


def test_what_haproxy_refuses_is_said_with_its_line(here, lab, tmp_path):
    certificate = tmp_path / "certificate"
    certificate.write_text("none\n")
    certificate.chmod(0o600)
    here.write(lab.sim(1).instances, TLS_CERT_FILE=certificate)
    done = leastjobs(here, "check")
    assert (done.returncode, done.stdout) == (1, "")
    assert "unable to load certificate" in done.stderr and "crt " in done.stderr


def start_run(here, lab):
    process = lab.start(
        Process(
            "run",
            [build_directory() / "leastjobs", "run", "--env-file", ".env"],
            lab.directory,
        )
    )
    process.wait_for_out("serving on")
    return process


def count_of(here):
    return leastjobs(here, "status").stdout.splitlines()[0].partition(" instance")[0]


def test_a_reload_returns_when_the_configuration_is_in_force(here, lab):
    sim = lab.sim(3)
    here.write(sim.instances[:2])
    process = start_run(here, lab)
    assert count_of(here) == "2 of 2"
    # Only a signal has this one read at this moment: a change by itself would take longer.
    here.write(sim.instances)
    done = leastjobs(here, "reload")
    assert (done.returncode, done.stdout, done.stderr) == (0, "the configuration is in force\n", "")
    assert count_of(here) == "3 of 3"
    here.write(sim.instances, PORT="x")
    done = leastjobs(here, "reload")
    assert (done.returncode, done.stdout) == (2, "")
    assert "the new configuration is bad: the old one stays in force" in done.stderr
    assert done.stderr.count('PORT="x"') == 1
    assert count_of(here) == "3 of 3"
    here.write(sim.instances[:1])
    assert leastjobs(here, "reload").returncode == 0
    assert count_of(here) == "1 of 1"
    process.send_signal(signal.SIGTERM)
    assert process.wait() == 0
    done = leastjobs(here, "reload")
    assert done.returncode == 1 and "no 'leastjobs run' has HAPROXY_SOCKET=" in done.stderr
    assert "systemctl reload leastjobs-agent leastjobs-haproxy" in done.stderr


def test_without_leastjobs_run_a_reload_says_who_is_to_be_told(lab):
    farm = lab.start_farm(1)
    done = leastjobs(farm, "reload")
    assert (done.returncode, done.stdout) == (1, "")
    assert "systemctl reload leastjobs-agent leastjobs-haproxy" in done.stderr
    wait_for(lambda: farm.run_job().status == 200, "HAProxy to be untouched")
