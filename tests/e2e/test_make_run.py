"""tools/run, which `make run` and `make demo` call: when it starts simulated instances."""

import os
import re
import signal
import subprocess
from pathlib import Path

import pytest

from processes import ROOT, Process, build_directory, environment

SIMULATED = "starting three simulated WhisperX instances"


class Runner:
    """tools/run in a folder of its own, with ports of its own."""

    def __init__(self, lab):
        self.folder = lab.directory
        self.config = None  # haproxy.cfg, when it has served
        ports = ("PORT", "AGENT_PORT", "STATUS_PORT", "ADMIN_PORT")
        self.variables = {name: lab.ports.take() for name in ports}
        self.variables |= {"LEASTJOBS_BUILD": build_directory(), "BIND_ADDRESS": "127.0.0.1"}

    def write_env(self, text):
        (self.folder / ".env").write_text(text)

    def command(self, *arguments):
        script = f"cd '{self.folder}' && exec '{ROOT}/tools/run' \"$@\""
        return ["bash", "-c", script, "run", *arguments]

    def refuse(self, *arguments):
        """Runs it, and returns what it says before it ends with genconf's status."""
        done = subprocess.run(
            self.command(*arguments),
            env=environment(self.variables),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=60,
            check=False,
            text=True,
        )
        assert done.returncode == 2, done.stdout
        return done.stdout

    def serve(self, *arguments):
        """Runs it until it serves, ends it as Ctrl-C does, and returns what it has said."""
        process = Process("run", self.command(*arguments), self.folder, self.variables)
        try:
            process.wait_for_out(r"serving on http.*configuration: (\S+)\)")
            self.config = Path(re.search(r"configuration: (\S+)\)", process.out())[1]).read_text()
        finally:
            if process.is_running():
                os.kill(process.pid, signal.SIGTERM)
                process.wait(30)
        assert process.popen.returncode == 0
        return process.out()


@pytest.fixture
def runner(lab):
    return Runner(lab)


def test_without_an_env_file_and_an_instance_it_simulates_three(runner):
    assert SIMULATED in runner.serve()


def test_an_env_file_without_an_instance_is_refused(runner):
    runner.write_env("# INSTANCE_1_URL=http://127.0.0.1:9\nLOG_LEVEL=INFO\nINSTANCE_2_URL=\n")
    said = runner.refuse()
    assert "At least one instance endpoint must be configured: set INSTANCE_1_URL" in said
    assert "make demo" in said
    assert SIMULATED not in said


def test_an_env_file_with_a_misspelt_instance_is_refused(runner):
    runner.write_env("INSTANCES_1_URL=http://127.0.0.1:9\n")
    said = runner.refuse()
    assert "did you mean INSTANCE_1_URL?" in said
    assert SIMULATED not in said and "make demo" not in said


@pytest.mark.parametrize("name", ["INSTANCES_1_URL", "INSTANCE_URL", "INSTANCE_0_URL"])
def test_a_misspelt_instance_in_the_environment_is_refused(runner, name):
    runner.variables[name] = "http://127.0.0.1:9"
    said = runner.refuse()
    assert f"{name} (environment)" in said
    assert SIMULATED not in said


def test_an_empty_instance_in_the_environment_is_none(runner):
    runner.variables["INSTANCE_1_URL"] = ""
    assert SIMULATED in runner.serve()


@pytest.mark.parametrize("kind", ["folder", "dangling link"])
def test_an_env_file_that_cannot_be_read_is_refused(runner, kind):
    if kind == "folder":
        (runner.folder / ".env").mkdir()
    else:
        (runner.folder / ".env").symlink_to("nowhere")
    said = runner.refuse()
    assert ".env: can't be read" in said
    assert SIMULATED not in said and "make demo" not in said


def test_a_broken_env_file_gets_no_hint_at_the_demo(runner):
    runner.write_env("INSTANCE_1_URL='http://127.0.0.1:9\n")
    said = runner.refuse()
    assert "the closing quote is missing" in said
    assert "make demo" not in said


SOCKETS = {
    "HAPROXY_SOCKET = {}": True,
    "export HAPROXY_SOCKET='{}'": True,
    "MY_HAPROXY_SOCKET={}": False,
    'HAPROXY_SOCKET=""': False,
    "X='\nHAPROXY_SOCKET={}\n'": False,
}


@pytest.mark.parametrize("line", SOCKETS)
def test_the_socket_is_the_one_of_the_env_file_as_the_parser_reads_it(lab, runner, line):
    socket = f"{lab.short_directory}/own.sock"
    runner.write_env(f"INSTANCE_1_URL=http://127.0.0.1:9\n{line.format(socket)}\n")
    said = runner.serve()
    assert SIMULATED not in said
    assert (f"{socket}" in runner.config) == SOCKETS[line]


@pytest.mark.parametrize("where", ["environment", "env file", "both"])
def test_instances_that_are_configured_are_the_ones_it_serves(runner, where):
    if where != "environment":
        runner.write_env("INSTANCE_1_URL=http://127.0.0.1:9\n" if where == "env file" else "X=1\n")
    if where != "env file":
        runner.variables["INSTANCE_1_URL"] = "http://127.0.0.1:9"
    said = runner.serve()
    assert SIMULATED not in said


def test_a_demo_simulates_whatever_is_configured(runner):
    runner.write_env("INSTANCE_1_URL=ftp://bad\nINSTANCE_9_URL=http://127.0.0.1:9\nPORT=bad\n")
    runner.variables["INSTANCE_7_URL"] = "http://127.0.0.1:9"
    said = runner.serve("--demo")
    assert SIMULATED in said
