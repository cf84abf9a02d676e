"""The image is built from a part of the tree, which must have all that the programs are made of."""

import os
import re
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TIMEOUT_S = 300
PROGRAMS = ("build/leastjobs-agent", "build/leastjobs-genconf")
# The stages that take from the tree, not from an earlier stage.
COPY = re.compile(r"^COPY (?!--from)(?:--\S+ )*(.+) \S+$", re.MULTILINE)


def copied(dockerfile):
    return {name for names in COPY.findall(dockerfile) for name in names.split()}


def sent_to_docker():
    """What .dockerignore lets through: it shuts out everything but names with a "!"."""
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    assert rules[0] == "*"
    return {rule.removeprefix("!") for rule in rules[1:]}


def test_the_image_has_what_the_programs_are_made_of(tmp_path):
    dockerfile = (ROOT / "haproxy/Dockerfile").read_text()
    build_stage = dockerfile.partition("AS build\n")[2].partition("\nFROM ")[0]
    names = copied(build_stage)
    assert "Makefile" in names
    for name in names:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, tmp_path / name)
    kept = {name: os.environ[name] for name in ("PATH", "CC") if name in os.environ}
    (command,) = re.findall(r"^RUN (make .*)$", build_stage, re.MULTILINE)
    done = subprocess.run(
        ["sh", "-c", command.replace("-O2", "-O0")],
        cwd=tmp_path,
        env=kept,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=TIMEOUT_S,
        check=False,
        text=True,
    )
    assert done.returncode == 0, done.stdout
    for program in PROGRAMS:
        assert f"/src/{program}" in dockerfile
        subprocess.run([tmp_path / program, "--version"], check=True, timeout=TIMEOUT_S)


def test_docker_is_sent_what_it_copies():
    sent = sent_to_docker()
    names = copied((ROOT / "haproxy/Dockerfile").read_text())
    assert {name.partition("/")[0] for name in names} <= sent
