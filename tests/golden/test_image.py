"""The image is built from a part of the tree, which must have all that the programs are made of."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
TIMEOUT_S = 300
PROGRAMS = ("build/leastjobs", "build/leastjobs-agent", "build/leastjobs-genconf")
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
    for name in copied((ROOT / "haproxy/Dockerfile").read_text()):
        assert name in sent or name.partition("/")[0] in sent, name


def test_the_image_is_built_with_the_packages_that_a_build_needs():
    dockerfile = (ROOT / "haproxy/Dockerfile").read_text()
    group = re.search(r"build\) echo (.*?);;", (ROOT / "tools/install-packages").read_text(), re.DOTALL)
    needed = {name for name in group.group(1).split() if name.endswith("-dev")}
    assert {name for name in re.findall(r"\S+-dev\b", dockerfile)} == needed


def compose():
    return yaml.safe_load((ROOT / "docker-compose.yml").read_text())


def test_the_compose_file_is_one_that_old_versions_take_too():
    """docker-compose 1.29 refuses `name`, ports with `host_ip`, and variables in variables."""
    file = compose()
    assert set(file) == {"services", "volumes"}
    assert all(isinstance(port, str) for port in file["services"]["leastjobs"]["ports"])
    text = (ROOT / "docker-compose.yml").read_text()
    assert [name for name in re.findall(r"\$\{\w+(.*?)\}", text) if not name.startswith(":-")] == []


def test_what_the_compose_file_mounts_is_what_the_image_writes_to_and_reads():
    service = compose()["services"]["leastjobs"]
    dockerfile = (ROOT / "haproxy/Dockerfile").read_text()
    (written,) = re.findall(r"^VOLUME (\S+)$", dockerfile, re.MULTILINE)
    (folder,) = re.findall(r"^WORKDIR (/etc\S+)$", dockerfile, re.MULTILINE)
    assert service["volumes"] == [f".:{folder}:ro", f"state:{written}"]
    env_files = service["environment"]["LEASTJOBS_ENV_FILE"].split(":")
    assert env_files[0] == f"{folder}/.env"
    assert f"LEASTJOBS_ENV_FILE={env_files[0]}" in dockerfile
    assert (ROOT / Path(env_files[1]).relative_to(folder)).exists()


def test_every_service_has_bounds():
    for name, service in compose()["services"].items():
        assert service["read_only"] and service["cap_drop"] == ["ALL"], name
        assert "mem_limit" in service and "max-size" in service["logging"]["options"], name


def test_compose_asks_for_instances_that_the_example_has():
    """A .env without any is said by compose itself: see .env.example."""
    example = (ROOT / ".env.example").read_text()
    before, _, check = example.partition("COMPOSE_INSTANCES=")
    for name in re.findall(r"\$\{(\w+)-\}", check):
        assert re.search(rf"^#?{name}=", before, re.MULTILINE), name
    assert "${COMPOSE_INSTANCES:?" in check


def test_akash_has_one_container_that_needs_nothing_but_its_environment():
    """Akash's SDL, version 2.0: https://akash.network/docs/developers/deployment/akash-sdl/"""
    sdl = yaml.safe_load((ROOT / "deploy/akash.yaml").read_text())
    assert sdl["version"] == "2.0"
    ((name, service),) = sdl["services"].items()
    assert set(service) == {"image", "env", "expose"}
    assert any(each["as"] == 80 for each in service["expose"])
    for each in service["expose"]:
        assert each["port"] == 8080 and each["to"] == [{"global": True}]
    assert any(line.startswith("INSTANCE_1_URL=http") for line in service["env"])
    ((placement, each),) = sdl["deployment"][name].items()
    assert each["profile"] in sdl["profiles"]["compute"]
    assert each["profile"] in sdl["profiles"]["placement"][placement]["pricing"]
    assert set(sdl["profiles"]["compute"][each["profile"]]["resources"]) == {"cpu", "memory", "storage"}
