"""tools/run, which `make run` and `make demo` call: when it starts simulated instances."""

import os
import signal
import subprocess

import pytest

from processes import ROOT, Process, build_directory, environment

SIMULATED = "starting three simulated WhisperX instances"


class Runner:
    """tools/run in a folder of its own, with ports of its own."""

    def __init__(self, lab):
        self.folder = lab.directory
        self.process = None
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
            process.wait_for_out("serving on http")
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
