"""leastjobs-agent: its options, and where its configuration comes from."""

import socket
import subprocess

import pytest

from processes import agent_command, environment, genconf_command, run

ONE = {"INSTANCE_1_URL": "http://127.0.0.1:8000"}


def test_t_checks_the_configuration_and_exits_with_0():
    result = run(agent_command() + ["-t"], ONE)
    assert result.returncode == 0, result.stderr.decode()


def test_t_neither_needs_nor_takes_the_ports(lab):
    farm = lab.farm({1: "http://127.0.0.1:8000"})
    with socket.create_server(("127.0.0.1", farm.agent_port)):
        with socket.create_server(("127.0.0.1", farm.status_port)):
            result = run(agent_command() + ["-t"], farm.variables)
    assert result.returncode == 0, result.stderr.decode()


def test_t_reads_the_files(tmp_path):
    conf, env = tmp_path / "agent.conf", tmp_path / "agent.env"
    conf.write_text('instances = ( { number = 1; url = "http://10.0.0.1"; } );\n')
    env.write_text("PORT=99999\n")
    assert run(agent_command() + ["-t"]).returncode == 2
    assert run(agent_command() + ["-t", "-c", conf]).returncode == 0
    assert run(agent_command() + ["-t", "-c", conf, "--env-file", env]).returncode == 2


def test_help_names_the_options_and_the_variables():
    result = run(agent_command() + ["--help"])
    assert result.returncode == 0
    for word in ("-c", "-t", "--env-file", "--help", "--version", "INSTANCE_N_URL", "STATUS_PORT"):
        assert word in result.stdout.decode()


@pytest.mark.parametrize("argument", ["--help", "--version", "-t"])
@pytest.mark.parametrize("program", [agent_command, genconf_command])
def test_an_answer_that_cannot_be_written_is_a_failure(program, argument):
    if program is genconf_command and argument == "-t":
        argument = "--print-template"
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            program() + [argument],
            env=environment(ONE),
            stdout=full,
            stderr=subprocess.PIPE,
            timeout=20,
            check=False,
        )
    assert done.returncode == 1, done.stderr
    assert b"can't be written: No space left on device" in done.stderr


def test_version_is_one_line():
    result = run(agent_command() + ["--version"])
    assert result.returncode == 0
    assert result.stdout.decode().startswith("leastjobs-agent ")
    assert result.stdout.count(b"\n") == 1


def test_the_environment_has_precedence_over_the_env_file_and_that_over_libconfig(lab):
    farm = lab.farm(3, HEALTH_CHECK_INTERVAL="")
    conf, env = lab.directory / "agent.conf", lab.directory / "agent.env"
    urls = {n: farm.variables.pop(f"INSTANCE_{n}_URL") for n in farm.instances}
    conf.write_text(
        f'health_check_interval = 1;\ninstances = ( {{ number = 1; url = "{urls[1]}"; }},\n'
        f'  {{ number = 2; url = "http://127.0.0.1:9"; }} );\n'
    )
    env.write_text(f"INSTANCE_2_URL={urls[2]}\nINSTANCE_3_URL=http://127.0.0.1:10\n")
    farm.variables["INSTANCE_3_URL"] = urls[3]
    farm.start_agent(["-c", conf, "--env-file", env])
    farm.wait_for_agent()
    farm.wait_for_polls(1)
    assert set(farm.health_of_all()) == {1, 2, 3}
    assert farm.health()["total_instances"] == 3
