"""The options of --help are those of the documents, .env.example, agent.conf and the man pages."""

import os
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(ROOT, os.environ.get("LEASTJOBS_BUILD", "build")).resolve()
TIMEOUT_S = 60

# What stands for INSTANCE_N_URL: its own form in .env files, a list in the configuration file.
INSTANCES = "INSTANCE_N_URL"
INSTANCES_KEY = "instances"

# "NAME=VALUE" or "#NAME=VALUE"; "name = value;" or "#name = value;" (prose has a blank after #).
ENV_LINE = re.compile(r"^#?([A-Z][A-Z0-9_]*)=", re.MULTILINE)
CONF_LINE = re.compile(r"^#?([A-Za-z][A-Za-z0-9_]*) = ", re.MULTILINE)


def run(program, *arguments):
    return subprocess.run(
        [BUILD / program, *arguments],
        env={"PATH": os.environ["PATH"]},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=TIMEOUT_S,
        check=False,
    )


def options():
    text = run("leastjobs-genconf", "--help").stdout.decode()
    names = re.findall(r"^  ([A-Z][A-Z0-9_]+)(?:=.*)?$", text, re.MULTILINE)
    assert INSTANCES in names
    return names


def read(name):
    path = ROOT / name
    assert path.exists(), f"{name} isn't there"
    return path.read_text()


def names_word(text, word):
    return re.search(rf"(?<![A-Za-z0-9_]){re.escape(word)}(?![A-Za-z0-9_])", text) is not None


def env_names():
    """Variables of .env.example, INSTANCE_1_URL and its like as INSTANCE_N_URL."""
    found = ENV_LINE.findall(read(".env.example"))
    return [re.sub(r"^INSTANCE_[0-9]+_URL$", INSTANCES, name) for name in found]


def conf_names():
    """Keys of agent.conf, as the variables that they stand for."""
    found = CONF_LINE.findall(read("agent/agent.conf"))
    return [INSTANCES if key == INSTANCES_KEY else key.upper() for key in found]


def test_both_programs_have_the_same_options():
    agent = run("leastjobs-agent", "--help").stdout.decode()
    genconf = run("leastjobs-genconf", "--help").stdout.decode()
    start = "Variables ("
    assert start in agent
    assert agent.partition(start)[2] == genconf.partition(start)[2]


def test_the_document_of_the_configuration_names_every_option():
    text = read("docs/configuration.md")
    assert [name for name in options() if not names_word(text, name)] == []


def test_the_manual_names_every_option():
    pages = sorted((ROOT / "man").glob("*.5"))
    assert pages, "there is no man/*.5"
    text = "\n".join(page.read_text() for page in pages)
    keys = {name: INSTANCES_KEY if name == INSTANCES else name.lower() for name in options()}
    missing = [n for n, key in keys.items() if not names_word(text, n) and not names_word(text, key)]
    assert missing == []


def test_the_example_of_an_env_file_has_every_option_and_no_other():
    assert set(env_names()) == set(options())


def test_the_sample_configuration_file_has_every_option_and_no_other():
    keys = CONF_LINE.findall(read("agent/agent.conf"))
    assert [key for key in keys if key != key.lower()] == []
    assert set(conf_names()) == set(options())


def test_no_option_is_there_twice():
    for names in (env_names(), conf_names()):
        others = [name for name in names if name != INSTANCES]
        assert sorted(others) == sorted(set(others))


def uncommented(text, line_pattern, is_whole):
    """`text` with each option in force; one that goes on over lines is followed to its end."""
    result = []
    begun = None
    for line in text.splitlines():
        if begun is None and line_pattern.match(line):
            begun = ""
        if begun is None:
            result.append(line)
            continue
        line = line.removeprefix("#")
        result.append(line)
        begun += line
        if is_whole(begun):
            begun = None
    assert begun is None, f"no end to: {begun}"
    return "\n".join(result) + "\n"


def conf_is_whole(text):
    return text.rstrip().endswith(";") and text.count("(") == text.count(")")


@pytest.fixture
def ca_file(tmp_path):
    """A file for INSTANCE_CA_FILE, which must be readable; the examples name one that isn't here."""
    path = tmp_path / "ca.pem"
    path.write_text("")
    return path


def test_the_sample_configuration_file_is_good_with_every_option_in_force(tmp_path, ca_file):
    text = uncommented(read("agent/agent.conf"), CONF_LINE, conf_is_whole)
    text = re.sub(r"^(instance_ca_file) = .*$", rf'\1 = "{ca_file}";', text, flags=re.MULTILINE)
    path = tmp_path / "agent.conf"
    path.write_text(text)
    done = run("leastjobs-agent", "-t", "-c", path)
    assert done.returncode == 0, done.stdout.decode()
    assert b"warning" not in done.stdout


def test_the_example_of_an_env_file_is_good_with_every_option_in_force(tmp_path, ca_file):
    text = uncommented(read(".env.example"), ENV_LINE, lambda line: True)
    text = re.sub(r"^(INSTANCE_CA_FILE)=.*$", rf"\1={ca_file}", text, flags=re.MULTILINE)
    # The example leaves these to the user.
    text = re.sub(r"^(INSTANCE_([0-9]+)_URL)=$", r"\1=http://10.0.0.\2", text, flags=re.MULTILINE)
    path = tmp_path / ".env"
    path.write_text(text)
    done = run("leastjobs-agent", "-t", "--env-file", path)
    assert done.returncode == 0, done.stdout.decode()
    assert b"warning" not in done.stdout
